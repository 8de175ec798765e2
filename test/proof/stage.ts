import { execFile } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DeleteObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { Client as TemporalClient, Connection, type WorkflowHandle } from '@temporalio/client';
import { Client } from 'pg';
import { PostgresDatabase } from '../../activities/postgres/database.ts';
import { readEnv } from '../../config/env.ts';
import { type CompareReport, verdictOf } from '../../lake/compare-tables.ts';
import type { ReadMode } from '../../lake/view.ts';
import { compareSource } from '../../reading/compare/compare.ts';
import type { VerifyReport } from '../../reading/verify/report.ts';
import { verifyLake } from '../../reading/verify/verify.ts';
import type { Child } from '../../scripts/local/child.ts';
import { makeTableTask } from '../../scripts/local/dms-task.ts';
import { type Local, startLocal } from '../../scripts/local/start.ts';
import { type Postgres, startPostgres } from '../../scripts/postgres/server.ts';
import { openLake } from '../../workers/wiring.ts';
import { until } from '../support/eventually.ts';
import { removeTmpFolder } from '../support/tmp.ts';
import { DECLARED, TABLES_SQL, proofLake } from './tables.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const execute = promisify(execFile);
const BUCKET = 'proof-lake';
const TASK = 'proof';
const LOOK_EVERY_MS = 500;

/** A database, the task that lands it, and a lake that replicates it: each a process of its own that can be killed. */
export class ProofStage {
  readonly db: Client;
  readonly #postgres: Postgres;
  readonly #local: Local;
  readonly #data: string;
  readonly #env: NodeJS.ProcessEnv;
  #worker: Child | undefined;

  private constructor(db: Client, postgres: Postgres, local: Local, data: string) {
    this.db = db;
    this.#postgres = postgres;
    this.#local = local;
    this.#data = data;
    this.#env = { ...process.env, ...local.exports, TRIBUTARY_DATABASE_SHOP: postgres.url };
  }

  /** The tables are there, as `fill` leaves them; nothing is applied yet. The caller owes a `close`. */
  static async open(data: string, fill: (db: Client) => Promise<void>): Promise<ProofStage> {
    const postgres = await startPostgres();
    const db = new Client({ connectionString: postgres.url });
    await db.connect();
    await db.query(TABLES_SQL);
    await fill(db);
    const local = await startLocal({ data, bucket: BUCKET, say: () => undefined });
    const tables = Object.keys(DECLARED).map(
      (name) => [name, name === 'events' ? 'all' : 'pk-only'] as const,
    );
    await makeTableTask({
      endpoint: local.endpoint,
      region: 'eu-west-1',
      port: postgres.port,
      task: TASK,
      tables: Object.fromEntries(tables),
    });
    const stage = new ProofStage(db, postgres, local, data);
    for (const folder of ['cache', 'reading']) await mkdir(path.join(data, folder));
    return stage;
  }

  async apply(): Promise<void> {
    const file = path.join(this.#data, 'lake.yaml');
    await writeFile(file, proofLake(TASK, BUCKET));
    const { code, said } = await this.tributary('apply', file);
    if (code !== 0) throw new Error(said);
  }

  /** What an operator types after `tributary`. */
  async tributary(...args: readonly string[]): Promise<{ code: number; stdout: string; said: string }> {
    try {
      const { stdout, stderr } = await execute(
        process.execPath,
        [path.join(ROOT, 'cli/tributary.mjs'), ...args],
        {
          env: this.#env,
          cwd: ROOT,
          maxBuffer: 1 << 26,
        },
      );
      return { code: 0, stdout, said: stderr };
    } catch (error) {
      const {
        stdout = '',
        stderr = '',
        code = 1,
      } = error as { stdout?: string; stderr?: string; code?: number };
      return { code, stdout, said: stderr };
    }
  }

  async startWorker(): Promise<void> {
    this.#worker = await this.#local.startWorker();
  }

  killWorker(): Promise<void> | undefined {
    return this.#worker?.kill();
  }

  /** S3, DMS and what they stand on for us. */
  killStack(): Promise<void> {
    return this.#local.stack().kill();
  }

  restartStack(): Promise<void> {
    return this.#local.restartStack();
  }

  killTemporal(): Promise<void> {
    return this.#local.killTemporal();
  }

  restartTemporal(): Promise<void> {
    return this.#local.restartTemporal();
  }

  async reloadTables(tables: readonly string[]): Promise<void> {
    await this.#withRun((run) =>
      run.executeUpdate('reloadTables', {
        args: [{ tables, by: 'the proof', reason: 'in the middle of everything' }],
      }),
    );
  }

  /** What this changes in a table lands, and is gone before anybody collects it. */
  async lose(table: string, sql: string): Promise<void> {
    const where = {
      endpoint: this.#local.endpoint,
      region: 'eu-west-1',
      requestHandler: new NodeHttpHandler(),
    };
    const s3 = new S3Client({ ...where, forcePathStyle: true });
    const bucket = { Bucket: `${TASK}-landing` };
    const landings = async () => {
      const { Contents: found = [] } = await s3.send(
        new ListObjectsV2Command({ ...bucket, Prefix: `in/public/${table}/` }),
      );
      return found.map(({ Key }) => Key ?? '').filter((key) => !key.includes('LOAD'));
    };
    await this.#withRun(async (run) => {
      await run.signal('pause', { reason: 'a landing is lost' });
      await until(
        async () => (await run.describe()).raw.pendingActivities ?? [],
        (pending) => !pending.some(({ activityType }) => activityType?.name === 'collectTables'),
      );
      const before = await landings();
      await this.db.query(sql);
      const after = await until(landings, (keys) => keys.length > before.length);
      for (const Key of after.filter((key) => !before.includes(key)))
        await s3.send(new DeleteObjectCommand({ ...bucket, Key }));
      await run.signal('resume');
    });
    s3.destroy();
  }

  async #withRun(work: (run: WorkflowHandle) => Promise<unknown>): Promise<void> {
    const connection = await Connection.connect({ address: this.#local.temporalAddress });
    try {
      await work(new TemporalClient({ connection }).workflow.getHandle('replicate/shop'));
    } finally {
      await connection.close();
    }
  }

  /** Compares again and again until all is equal, or time is up; gives what was said last. */
  async equal(mode: ReadMode, withinMs: number): Promise<CompareReport> {
    const end = Date.now() + withinMs;
    for (;;) {
      const report = await this.#compare(mode);
      if (verdictOf(report) === 'equal' || Date.now() > end) return report;
      await wait(LOOK_EVERY_MS);
    }
  }

  async #compare(mode: ReadMode): Promise<CompareReport> {
    const signal = patient();
    const lake = openLake({ env: readEnv(this.#env), bucket: BUCKET });
    const clock = { now: () => Date.now(), wait: (ms: number) => wait(ms) };
    const ports = {
      ...lake,
      spec: await lake.spec.read(signal),
      scratch: path.join(this.#data, 'reading'),
      cache: path.join(this.#data, 'cache'),
      memoryMb: 512,
      threads: 1,
      database: new PostgresDatabase(this.#postgres.url),
      clock,
    };
    return compareSource(ports, { source: 'shop', mode, settleMs: 1_500, withinMs: 4_000 }, signal);
  }

  async verify(): Promise<VerifyReport> {
    const { store } = openLake({ env: readEnv(this.#env), bucket: BUCKET });
    const scratch = path.join(this.#data, 'reading');
    return verifyLake({ store, scratch, memoryMb: 512, signal: patient() });
  }

  async close(): Promise<void> {
    await this.#local.stop();
    await this.db.end();
    await this.#postgres.stop();
    await removeTmpFolder(this.#data);
  }
}

/** Every request in flight listens to it: more than Node's ten, and no leak. */
function patient(): AbortSignal {
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  return signal;
}
