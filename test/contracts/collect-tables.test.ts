import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, onTestFinished, test } from 'vitest';
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
  ALL_OF_PUBLIC,
  makeDatabase,
  makeTask,
  openDmsLab,
  start,
  whenStatus,
} from '../stack/dms-lab.ts';
import { type TableDeclared, openTablesLake, shopSpec } from './tables-lake.ts';

let lab: DmsLab;
beforeAll(async () => {
  lab = await openDmsLab();
});
afterAll(() => lab.close());

const RULES = [
  ...ALL_OF_PUBLIC,
  {
    'rule-type': 'transformation',
    'rule-id': '2',
    'rule-name': 'change-seq',
    'rule-target': 'column',
    'object-locator': { 'schema-name': '%', 'table-name': '%' },
    'rule-action': 'add-column',
    value: 'ar_h_change_seq',
    expression: '$AR_H_CHANGE_SEQ',
    'data-type': { type: 'string', length: 35 },
  },
];
const S3 = { AddColumnName: true, IncludeOpForFullLoad: true, TimestampColumnName: 'ar_h_commit_time' };

async function shop(
  sql: readonly string[],
  tables: Readonly<Record<string, TableDeclared>>,
  options: TaskOptions,
) {
  const db: Database = await makeDatabase(lab);
  onTestFinished(() => db.end());
  for (const one of sql) await db.query(one);
  const task = await makeTask(lab, db.name, { rules: RULES, ...options, s3: { ...S3, ...options.s3 } });
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

const ITEMS: TableDeclared = { columns: { id: 'bigint', name: 'string', n: 'decimal(10,2)' }, key: ['id'] };

for (const DataFormat of ['csv', 'parquet'] as const) {
  test(`a load and the changes after it become the rows of their table: ${DataFormat}`, async () => {
    const { db, lake, arn } = await shop(
      [
        'CREATE TABLE items (id bigint PRIMARY KEY, name text, n numeric(10,2))',
        `INSERT INTO items SELECT i, 'name ' || i, i + 0.5 FROM generate_series(1, 5) i`,
      ],
      { 'public.items': ITEMS },
      { type: 'full-load-and-cdc', s3: { DataFormat } },
    );
    await start(lab, arn);
    await whenStatus(lab, arn, 'running');
    await db.query(`UPDATE items SET name = 'it''s "new",
and long' WHERE id = 2`);
    await db.query('DELETE FROM items WHERE id = 3');
    await db.query('INSERT INTO items VALUES (6, NULL, -0.25)');

    await eventually(async () => {
      await lake.collectAll();
      return lake.current('public.items', 'id::VARCHAR AS id, name, n::VARCHAR AS n');
    }, [
      { id: '1', name: 'name 1', n: '1.50' },
      { id: '2', name: 'it\'s "new",\nand long', n: '2.50' },
      { id: '4', name: 'name 4', n: '4.50' },
      { id: '5', name: 'name 5', n: '5.50' },
      { id: '6', name: null, n: '-0.25' },
    ]);
  });
}
