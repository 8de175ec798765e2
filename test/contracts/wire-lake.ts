import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { onTestFinished } from 'vitest';
import { createBuildActivities } from '../../activities/builds/activities.ts';
import { withDuckDb } from '../../activities/duckdb.ts';
import { createLedger } from '../../activities/objects/ledger.ts';
import { S3ObjectStore } from '../../activities/objects/s3.ts';
import { TemporalRuns } from '../../activities/runs/temporal.ts';
import { createSpecActivities } from '../../activities/spec/activities.ts';
import { createSpecReader } from '../../activities/spec/store.ts';
import { createStreamActivities } from '../../activities/streams/activities.ts';
import { createKinesisClient } from '../../activities/streams/clients.ts';
import { KinesisStream } from '../../activities/streams/kinesis.ts';
import { createViewActivities } from '../../activities/views/activities.ts';
import type { LakeSpec } from '../../lake/spec.ts';
import { literal } from '../../lake/sql/text.ts';
import { verifyLake } from '../../reading/verify/verify.ts';
import { dataset, streamSource } from '../support/rows-specs.ts';
import { STACK_REGION, openStack } from '../support/stack.ts';
import { tmpFolder } from '../support/tmp.ts';
import { Story } from './kinesis-story.ts';

const COLUMNS = { id: 'string', paid_at: 'timestamp', amount: 'decimal(18,2)' } as const;
const signal = new AbortController().signal;

/** A row as the lake has it, with all of its place. */
export interface Landed {
  readonly id: string;
  readonly position: string;
  readonly lane: number;
  readonly generation: number;
  readonly ordinal: number;
  readonly row: number;
}

export type WireLake = Awaited<ReturnType<typeof wireLake>>;

/** A stream and a bucket of stand-ins, and all real activities between them, over the wire. Ends with its test. */
export async function wireLake(shards: number) {
  const stack = await openStack();
  onTestFinished(() => stack.close());
  const client = createKinesisClient({ endpoint: stack.url, region: STACK_REGION });
  onTestFinished(() => client.destroy());
  const story = new Story(client);
  const stream = await story.stream(shards);
  const store = new S3ObjectStore(stack.s3Client, stack.bucket);
  const scratch = path.join(await tmpFolder(), 'scratch');
  await mkdir(scratch);
  const duck = { memoryMb: 512, threads: 1, scratch };
  const clock = { now: () => Date.now() };
  const spec: LakeSpec = {
    lake: { name: 'wire', bucket: stack.bucket },
    sources: {
      events: {
        ...streamSource(COLUMNS),
        stream,
        commit: { rows: 100_000, bytes: 16_000_000, everyMs: 200 },
      },
    },
    datasets: {
      payments: dataset({
        merge: 'append',
        key: ['id'],
        partition: { kind: 'time', column: 'paid_at', unit: 'day', from: '2024-03-01', fixed: true },
        columns: COLUMNS,
        feeds: { events: { role: 'speed', visible: 'commit', map: {} } },
      }),
    },
  };
  const ports = { store, ledger: createLedger({ store }), spec: createSpecReader({ store }), clock, duck };
  const streams = createStreamActivities({
    ...ports,
    stream: new KinesisStream(client),
    pacing: { stretchMs: 700, throttledMs: 200 },
  });
  let scheduled = Date.now();
  const run = <I, O>(activity: (input: I) => Promise<O>, input: I): Promise<O> => {
    scheduled += 1;
    const info = { currentAttemptScheduledTimestampMs: scheduled };
    return new MockActivityEnvironment(info, { logger: new DefaultLogger('ERROR') }).run(activity, input);
  };
  const runs = new TemporalRuns(() => {
    throw new Error('writing a spec asks nothing of Temporal');
  }, 'control');
  const { writeSpec } = createSpecActivities({ store, runs, clock });
  await run(writeSpec, { spec, by: 'ana', reason: 'the first' });
  const { lanes } = await run(streams.openLanes, { source: 'events' });

  const collect = (lane: number, drain: boolean) =>
    run(streams.collectLane, { source: 'events', lane, drain });

  /** Every lane, stretch after stretch, until `done` and all that was put is read. Resolves what was committed. */
  async function collectUntil(done: () => boolean): Promise<{ rows: number; rejected: number }> {
    const total = { rows: 0, rejected: 0 };
    const loop = async (lane: number) => {
      for (let stretch = 0; stretch < 200; stretch += 1) {
        const drain = done();
        const { outcome, rows, rejected } = await collect(lane, drain);
        total.rows += rows;
        total.rejected += rejected;
        if (outcome === 'closed' || (drain && outcome === 'drained')) return;
      }
      throw new Error(`lane ${lane} did not come to its end in 200 stretches`);
    };
    await Promise.all(lanes.map(loop));
    return total;
  }

  /** One build of what is closed, and its version. */
  async function publish(): Promise<void> {
    const { assessDataset, publishPlan } = createViewActivities(ports);
    const { buildPartitionsBatch, gatePlan } = createBuildActivities(ports);
    const { plan, partitions } = await run(assessDataset, { dataset: 'payments' });
    if (plan === null) return;
    await run(buildPartitionsBatch, { dataset: 'payments', planId: plan, from: 0, to: partitions });
    await run(gatePlan, { dataset: 'payments', planId: plan });
    await run(publishPlan, { dataset: 'payments', planId: plan });
  }

  const entriesOf = async (lane: number) => {
    const head = await ports.ledger.head('events', lane, signal);
    const links = head ? await ports.ledger.range('events', lane, 1, head.n, signal) : [];
    return links.map(({ value }) => value);
  };

  /** Every row, a parent's before its children's, each lane's in its order. */
  async function landed(): Promise<readonly Landed[]> {
    const found: Landed[] = [];
    for (const lane of lanes) {
      for (const { ordinal, channels, rows } of await entriesOf(lane)) {
        for (const { key } of rows) {
          const file = path.join(scratch, 'read.parquet');
          await writeFile(file, (await store.get(key, signal)) ?? '');
          const select = `SELECT id, _channel, _position, _row FROM read_parquet(${literal(file)}) ORDER BY _row`;
          for (const row of await withDuckDb(duck, (db) => db.rows(select))) {
            const generation = channels?.[String(row['_channel'])]?.generation ?? 0;
            const [id, position] = [String(row['id']), String(row['_position'])];
            found.push({ id, position, lane, generation, ordinal, row: Number(row['_row']) });
          }
        }
      }
    }
    return found.toSorted(
      (a, b) => a.generation - b.generation || a.ordinal - b.ordinal || a.row - b.row || a.lane - b.lane,
    );
  }

  const put = async (records: readonly { readonly key: string; readonly data: string | Uint8Array }[]) => {
    const Records = records.map(({ key, data }) => ({ PartitionKey: key, Data: Buffer.from(data) }));
    const answer = await client.send(new PutRecordsCommand({ StreamName: stream, Records }));
    if (answer.FailedRecordCount !== 0) throw new Error(`${answer.FailedRecordCount} records were refused`);
  };

  const verify = () => verifyLake({ store, scratch, memoryMb: 512, signal });

  return { story, stream, lanes, collectUntil, publish, landed, entriesOf, put, verify };
}

/** The nth payment of a key. */
export function payment(key: string, n: number): string {
  return JSON.stringify({ id: `${key}:${n}`, paid_at: '2024-03-01T10:00:00Z', amount: '1.50' });
}

/** Key → the numbers of its payments, in the order in which they landed. */
export function numbersByKey(landed: readonly Landed[]): Readonly<Record<string, number[]>> {
  const found: Record<string, number[]> = {};
  for (const { id } of landed) {
    const [key = '', n] = id.split(':');
    (found[key] ??= []).push(Number(n));
  }
  return found;
}
