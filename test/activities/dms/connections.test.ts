import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { expect, test } from 'vitest';
import { createConnectionActivities } from '../../../activities/dms/connections.ts';
import { MemoryConnections } from '../../fakes/memory-connections.ts';

/** Connections in memory, and the real activity over them. Time passes only when somebody waits. */
function lab() {
  const connections = new MemoryConnections();
  connections.create('shop');
  let ms = 0;
  const wait = async (forMs: number, signal: AbortSignal) => {
    signal.throwIfAborted();
    ms += forMs;
  };
  const { testConnections } = createConnectionActivities({
    connections,
    clock: { now: () => ms },
    pacing: { wait },
  });
  const run = (fresh: boolean, task = 'shop') => {
    const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
    return environment.run<[{ task: string; fresh: boolean }], unknown, typeof testConnections>(
      testConnections,
      { task, fresh },
    );
  };
  return { connections, run };
}

const BOTH = { endpoints: ['shop-source', 'shop-target'] };

test('both ends are tested once, and a success is trusted until somebody asks anew', async () => {
  const { connections, run } = lab();
  expect(await run(false)).toEqual(BOTH);
  expect(await run(false)).toEqual(BOTH);
  expect(connections.tests).toEqual(['shop-source', 'shop-target']);
  expect(await run(true)).toEqual(BOTH);
  expect(connections.tests).toHaveLength(4);
});

test('an old success is not trusted where it is asked anew', async () => {
  const { connections, run } = lab();
  await run(false);
  connections.break('shop-source', 'password authentication failed');
  expect(await run(false)).toEqual(BOTH);
  await expect(run(true)).rejects.toMatchObject({
    type: 'ConnectionFailed',
    nonRetryable: true,
    message: 'shop-source of shop is failed: password authentication failed',
  });
});

test('an old failure is tested again, and both ends that fail are named', async () => {
  const { connections, run } = lab();
  connections.break('shop-source', 'no route to host');
  connections.break('shop-target', 'no such bucket');
  await expect(run(false)).rejects.toMatchObject({
    message: 'shop-source of shop is failed: no route to host; shop-target of shop is failed: no such bucket',
  });
  connections.break('shop-source', null);
  connections.break('shop-target', null);
  expect(await run(false)).toEqual(BOTH);
});

test('a test that is under way is waited for', async () => {
  const { connections, run } = lab();
  for (const end of await connections.ofTask('shop')) await connections.test(end);
  expect(await run(true)).toEqual(BOTH);
  expect(connections.tests).toHaveLength(2);
});

test('an instance that can test nothing is told in its own words', async () => {
  const { connections, run } = lab();
  connections.refuse('the instance is storage-full');
  await expect(run(false)).rejects.toMatchObject({
    type: 'ConnectionFailed',
    message: 'shop-source of shop cannot be tested: the instance is storage-full',
  });
});

test('a task that is not there is missing', async () => {
  const { run } = lab();
  await expect(run(false, 'nowhere')).rejects.toMatchObject({ type: 'DmsTaskMissing' });
});
