import { expect, test } from 'vitest';
import type { ReplicationTasks } from '../../activities/dms/port.ts';
import { startedSince } from '../../lake/dms-start.ts';
import type { DmsTask } from '../../lake/dms.ts';
import { until } from '../support/eventually.ts';

export type MadeType = 'full-load' | 'full-load-and-cdc';

export interface OpenedReplicationTasks {
  readonly tasks: ReplicationTasks;
  /** A task that is ready and never ran, of the tables `public.customers` and `public.bookings`. */
  make(type: MadeType): Promise<{ readonly id: string; readonly arn: string }>;
  /** Let the load of a running task come to its end, where it does not by itself. */
  load(id: string): void;
}

const { signal } = new AbortController();

/** What running tasks relies on, whatever serves it. */
export function keepsTheReplicationTasksContract(open: () => Promise<OpenedReplicationTasks>): void {
  const seen = async ({ tasks }: OpenedReplicationTasks, arn: string): Promise<DmsTask> => {
    const [task] = await tasks.describe({ by: 'arn', names: [arn] }, signal);
    if (!task) throw new Error(`no task ${arn}`);
    return task;
  };
  const becomes = (opened: OpenedReplicationTasks, arn: string, status: string) =>
    until(
      () => seen(opened, arn),
      (task) => task.status === status,
    );
  const loaded = (opened: OpenedReplicationTasks, arn: string) =>
    until(
      async () => (await opened.tasks.tables(arn, undefined, signal)).tables,
      (tables) => tables.length === 2 && tables.every(({ state }) => state === 'Table completed'),
    );

  test('tasks are found by identifier and by ARN, and what is not there is left out', async () => {
    const opened = await open();
    const { id, arn } = await opened.make('full-load');
    const other = await opened.make('full-load');
    const byId = await opened.tasks.describe({ by: 'id', names: [id, 'nowhere', other.id] }, signal);
    expect(byId.map((task) => task.arn).sort()).toEqual([arn, other.arn].sort());
    expect(await seen(opened, arn)).toMatchObject({
      identifier: id,
      migrationType: 'full-load',
      status: 'ready',
      startedAt: null,
      stopReason: null,
    });
    expect(await opened.tasks.describe({ by: 'id', names: ['nowhere'] }, signal)).toEqual([]);
  });

  test('a task that starts or runs is not started again', async () => {
    const opened = await open();
    const { id, arn } = await opened.make('full-load-and-cdc');
    const before = await seen(opened, arn);
    const start = { arn, type: 'start-replication' } as const;
    expect(await opened.tasks.start(start, signal)).toBe('accepted');
    expect(await opened.tasks.start(start, signal)).toBe('wrongState');
    const running = await becomes(opened, arn, 'running');
    expect(await opened.tasks.start({ arn, type: 'resume-processing' }, signal)).toBe('wrongState');
    expect(startedSince(before, running)).toBe(true);
    opened.load(id);
    await loaded(opened, arn);
  });

  test('a full load ends by itself, and its tables say that it is complete', async () => {
    const opened = await open();
    const { id, arn } = await opened.make('full-load');
    await opened.tasks.start({ arn, type: 'start-replication' }, signal);
    await until(
      () => seen(opened, arn),
      ({ status }) => status === 'running' || status === 'stopped',
    );
    opened.load(id);
    const ended = await becomes(opened, arn, 'stopped');
    expect(ended).toMatchObject({
      stopReason: 'Stop Reason FULL_LOAD_ONLY_FINISHED',
      tablesErrored: 0,
      progressPercent: 100,
    });
    const tables = await loaded(opened, arn);
    expect(tables.map(({ schema, table }) => `${schema}.${table}`).sort()).toEqual([
      'public.bookings',
      'public.customers',
    ]);
    expect(await opened.tasks.start({ arn, type: 'start-replication' }, signal)).toBe('wrongState');
    expect(await opened.tasks.start({ arn, type: 'reload-target' }, signal)).toBe('accepted');
    const again = await until(
      () => seen(opened, arn),
      (task) => startedSince(ended, task),
    );
    expect(again.startedAt).not.toBe(ended.startedAt);
  });

  test('a task is stopped once it runs, and goes on where it stopped', async () => {
    const opened = await open();
    const { arn } = await opened.make('full-load-and-cdc');
    expect(await opened.tasks.stop(arn, signal)).toBe('wrongState');
    await opened.tasks.start({ arn, type: 'start-replication' }, signal);
    await becomes(opened, arn, 'running');
    expect(await opened.tasks.stop(arn, signal)).toBe('accepted');
    const stopped = await becomes(opened, arn, 'stopped');
    expect(stopped.stoppedAt).not.toBeNull();
    expect(await opened.tasks.stop(arn, signal)).toBe('wrongState');
    expect(await opened.tasks.start({ arn, type: 'resume-processing' }, signal)).toBe('accepted');
    const running = await becomes(opened, arn, 'running');
    expect(startedSince(stopped, running)).toBe(true);
  });

  test('tables are reloaded while their task runs, and not when it stands', async () => {
    const opened = await open();
    const { id, arn } = await opened.make('full-load-and-cdc');
    const customers = [{ schema: 'public', table: 'customers' }];
    await opened.tasks.start({ arn, type: 'start-replication' }, signal);
    await becomes(opened, arn, 'running');
    opened.load(id);
    await loaded(opened, arn);
    expect(await opened.tasks.reload(arn, customers, signal)).toBe('accepted');
    opened.load(id);
    await loaded(opened, arn);
    await opened.tasks.stop(arn, signal);
    await becomes(opened, arn, 'stopped');
    expect(await opened.tasks.reload(arn, customers, signal)).toBe('wrongState');
  });

  test('what is asked of a task that is not there is missing', async () => {
    const { tasks } = await open();
    const arn = 'arn:aws:dms:eu-west-1:123456789012:task:NOWHERE';
    const missing = { type: 'DmsTaskMissing' };
    await expect(tasks.start({ arn, type: 'start-replication' }, signal)).rejects.toMatchObject(missing);
    await expect(tasks.stop(arn, signal)).rejects.toMatchObject(missing);
    await expect(tasks.tables(arn, undefined, signal)).rejects.toMatchObject(missing);
  });
}
