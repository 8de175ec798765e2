import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { ReloadTablesCommand } from '@aws-sdk/client-database-migration-service';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createDmsClient } from '../../activities/dms/clients.ts';
import { DmsTasks } from '../../activities/dms/dms.ts';
import { S3Prefix } from '../../activities/files/prefix.ts';
import { createS3Client } from '../../activities/objects/clients.ts';
import { S3ObjectStore } from '../../activities/objects/s3.ts';
import { eventually } from '../support/eventually.ts';
import { STACK_REGION } from '../support/stack.ts';
import {
  type Database,
  type DmsLab,
  type TaskOptions,
  NUMBERED,
  makeDatabase,
  makeTask,
  openDmsLab,
  start,
  stop,
  whenStatus,
} from '../stack/dms-lab.ts';
import { type TableDeclared, openTablesLake, shopSpec } from './tables-lake.ts';

let lab: DmsLab;
beforeAll(async () => {
  lab = await openDmsLab();
});
afterAll(() => lab.close());

const S3 = { AddColumnName: true, IncludeOpForFullLoad: true, TimestampColumnName: 'ar_h_commit_time' };

async function shop(
  sql: readonly string[],
  tables: Readonly<Record<string, TableDeclared>>,
  options: TaskOptions,
) {
  const db: Database = await makeDatabase(lab);
  onTestFinished(() => db.end());
  for (const one of sql) await db.query(one);
  const task = await makeTask(lab, db.name, { rules: NUMBERED, ...options, s3: { ...S3, ...options.s3 } });
  const bucket = `lake-${randomUUID()}`;
  await lab.s3.send(new CreateBucketCommand({ Bucket: bucket }));
  const where = { endpoint: lab.stack.url, region: STACK_REGION };
  const s3 = createS3Client({ ...where, maxAttempts: 3 });
  const client = createDmsClient({ ...where, maxAttempts: 3 });
  const lake = await openTablesLake({
    store: new S3ObjectStore(s3, bucket, createS3Client({ ...where, maxAttempts: 1 })),
    spec: shopSpec(task.id, bucket, tables),
    tasks: new DmsTasks({ client, once: client }),
    landings: new S3Prefix(s3),
    scratch: path.join(lab.dir, `scratch-${randomUUID()}`),
  });
  return { db, lake, ...task };
}

const IMAGES = {
  'rule-type': 'transformation',
  'rule-id': '3',
  'rule-name': 'images',
  'rule-target': 'column',
  'object-locator': { 'schema-name': '%', 'table-name': '%' },
  'rule-action': 'add-before-image-columns',
  'before-image-def': { 'column-prefix': 'BI_', 'column-filter': 'pk-only' },
};

const ITEMS: TableDeclared = { columns: { id: 'bigint', name: 'string', n: 'decimal(10,2)' }, key: ['id'] };

const MADE = [
  'CREATE TABLE items (id bigint PRIMARY KEY, name text, n numeric(10,2))',
  `INSERT INTO items SELECT i, 'name ' || i, i + 0.5 FROM generate_series(1, 50) i`,
];

type Opened = Awaited<ReturnType<typeof shop>>;

/** The lake comes to hold, row for row, what Postgres holds. */
async function agrees({ db, lake }: Opened, table = 'items'): Promise<void> {
  const { rows } = await db.query(
    `SELECT id::text AS id, name, n::text AS n FROM ${table} ORDER BY (${table}.id::text) COLLATE "C"`,
  );
  await eventually(async () => {
    await lake.collectAll();
    return lake.current(`public.${table}`, 'id::VARCHAR AS id, name, n::VARCHAR AS n');
  }, rows);
}

async function run({ arn }: Opened): Promise<void> {
  await start(lab, arn);
  await whenStatus(lab, arn, 'running');
}

for (const DataFormat of ['csv', 'parquet'] as const) {
  test(`a table is what Postgres has: loaded, changed, keys changed, loaded again, deleted: ${DataFormat}`, async () => {
    const opened = await shop(
      MADE,
      { 'public.items': ITEMS },
      { type: 'full-load-and-cdc', s3: { DataFormat }, rules: [...NUMBERED, IMAGES] },
    );
    const { db, lake, arn } = opened;
    await run(opened);
    await db.query(`UPDATE items SET name = E'it''s "new",\r\nand long\n' WHERE id = 2`);
    await db.query('DELETE FROM items WHERE id IN (3, 4)');
    await db.query(`INSERT INTO items VALUES (60, NULL, -0.25), (61, '', NULL)`);
    await db.query('UPDATE items SET id = id + 1000 WHERE id BETWEEN 10 AND 20');
    await db.query('BEGIN');
    await db.query('UPDATE items SET n = 1 WHERE id = 1');
    await db.query('UPDATE items SET n = 2 WHERE id = 1');
    await db.query('COMMIT');
    await agrees(opened);

    await lab.dms.send(
      new ReloadTablesCommand({
        ReplicationTaskArn: arn,
        TablesToReload: [{ SchemaName: 'public', TableName: 'items' }],
      }),
    );
    await db.query('DELETE FROM items WHERE id % 3 = 0');
    await db.query('INSERT INTO items VALUES (3, $1, 3.5)', ['back']);
    await eventually(async () => {
      await lake.collectAll();
      return (await lake.entries('public.items')).filter(({ ready }) => ready).length;
    }, 2);
    await agrees(opened);

    await stop(lab, arn);
    await whenStatus(lab, arn, 'stopped');
    await db.query('DELETE FROM items WHERE id > 1000');
    await start(lab, arn, 'resume-processing');
    lake.restart();
    await agrees(opened);
    const { findings } = await lake.verify();
    expect(findings).toEqual([]);
  });
}

test('a load of every table, made anew each time, leaves what each table holds then', async () => {
  const other = 'CREATE TABLE others (id bigint PRIMARY KEY, name text, n numeric(10,2))';
  const opened = await shop(
    [...MADE, other],
    { 'public.items': ITEMS, 'public.others': ITEMS },
    { type: 'full-load', s3: { DataFormat: 'parquet' } },
  );
  const { db, lake, arn } = opened;
  await start(lab, arn);
  await whenStatus(lab, arn, 'stopped');
  expect(await lake.collect({ drain: true }).then(() => lake.collect({ drain: true }))).toMatchObject({
    outcome: 'drained',
    parked: [],
  });
  await agrees(opened);
  await agrees(opened, 'others');
  await db.query('DELETE FROM items WHERE id > 5');
  await db.query(`INSERT INTO others VALUES (1, 'one', 1)`);
  await start(lab, arn, 'reload-target');
  await whenStatus(lab, arn, 'stopped');
  await agrees(opened);
  await agrees(opened, 'others');
});

test('changes in folders of dates are found', async () => {
  const opened = await shop(
    MADE,
    { 'public.items': ITEMS },
    { type: 'full-load-and-cdc', s3: { DatePartitionEnabled: true } },
  );
  await run(opened);
  for (let n = 1; n <= 3; n += 1) {
    await opened.db.query('UPDATE items SET n = $1 WHERE id = $1', [n]);
    await agrees(opened);
  }
});

test('TRUNCATE at the source parks its table, and raw keeps what was collected', async () => {
  const opened = await shop(MADE, { 'public.items': ITEMS }, { type: 'full-load-and-cdc' });
  const { db, lake } = opened;
  await run(opened);
  await agrees(opened);
  await db.query('TRUNCATE items');
  await db.query(`INSERT INTO items VALUES (1, 'one', 1)`);
  await eventually(async () => {
    const { parked } = await lake.collect();
    return parked.map(({ item, failure }) => `${item} ${failure}`);
  }, ['public.items LandingsGone']);
  expect((await lake.verify()).findings).toEqual([]);
});

test('what a TRUNCATE removed that DMS leaves out is noted, and gone once the table is loaded again', async () => {
  const settings = { ChangeProcessingDdlHandlingPolicy: { HandleSourceTableTruncated: false } };
  const opened = await shop(MADE, { 'public.items': ITEMS }, { type: 'full-load-and-cdc', settings });
  const { db, lake, arn } = opened;
  await run(opened);
  await agrees(opened);
  await db.query('TRUNCATE items');
  await db.query(`INSERT INTO items VALUES (1, 'one', 1)`);
  const notes = async () => (await lake.collect()).tables.flatMap(({ notes: own }) => own).join();
  await eventually(async () => (await notes()).includes('what a TRUNCATE or DROP removed stays here'), true);
  await eventually(async () => (await lake.current('public.items', 'name')).length, 50);
  const TablesToReload = [{ SchemaName: 'public', TableName: 'items' }];
  await lab.dms.send(new ReloadTablesCommand({ ReplicationTaskArn: arn, TablesToReload }));
  await agrees(opened);
  expect((await lake.verify()).findings).toEqual([]);
});

test('tables whose names have capitals, dots, quotes or spaces are themselves, and none is another', async () => {
  const names = ['items', 'Items', 'ITEMS', 'it.ems', 'it"ems', "it's %_ items", 'ítems+1'];
  const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
  const sql = names.flatMap((name, at) => [
    `CREATE TABLE ${quoted(name)} (id bigint PRIMARY KEY, name text, n numeric(10,2))`,
    `INSERT INTO ${quoted(name)} VALUES (1, 'of ${at}', 1)`,
  ]);
  const tables = Object.fromEntries(names.map((name) => [`public.${name}`, ITEMS]));
  const opened = await shop(sql, tables, { type: 'full-load-and-cdc' });
  const { db, lake } = opened;
  await run(opened);
  const held = (of: (at: number) => string[]) => names.map((_, at) => of(at).map((name) => ({ name })));
  const seen = async () => {
    await lake.collectAll();
    return Promise.all(names.map((name) => lake.current(`public.${name}`, 'name')));
  };
  await eventually(
    seen,
    held((at) => [`of ${at}`]),
  );
  for (const [at, name] of names.entries())
    await db.query(`INSERT INTO ${quoted(name)} VALUES (2, 'more of ${at}', 2)`);
  await eventually(
    seen,
    held((at) => [`of ${at}`, `more of ${at}`]),
  );
  expect((await lake.verify()).findings).toEqual([]);
});
