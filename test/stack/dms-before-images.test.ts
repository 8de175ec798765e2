import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { eventually, until } from '../support/eventually.ts';
import {
  ALL_OF_PUBLIC,
  type Database,
  type DmsLab,
  changesOf,
  describe,
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

function withBeforeImages(definition: object) {
  return [
    ...ALL_OF_PUBLIC,
    {
      'rule-type': 'transformation',
      'rule-id': '2',
      'rule-name': '2',
      'rule-target': 'column',
      'rule-action': 'add-before-image-columns',
      'object-locator': { 'schema-name': 'public', 'table-name': '%' },
      'before-image-def': definition,
    },
  ];
}

const KEY_ONLY = { 'column-prefix': 'BI_', 'column-suffix': '', 'column-filter': 'pk-only' };

test('an update tells the key that its row had, be it changed or not, and a deletion the key that it ends', async () => {
  const db = await database(
    'CREATE TABLE a (id int, day date, n int, PRIMARY KEY (id, day))',
    `INSERT INTO a VALUES (1, '2026-01-01', 7)`,
  );
  const { arn, bucket } = await makeTask(lab, db.name, {
    type: 'full-load-and-cdc',
    s3: { AddColumnName: true },
    rules: withBeforeImages(KEY_ONLY),
  });
  await start(lab, arn);
  await whenStatus(lab, arn, 'running');

  await db.query(`BEGIN; INSERT INTO a VALUES (2, '2026-01-02', 8); UPDATE a SET n = 9 WHERE id = 2;
    UPDATE a SET id = 3 WHERE id = 2; DELETE FROM a WHERE id = 3; COMMIT`);

  await eventually(
    () => changesOf(lab, bucket, 'a'),
    [
      'Op,id,day,n,BI_id,BI_day',
      'I,2,2026-01-02,8,NULL,NULL',
      'U,2,2026-01-02,9,2,2026-01-02',
      'U,3,2026-01-02,9,2,2026-01-02',
      'D,3,2026-01-02,NULL,3,2026-01-02',
    ],
  );
  expect(await loadOf(lab, bucket, 'a')).toBe('id,day,n,BI_id,BI_day\n1,2026-01-01,7,NULL,NULL\n');
});

test('the source tells the other columns only under REPLICA IDENTITY FULL', async () => {
  const db = await database(
    'CREATE TABLE by_key (id int PRIMARY KEY, n int)',
    'CREATE TABLE by_row (id int, n int, x text)',
    'ALTER TABLE by_row REPLICA IDENTITY FULL',
  );
  const { arn, bucket } = await makeTask(lab, db.name, {
    type: 'cdc',
    rules: withBeforeImages({ 'column-filter': 'all' }),
  });
  await start(lab, arn);
  await whenStatus(lab, arn, 'running');

  await db.query('INSERT INTO by_key VALUES (1, 1); UPDATE by_key SET n = 2; DELETE FROM by_key');
  await db.query(`INSERT INTO by_row VALUES (1, 1, 'x'); UPDATE by_row SET n = 2; DELETE FROM by_row`);

  await eventually(
    () => changesOf(lab, bucket, 'by_key'),
    ['I,1,1,NULL,NULL', 'U,1,2,1,NULL', 'D,1,NULL,1,NULL'],
  );
  await eventually(
    () => changesOf(lab, bucket, 'by_row'),
    ['I,1,1,x,NULL,NULL,NULL', 'U,1,2,x,1,1,x', 'D,1,2,x,1,2,x'],
  );
  expect(await describe(lab, arn)).toMatchObject({ Status: 'running' });
});

test('the filter leaves out what is no key, or what is a large object', async () => {
  const sql = 'CREATE TABLE a (id int PRIMARY KEY, code varchar(9), long text, bytes bytea, list int[])';
  const db = await database(sql, 'ALTER TABLE a REPLICA IDENTITY FULL');
  const cases = [
    [{}, 'Op,id,code,long,bytes,list,BI_id'],
    [{ 'column-filter': 'non-lob', 'column-prefix': 'old_' }, 'Op,id,code,long,bytes,list,old_id,old_code'],
    [
      { 'column-filter': 'all', 'column-prefix': '', 'column-suffix': '_was' },
      'Op,id,code,long,bytes,list,id_was,code_was,long_was,bytes_was,list_was',
    ],
  ] as const;
  for (const [at, [definition, header]] of cases.entries()) {
    const { arn, bucket } = await makeTask(lab, db.name, {
      type: 'cdc',
      s3: { AddColumnName: true },
      rules: withBeforeImages(definition),
    });
    await start(lab, arn);
    await whenStatus(lab, arn, 'running');
    await db.query(`INSERT INTO a VALUES (${at})`);
    const [first] = await until(
      () => changesOf(lab, bucket, 'a'),
      (lines) => lines.length === 2,
    );
    expect(first).toBe(header);
  }
});

test('in Parquet a before-image has the type of its column, in a load as in changes', async () => {
  const db = await database('CREATE TABLE a (id bigint PRIMARY KEY, n int)', 'INSERT INTO a VALUES (1, 1)');
  const { arn, bucket } = await makeTask(lab, db.name, {
    type: 'full-load-and-cdc',
    s3: { DataFormat: 'parquet', IncludeOpForFullLoad: true },
    rules: withBeforeImages(KEY_ONLY),
  });
  await start(lab, arn);
  await whenStatus(lab, arn, 'running');
  await db.query('UPDATE a SET id = 2');

  const keys = await until(
    () => keysOf(lab, bucket),
    (found) => found.length === 2,
  );

  const rows = await readParquet(lab, bucket, keys.toReversed(), 'Op, id::int, n, BI_id::int, typeof(BI_id)');
  expect(rows).toEqual([
    ['I', 1, 1, null, 'BIGINT'],
    ['U', 2, 1, 1, 'BIGINT'],
  ]);
});

test('a definition that names nothing, or what DMS does not know, is refused', async () => {
  const refused = (definition: object) =>
    makeTask(lab, 'any', { type: 'cdc', rules: withBeforeImages(definition) });

  await expect(refused({ 'column-prefix': '' })).rejects.toThrow(/both empty/);
  await expect(refused({ prefix: 'BI_' })).rejects.toThrow(/prefix/);
  await expect(refused({ 'column-filter': 'some' })).rejects.toThrow(/column-filter/);
});
