import { ReloadTablesCommand, StopReplicationTaskCommand } from '@aws-sdk/client-database-migration-service';
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import { eventually, until } from '../support/eventually.ts';
import {
  type Database,
  type DmsLab,
  type TaskOptions,
  arm,
  changesOf,
  keysOf,
  loadOf,
  makeDatabase,
  makeTask,
  openDmsLab,
  readParquet,
  start,
  statistics,
  whenStatus,
} from './dms-lab.ts';

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

const ONE_ROW = ['CREATE TABLE a (id int PRIMARY KEY)', 'INSERT INTO a VALUES (1)'];

/** A task that has loaded its table `a`. */
async function running(db: Database, options: Partial<TaskOptions> = {}) {
  const task = await makeTask(lab, db.name, { type: 'full-load-and-cdc', ...options });
  await start(lab, task.arn);
  await eventually(async () => (await statistics(lab, task.arn))['a']?.TableState, 'Table completed');
  return task;
}

async function ddls(arn: string, table = 'a'): Promise<number | undefined> {
  return (await statistics(lab, arn))[table]?.Ddls;
}

test('columns that come, go or change are counted before any row tells of them, TRUNCATE and DROP too', async () => {
  const db = await database(...ONE_ROW);
  const { arn } = await running(db);
  const counted: (number | undefined)[] = [];

  for (const [at, sql] of [
    'ALTER TABLE a ADD COLUMN n int',
    'ALTER TABLE a RENAME COLUMN n TO amount',
    'ALTER TABLE a ALTER COLUMN amount TYPE bigint',
    'ALTER TABLE a DROP COLUMN amount',
    'TRUNCATE a',
    'DROP TABLE a',
  ].entries()) {
    await db.query(sql);
    await eventually(() => ddls(arn), at + 1);
    counted.push(await ddls(arn));
  }

  expect(counted).toEqual([1, 2, 3, 4, 5, 6]);
});

test('columns that changed while the task was stopped are counted when it goes on', async () => {
  const db = await database(...ONE_ROW);
  const { arn } = await running(db);
  await lab.dms.send(new StopReplicationTaskCommand({ ReplicationTaskArn: arn }));
  await whenStatus(lab, arn, 'stopped');
  await db.query('ALTER TABLE a ADD COLUMN n int, ADD COLUMN x text');

  await start(lab, arn, 'resume-processing');

  await eventually(() => ddls(arn), 2);
  expect((await statistics(lab, arn))['a']).toMatchObject({ TableState: 'Table completed' });
});

test('files that follow an added, a renamed and a dropped column have the columns of their rows', async () => {
  const db = await database(...ONE_ROW);
  const csv = await running(db, { s3: { AddColumnName: true } });
  const parquet = await running(db, { s3: { DataFormat: 'parquet' } });

  await db.query('INSERT INTO a VALUES (2)');
  await db.query(`ALTER TABLE a ADD COLUMN name text; INSERT INTO a VALUES (3, 'three')`);
  await db.query(`ALTER TABLE a RENAME COLUMN name TO label; INSERT INTO a VALUES (4, 'four')`);
  await db.query('ALTER TABLE a DROP COLUMN label; INSERT INTO a VALUES (5)');

  await eventually(
    () => changesOf(lab, csv.bucket, 'a'),
    ['Op,id', 'I,2', 'Op,id,name', 'I,3,three', 'Op,id,label', 'I,4,four', 'Op,id', 'I,5'],
  );
  const keys = await until(
    () => keysOf(lab, parquet.bucket),
    (found) => found.length === 5,
  );
  const rows = await Promise.all(keys.slice(0, 4).map((key) => readParquet(lab, parquet.bucket, [key], '*')));
  expect(rows).toEqual([[['I', 2]], [['I', 3, 'three']], [['I', 4, 'four']], [['I', 5]]]);
});

test('columns stay as they were where the task is told to leave alterations alone', async () => {
  const db = await database(...ONE_ROW);
  const { arn, bucket } = await running(db, {
    settings: { ChangeProcessingDdlHandlingPolicy: { HandleSourceTableAltered: false } },
  });
  await db.query('INSERT INTO a VALUES (2)');
  await eventually(() => changesOf(lab, bucket, 'a'), ['I,2']);

  await db.query(`ALTER TABLE a ADD COLUMN name text; INSERT INTO a VALUES (3, 'three')`);

  await eventually(() => changesOf(lab, bucket, 'a'), ['I,2', 'I,3']);
  await eventually(() => ddls(arn), 1);
  expect(await loadOf(lab, bucket, 'a')).toBe('1\n');
});

test('a table that is dropped and made anew at once loses its files and lands again', async () => {
  const db = await database(...ONE_ROW);
  const { arn, bucket } = await running(db);

  await db.query(`BEGIN; DROP TABLE a; CREATE TABLE a (id int PRIMARY KEY, name text);
    INSERT INTO a VALUES (7, 'seven'); COMMIT`);

  await eventually(() => changesOf(lab, bucket, 'a'), ['I,7,seven']);
  expect(await loadOf(lab, bucket, 'a')).toBe('');
  await db.query(`INSERT INTO a VALUES (8, 'eight')`);
  await eventually(() => changesOf(lab, bucket, 'a'), ['I,7,seven', 'I,8,eight']);
  expect((await statistics(lab, arn))['a']).toMatchObject({ TableState: 'Table completed', Ddls: 2 });
});

test('what was written to a table just before its DROP lands where files are kept', async () => {
  const db = await database(...ONE_ROW);
  const { arn, bucket } = await running(db, {
    settings: { ChangeProcessingDdlHandlingPolicy: { HandleSourceTableDropped: false } },
    s3: { CdcMaxBatchInterval: 60 },
  });

  await db.query('INSERT INTO a VALUES (2); DROP TABLE a');

  await eventually(() => changesOf(lab, bucket, 'a'), ['I,2']);
  await eventually(async () => (await statistics(lab, arn))['a']?.TableState, 'Table does not exist');
  expect(await loadOf(lab, bucket, 'a')).toBe('1\n');
});

test('a TRUNCATE from before the snapshot of a reload leaves what the reload landed', async () => {
  const db = await database('CREATE TABLE a (id int PRIMARY KEY)', 'CREATE TABLE b (id int PRIMARY KEY)');
  const { arn, bucket } = await running(db);
  // While a file of b is put, the task reads nothing: the TRUNCATEs come to it after the reload has begun. The second
  // list, after that of the reload, is for the files of b: by the time of its answer the reload stands.
  await arm(lab, [
    {
      match: { operation: 'PutObject', key: `${bucket}/in/public/b/` },
      action: { kind: 'delay', ms: 1_000 },
    },
    { match: { operation: 'ListObjectsV2', key: bucket, nth: 2 }, action: { kind: 'delay', ms: 1_000 } },
  ]);
  await db.query('INSERT INTO b VALUES (1)');
  await until(
    () => struckBy(lab),
    (hits) => hits === 1,
  );
  const sql = ['INSERT INTO a VALUES (2)', 'TRUNCATE b', 'TRUNCATE a', 'INSERT INTO a VALUES (3)'];
  for (const one of sql) await db.query(one);

  await lab.dms.send(
    new ReloadTablesCommand({
      ReplicationTaskArn: arn,
      TablesToReload: [{ SchemaName: 'public', TableName: 'a' }],
    }),
  );

  await eventually(() => ddls(arn), 1);
  await eventually(() => loadOf(lab, bucket, 'a'), '3\n');
  await db.query('INSERT INTO a VALUES (4)');
  await eventually(() => changesOf(lab, bucket, 'a'), ['I,4']);
  expect(await loadOf(lab, bucket, 'a')).toBe('3\n');
});

/** How often the first armed rule has struck. */
async function struckBy({ stack }: DmsLab): Promise<number> {
  const text = await (await fetch(`${stack.url}/_stack/faults`)).text();
  return Number(/"hits":(\d+)/.exec(text)?.[1]);
}
