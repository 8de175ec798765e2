import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { type DuckDb, type Row, withDuckDb } from '../../../activities/duckdb.ts';
import { createLedger } from '../../../activities/objects/ledger.ts';
import { type CollectLaneResult, createStreamActivities } from '../../../activities/streams/activities.ts';
import type { OpenedLanes } from '../../../activities/streams/open.ts';
import type { Pacing } from '../../../activities/streams/pacing.ts';
import type { RecordStream } from '../../../activities/streams/port.ts';
import type { Entry, RejectedRecord } from '../../../lake/entry.ts';
import type { Action } from '../../../lake/decisions.ts';
import type { DatasetSpec, KinesisSource, LakeSpec } from '../../../lake/spec.ts';
import { literal } from '../../../lake/sql/text.ts';
import { MemoryObjectStore } from '../../fakes/memory-object-store.ts';
import { MemoryStream, type MemoryStreamOptions } from '../../fakes/memory-stream.ts';
import { tmpFolder } from '../../support/tmp.ts';

export const NOW = '2026-11-22T12:00:00.000Z';
/** Of the fake stream, which is made at `NOW`. */
export const CREATED = 1_795_348_800;
const signal = new AbortController().signal;

const SOURCE: KinesisSource = {
  kind: 'kinesis',
  stream: 'payments',
  start: 'earliest',
  format: { json: {} },
  columns: { id: 'string', at: 'timestamp', amount: 'decimal(18,2)' },
  commit: { rows: 250_000, bytes: 64_000_000, everyMs: 1000 },
};

const PAYMENTS: DatasetSpec = {
  merge: 'append',
  key: ['id'],
  partition: { kind: 'time', column: 'at', unit: 'day', from: '2026-11-01', fixed: true },
  columns: { id: 'string', at: 'timestamp', amount: 'decimal(18,2)' },
  feeds: { payments: { role: 'speed', visible: 'commit', map: {} } },
  // oxlint-disable-next-line unicorn/no-thenable -- lake.yaml calls it so
  close: { latenessMs: 0, graceMs: 0, needs: [], then: 'hold' },
  rebuild: { lateRatio: 0.1, lateAfterMs: 0 },
  gate: {
    compare: [],
    tolerance: {
      missing: { count: 0 },
      differs: { count: 0 },
      moved: { count: 0 },
      conflicting: { count: 0 },
    },
    settleAfterMs: 0,
    checks: [],
  },
};

/** Time that passes only when somebody waits, or a test says so. */
export class TestClock {
  #ms = Date.parse(NOW);

  now(): number {
    return this.#ms;
  }

  pass(ms: number): void {
    this.#ms += ms;
  }
}

export interface StreamLakeOptions {
  readonly source?: Partial<KinesisSource>;
  readonly dataset?: Partial<DatasetSpec> | null;
  readonly stream?: Partial<MemoryStreamOptions>;
  readonly pacing?: Partial<Pacing>;
  readonly store?: MemoryObjectStore;
  readonly wrap?: (stream: MemoryStream) => RecordStream;
}

export interface Attempt {
  readonly lane?: number;
  readonly drain?: boolean;
  /** When the server scheduled it, ms after the lake's beginning; each later than the one before unless given. */
  readonly scheduledMs?: number;
  readonly environment?: (environment: MockActivityEnvironment) => void;
}

export type StreamLake = Awaited<ReturnType<typeof streamLake>>;

/** The source `payments`: a stream and a lake in memory, and the real activities between them. */
export async function streamLake({
  source,
  dataset,
  stream: streamOptions,
  pacing,
  store = new MemoryObjectStore(),
  wrap = (one) => one,
}: StreamLakeOptions = {}) {
  const home = await tmpFolder();
  const scratch = path.join(home, 'scratch');
  await mkdir(scratch);
  const spec: LakeSpec = {
    lake: { name: 'test', bucket: 'test-lake' },
    sources: { payments: { ...SOURCE, ...source } },
    datasets: dataset === null ? {} : { payments: { ...PAYMENTS, ...dataset } },
  };
  const clock = new TestClock();
  const stream = new MemoryStream({ shards: 1, clock, ...streamOptions });
  const ledger = createLedger({ store });
  const duck = { memoryMb: 512, threads: 1, scratch };
  const build = () =>
    createStreamActivities({
      store,
      // A ledger of its own: what one process remembers, another does not know.
      ledger: createLedger({ store }),
      spec: { read: async () => ({ n: 3, spec }) },
      stream: wrap(stream),
      duck,
      clock,
      pacing: {
        stretchMs: 3000,
        wait: async (ms, aborted) => {
          aborted.throwIfAborted();
          clock.pass(ms);
        },
        ...pacing,
      },
    });
  let scheduled = 0;
  const environment = ({ scheduledMs, environment: change }: Attempt) => {
    scheduled += 1;
    const made = new MockActivityEnvironment(
      { currentAttemptScheduledTimestampMs: Date.parse(NOW) + (scheduledMs ?? scheduled) },
      { logger: new DefaultLogger('ERROR') },
    );
    change?.(made);
    return made;
  };
  const open = (attempt: Attempt = {}): Promise<OpenedLanes> =>
    environment(attempt).run(build().openLanes, { source: 'payments' });
  const collect = (attempt: Attempt = {}): Promise<CollectLaneResult> =>
    environment(attempt).run(build().collectLane, {
      source: 'payments',
      lane: attempt.lane ?? 0,
      drain: attempt.drain ?? true,
    });
  const decide = (action: Action, ...channels: string[]) =>
    environment({}).run(build().decideChannels, {
      source: 'payments',
      lane: 0,
      channels,
      action,
      decision: 'audit/2026-11-22/1.json',
      by: 'ana',
      reason: 'the stream was stopped for two days',
    });
  const entries = async (lane = 0): Promise<Entry[]> => {
    const head = await ledger.head('payments', lane, signal);
    const links = head ? await ledger.range('payments', lane, 1, head.n, signal) : [];
    return links.map(({ value }) => value);
  };
  const rowsOf = async (
    entry: Entry | undefined,
    select = '* EXCLUDE (_op, _hash)',
  ): Promise<readonly Row[]> => {
    const found: Row[] = [];
    for (const object of entry?.rows ?? []) {
      const file = path.join(home, 'read.parquet');
      await writeFile(file, (await store.get(object.key, signal)) ?? '');
      const query = (db: DuckDb) =>
        db.rows(`SELECT ${select} FROM read_parquet(${literal(file)}) ORDER BY _row`);
      found.push(...(await withDuckDb(duck, query)));
    }
    return found;
  };
  const rejectedOf = async (entry: Entry | undefined): Promise<RejectedRecord[]> => {
    const lines = (entry?.rejected ?? []).map(({ key }) => store.text(key));
    return lines.flatMap((text) => (text ?? '').split('\n').filter(Boolean)).map((line) => JSON.parse(line));
  };
  const rawOf = async (entry: Entry | undefined): Promise<unknown[]> => {
    const found: unknown[] = [];
    for (const { uri } of entry?.raw ?? []) {
      const body = await store.get(uri.replace('s3://test-lake/', ''), signal);
      const text = gunzipSync(body ?? '').toString();
      found.push(
        ...text
          .split('\n')
          .filter(Boolean)
          .map((line): unknown => JSON.parse(line)),
      );
    }
    return found;
  };
  /** In the order of the lane: what entries say of each row, beside the given columns. */
  const rows = async (lane = 0, select = 'id, _channel, _position'): Promise<readonly Row[]> => {
    const found: Row[] = [];
    for (const entry of await entries(lane)) found.push(...(await rowsOf(entry, select)));
    return found;
  };
  const leftovers = () => readdir(scratch);
  return {
    store,
    stream,
    clock,
    ledger,
    open,
    collect,
    decide,
    entries,
    rows,
    rowsOf,
    rejectedOf,
    rawOf,
    leftovers,
  };
}

/** A payment as JSON, well-formed unless told otherwise. */
export function payment(id: string, more: object = {}): string {
  return JSON.stringify({ id, at: '2026-11-22T11:59:00Z', amount: '12.50', ...more });
}

/** The channel of a shard of the fake stream, by its number. */
export function channel(n: number): string {
  return `${CREATED}-shardId-${String(n).padStart(12, '0')}`;
}

export function shard(n: number): string {
  return `shardId-${String(n).padStart(12, '0')}`;
}
