import type { S3Settings } from '@aws-sdk/client-database-migration-service';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { eventually, until } from '../support/eventually.ts';
import {
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

/** A task over the one table `a` that `sql` makes; of a load alone it has ended, of others it runs. */
async function started(type: 'full-load' | 'cdc', s3: S3Settings, ...sql: string[]) {
  const db = await makeDatabase(lab);
  onTestFinished(() => db.end());
  for (const one of sql) await db.query(one);
  const task = await makeTask(lab, db.name, { type, s3 });
  await start(lab, task.arn);
  await whenStatus(lab, task.arn, type === 'cdc' ? 'running' : 'stopped');
  return { db, ...task };
}

test('changes wait for CdcMaxBatchInterval, and no longer than until they are CdcMinFileSize', async () => {
  const { db, bucket } = await started(
    'cdc',
    { CdcMaxBatchInterval: 3_600, CdcMinFileSize: 1 },
    'CREATE TABLE a (id int PRIMARY KEY, x text)',
  );
  const large = 'x'.repeat(1_024);

  await db.query(`INSERT INTO a VALUES (1, 'small')`);
  await db.query(`INSERT INTO a VALUES (2, '${large}')`);

  await eventually(() => changesOf(lab, bucket, 'a'), ['I,1,small', `I,2,${large}`]);
  expect(await keysOf(lab, bucket)).toHaveLength(1);
});

test('rows of a load have the time of its start where that is wanted', async () => {
  const { arn, bucket } = await started(
    'full-load',
    { TimestampColumnName: 'at', UseTaskStartTimeForFullLoadTimestamp: true },
    'CREATE TABLE a (id int PRIMARY KEY)',
    'INSERT INTO a VALUES (1), (2)',
  );
  const { ReplicationTaskStartDate: began } = await describe(lab, arn);
  const at = began?.toISOString().replace('T', ' ').replace('Z', '000');
  expect(await loadOf(lab, bucket, 'a')).toBe(`${at},1\n${at},2\n`);
});

test('folders and names of files follow DatePartitionTimezone', async () => {
  const { db, bucket } = await started(
    'cdc',
    { DatePartitionEnabled: true, DatePartitionTimezone: 'Pacific/Kiritimati' },
    'CREATE TABLE a (id int PRIMARY KEY)',
  );
  await db.query('INSERT INTO a VALUES (1)');

  const [key = ''] = await until(
    () => keysOf(lab, bucket),
    (keys) => keys.length > 0,
  );
  const [, year, month, day, name = ''] = /a\/(\d{4})\/(\d\d)\/(\d\d)\/(\d{8}-\d{4})/.exec(key) ?? [];
  const ahead =
    Date.parse(`${year}-${month}-${day}T${name.slice(9, 11)}:${name.slice(11, 13)}Z`) - Date.now();
  expect(name.slice(0, 8)).toBe(`${year}${month}${day}`);
  expect(Math.round(ahead / 3_600_000)).toBe(14);
});

test('Parquet times have milliseconds where that is wanted', async () => {
  const sql = ['CREATE TABLE a (at timestamp)', `INSERT INTO a VALUES ('2026-01-02 03:04:05.678123')`];
  const format = { DataFormat: 'parquet' } as const;
  const whole = await started('full-load', format, ...sql);
  const cut = await started('full-load', { ...format, ParquetTimestampInMillisecond: true }, ...sql);
  const at = async ({ bucket }: { readonly bucket: string }) =>
    readParquet(lab, bucket, await keysOf(lab, bucket), '"at"::text');
  expect(await at(whole)).toEqual([['2026-01-02 03:04:05.678123']]);
  expect(await at(cut)).toEqual([['2026-01-02 03:04:05.678']]);
});

test('a load in Parquet is split by MaxFileSize, too', async () => {
  const { bucket } = await started(
    'full-load',
    { DataFormat: 'parquet', MaxFileSize: 64 },
    'CREATE TABLE a (id int PRIMARY KEY, x text)',
    `INSERT INTO a SELECT n, md5(n::text) FROM generate_series(1, 5000) n`,
  );
  const keys = await keysOf(lab, bucket);
  expect(keys.slice(0, 2)).toEqual(['in/public/a/LOAD00000001.parquet', 'in/public/a/LOAD00000002.parquet']);
  expect(await readParquet(lab, bucket, keys, 'count(*)::text, count(DISTINCT id)::text')).toEqual([
    ['5000', '5000'],
  ]);
});
