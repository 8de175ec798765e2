import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as sdk from '@aws-sdk/client-database-migration-service';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createDmsClient } from '../../activities/dms/clients.ts';
import { DmsTasks } from '../../activities/dms/dms.ts';
import { reviewTask } from '../../activities/dms/review.ts';
import { S3Prefix } from '../../activities/files/prefix.ts';
import { createS3Client } from '../../activities/objects/clients.ts';
import { createLedger } from '../../activities/objects/ledger.ts';
import { S3ObjectStore } from '../../activities/objects/s3.ts';
import { readLake } from '../../config/lake.ts';
import { canonical } from '../../lake/canonical.ts';
import type { LakeSpec } from '../../lake/spec.ts';
import { query } from '../../reading/query.ts';
import {
  SHOP_COLUMNS,
  SHOP_KEYS,
  SHOP_TABLES,
  type ShopTable,
  type TableTruth,
  generateShop,
} from '../../sample/shop.ts';
import { SHOP_BUCKET, SHOP_TASK } from '../../sample/shop-task.ts';
import { byKey, canonicalSelect, unlike } from '../../scripts/demo/shop/compare.ts';
import { ShopDatabase } from '../../scripts/demo/shop/database.ts';
import { makeShopTask } from '../../scripts/demo/shop/task.ts';
import { openTablesLake } from '../contracts/tables-lake.ts';
import { eventually } from '../support/eventually.ts';
import { STACK_REGION, stackEnv } from '../support/stack.ts';
import {
  type DmsLab,
  keysOf,
  openDmsLab,
  readParquet,
  start,
  statistics,
  whenStatus,
} from '../stack/dms-lab.ts';

let lab: DmsLab;
const sample = generateShop({ seed: 11, lastDay: '2026-03-01', customers: 100, events: 120 });
let database: ShopDatabase;
beforeAll(async () => {
  lab = await openDmsLab();
  for (const [name, value] of Object.entries(stackEnv(lab.stack.url))) vi.stubEnv(name, value);
  database = await ShopDatabase.fill(lab.postgres.url, sample);
  await makeShopTask({ endpoint: lab.stack.url, region: STACK_REGION, port: lab.postgres.port });
});
afterAll(async () => {
  await database.close();
  await lab.close();
  vi.unstubAllEnvs();
});

test('nobody who adopts the task of the shop has anything to mend', async () => {
  const { findings } = await reviewTask(lab.dms, SHOP_TASK, new AbortController().signal);
  expect(findings).toEqual([]);
});

test('the database ends as the truth has it, and so do the landings of its task, change by change', async () => {
  const arn = await taskArn();
  await start(lab, arn);
  await whenStatus(lab, arn, 'running');
  await database.live(sample.transactions, 1000);
  for (const table of SHOP_TABLES) {
    expect(await database.rows(table), table).toEqual(sample.truth[table].rows);
  }
  for (const table of SHOP_TABLES) {
    await eventually(async () => unlike(await followed(table), sample.truth[table].rows), []);
  }
  const { bookings } = await statistics(lab, arn);
  expect(bookings).toMatchObject({ FullLoadRows: 200, TableState: 'Table completed' });
});

test('the lake of lake.yaml, once it has collected the landings, reads as the truth has it', async () => {
  const lake = await openLake();
  for (const table of SHOP_TABLES) {
    await eventually(
      async () => {
        await lake.collectAll();
        const { rows, twice } = byKey(table, await lake.read(canonicalSelect(table)));
        return { twice, unlike: unlike(rows, sample.truth[table].rows) };
      },
      { twice: 0, unlike: [] },
    );
  }
  expect((await lake.verify()).findings).toEqual([]);
});

/** What `lake.yaml` says of the shop, over the stand-ins. */
async function openLake() {
  const file = new URL('../../lake.yaml', import.meta.url);
  const reading = readLake({ text: await readFile(file, 'utf8'), file: file.pathname, variables: {} });
  if (reading.kind !== 'lake') throw new Error(JSON.stringify(reading.problems));
  const { sources, datasets } = reading.spec;
  const spec = JSON.parse(
    canonical({
      lake: { name: 'travel', bucket: 'travel-lake' },
      sources: { shop: sources['shop'] },
      datasets: Object.fromEntries(SHOP_TABLES.map((table) => [table, datasets[table]])),
    }),
  ) as LakeSpec;
  const where = { endpoint: lab.stack.url, region: STACK_REGION };
  const s3 = createS3Client({ ...where, maxAttempts: 3 });
  const dms = createDmsClient({ ...where, maxAttempts: 3 });
  await lab.s3.send(new CreateBucketCommand({ Bucket: spec.lake.bucket }));
  const store = new S3ObjectStore(s3, spec.lake.bucket, createS3Client({ ...where, maxAttempts: 1 }));
  const scratch = join(lab.dir, 'scratch');
  const lake = await openTablesLake({
    store,
    spec,
    tasks: new DmsTasks({ client: dms, once: dms }),
    landings: new S3Prefix(s3),
    scratch,
  });
  const cache = join(lab.dir, 'cache');
  await mkdir(cache);
  const ports = { store, ledger: createLedger({ store }), spec: { n: 1, spec }, cache, scratch };
  const limits = { memoryMb: 512, threads: 1 };
  const { signal } = new AbortController();
  return {
    ...lake,
    read: async (sql: string) => (await query({ ...ports, ...limits }, { sql, mode: 'live' }, signal)).rows,
  };
}

async function taskArn(): Promise<string> {
  const { ReplicationTasks: [task] = [] } = await lab.dms.send(new sdk.DescribeReplicationTasksCommand({}));
  return task?.ReplicationTaskArn ?? '';
}

type Row = Record<string, string | null>;

/** What following every landing of a table leaves, in canonical text. */
async function followed(table: ShopTable): Promise<TableTruth['rows']> {
  const keys = (await keysOf(lab, SHOP_BUCKET)).filter((key) => key.includes(`/public/${table}/`));
  const load = await landed(
    table,
    keys.filter((key) => key.includes('/LOAD')),
  );
  const changes = await landed(
    table,
    keys.filter((key) => !key.includes('/LOAD')),
  );
  const rows = new Map<string, Row>();
  const inOrder = changes.toSorted((a, b) => (String(a['seq']) < String(b['seq']) ? -1 : 1));
  for (const { op, seq: _seq, before, ...row } of [...load, ...inOrder]) {
    if (op !== 'I') rows.delete(String(before));
    if (op !== 'D') rows.set(JSON.stringify(SHOP_KEYS[table].map((column) => row[column])), row);
  }
  return rows;
}

async function landed(table: ShopTable, keys: readonly string[]): Promise<readonly Row[]> {
  if (keys.length === 0) return [];
  const columns = Object.entries(SHOP_COLUMNS[table]);
  const texts = columns.map(([name, type]) =>
    type === 'timestamptz' ? `strftime(${name}, '%Y-%m-%dT%H:%M:%S.%fZ')` : `${name}::VARCHAR`,
  );
  const before = SHOP_KEYS[table].map((key) => `BI_${key}::VARCHAR`).join(', ');
  const select = `Op, ar_h_change_seq, to_json([${before}])::VARCHAR, ${texts.join(', ')}`;
  const names = ['op', 'seq', 'before', ...columns.map(([name]) => name)];
  const rows = (await readParquet(lab, SHOP_BUCKET, keys, select)) as (string | null)[][];
  return rows.map((values) => Object.fromEntries(names.map((name, at) => [name, values[at] ?? null])));
}
