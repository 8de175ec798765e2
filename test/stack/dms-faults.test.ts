import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { tmpFolder } from '../support/tmp.ts';
import {
  type Database,
  type DmsLab,
  arm,
  changesOf,
  clientsOf,
  describe,
  loadOf,
  makeDatabase,
  makeInstance,
  makeTask,
  openDmsLab,
  start,
  statistics,
  stop,
  whenStatus,
} from './dms-lab.ts';
import { spawnStack } from './stack-process.ts';

let lab: DmsLab;
beforeAll(async () => {
  lab = await openDmsLab();
});
afterAll(() => lab.close());
afterEach(() => arm(lab, []));

async function database(...sql: string[]): Promise<Database> {
  const made = await makeDatabase(lab);
  onTestFinished(() => made.end());
  for (const one of sql) await made.query(one);
  return made;
}

const error = (code?: string, message?: string) => ({ kind: 'error', code, message });

test('a crash between the PUT and the acknowledgement lands the changes twice and loses none', async () => {
  const db = await database('CREATE TABLE a (id int PRIMARY KEY)');
  const { arn, id, bucket } = await makeTask(lab, db.name, { type: 'full-load-and-cdc' });
  await start(lab, arn);
  await whenStatus(lab, arn, 'running');

  await arm(lab, [{ match: { service: 'dms', operation: 'AfterPut', key: id }, action: error(), times: 1 }]);
  await db.query('INSERT INTO a VALUES (1)');
  await eventually(() => changesOf(lab, bucket, 'a'), ['I,1', 'I,1']);
  await db.query('INSERT INTO a VALUES (2)');

  await eventually(() => changesOf(lab, bucket, 'a'), ['I,1', 'I,1', 'I,2']);
  expect(await describe(lab, arn)).toMatchObject({ Status: 'running' });
});

test('a table whose load fails is in error alone, and a resume loads the rest', async () => {
  const db = await database(
    'CREATE TABLE a (id int PRIMARY KEY)',
    'CREATE TABLE b (id int PRIMARY KEY)',
    'INSERT INTO b VALUES (1)',
  );
  const { arn, id, bucket } = await makeTask(lab, db.name, { type: 'full-load' });
  await arm(lab, [{ match: { operation: 'LoadTable', key: `${id}/public.a` }, action: error(), times: 1 }]);

  await start(lab, arn);
  const task = await whenStatus(lab, arn, 'stopped');

  expect(task).toMatchObject({
    StopReason: 'Stop Reason FULL_LOAD_ONLY_FINISHED',
    ReplicationTaskStats: { TablesErrored: 1, TablesLoaded: 1 },
  });
  expect(await statistics(lab, arn)).toMatchObject({
    a: { TableState: 'Table error' },
    b: { TableState: 'Table completed' },
  });
  expect(await loadOf(lab, bucket, 'b')).toBe('1\n');
  await db.query('INSERT INTO a VALUES (1)');
  await db.query('INSERT INTO b VALUES (2)');
  await start(lab, arn, 'resume-processing');
  await eventually(() => loadOf(lab, bucket, 'a'), '1\n');
  expect(await loadOf(lab, bucket, 'b')).toBe('1\n');
});

test('a table that cannot be read is in error alone; STOP_TASK makes it the whole task', async () => {
  const db = await database(
    'CREATE TABLE a (n numeric)',
    `INSERT INTO a VALUES (${'9'.repeat(30)})`,
    'CREATE TABLE b (id int PRIMARY KEY)',
  );
  const s3 = { DataFormat: 'parquet' } as const;
  const { arn } = await makeTask(lab, db.name, { type: 'full-load', s3 });
  const strict = await makeTask(lab, db.name, {
    type: 'full-load',
    s3,
    settings: { ErrorBehavior: { TableErrorPolicy: 'STOP_TASK' } },
  });

  await start(lab, arn);
  await start(lab, strict.arn);

  expect((await whenStatus(lab, arn, 'stopped')).ReplicationTaskStats).toMatchObject({
    TablesErrored: 1,
    TablesLoaded: 1,
  });
  expect((await whenStatus(lab, strict.arn, 'failed')).LastFailureMessage).toMatch(
    /^Table public.a is in error: /,
  );
});

test('a suspended table leaves replication while the task runs on', async () => {
  const db = await database('CREATE TABLE a (id int PRIMARY KEY)', 'CREATE TABLE b (id int PRIMARY KEY)');
  const { arn, id, bucket } = await makeTask(lab, db.name, { type: 'full-load-and-cdc' });
  await start(lab, arn);
  await whenStatus(lab, arn, 'running');

  await arm(lab, [{ match: { operation: 'ApplyTable', key: `${id}/public.a` }, action: error(), times: 1 }]);
  await db.query('INSERT INTO a VALUES (1)');
  await eventually(async () => (await statistics(lab, arn))['a']?.TableState, 'Table error');
  await db.query('INSERT INTO a VALUES (2)');
  await db.query('INSERT INTO b VALUES (1)');

  await eventually(() => changesOf(lab, bucket, 'b'), ['I,1']);
  expect(await changesOf(lab, bucket, 'a')).toEqual([]);
  expect(await describe(lab, arn)).toMatchObject({
    Status: 'running',
    ReplicationTaskStats: { TablesErrored: 1 },
  });
});

test('a start that fails, a stop by itself and a lost slot say what they are', async () => {
  const db = await database('CREATE TABLE a (id int PRIMARY KEY)');
  const make = () => makeTask(lab, db.name, { type: 'cdc' });
  const [failed, recycled, lost] = [await make(), await make(), await make()];
  await arm(lab, [
    {
      match: { operation: 'StartTask', key: failed.id },
      action: error('X', 'the instance is out of memory'),
    },
    { match: { operation: 'StopTask', key: recycled.id }, action: error('RECYCLE_TASK') },
    { match: { operation: 'LoseSlot', key: lost.id }, action: error() },
  ]);

  for (const { arn } of [failed, recycled, lost]) await start(lab, arn);

  expect(await whenStatus(lab, failed.arn, 'failed')).toMatchObject({
    LastFailureMessage: 'the instance is out of memory',
  });
  expect(await whenStatus(lab, recycled.arn, 'stopped')).toMatchObject({
    StopReason: 'Stop Reason RECYCLE_TASK',
  });
  expect(await whenStatus(lab, lost.arn, 'failed')).toMatchObject({
    StopReason: 'Stop Reason FATAL_ERROR Error Level FATAL',
    LastFailureMessage: expect.stringMatching(/^the replication slot awsdms_\w+ is gone/),
  });
});

test.each([
  ['NORMAL', 'stopped'],
  ['STOPPED_AFTER_DDL_APPLY', 'stopped'],
  ['RECONFIGURATION_RESTART', 'stopped'],
  ['RECYCLE_TASK', 'stopped'],
  ['STOPPED_DUE_TO_LOW_MEMORY', 'stopped'],
  ['STOPPED_DUE_TO_LOW_DISK', 'stopped'],
  ['EXPRESS_LICENSE_LIMITS_REACHED', 'stopped'],
  ['RECOVERABLE_ERROR', 'failed'],
  ['FATAL_ERROR', 'failed'],
] as const)('a task that is told to stop by itself for %s is %s, and goes on', async (reason, status) => {
  const db = await database('CREATE TABLE a (id int PRIMARY KEY)');
  const { arn, id, bucket } = await makeTask(lab, db.name, { type: 'full-load-and-cdc' });
  await start(lab, arn);
  await whenStatus(lab, arn, 'running');
  const match = { service: 'dms', operation: 'StopTask', key: id };
  await arm(lab, [{ match, action: error(reason, 'as it was told'), times: 1 }]);

  const task = await whenStatus(lab, arn, status);

  expect(task.StopReason?.split(' ').slice(0, 3)).toEqual(['Stop', 'Reason', reason]);
  expect(task).toMatchObject({ LastFailureMessage: 'as it was told' });
  await db.query('INSERT INTO a VALUES (1)');
  await start(lab, arn, 'resume-processing');
  await eventually(() => changesOf(lab, bucket, 'a'), ['I,1']);
});

test('a load that stops by itself has loaded what it had begun, and a resume loads the rest', async () => {
  const db = await database(
    'CREATE TABLE a (id int PRIMARY KEY)',
    'CREATE TABLE b (id int PRIMARY KEY)',
    'INSERT INTO a VALUES (1)',
    'INSERT INTO b VALUES (1)',
  );
  const settings = { FullLoadSettings: { MaxFullLoadSubTasks: 1 } };
  const { arn, id, bucket } = await makeTask(lab, db.name, { type: 'full-load', settings });
  const match = { service: 'dms', operation: 'StopTask', key: id, nth: 2 };
  await arm(lab, [{ match, action: error('STOPPED_DUE_TO_LOW_DISK'), times: 1 }]);

  await start(lab, arn);

  expect(await whenStatus(lab, arn, 'stopped')).toMatchObject({
    StopReason: 'Stop Reason STOPPED_DUE_TO_LOW_DISK',
    ReplicationTaskStats: { TablesLoaded: 1, TablesQueued: 1, FullLoadProgressPercent: 50 },
  });
  await start(lab, arn, 'resume-processing');
  await eventually(async () => (await describe(lab, arn)).StopReason, 'Stop Reason FULL_LOAD_ONLY_FINISHED');
  expect([await loadOf(lab, bucket, 'a'), await loadOf(lab, bucket, 'b')]).toEqual(['1\n', '1\n']);
});

test('an answer to a start that is lost leaves a task that runs', async () => {
  const db = await database('CREATE TABLE a (id int PRIMARY KEY)');
  const { arn } = await makeTask(lab, db.name, { type: 'cdc' });
  await arm(lab, [
    {
      match: { service: 'dms', operation: 'StartReplicationTask', key: arn },
      action: { kind: 'apply-then-lose' },
      times: 1,
    },
  ]);

  await expect(start(lab, arn)).rejects.toThrow(/ECONNRESET|socket hang up/);

  await whenStatus(lab, arn, 'running');
  await expect(start(lab, arn)).rejects.toMatchObject({ name: 'InvalidResourceStateFault' });
});

test('answers are as old as a rule makes them, while the task goes on', async () => {
  const db = await database('CREATE TABLE a (id int PRIMARY KEY)', 'INSERT INTO a VALUES (1)');
  const { arn, id, bucket } = await makeTask(lab, db.name, { type: 'full-load' });
  const late = (operation: string) => ({
    match: { service: 'dms', operation, key: id },
    action: { kind: 'delay', ms: 60_000 },
  });
  await arm(lab, [late('ShowTask'), late('ShowTables')]);

  await start(lab, arn);
  await eventually(() => loadOf(lab, bucket, 'a'), '1\n');

  expect(await describe(lab, arn)).toMatchObject({ Status: 'creating' });
  expect(await statistics(lab, arn)).toEqual({});
  await arm(lab, [late('ShowTables')]);
  await whenStatus(lab, arn, 'stopped');
  expect(await statistics(lab, arn)).toEqual({});
  await arm(lab, []);
  expect(await statistics(lab, arn)).toMatchObject({ a: { TableState: 'Table completed', FullLoadRows: 1 } });
});

test('S3 that refuses is tried again until the changes have landed', async () => {
  const db = await database('CREATE TABLE a (id int PRIMARY KEY)');
  const settings = { ErrorBehavior: { RecoverableErrorInterval: 0.1 } };
  const { arn, bucket } = await makeTask(lab, db.name, { type: 'cdc', settings });
  await start(lab, arn);
  await whenStatus(lab, arn, 'running');
  await arm(lab, [
    {
      match: { operation: 'PutObject', key: `^${bucket}/` },
      action: { kind: 'error', status: 403, code: 'AccessDenied' },
      times: 2,
    },
  ]);

  await db.query('INSERT INTO a VALUES (1)');

  await eventually(() => changesOf(lab, bucket, 'a'), ['I,1']);
  expect(await describe(lab, arn)).toMatchObject({ Status: 'running' });
});

test('a new table whose first file is refused lands when the task goes on', async () => {
  const db = await database('CREATE TABLE a (id int PRIMARY KEY)');
  const settings = { ErrorBehavior: { RecoverableErrorInterval: 0.1 } };
  const { arn, bucket } = await makeTask(lab, db.name, { type: 'cdc', settings });
  await start(lab, arn);
  await whenStatus(lab, arn, 'running');
  await arm(lab, [
    {
      match: { operation: 'PutObject', key: `^${bucket}/in/public/b/` },
      action: { kind: 'error', status: 403, code: 'AccessDenied' },
      times: 1,
    },
  ]);

  await db.query('CREATE TABLE b (id int PRIMARY KEY); INSERT INTO b VALUES (1)');
  await eventually(() => changesOf(lab, bucket, 'b'), ['I,1']);
  await db.query('INSERT INTO b VALUES (2)');

  await eventually(() => changesOf(lab, bucket, 'b'), ['I,1', 'I,2']);
  expect((await statistics(lab, arn))['b']).toMatchObject({ TableState: 'Table completed' });
});

test('tasks that ran when the stack was killed go on in the next one, and nothing is missing', async () => {
  const dir = await tmpFolder();
  const db = await database('CREATE TABLE a (id int PRIMARY KEY)', 'INSERT INTO a VALUES (1)');
  const first = await spawnStack(dir);
  const one = clientsOf(first.url);
  const world = {
    dms: one.client,
    s3: one.s3,
    postgres: lab.postgres,
    instanceArn: await makeInstance(one.client),
  };
  const { arn, bucket } = await makeTask(world, db.name, { type: 'full-load-and-cdc' });
  await start(world, arn);
  await eventually(() => loadOf(world, bucket, 'a'), '1\n');
  await db.query('INSERT INTO a VALUES (2)');
  await eventually(() => changesOf(world, bucket, 'a'), ['I,2']);

  await first.kill('SIGKILL');
  await db.query('INSERT INTO a VALUES (3)');
  const second = await spawnStack(dir);
  const two = clientsOf(second.url);
  const next = { dms: two.client, s3: two.s3 };
  const distinct = async () => [...new Set(await changesOf(next, bucket, 'a'))];

  await eventually(distinct, ['I,2', 'I,3']);
  expect(await describe(next, arn)).toMatchObject({ Status: 'running' });
  await stop(next, arn);
  await whenStatus(next, arn, 'stopped');
  await second.kill('SIGTERM');
  for (const client of [one.client, one.s3, two.client, two.s3]) client.destroy();
});
