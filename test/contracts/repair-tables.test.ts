import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { CreateBucketCommand, DeleteObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createDmsClient } from '../../activities/dms/clients.ts';
import { DmsTasks } from '../../activities/dms/dms.ts';
import { S3Prefix } from '../../activities/files/prefix.ts';
import { createS3Client } from '../../activities/objects/clients.ts';
import { createLedger } from '../../activities/objects/ledger.ts';
import { S3ObjectStore } from '../../activities/objects/s3.ts';
import { PostgresDatabase } from '../../activities/postgres/database.ts';
import { createSpecReader } from '../../activities/spec/store.ts';
import { createRepairActivities } from '../../activities/tables/repairs.ts';
import { compareSource } from '../../reading/compare/compare.ts';
import { createRepairSource } from '../../reading/compare/repair-source.ts';
import {
  NUMBERED,
  type DmsLab,
  keysOf,
  makeDatabase,
  makeTask,
  openDmsLab,
  start,
  whenStatus,
} from '../stack/dms-lab.ts';
import { until } from '../support/eventually.ts';
import { STACK_REGION } from '../support/stack.ts';
import { openTablesLake, shopSpec } from './tables-lake.ts';

let lab: DmsLab;
beforeAll(async () => {
  lab = await openDmsLab();
});
afterAll(() => lab.close());

const COLUMNS = {
  id: 'bigint',
  at: 'timestamp',
  amount: 'decimal(38,10)',
  day: 'date',
  doc: 'string',
  raw: 'string',
  share: 'double',
  flag: 'boolean',
} as const;

/** A table with a lake that has collected its load; what is compared settles within a second. */
async function lake(DataFormat: 'csv' | 'parquet') {
  const db = await makeDatabase(lab);
  onTestFinished(() => db.end());
  await db.query(`CREATE TABLE items (id bigint, at timestamptz, amount numeric(38,10), day date, doc jsonb, raw bytea,
    share float8, flag boolean, PRIMARY KEY (id, at))`);
  await db.query(`INSERT INTO items SELECT n, timestamptz '1969-12-31 23:59:59.000001Z' + n * interval '1 day', n / 7.0,
    date '1969-12-30' + n, '{"a": null}', '\\x00ff', n / 3.0, n % 2 = 0 FROM generate_series(0, 20) n`);
  const s3 = { DataFormat, AddColumnName: true, IncludeOpForFullLoad: true };
  const task = await makeTask(lab, db.name, { type: 'full-load-and-cdc', rules: NUMBERED, s3 });
  const bucket = `lake-${randomUUID()}`;
  await lab.s3.send(new CreateBucketCommand({ Bucket: bucket }));
  const where = { endpoint: lab.stack.url, region: STACK_REGION, maxAttempts: 3 };
  const client = createDmsClient(where);
  const store = new S3ObjectStore(
    createS3Client(where),
    bucket,
    createS3Client({ ...where, maxAttempts: 1 }),
  );
  const spec = shopSpec(task.id, bucket, { 'public.items': { columns: COLUMNS, key: ['id', 'at'] } });
  const scratch = path.join(lab.dir, `scratch-${randomUUID()}`);
  const tasks = new DmsTasks({ client, once: client });
  const landings = new S3Prefix(createS3Client(where));
  const opened = await openTablesLake({ store, spec, tasks, landings, scratch });
  const url = new URL(lab.postgres.url);
  url.pathname = `/${db.name}`;
  const reading = path.join(scratch, 'reading');
  await mkdir(reading);
  const ports = {
    store,
    ledger: createLedger({ store }),
    spec: { n: 1, spec },
    scratch: reading,
    cache: path.join(scratch, 'cache'),
    memoryMb: 256,
    threads: 1,
    database: new PostgresDatabase(url.href),
    clock: { now: () => Date.now(), wait: (ms: number) => wait(ms) },
  };
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  const settling = { source: 'shop', settleMs: 800, withinMs: 8_000 };
  const { repairDatabaseTable } = createRepairActivities({
    store,
    ledger: createLedger({ store }),
    spec: createSpecReader({ store }),
    tasks,
    landings,
    duck: { memoryMb: 256, threads: 1, scratch },
    clock: { now: () => Date.now() },
    repairs: () => Promise.resolve(createRepairSource(ports, settling)),
  });
  await start(lab, task.arn);
  await whenStatus(lab, task.arn, 'running');
  await until(
    () => opened.collectAll(),
    ({ tables }) => tables.every(({ ready }) => ready),
  );
  const changes = async () => (await keysOf(lab, task.bucket)).filter((key) => !key.includes('LOAD'));
  return {
    db,
    ...opened,
    /** Changes land, and are gone before anybody collects them. */
    async lose(sql: string) {
      const before = await changes();
      await db.query(sql);
      const after = await until(changes, (keys) => keys.length > before.length);
      const lost = after.filter((key) => !before.includes(key));
      for (const Key of lost) await lab.s3.send(new DeleteObjectCommand({ Bucket: task.bucket, Key }));
    },
    compare: async () =>
      (await compareSource(ports, { ...settling, mode: 'live' }, signal)).tables[0] ?? { kind: 'none' },
    repair: (id: string) => opened.run(repairDatabaseTable, { source: 'shop', table: 'public.items', id }),
  };
}

const EQUAL = { kind: 'compared', missing: 0, extra: 0, differing: 0, pending: 0 };

for (const format of ['parquet', 'csv'] as const) {
  test(`rows that DMS lost are written as the database has them, once, and later changes go on: ${format}`, async () => {
    const own = await lake(format);
    await own.lose(`BEGIN; DELETE FROM items WHERE id = 3; UPDATE items SET amount = -0.5, flag = NULL WHERE id = 4;
      INSERT INTO items VALUES (99, '2026-03-29 03:30:00.123456+02', 1e27 + 0.0000000001, NULL, '[1, "x\\n"]', '',
        0.1, true); UPDATE items SET share = 1e-7 WHERE id = 99; COMMIT`);
    expect(await own.compare()).toMatchObject({ missing: 1, extra: 1, differing: 1, pending: 0 });

    expect(await own.repair('first')).toMatchObject({ outcome: 'repaired', rows: 2, removed: 1 });
    expect(await own.compare()).toMatchObject(EQUAL);
    const entries = await own.entries('public.items');

    expect(await own.repair('first')).toMatchObject({ outcome: 'repaired', rows: 0, removed: 0 });
    expect(await own.repair('second')).toMatchObject({ outcome: 'equal' });
    expect(await own.entries('public.items')).toHaveLength(entries.length);

    await own.db.query(`UPDATE items SET amount = 7 WHERE id IN (4, 99); DELETE FROM items WHERE id = 5`);
    await until(
      () => own.collectAll().then(() => own.entries('public.items')),
      (now) => now.length > entries.length,
    );
    expect(await own.compare()).toMatchObject(EQUAL);
    expect((await own.verify()).findings).toEqual([]);
  });
}
