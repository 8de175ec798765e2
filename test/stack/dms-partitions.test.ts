import { ReloadTablesCommand } from '@aws-sdk/client-database-migration-service';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { eventually, until } from '../support/eventually.ts';
import {
  type Database,
  type DmsLab,
  changesOf,
  describe,
  keysOf,
  loadOf,
  makeDatabase,
  makeTask,
  openDmsLab,
  start,
  statistics,
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

const SALES = [
  'CREATE TABLE sales (id int, year int, n int, PRIMARY KEY (id, year)) PARTITION BY LIST (year)',
  'CREATE TABLE sales_2025 PARTITION OF sales FOR VALUES IN (2025)',
  'CREATE TABLE sales_2026 PARTITION OF sales FOR VALUES IN (2026)',
  'INSERT INTO sales VALUES (1, 2025, 10), (2, 2026, 20)',
];

/** A task whose loads are done. */
async function running(db: Database) {
  const task = await makeTask(lab, db.name, { type: 'full-load-and-cdc' });
  await start(lab, task.arn);
  await until(
    () => statistics(lab, task.arn),
    (tables) =>
      Object.keys(tables).length > 0 &&
      Object.values(tables).every(({ TableState: state }) => state === 'Table completed'),
  );
  return task;
}

test('a partitioned table lands as one, and its partitions are no tables', async () => {
  const db = await database(...SALES);
  const { arn, bucket } = await running(db);

  await db.query('INSERT INTO sales_2026 VALUES (3, 2026, 30)');
  await db.query('UPDATE sales SET n = 11 WHERE id = 1');

  await eventually(() => changesOf(lab, bucket, 'sales'), ['I,3,2026,30', 'U,1,2025,11']);
  expect(await loadOf(lab, bucket, 'sales')).toBe('1,2025,10\n2,2026,20\n');
  expect((await keysOf(lab, bucket)).every((key) => key.startsWith('in/public/sales/'))).toBe(true);
  await eventually(async () => {
    const tables = await statistics(lab, arn);
    return Object.entries(tables).map(([name, { Inserts, Updates, Deletes }]) => [
      name,
      Inserts,
      Updates,
      Deletes,
    ]);
  }, [['sales', 1, 1, 0]]);
});

test('a row that moves to another partition is deleted and inserted, in that order', async () => {
  const db = await database(...SALES);
  const { arn, bucket } = await running(db);

  await db.query('UPDATE sales SET year = 2026, n = 12 WHERE id = 1');

  await eventually(() => changesOf(lab, bucket, 'sales'), ['D,1,2025,NULL', 'I,1,2026,12']);
  await eventually(
    async () => (await statistics(lab, arn))['sales'],
    expect.objectContaining({ Inserts: 1, Updates: 0, Deletes: 1 }),
  );
  expect(await describe(lab, arn)).toMatchObject({ Status: 'running' });
});

test('partitions of partitions land as the one table, too', async () => {
  const db = await database(
    ...SALES,
    'CREATE TABLE sales_old PARTITION OF sales FOR VALUES IN (2023, 2024) PARTITION BY LIST (year)',
    'CREATE TABLE sales_2024 PARTITION OF sales_old FOR VALUES IN (2024)',
    'INSERT INTO sales VALUES (4, 2024, 40)',
  );
  const { arn, bucket } = await running(db);

  await db.query('DELETE FROM sales WHERE id = 4');

  await eventually(() => changesOf(lab, bucket, 'sales'), ['D,4,2024,NULL']);
  expect(await loadOf(lab, bucket, 'sales')).toContain('4,2024,40\n');
  expect(Object.keys(await statistics(lab, arn))).toEqual(['sales']);
});

test('a partition that is attached brings what is done to it from then on; a reload brings what it held', async () => {
  const db = await database(
    ...SALES,
    'CREATE TABLE sales_2027 (id int, year int, n int, PRIMARY KEY (id, year))',
    'INSERT INTO sales_2027 VALUES (7, 2027, 70)',
  );
  const { arn, bucket } = await running(db);
  const before = await loadOf(lab, bucket, 'sales_2027');

  await db.query('ALTER TABLE sales ATTACH PARTITION sales_2027 FOR VALUES IN (2027)');
  await db.query('INSERT INTO sales VALUES (8, 2027, 80)');

  await eventually(() => changesOf(lab, bucket, 'sales'), ['I,8,2027,80']);
  await eventually(
    async () => (await statistics(lab, arn))['sales_2027']?.TableState,
    'Table does not exist',
  );
  // Nobody dropped its rows: what has landed of the table that it was stays.
  expect([before, await loadOf(lab, bucket, 'sales_2027')]).toEqual(['7,2027,70\n', '7,2027,70\n']);
  await lab.dms.send(
    new ReloadTablesCommand({
      ReplicationTaskArn: arn,
      TablesToReload: [{ SchemaName: 'public', TableName: 'sales' }],
    }),
  );
  await until(
    () => loadOf(lab, bucket, 'sales'),
    (text) => text.includes('7,2027,70\n') && text.includes('8,2027,80\n'),
  );
});

test('a partition that is detached is a table of its own, and its rows stay where they have landed', async () => {
  const db = await database(...SALES);
  const { arn, bucket } = await running(db);

  await db.query('ALTER TABLE sales DETACH PARTITION sales_2025');
  await db.query('UPDATE sales_2025 SET n = 13');

  await until(
    () => changesOf(lab, bucket, 'sales_2025'),
    (lines) => lines.at(-1)?.endsWith('1,2025,13') === true,
  );
  await db.query('INSERT INTO sales VALUES (9, 2026, 90)');
  await eventually(() => changesOf(lab, bucket, 'sales'), ['I,9,2026,90']);
  expect(await loadOf(lab, bucket, 'sales')).toBe('1,2025,10\n2,2026,20\n');
  expect(Object.keys(await statistics(lab, arn))).toEqual(['sales', 'sales_2025']);
});

test('a table with a partition that identifies no rows brings inserts alone, and its updates go on', async () => {
  const db = await database(
    'CREATE TABLE log (at int, n int) PARTITION BY RANGE (at)',
    'ALTER TABLE log REPLICA IDENTITY FULL',
    'CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (10)',
  );
  const { arn, bucket } = await running(db);

  await db.query('INSERT INTO log VALUES (1, 1); UPDATE log SET n = 2; INSERT INTO log VALUES (2, 2)');

  await eventually(() => changesOf(lab, bucket, 'log'), ['I,1,1', 'I,2,2']);
  expect(await describe(lab, arn)).toMatchObject({ Status: 'running' });
});

test('TRUNCATE of a partitioned table removes what it has landed; that of one partition is not seen', async () => {
  const db = await database(...SALES);
  const { arn, bucket } = await running(db);

  await db.query('TRUNCATE sales_2025');
  await db.query('INSERT INTO sales VALUES (3, 2026, 30)');
  await eventually(() => changesOf(lab, bucket, 'sales'), ['I,3,2026,30']);
  expect(await loadOf(lab, bucket, 'sales')).toBe('1,2025,10\n2,2026,20\n');
  await db.query('TRUNCATE sales');

  await eventually(() => keysOf(lab, bucket), []);
  expect((await statistics(lab, arn))['sales']).toMatchObject({ Ddls: 1 });
});
