import { execFile } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  DatabaseMigrationServiceClient,
  DescribeTableStatisticsCommand,
  StartReplicationTaskCommand,
  type TableStatistics,
} from '@aws-sdk/client-database-migration-service';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { Client } from 'pg';
import { readEnv } from '../config/env.ts';
import { query } from '../reading/query.ts';
import { makeTableTask } from '../scripts/local/dms-task.ts';
import { startLocal } from '../scripts/local/start.ts';
import { type Postgres, startPostgres } from '../scripts/postgres/server.ts';
import { openLake } from '../workers/wiring.ts';
import { cpuSeconds, median, peakRssMb } from './process.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../', import.meta.url));
const NEVER = new AbortController().signal;
// Every request in flight listens to it: more than Node's ten, and no leak.
setMaxListeners(0, NEVER);
const WITHIN_MS = 900_000;
const LOOK_EVERY_MS = 100;
const TRANSACTION = 1_000;
const COLUMNS = `id: bigint, customer: string, amount: 'decimal(12,2)', placed_at: timestamp, is_open: boolean`;
const VALUES = `n, 'customer ' || n % 10000, n * 0.01, now() - n * interval '1 second', n % 3 = 0`;

export interface DatabaseBench {
  readonly rounds: number;
  /** 0: not at all. */
  readonly changes: number;
  /** Rows of the full load; 0: not at all. */
  readonly load: number;
}

interface Figure {
  readonly cpuSeconds: number;
  readonly seconds: number;
}

/**
 * Landings of a table to a live read, beside DuckDB alone that reads the same files, writes the same rows and answers
 * the same question: changes that landed, and a full load. What lands them stands by, and is not counted.
 */
export async function benchDatabase(
  { rounds, changes, load }: DatabaseBench,
  say: (text: string) => void,
): Promise<object> {
  const data = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
  const postgres = await startPostgres();
  try {
    const figures: Record<string, object> = {};
    for (const [table, count] of [['changes', changes] as const, ['load', load] as const]) {
      if (count === 0) continue;
      const landed = await landing(join(data, table), table, postgres, count, say);
      figures[table] = await benchLanding(landed, rounds, say);
      say(`${table}: ${JSON.stringify(figures[table])}`);
    }
    return figures;
  } finally {
    await postgres.stop();
    await rm(data, { recursive: true, force: true });
  }
}

/** A table whose task has landed it, and the folder that stand-ins are started on again for each round. */
interface Landed {
  readonly table: string;
  readonly data: string;
  /** The same files, for DuckDB alone. */
  readonly files: string;
  /** Rows of the landings, and what a live read must say. */
  readonly rows: number;
  readonly truth: { readonly rows: number; readonly amount: string };
}

async function landing(
  data: string,
  table: 'changes' | 'load',
  { url, port }: Postgres,
  count: number,
  say: (text: string) => void,
): Promise<Landed> {
  const db = new Client(url);
  await db.connect();
  const local = await startLocal({ data, bucket: 'bench-first', say: () => undefined });
  Object.assign(process.env, local.exports);
  const clients = { endpoint: local.endpoint, region: 'eu-west-1', requestHandler: new NodeHttpHandler() };
  const dms = new DatabaseMigrationServiceClient(clients);
  const s3 = new S3Client({ ...clients, forcePathStyle: true });
  try {
    await db.query(
      `CREATE TABLE ${table} (id bigint PRIMARY KEY, customer text, amount numeric(12, 2), placed_at timestamptz, is_open boolean)`,
    );
    if (table === 'load')
      await db.query(`INSERT INTO ${table} SELECT ${VALUES} FROM generate_series(1, ${count}) n`);
    const arn = await makeTableTask({
      ...clients,
      port,
      task: taskOf(table),
      tables: { [table]: 'pk-only' },
      landing: { CdcMaxBatchInterval: 10 },
    });
    const statistics = (holds: (seen: TableStatistics) => boolean) =>
      until(async () => {
        const { TableStatistics: [seen] = [] } = await dms.send(
          new DescribeTableStatisticsCommand({ ReplicationTaskArn: arn }),
        );
        return seen !== undefined && holds(seen);
      });
    await dms.send(
      new StartReplicationTaskCommand({
        ReplicationTaskArn: arn,
        StartReplicationTaskType: 'start-replication',
      }),
    );
    await statistics(({ TableState: state }) => state === 'Table completed');
    const rows = table === 'load' ? count : await change(db, table, count);
    if (table === 'changes')
      await statistics(({ Inserts = 0, Updates = 0, Deletes = 0 }) => Inserts + Updates + Deletes >= rows);
    const files = join(data, 'landings');
    await mkdir(files);
    const { Contents: objects = [] } = await s3.send(
      new ListObjectsV2Command({ Bucket: `${taskOf(table)}-landing`, Prefix: `in/public/${table}/` }),
    );
    for (const { Key: key = '' } of objects) {
      const { Body: body } = await s3.send(
        new GetObjectCommand({ Bucket: `${taskOf(table)}-landing`, Key: key }),
      );
      await writeFile(join(files, basename(key)), (await body?.transformToByteArray()) ?? '');
    }
    const answer = await db.query<{ rows: string; amount: string }>(
      `SELECT count(*) AS rows, sum(amount)::text AS amount FROM ${table}`,
    );
    const [truth] = answer.rows;
    say(`${table}: ${rows} rows in ${objects.length} landings`);
    return {
      table,
      data,
      files,
      rows,
      truth: { rows: Number(truth?.rows), amount: truth?.amount ?? '' },
    };
  } finally {
    dms.destroy();
    s3.destroy();
    await db.end();
    await local.stop();
  }
}

/** Transactions of a thousand changes: of ten, four insert, five update and one deletes. */
async function change(db: Client, table: string, count: number): Promise<number> {
  let changed = 0;
  for (let first = 1; changed < count; first += 0.4 * TRANSACTION) {
    const last = first + 0.4 * TRANSACTION - 1;
    const answers = (await db.query(`BEGIN;
      INSERT INTO ${table} SELECT ${VALUES} FROM generate_series(${first}, ${last}) n;
      UPDATE ${table} SET amount = amount + 1, is_open = NOT is_open
        WHERE id BETWEEN ${last - 0.6 * TRANSACTION} AND ${last - 0.1 * TRANSACTION};
      DELETE FROM ${table} WHERE id BETWEEN ${last - 2 * TRANSACTION} AND ${last - 1.9 * TRANSACTION};
      COMMIT`)) as unknown as readonly { readonly command: string; readonly rowCount: number | null }[];
    for (const { command, rowCount } of answers)
      if (/^(INSERT|UPDATE|DELETE)$/.test(command)) changed += rowCount ?? 0;
  }
  return changed;
}

async function benchLanding(landed: Landed, rounds: number, say: (text: string) => void): Promise<object> {
  const pairs: { ours: Awaited<ReturnType<typeof tributary>>; alone: Figure }[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const alone = await duckDbAlone(landed);
    const ours = await tributary(landed, `bench-lake-${round}`);
    say(
      `${landed.table}, ${round === 0 ? 'warm-up' : `round ${round}`}: ${ours.cpuSeconds.toFixed(1)} s of CPU (${ours.readCpuSeconds.toFixed(1)} s of them read) beside ${alone.cpuSeconds.toFixed(1)} s; ${ours.seconds.toFixed(1)} s beside ${alone.seconds.toFixed(1)} s`,
    );
    if (round > 0) pairs.push({ ours, alone });
  }
  return {
    rows: landed.rows,
    rounds,
    cpuRatio: median(pairs.map(({ ours, alone }) => ours.cpuSeconds / alone.cpuSeconds)),
    secondsRatio: median(pairs.map(({ ours, alone }) => ours.seconds / alone.seconds)),
    cpuSeconds: median(pairs.map(({ ours }) => ours.cpuSeconds)),
    readCpuSeconds: median(pairs.map(({ ours }) => ours.readCpuSeconds)),
    duckDbAloneCpuSeconds: median(pairs.map(({ alone }) => alone.cpuSeconds)),
    workerPeakRssMb: Math.max(...pairs.map(({ ours }) => ours.peakRssMb)),
  };
}

async function duckDbAlone({ files, data, truth }: Landed): Promise<Figure> {
  const { stdout } = await run(
    process.execPath,
    ['--import', 'tsx', join(ROOT, 'bench/duckdb-landings.ts'), files, join(data, 'alone')],
    { cwd: ROOT },
  );
  const { answer, ...figure } = JSON.parse(stdout) as Figure & { readonly answer: object };
  if (JSON.stringify(answer) !== JSON.stringify(truth))
    throw new Error(`DuckDB alone says ${JSON.stringify(answer)}, and Postgres ${JSON.stringify(truth)}`);
  return figure;
}

/** A lake of its own, with a Temporal of its own, over landings that are there. */
async function tributary(landed: Landed, bucket: string) {
  const { table, data, rows } = landed;
  for (const name of ['temporal.db', 'temporal.db-shm', 'temporal.db-wal', 'cache', 'reading', 'scratch'])
    await rm(join(data, name), { recursive: true, force: true });
  const local = await startLocal({ data, bucket, say: () => undefined });
  try {
    Object.assign(process.env, local.exports);
    const file = join(data, 'lake.yaml');
    await writeFile(file, lakeOf(table, bucket));
    const worker = await local.startWorker();
    const env = { ...process.env, ...local.exports };
    const before = await cpuSeconds(worker.pid);
    const startedAt = Date.now();
    await run(process.execPath, [join(ROOT, 'cli/tributary.mjs'), 'apply', file], { cwd: ROOT, env });
    const lake = openLake({ env: readEnv(env), bucket });
    await until(async () => (await collected(lake.ledger, table)) >= rows);
    const worked = (await cpuSeconds(worker.pid)) - before;
    const readCpuSeconds = await liveRead(lake, landed);
    return {
      seconds: (Date.now() - startedAt) / 1000,
      cpuSeconds: worked + readCpuSeconds,
      readCpuSeconds,
      peakRssMb: await peakRssMb(worker.pid),
    };
  } finally {
    await local.stop();
  }
}

/** Rows of the table's entries, once its generation is ready; each look reads only what is new. */
async function collected(ledger: ReturnType<typeof openLake>['ledger'], table: string): Promise<number> {
  const feed = `bench.public.${table}`;
  const head = await ledger.head(feed, 0, NEVER);
  if (!head) return 0;
  const entries = await ledger.range(feed, 0, 1, head.n, NEVER);
  if (!entries.some(({ value }) => value.ready)) return 0;
  return entries.reduce((sum, { value }) => sum + value.rows.reduce((all, one) => all + one.rows, 0), 0);
}

/** CPU seconds of the live read that says what Postgres says. */
async function liveRead(lake: ReturnType<typeof openLake>, { table, data, truth }: Landed): Promise<number> {
  const reading = { cache: join(data, 'cache'), scratch: join(data, 'reading') };
  for (const folder of Object.values(reading)) await mkdir(folder, { recursive: true });
  const ports = { ...lake, ...reading, spec: await lake.spec.read(NEVER), memoryMb: 1024, threads: 2 };
  const sql = `SELECT count(*)::INTEGER AS rows, sum(amount)::VARCHAR AS amount FROM ${table}`;
  const before = process.cpuUsage();
  const { rows } = await query(ports, { sql, mode: 'live' }, NEVER);
  const { user, system } = process.cpuUsage(before);
  if (JSON.stringify(rows[0]) !== JSON.stringify(truth))
    throw new Error(`a live read says ${JSON.stringify(rows[0])}, and Postgres ${JSON.stringify(truth)}`);
  return (user + system) / 1e6;
}

function lakeOf(table: string, bucket: string): string {
  return `lake: { name: bench, bucket: ${bucket} }
sources:
  bench: { kind: database, dms: { task: ${taskOf(table)} }, tables: [public.${table}], replicate: continuous, every: 1s }
datasets:
  ${table}:
    merge: latest
    key: [id]
    partition: { buckets: 4 }
    columns: { ${COLUMNS} }
    feeds: { bench.public.${table}: { role: speed } }
`;
}

function taskOf(table: string): string {
  return `bench-${table}`;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const startedAt = Date.now();
  while (!(await holds())) {
    if (Date.now() - startedAt > WITHIN_MS) throw new Error(`not within ${WITHIN_MS / 60_000} minutes`);
    await new Promise((wake) => setTimeout(wake, LOOK_EVERY_MS));
  }
}
