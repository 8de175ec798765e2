import { ReloadTablesCommand } from '@aws-sdk/client-database-migration-service';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { eventually, until } from '../support/eventually.ts';
import {
  type Database,
  type DmsLab,
  arm,
  changesOf,
  connect,
  describe,
  keysOf,
  loadOf,
  makeDatabase,
  makeTask,
  openDmsLab,
  start,
  statistics,
  stop,
  whenStatus,
} from './dms-lab.ts';

let lab: DmsLab;
beforeAll(async () => {
  lab = await openDmsLab();
});
afterAll(() => lab.close());

async function database(...sql: string[]): Promise<Database> {
  const made = await makeDatabase(lab);
  onTestFinished(() => made.end());
  for (const one of sql) await made.query(one);
  return made;
}

test('a full load lands each table in files of its own and ends by itself', async () => {
  const db = await database(
    'CREATE TABLE customers (id int PRIMARY KEY, name text, since timestamptz, vip boolean)',
    `INSERT INTO customers VALUES (1, 'Ada, "the first"', '2026-01-02 03:04:05.678+02', true), (2, NULL, NULL, false)`,
    'CREATE TABLE nothing (id int PRIMARY KEY)',
  );
  const { arn, bucket } = await makeTask(lab, db.name, { type: 'full-load' });

  await start(lab, arn);
  const task = await whenStatus(lab, arn, 'stopped');

  expect(task.StopReason).toBe('Stop Reason FULL_LOAD_ONLY_FINISHED');
  expect(task.ReplicationTaskStats).toMatchObject({
    TablesLoaded: 2,
    TablesErrored: 0,
    FullLoadProgressPercent: 100,
  });
  // An empty table has no folder: only the statistics say that it is complete.
  expect(await keysOf(lab, bucket)).toEqual(['in/public/customers/LOAD00000001.csv']);
  expect(await loadOf(lab, bucket, 'customers')).toBe(
    '1,"Ada, ""the first""",2026-01-02 01:04:05.678000,true\n2,NULL,NULL,false\n',
  );
  expect(await statistics(lab, arn)).toMatchObject({
    customers: { TableState: 'Table completed', FullLoadRows: 2 },
    nothing: { TableState: 'Table completed', FullLoadRows: 0 },
  });
});

test('what is committed after the snapshot is in the changes and not in the load', async () => {
  const db = await database(
    'CREATE TABLE items (id int PRIMARY KEY, name text)',
    `INSERT INTO items VALUES (1, 'one')`,
  );
  const { arn, bucket } = await makeTask(lab, db.name, { type: 'full-load-and-cdc' });

  await start(lab, arn);
  await whenStatus(lab, arn, 'running');
  await db.query(`INSERT INTO items VALUES (2, 'two')`);
  await db.query(`UPDATE items SET name = 'ONE' WHERE id = 1`);
  await db.query('DELETE FROM items WHERE id = 2');

  await eventually(() => changesOf(lab, bucket, 'items'), ['I,2,two', 'U,1,ONE', 'D,2,NULL']);
  expect(await loadOf(lab, bucket, 'items')).toBe('1,one\n');
  await eventually(async () => {
    const { Inserts, Updates, Deletes, FullLoadRows } = (await statistics(lab, arn))['items'] ?? {};
    return [FullLoadRows, Inserts, Updates, Deletes];
  }, [1, 1, 1, 1]);
});

test('a resumed task goes on where it was stopped', async () => {
  const db = await database('CREATE TABLE items (id int PRIMARY KEY)');
  const { arn, bucket } = await makeTask(lab, db.name, { type: 'full-load-and-cdc' });
  await start(lab, arn);
  await whenStatus(lab, arn, 'running');
  await db.query('INSERT INTO items VALUES (1)');
  await eventually(() => changesOf(lab, bucket, 'items'), ['I,1']);

  await stop(lab, arn);
  const stopped = await whenStatus(lab, arn, 'stopped');
  await db.query('INSERT INTO items VALUES (2)');
  await start(lab, arn, 'resume-processing');

  await eventually(() => changesOf(lab, bucket, 'items'), ['I,1', 'I,2']);
  expect(stopped.StopReason).toBe('Stop Reason NORMAL');
  expect(stopped.RecoveryCheckpoint).toMatch(/^checkpoint:V1#1#[0-9A-F]+\/[0-9A-F]+#/);
  await eventually(async () => (await statistics(lab, arn))['items']?.Inserts, 2);
});

test('reload-target empties the folder and loads what the table holds now', async () => {
  const db = await database('CREATE TABLE items (id int PRIMARY KEY)', 'INSERT INTO items VALUES (1)');
  const { arn, bucket } = await makeTask(lab, db.name, { type: 'full-load-and-cdc' });
  await start(lab, arn);
  await whenStatus(lab, arn, 'running');
  await db.query('INSERT INTO items VALUES (2)');
  await eventually(() => changesOf(lab, bucket, 'items'), ['I,2']);
  await stop(lab, arn);
  await whenStatus(lab, arn, 'stopped');

  await start(lab, arn, 'reload-target');

  await eventually(() => loadOf(lab, bucket, 'items'), '1\n2\n');
  expect(await keysOf(lab, bucket)).toEqual(['in/public/items/LOAD00000001.csv']);
  await eventually(async () => (await statistics(lab, arn))['items']?.FullLoadRows, 2);
  expect((await statistics(lab, arn))['items']).toMatchObject({ Inserts: 0, TableState: 'Table completed' });
});

test('ReloadTables loads one table anew beside the changes of the others', async () => {
  const db = await database(
    'CREATE TABLE a (id int PRIMARY KEY)',
    'CREATE TABLE b (id int PRIMARY KEY)',
    'INSERT INTO a VALUES (1)',
    'INSERT INTO b VALUES (1)',
  );
  const { arn, bucket } = await makeTask(lab, db.name, { type: 'full-load-and-cdc' });
  await start(lab, arn);
  await whenStatus(lab, arn, 'running');
  await db.query('INSERT INTO a VALUES (2)');
  await eventually(() => changesOf(lab, bucket, 'a'), ['I,2']);

  await lab.dms.send(
    new ReloadTablesCommand({
      ReplicationTaskArn: arn,
      TablesToReload: [{ SchemaName: 'public', TableName: 'a' }],
    }),
  );
  await eventually(() => loadOf(lab, bucket, 'a'), '1\n2\n');
  await db.query('INSERT INTO a VALUES (3)');
  await db.query('INSERT INTO b VALUES (2)');

  await eventually(() => changesOf(lab, bucket, 'a'), ['I,3']);
  await eventually(() => changesOf(lab, bucket, 'b'), ['I,2']);
  expect((await statistics(lab, arn))['a']).toMatchObject({
    TableState: 'Table completed',
    FullLoadReloaded: true,
  });
});

const RELOAD_A = [{ SchemaName: 'public', TableName: 'a' }];
const TWO_TABLES = [
  'CREATE TABLE a (id int PRIMARY KEY)',
  'CREATE TABLE b (id int PRIMARY KEY)',
  'INSERT INTO a VALUES (1)',
  'INSERT INTO b VALUES (1)',
];

test('a table that is reloaded while a full load goes on is loaded again before the load ends', async () => {
  const db = await database(...TWO_TABLES);
  const holder = await connect(lab.postgres, db.name);
  onTestFinished(() => holder.end());
  await holder.query('BEGIN; LOCK TABLE b IN ACCESS EXCLUSIVE MODE');
  const { arn, bucket } = await makeTask(lab, db.name, { type: 'full-load' });
  await start(lab, arn);
  await eventually(async () => (await statistics(lab, arn))['a']?.TableState, 'Table completed');

  await db.query('INSERT INTO a VALUES (2)');
  await lab.dms.send(new ReloadTablesCommand({ ReplicationTaskArn: arn, TablesToReload: RELOAD_A }));
  await holder.query('ROLLBACK');

  expect(await whenStatus(lab, arn, 'stopped')).toMatchObject({
    StopReason: 'Stop Reason FULL_LOAD_ONLY_FINISHED',
    ReplicationTaskStats: { TablesLoaded: 2 },
  });
  expect(await loadOf(lab, bucket, 'a')).toBe('1\n2\n');
  expect(await statistics(lab, arn)).toMatchObject({
    a: { TableState: 'Table completed', FullLoadReloaded: true },
    b: { TableState: 'Table completed', FullLoadReloaded: false },
  });
});

test('a reload that was accepted and had not begun when its task was stopped is done when the task goes on', async () => {
  const db = await database(...TWO_TABLES);
  const settings = { ErrorBehavior: { RecoverableErrorInterval: 1_800 } };
  const { arn, bucket } = await makeTask(lab, db.name, { type: 'full-load-and-cdc', settings });
  const denied = { kind: 'error', status: 403, code: 'AccessDenied' };
  onTestFinished(() => arm(lab, []));
  await arm(lab, [{ match: { operation: 'PutObject', key: `^${bucket}/in/public/b/` }, action: denied }]);
  await start(lab, arn);
  // The load waits for its next try.
  await until(
    () => describe(lab, arn),
    ({ LastFailureMessage }) => LastFailureMessage !== undefined,
  );

  await db.query('INSERT INTO a VALUES (2)');
  await lab.dms.send(new ReloadTablesCommand({ ReplicationTaskArn: arn, TablesToReload: RELOAD_A }));
  await stop(lab, arn);
  await whenStatus(lab, arn, 'stopped');
  await arm(lab, []);
  await start(lab, arn, 'resume-processing');

  await eventually(async () => (await statistics(lab, arn))['b']?.TableState, 'Table completed');
  await eventually(async () => (await statistics(lab, arn))['a']?.FullLoadReloaded, true);
  expect(await loadOf(lab, bucket, 'a')).toBe('1\n2\n');
});

test('a table that is made while changes run is picked up with what it holds already', async () => {
  const db = await database('CREATE TABLE a (id int PRIMARY KEY)');
  const { arn, bucket } = await makeTask(lab, db.name, { type: 'full-load-and-cdc' });
  await start(lab, arn);
  await whenStatus(lab, arn, 'running');

  await db.query('CREATE TABLE b (id int PRIMARY KEY); INSERT INTO b VALUES (1)');
  await eventually(() => changesOf(lab, bucket, 'b'), ['I,1']);
  await db.query('INSERT INTO b VALUES (2)');

  await eventually(() => changesOf(lab, bucket, 'b'), ['I,1', 'I,2']);
  expect(await describe(lab, arn)).toMatchObject({ Status: 'running' });
});

test('TRUNCATE and DROP remove what a table has landed, unless the task is told to leave it', async () => {
  const sql = ['CREATE TABLE a (id int PRIMARY KEY)', 'INSERT INTO a VALUES (1)'];
  const db = await database(...sql);
  const kept = await makeTask(lab, db.name, {
    type: 'full-load-and-cdc',
    settings: {
      ChangeProcessingDdlHandlingPolicy: {
        HandleSourceTableTruncated: false,
        HandleSourceTableDropped: false,
      },
    },
  });
  const removed = await makeTask(lab, db.name, { type: 'full-load-and-cdc' });
  for (const { arn } of [kept, removed]) {
    await start(lab, arn);
    await whenStatus(lab, arn, 'running');
    await eventually(async () => (await statistics(lab, arn))['a']?.TableState, 'Table completed');
  }

  await db.query('TRUNCATE a');

  await eventually(() => keysOf(lab, removed.bucket), []);
  await db.query('DROP TABLE a');
  for (const { arn } of [kept, removed]) {
    await eventually(async () => (await statistics(lab, arn))['a']?.TableState, 'Table does not exist');
  }
  expect(await keysOf(lab, kept.bucket)).toEqual(['in/public/a/LOAD00000001.csv']);
});

test('a column that is added appears in the files that follow', async () => {
  const db = await database('CREATE TABLE a (id int PRIMARY KEY)');
  const { arn, bucket } = await makeTask(lab, db.name, {
    type: 'full-load-and-cdc',
    s3: { AddColumnName: true },
  });
  await start(lab, arn);
  await whenStatus(lab, arn, 'running');

  await db.query('INSERT INTO a VALUES (1)');
  await db.query('ALTER TABLE a ADD COLUMN name text');
  await db.query(`INSERT INTO a VALUES (2, 'two')`);

  await eventually(() => changesOf(lab, bucket, 'a'), ['Op,id', 'I,1', 'Op,id,name', 'I,2,two']);
  await eventually(async () => (await statistics(lab, arn))['a']?.Ddls, 1);
  expect(await describe(lab, arn)).toMatchObject({ Status: 'running' });
});

test('an update that leaves a long value alone lands with that value', async () => {
  const long = 'x'.repeat(20_000);
  const db = await database(
    'CREATE TABLE a (id int PRIMARY KEY, n int, long text)',
    'ALTER TABLE a ALTER long SET STORAGE EXTERNAL',
    `INSERT INTO a VALUES (1, 1, '${long}')`,
  );
  const { arn, bucket } = await makeTask(lab, db.name, { type: 'full-load-and-cdc' });
  await start(lab, arn);
  await whenStatus(lab, arn, 'running');

  await db.query('UPDATE a SET n = 2');

  await eventually(() => changesOf(lab, bucket, 'a'), [`U,1,2,${long}`]);
  expect(await describe(lab, arn)).toMatchObject({ Status: 'running' });
});

test('a table without a key goes on taking updates, of which only inserts are seen', async () => {
  const db = await database(
    'CREATE TABLE a (n int, x text)',
    'CREATE TABLE full_identity (n int, x text)',
    'ALTER TABLE full_identity REPLICA IDENTITY FULL',
  );
  const { arn, bucket } = await makeTask(lab, db.name, { type: 'full-load-and-cdc' });
  await start(lab, arn);
  await whenStatus(lab, arn, 'running');

  for (const table of ['a', 'full_identity']) {
    await db.query(`INSERT INTO ${table} VALUES (1, 'x')`);
    await db.query(`UPDATE ${table} SET n = 2`);
    await db.query(`DELETE FROM ${table}`);
  }

  await eventually(() => changesOf(lab, bucket, 'full_identity'), ['I,1,x', 'U,2,x', 'D,2,x']);
  await eventually(() => changesOf(lab, bucket, 'a'), ['I,1,x']);
  expect(await describe(lab, arn)).toMatchObject({ Status: 'running' });
});

test('a table that gains a key brings updates from then on, and one that loses it goes on taking them', async () => {
  const db = await database('CREATE TABLE a (n int NOT NULL)');
  const { arn, bucket } = await makeTask(lab, db.name, { type: 'cdc' });
  await start(lab, arn);
  await whenStatus(lab, arn, 'running');
  const isWhole = async () => {
    const sql = `SELECT pubname FROM pg_publication_tables WHERE tablename = 'a'`;
    return (await db.query(sql)).rows.map(({ pubname }) => !String(pubname).endsWith('_inserts'));
  };

  await db.query('ALTER TABLE a ADD CONSTRAINT a_key PRIMARY KEY (n)');
  await eventually(isWhole, [true]);
  await db.query('INSERT INTO a VALUES (1); UPDATE a SET n = 2');
  await db.query('ALTER TABLE a DROP CONSTRAINT a_key');
  await eventually(isWhole, [false]);
  await db.query('UPDATE a SET n = 3; INSERT INTO a VALUES (4)');

  await eventually(() => changesOf(lab, bucket, 'a'), ['I,1', 'U,2', 'I,4']);
  expect(await describe(lab, arn)).toMatchObject({ Status: 'running' });
});

test('a task that stops after its load or after the cached changes says so, and a resume goes on', async () => {
  const db = await database('CREATE TABLE a (id int PRIMARY KEY)', 'INSERT INTO a VALUES (1)');
  const { arn, bucket } = await makeTask(lab, db.name, {
    type: 'full-load-and-cdc',
    settings: { FullLoadSettings: { StopTaskCachedChangesNotApplied: true } },
  });
  const cached = await makeTask(lab, db.name, {
    type: 'full-load-and-cdc',
    settings: { FullLoadSettings: { StopTaskCachedChangesApplied: true } },
  });

  await start(lab, arn);
  await start(lab, cached.arn);

  expect((await whenStatus(lab, arn, 'stopped')).StopReason).toBe('Stop Reason STOPPED_AFTER_FULL_LOAD');
  expect((await whenStatus(lab, cached.arn, 'stopped')).StopReason).toBe(
    'Stop Reason STOPPED_AFTER_CACHED_EVENTS',
  );
  await db.query('INSERT INTO a VALUES (2)');
  await start(lab, arn, 'resume-processing');
  await eventually(() => changesOf(lab, bucket, 'a'), ['I,2']);
  expect(await describe(lab, arn)).toMatchObject({ Status: 'running' });
});

test('a window of changes ends at a server time, or before the first commit after a commit time', async () => {
  const db = await database('CREATE TABLE a (id int PRIMARY KEY)');
  const past = '2020-01-01T00:00:00';
  const [server, commit] = [
    await makeTask(lab, db.name, { type: 'cdc' }),
    await makeTask(lab, db.name, { type: 'cdc' }),
  ];

  await start(lab, server.arn, 'start-replication', `server_time:${past}`);
  await start(lab, commit.arn, 'start-replication', `commit_time:${past}`);
  await whenStatus(lab, commit.arn, 'running');
  await db.query('INSERT INTO a VALUES (1)');

  expect((await whenStatus(lab, server.arn, 'stopped')).StopReason).toBe(
    'Stop Reason STOPPED_AT_SERVER_TIME',
  );
  expect((await whenStatus(lab, commit.arn, 'stopped')).StopReason).toBe(
    'Stop Reason STOPPED_AT_COMMIT_TIME',
  );
  expect(await keysOf(lab, commit.bucket)).toEqual([]);
});

test('a task from a slot that exists starts at a checkpoint, and not where the slot has gone past it', async () => {
  const db = await database(
    'CREATE TABLE a (id int PRIMARY KEY)',
    `SELECT pg_create_logical_replication_slot('mine_${Date.now()}', 'pgoutput')`,
  );
  const { rows } = await db.query(
    'SELECT slot_name AS slot, confirmed_flush_lsn::text AS at FROM pg_replication_slots WHERE database = current_database()',
  );
  const { slot, at }: { slot: string; at: string } = rows[0];
  const source = { PostgreSQLSettings: { SlotName: slot } };
  const right = await makeTask(lab, db.name, {
    type: 'cdc',
    source,
    start: `checkpoint:V1#1#${at}#0#0#*#0#0`,
  });
  const early = await makeTask(lab, db.name, { type: 'cdc', source, start: '0/1' });

  await start(lab, early.arn);
  expect((await whenStatus(lab, early.arn, 'failed')).LastFailureMessage).toMatch(/past the start position/);
  await start(lab, right.arn);
  await whenStatus(lab, right.arn, 'running');
  await db.query('INSERT INTO a VALUES (1)');

  await eventually(() => changesOf(lab, right.bucket, 'a'), ['I,1']);
});
