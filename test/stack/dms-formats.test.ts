import type { S3Settings } from '@aws-sdk/client-database-migration-service';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { eventually, until } from '../support/eventually.ts';
import {
  ALL_OF_PUBLIC,
  type Database,
  type DmsLab,
  bytesOf,
  changesOf,
  keysOf,
  loadOf,
  makeDatabase,
  makeTask,
  openDmsLab,
  readParquet,
  start,
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

/** A running task over one table `a (id, name)` that has the row 1. */
async function running(s3: S3Settings, rules: readonly object[] = ALL_OF_PUBLIC) {
  const db = await database(
    'CREATE TABLE a (id int PRIMARY KEY, name text)',
    `INSERT INTO a VALUES (1, 'one')`,
  );
  const task = await makeTask(lab, db.name, { type: 'full-load-and-cdc', s3, rules });
  await start(lab, task.arn);
  await whenStatus(lab, task.arn, 'running');
  await until(
    () => keysOf(lab, task.bucket),
    (keys) => keys.length > 0,
  );
  return { db, ...task };
}

const TYPES = `
  CREATE TYPE mood AS ENUM ('glad', 'sad');
  CREATE TABLE t (id bigint PRIMARY KEY, s smallint, d numeric(38,10), r real, f double precision, b boolean, day date,
    t time, ts timestamp, tz timestamptz, bin bytea, j jsonb, a text[], m mood, u uuid, x text);
`;
const ROW = `(9007199254740993, -7, 1234567890123456789012345678.0123456789, 1.5, 'NaN', true, '2024-02-29', '23:59:59.5',
  '2026-01-02 03:04:05.000006', '2026-01-02 03:04:05.000006+05:30', '\\x00ff', '{"a": [1, "é"]}', '{one,"t w o"}', 'sad',
  '123e4567-e89b-12d3-a456-426614174000', E'a "quoted",\\nline\\ttab \\\\ \\r\\n end')`;
const READ = `id::text, s::text, d::text, r::text, f::text, b::text, day::text, t::text, ts::text, tz::text, bin::text, j, a,
  m, u, x, typeof(d), typeof(tz), typeof(bin), typeof(id), typeof(b)`;
const VALUES = [
  '9007199254740993',
  '-7',
  '1234567890123456789012345678.0123456789',
  '1.5',
  'nan',
  'true',
  '2024-02-29',
  '23:59:59.5',
  '2026-01-02 03:04:05.000006',
  '2026-01-01 21:34:05.000006',
  '\\x00\\xFF',
  '{"a": [1, "é"]}',
  '{one,"t w o"}',
  'sad',
  '123e4567-e89b-12d3-a456-426614174000',
  'a "quoted",\nline\ttab \\ \r\n end',
  'DECIMAL(38,10)',
  'TIMESTAMP',
  'BLOB',
  'BIGINT',
  'BOOLEAN',
];

test('types keep every digit and character in Parquet, in a load as in changes', async () => {
  const db = await database(TYPES, `INSERT INTO t VALUES ${ROW}`);
  const { arn, bucket } = await makeTask(lab, db.name, {
    type: 'full-load-and-cdc',
    s3: { DataFormat: 'parquet', IncludeOpForFullLoad: true },
  });
  await start(lab, arn);
  await whenStatus(lab, arn, 'running');
  await db.query('UPDATE t SET s = s');
  await until(
    () => keysOf(lab, bucket),
    (found) => found.length === 2,
  );
  await db.query('INSERT INTO t (id) VALUES (0)');

  const keys = await until(
    () => keysOf(lab, bucket),
    (found) => found.length === 3,
  );

  expect(keys.map((key) => key.replaceAll(/\d{8}-\d{9}/g, 'CDC'))).toEqual([
    'in/public/t/CDC.parquet',
    'in/public/t/CDC.parquet',
    'in/public/t/LOAD00000001.parquet',
  ]);
  const load = keys.filter((key) => key.includes('LOAD'));
  const [updated = '', inserted = ''] = keys;
  expect(await readParquet(lab, bucket, load, `Op, ${READ}`)).toEqual([['I', ...VALUES]]);
  expect(await readParquet(lab, bucket, [updated], `Op, ${READ}`)).toEqual([['U', ...VALUES]]);
  expect(await readParquet(lab, bucket, [inserted], 'Op, id::text, x, d')).toEqual([['I', '0', null, null]]);
});

test('the same values stand in CSV as DMS writes them', async () => {
  const db = await database(TYPES, `INSERT INTO t VALUES ${ROW}`);
  const { arn, bucket } = await makeTask(lab, db.name, { type: 'full-load-and-cdc' });
  await start(lab, arn);
  await whenStatus(lab, arn, 'running');
  await db.query('UPDATE t SET s = s');

  const line =
    '9007199254740993,-7,1234567890123456789012345678.0123456789,1.5,NaN,true,2024-02-29,23:59:59.5,' +
    '2026-01-02 03:04:05.000006,2026-01-01 21:34:05.000006,00ff,"{""a"": [1, ""é""]}","{one,""t w o""}",sad,' +
    '123e4567-e89b-12d3-a456-426614174000,"a ""quoted"",\nline\ttab \\ \r\n end"\n';
  await eventually(() => loadOf(lab, bucket, 't'), line);
  const key = await until(
    () => keysOf(lab, bucket),
    (keys) => keys.length === 2,
  );
  expect(String(await bytesOf(lab, bucket, key[0] ?? ''))).toBe(`U,${line}`);
});

test('a load is split by MaxFileSize, and its counter is hexadecimal', async () => {
  const db = await database(
    'CREATE TABLE a (id int PRIMARY KEY, x text)',
    `INSERT INTO a SELECT n, repeat('x', 600) FROM generate_series(1, 20) n`,
  );
  const { arn, bucket } = await makeTask(lab, db.name, { type: 'full-load', s3: { MaxFileSize: 1 } });

  await start(lab, arn);
  await whenStatus(lab, arn, 'stopped');

  expect((await keysOf(lab, bucket)).at(-1)).toBe('in/public/a/LOAD0000000A.csv');
  expect((await loadOf(lab, bucket, 'a')).split('\n')).toHaveLength(21);
});

test('the operation stands where the settings put it', async () => {
  const cases = [
    [{ IncludeOpForFullLoad: true, CdcInsertsOnly: true }, 'I,1,one\n', ['I,2,two']],
    [{ CdcInsertsOnly: true }, '1,one\n', ['2,two']],
    [{ IncludeOpForFullLoad: true }, 'I,1,one\n', ['I,2,two', 'U,2,TWO', 'D,2,NULL']],
    [{ CdcInsertsAndUpdates: true }, '1,one\n', ['I,2,two', 'U,2,TWO']],
  ] as const;
  for (const [settings, load, changes] of cases) {
    const { db, bucket } = await running(settings);
    await db.query(`INSERT INTO a VALUES (2, 'two')`);
    await db.query(`UPDATE a SET name = 'TWO' WHERE id = 2`);
    await db.query('DELETE FROM a WHERE id = 2');
    await eventually(() => changesOf(lab, bucket, 'a'), changes);
    expect(await loadOf(lab, bucket, 'a'), JSON.stringify(settings)).toBe(load);
  }
});

test('names, times, folders by date, a null of its own and gzip are written as they are set', async () => {
  const { db, bucket } = await running({
    AddColumnName: true,
    TimestampColumnName: 'at',
    DatePartitionEnabled: true,
    CsvNullValue: '\\N',
    CompressionType: 'gzip',
    IncludeOpForFullLoad: true,
  });
  await db.query('INSERT INTO a VALUES (2, NULL)');

  const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}`;
  const lines = await until(
    () => changesOf(lab, bucket, 'a'),
    (found) => found.length === 2,
  );
  expect(lines[0]).toBe('Op,at,id,name');
  expect(lines[1]).toMatch(new RegExp(String.raw`^I,${time},2,\\N$`));
  expect(await loadOf(lab, bucket, 'a')).toMatch(new RegExp(`^Op,at,id,name\nI,${time},1,one\n$`));
  expect(await keysOf(lab, bucket)).toEqual([
    expect.stringMatching(/^in\/public\/a\/\d{4}\/\d\d\/\d\d\/\d{8}-\d{9}\.csv\.gz$/),
    'in/public/a/LOAD00000001.csv.gz',
  ]);
});

test('transactions are kept whole, in one file for all tables, in the order of their commits', async () => {
  const db = await database('CREATE TABLE a (id int PRIMARY KEY)', 'CREATE TABLE b (id int PRIMARY KEY)');
  const s3 = { PreserveTransactions: true, CdcPath: 'changes', DataFormat: 'parquet' } as const;
  const { arn, bucket } = await makeTask(lab, db.name, {
    type: 'cdc',
    s3: { ...s3, CdcMaxBatchInterval: 1 },
  });
  await start(lab, arn);
  await whenStatus(lab, arn, 'running');

  await db.query(
    'BEGIN; INSERT INTO b VALUES (1); INSERT INTO a VALUES (1); INSERT INTO b VALUES (2); COMMIT',
  );

  const [key = ''] = await until(
    () => keysOf(lab, bucket),
    (keys) => keys.length > 0,
  );
  expect(key).toMatch(/^in\/changes\/CDC_TXN-\d{17}\.csv$/);
  expect(String(await bytesOf(lab, bucket, key))).toBe('I,b,public,1\nI,a,public,1\nI,b,public,2\n');
});

test('rules choose tables, rename, drop columns and add the headers of a change', async () => {
  const rule = (id: number, rest: object) => ({ 'rule-id': String(id), 'rule-name': String(id), ...rest });
  const a = { 'schema-name': 'public', 'table-name': 'a' };
  const added = (id: number, name: string, expression: string) =>
    rule(id, {
      'rule-type': 'transformation',
      'rule-target': 'column',
      'rule-action': 'add-column',
      'object-locator': { 'schema-name': '%', 'table-name': '%' },
      value: name,
      expression,
      'data-type': { type: 'string', length: 50 },
    });
  const { db, bucket } = await running({ AddColumnName: true }, [
    rule(1, {
      'rule-type': 'selection',
      'rule-action': 'include',
      'object-locator': { 'schema-name': 'pub%', 'table-name': '%' },
    }),
    rule(2, {
      'rule-type': 'selection',
      'rule-action': 'exclude',
      'object-locator': { 'schema-name': 'public', 'table-name': 'secret%' },
    }),
    rule(3, {
      'rule-type': 'transformation',
      'rule-target': 'table',
      'rule-action': 'rename',
      'object-locator': a,
      value: 'things',
    }),
    rule(4, {
      'rule-type': 'transformation',
      'rule-target': 'column',
      'rule-action': 'remove-column',
      'object-locator': { ...a, 'column-name': 'name' },
    }),
    added(5, 'seq', '$AR_H_CHANGE_SEQ'),
    added(6, 'position', '$AR_H_STREAM_POSITION'),
    added(7, 'what', '$AR_H_OPERATION'),
  ]);
  await db.query('CREATE TABLE secrets (id int PRIMARY KEY); INSERT INTO secrets VALUES (1)');
  await db.query(`BEGIN; INSERT INTO a VALUES (2, 'two'); UPDATE a SET id = 3 WHERE id = 2; COMMIT`);

  const lines = await until(
    () => changesOf(lab, bucket, 'things'),
    (found) => found.length === 3,
  );
  const rows = lines.slice(1).map((line) => line.split(','));
  expect(lines[0]).toBe('Op,id,seq,position,what');
  expect(rows.map(([op, id, , , what]) => [op, id, what])).toEqual([
    ['I', '2', 'INSERT'],
    ['U', '3', 'UPDATE'],
  ]);
  expect(rows.every(([, , seq]) => /^\d{35}$/.test(seq ?? ''))).toBe(true);
  expect((rows[0]?.[2] ?? '') < (rows[1]?.[2] ?? '')).toBe(true);
  expect(rows[0]?.[3]).toMatch(/^[0-9A-F]{16}\.00000001$/);
  expect(await loadOf(lab, bucket, 'things')).toBe('id,seq,position,what\n1,,,INSERT\n');
});

test('line ends within texts of Parquet are theirs, whichever come first', async () => {
  const { db, bucket } = await running({ DataFormat: 'parquet' });
  await db.query(`INSERT INTO a VALUES (2, E'a\\r\\nb'), (3, E'c\\nd'), (4, E'e\\rf'), (5, 'g')`);
  const keys = await until(
    async () => (await keysOf(lab, bucket)).filter((key) => !key.includes('LOAD')),
    (found) => found.length > 0,
  );
  expect(await readParquet(lab, bucket, keys, 'id::text, name')).toEqual([
    ['2', 'a\r\nb'],
    ['3', 'c\nd'],
    ['4', 'e\rf'],
    ['5', 'g'],
  ]);
});
