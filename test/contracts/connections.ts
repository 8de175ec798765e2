import { expect, test } from 'vitest';
import type { Connection, Connections } from '../../activities/dms/port.ts';
import { until } from '../support/eventually.ts';

export interface OpenedConnections {
  readonly connections: Connections;
  /** A task whose source cannot be reached, where `why` is part of what DMS says of it. */
  readonly make: (broken?: { readonly why: string }) => Promise<{ readonly task: string }>;
}

const { signal } = new AbortController();

/** What testing connections relies on, whatever serves it. */
export function keepsTheConnectionsContract(open: () => Promise<OpenedConnections>): void {
  const ended = (connections: Connections, end: Connection) =>
    until(
      () => connections.describe(end, signal),
      (seen) => seen?.status !== 'testing',
    );

  test('the connections of a task are to its source and to its target, and nobody has tested them yet', async () => {
    const { connections, make } = await open();
    const { task } = await make();
    const ends = await connections.ofTask(task, signal);
    expect(new Set(ends.map(({ endpointArn }) => endpointArn)).size).toBe(2);
    for (const end of ends) expect(await connections.describe(end, signal)).toBeUndefined();
  });

  test('a test is under way at once, and ends', async () => {
    const { connections, make } = await open();
    const { task } = await make();
    for (const end of await connections.ofTask(task, signal)) {
      expect(await connections.test(end, signal)).toBe('accepted');
      expect(await ended(connections, end)).toMatchObject({ status: 'successful', lastFailure: null });
    }
  });

  test('what cannot be reached fails, and says why; the other end is not touched', async () => {
    const { connections, make } = await open();
    const { task } = await make({ why: 'no_such_database' });
    const [source, target] = await connections.ofTask(task, signal);
    if (!source || !target) throw new Error('a task has two ends');
    await connections.test(source, signal);
    expect(await ended(connections, source)).toMatchObject({
      status: 'failed',
      lastFailure: expect.stringContaining('no_such_database'),
    });
    expect(await connections.describe(target, signal)).toBeUndefined();
  });

  test('a task that is not there has no connections', async () => {
    const { connections } = await open();
    await expect(connections.ofTask('nowhere', signal)).rejects.toMatchObject({ type: 'DmsTaskMissing' });
  });
}
