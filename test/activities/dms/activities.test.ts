import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { expect, test } from 'vitest';
import { createDmsActivities } from '../../../activities/dms/activities.ts';
import type { DmsPacing } from '../../../activities/dms/pacing.ts';
import { markOf } from '../../../lake/dms-start.ts';
import { knownOf } from '../../../lake/dms.ts';
import { MemoryDms, type MigrationType } from '../../fakes/memory-dms.ts';
import { Gate } from '../../support/gate.ts';

const quiet = (info: { readonly attempt?: number } = {}) =>
  new MockActivityEnvironment(info, { logger: new DefaultLogger('ERROR') });

/** Tasks in memory, and the real activities over them. Time passes only when somebody waits. */
function dmsLab(pacing: Partial<DmsPacing> = {}) {
  const dms = new MemoryDms();
  let ms = 0;
  const wait = async (forMs: number, signal: AbortSignal) => {
    await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
    ms += forMs;
  };
  const clock = { now: () => ms };
  const activities = createDmsActivities({
    tasks: dms,
    clock,
    pacing: { gapMs: 0, changeGapMs: 0, wait, ...pacing },
  });
  const run = <Input, Result>(
    activity: (input: Input) => Promise<Result>,
    input: Input,
    environment = quiet(),
  ) => environment.run<[Input], Result, typeof activity>(activity, input);
  const describe = (task: string) => run(activities.describeDmsTask, { task });
  const start = async (arn: string) => {
    const before = markOf(await describe(arn));
    return (environment?: MockActivityEnvironment) =>
      run(activities.startDmsTask, { arn, type: 'start-replication', before } as const, environment);
  };
  const running = async (identifier: string, type: MigrationType = 'full-load-and-cdc') => {
    const arn = dms.create(identifier, type);
    await (
      await start(arn)
    )();
    await describe(arn);
    return arn;
  };
  return { dms, activities, clock, run, describe, start, running };
}

test('a task is found by its identifier and by its ARN', async () => {
  const { dms, describe } = dmsLab();
  const arn = dms.create('shop', 'cdc');
  expect(await describe('shop')).toMatchObject({
    identifier: 'shop',
    arn,
    status: 'ready',
    tables: { total: 2 },
  });
  expect(await describe(arn)).toMatchObject({ identifier: 'shop', arn });
});

test('a task that is not there is missing', async () => {
  const { describe } = dmsLab();
  await expect(describe('shop')).rejects.toMatchObject({
    type: 'DmsTaskMissing',
    message: 'DMS has no replication task shop',
  });
});

test('a start whose answer is lost is not sent again', async () => {
  const { dms, start } = dmsLab();
  const arn = dms.create('shop', 'cdc');
  const attempt = await start(arn);
  dms.fail('start', 'Unreachable', true);
  await expect(attempt()).rejects.toMatchObject({ type: 'Unreachable', nonRetryable: false });
  expect(await attempt()).toEqual({ outcome: 'adopted' });
  expect(dms.starts('shop')).toEqual(['start-replication']);
});

test('a load so small that it had ended when its answer was lost is not done again', async () => {
  const { dms, start } = dmsLab();
  const arn = dms.create('shop', 'full-load', ['public.customers'], true);
  const attempt = await start(arn);
  dms.fail('start', 'Unreachable', true);
  await expect(attempt()).rejects.toMatchObject({ type: 'Unreachable' });
  expect(dms.status('shop')).toBe('stopped');
  expect(await attempt()).toEqual({ outcome: 'adopted' });
  expect(dms.starts('shop')).toEqual(['start-replication']);
});

test('a start that never arrived is sent again', async () => {
  const { dms, start } = dmsLab();
  const attempt = await start(dms.create('shop', 'cdc'));
  dms.fail('start', 'Unreachable', false);
  await expect(attempt()).rejects.toMatchObject({ type: 'Unreachable' });
  expect(await attempt()).toEqual({ outcome: 'started' });
  expect(dms.starts('shop')).toEqual(['start-replication']);
});

test('a describe that is late does not start a task twice: DMS refuses', async () => {
  const { dms, start } = dmsLab();
  const attempt = await start(dms.create('shop', 'cdc'));
  dms.late('shop', 1);
  dms.fail('start', 'Unreachable', true);
  await expect(attempt()).rejects.toMatchObject({ type: 'Unreachable' });
  dms.late('shop', 0);
  expect(await attempt()).toEqual({ outcome: 'adopted' });
  expect(dms.starts('shop')).toEqual(['start-replication']);
});

test('a late describe after a lost answer leads to a refusal, and the refusal to another look', async () => {
  const { dms, start } = dmsLab();
  const attempt = await start(dms.create('shop', 'cdc'));
  dms.late('shop', 3);
  dms.fail('start', 'Unreachable', true);
  await expect(attempt()).rejects.toMatchObject({ type: 'Unreachable' });
  expect(await attempt()).toEqual({ outcome: 'notNow' });
  expect(await attempt()).toEqual({ outcome: 'adopted' });
  expect(dms.starts('shop')).toEqual(['start-replication']);
});

test('of two starts at once one is carried out', async () => {
  const { dms, start } = dmsLab();
  const attempt = await start(dms.create('shop', 'cdc'));
  const outcomes = await Promise.all([attempt(), attempt()]);
  expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['adopted', 'started']);
  expect(dms.starts('shop')).toEqual(['start-replication']);
});

test('a watch ends when its task is different, and tells the tables with it', async () => {
  const { dms, activities, run, running, describe } = dmsLab();
  const arn = await running('shop');
  const known = knownOf(await describe(arn));
  const watched = run(activities.watchDmsTask, { task: arn, known });
  dms.setTable('shop', 'public.bookings', 'Table error');
  expect(await watched).toMatchObject({
    tablesErrored: 1,
    tables: { troubled: 1, leftOver: [{ table: 'bookings', state: 'Table error' }, { table: 'customers' }] },
  });
});

test('a watch without news ends by itself in less than ten minutes', async () => {
  const { activities, clock, run, running, describe } = dmsLab();
  const arn = await running('shop');
  const known = knownOf(await describe(arn));
  const beats: number[] = [];
  const environment = quiet();
  environment.on('heartbeat', () => beats.push(clock.now()));
  await run(activities.watchDmsTask, { task: arn, known }, environment);
  expect(clock.now()).toBe(540_000);
  expect(beats.length).toBeGreaterThan(50);
});

test('watches of many tasks share their describes', async () => {
  const gate = new Gate();
  let isHeld = false;
  const { dms, activities, run } = dmsLab({
    wait: async () => (isHeld ? gate.pass() : undefined),
  });
  const arns = Array.from({ length: 250 }, (_, n) => dms.create(`task-${n}`, 'cdc'));
  isHeld = true;
  const first = run(activities.describeDmsTask, { task: arns[0] ?? '' });
  const rest = arns.slice(1).map((task) => run(activities.describeDmsTask, { task }));
  isHeld = false;
  gate.open();
  expect(await Promise.all([first, ...rest])).toHaveLength(250);
  expect(dms.describes.reduce((sum, named) => sum + named, 0)).toBe(250);
  expect(dms.describes.length).toBeLessThanOrEqual(4);
  expect(Math.max(...dms.describes)).toBe(100);
});

test('what fails for many fails for each by its own attempt', async () => {
  const { dms, activities, run } = dmsLab();
  dms.create('shop', 'cdc');
  dms.fail('describe', 'AccessDenied');
  const attempts = [1, 4].map((attempt) =>
    run(activities.describeDmsTask, { task: 'shop' }, quiet({ attempt })),
  );
  const [few, last] = await Promise.allSettled(attempts);
  expect(dms.describes).toEqual([1]);
  expect(few).toMatchObject({ reason: { type: 'AccessDenied', nonRetryable: false } });
  expect(last).toMatchObject({ reason: { type: 'AccessDenied', nonRetryable: true } });
});

test('a watch that is cut short rejects with the reason, and its neighbours go on', async () => {
  const { dms, activities, run, running, describe } = dmsLab();
  const arn = await running('shop');
  const known = knownOf(await describe(arn));
  const environment = quiet();
  const cut = run(activities.watchDmsTask, { task: arn, known }, environment);
  const neighbour = run(activities.watchDmsTask, { task: arn, known });
  environment.cancel('PAUSED');
  await expect(cut).rejects.toMatchObject({ name: 'CancelledFailure', message: 'PAUSED' });
  dms.becomes('shop', { status: 'failed' });
  expect(await neighbour).toMatchObject({ status: 'failed' });
});

test('a stop waits until the task stands', async () => {
  const { dms, activities, run, running } = dmsLab();
  const arn = await running('shop');
  expect(await run(activities.stopDmsTask, { arn })).toEqual({
    stands: true,
    status: 'stopped',
    checkpoint: 'checkpoint:V1#27',
  });
  expect(dms.status('shop')).toBe('stopped');
});

test('a task that starts is stopped as soon as it runs', async () => {
  const { dms, activities, run, start } = dmsLab();
  const arn = dms.create('shop', 'cdc');
  await (
    await start(arn)
  )();
  expect(dms.status('shop')).toBe('starting');
  expect(await run(activities.stopDmsTask, { arn })).toMatchObject({ stands: true, status: 'stopped' });
});

test.each(['ready', 'failed', 'stopped'])('a task that is %s needs no stop', async (status) => {
  const { dms, activities, run } = dmsLab();
  const arn = dms.create('shop', 'cdc');
  dms.becomes('shop', { status });
  expect(await run(activities.stopDmsTask, { arn })).toMatchObject({ stands: true, status });
});

test('a task that is deleted stands', async () => {
  const { dms, activities, run } = dmsLab();
  const arn = dms.create('shop', 'cdc');
  dms.delete('shop');
  expect(await run(activities.stopDmsTask, { arn })).toMatchObject({ stands: true, status: 'deleted' });
});

test('tables are reloaded in tens, and only those that are in trouble', async () => {
  const { dms, activities, run, start } = dmsLab();
  const tables = Array.from({ length: 25 }, (_, n) => `public.t${n}`);
  const arn = dms.create('shop', 'full-load-and-cdc', tables);
  await (
    await start(arn)
  )();
  await run(activities.describeDmsTask, { task: arn });
  dms.loads('shop');
  for (const name of tables.slice(0, 23)) dms.setTable('shop', name, 'Table error');
  expect(await run(activities.reloadDmsTables, { arn, tables })).toMatchObject({ isAccepted: true });
  const { tables: seen } = await run(activities.describeDmsTask, { task: arn });
  expect(seen).toMatchObject({ completed: 2, troubled: 0 });
  dms.loads('shop');
  await run(activities.reloadDmsTables, { arn, tables });
  expect((await run(activities.describeDmsTask, { task: arn })).tables.completed).toBe(25);
});

test('tables that are well are reloaded where it is asked, and those that load already are left', async () => {
  const { dms, activities, run, running, describe } = dmsLab();
  const arn = await running('shop');
  dms.loads('shop');
  const tables = ['public.customers'];
  await run(activities.reloadDmsTables, { arn, tables });
  expect((await describe(arn)).tables.completed).toBe(2);
  const again = { arn, tables, always: true };
  expect(await run(activities.reloadDmsTables, again)).toMatchObject({ isAccepted: true });
  const reloading = [{ table: 'customers', state: 'Table is being reloaded' }];
  const { leftOver } = (await describe(arn)).tables;
  expect(leftOver).toMatchObject(reloading);
  await run(activities.reloadDmsTables, again);
  expect((await describe(arn)).tables.leftOver).toEqual(leftOver);
});

test('a task that stands reloads no table, and that is told', async () => {
  const { dms, activities, run } = dmsLab();
  const arn = dms.create('shop', 'full-load', ['public.customers']);
  dms.setTable('shop', 'public.customers', 'Table error');
  expect(await run(activities.reloadDmsTables, { arn, tables: ['public.customers'] })).toMatchObject({
    isAccepted: false,
  });
});

test('a task of 1,200 tables is told in one look', async () => {
  const { dms, describe } = dmsLab();
  dms.create(
    'shop',
    'full-load',
    Array.from({ length: 1200 }, (_, n) => `public.t${n}`),
  );
  expect((await describe('shop')).tables).toMatchObject({ total: 1200, completed: 0 });
});
