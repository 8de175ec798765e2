import { execFile } from 'node:child_process';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  CreateStreamCommand,
  KinesisClient,
  ListShardsCommand,
  PutRecordsCommand,
  SplitShardCommand,
  waitUntilStreamExists,
} from '@aws-sdk/client-kinesis';
import { DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { Client, Connection } from '@temporalio/client';
import { readEnv } from '../../config/env.ts';
import { openLake } from '../../workers/wiring.ts';
import { writeAirports } from '../../sample/airports.ts';
import { type FlightsSample, writeFlights } from '../../sample/flights.ts';
import { type PaymentsSample, generatePayments } from '../../sample/payments.ts';
import { writeTruth } from '../../sample/payments-files.ts';
import { type Sendable, replay } from '../../sample/replay.ts';
import { generateShop } from '../../sample/shop.ts';
import { type Local, startLocal } from '../local/start.ts';
import type { DemoOptions } from './options.ts';
import { type Shop, openShop } from './shop/stage.ts';
import { makeShopTask } from './shop/task.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);
const BUCKET = 'travel-lake';
const STREAM = 'payment-events';
const SEED = 20_261_124;

/** Everything the demo plays with: servers, sample data, and the ways in that an operator has. */
export interface Stage {
  readonly local: Local;
  readonly client: Client;
  readonly lake: ReturnType<typeof openLake>;
  readonly env: ReturnType<typeof readEnv>;
  readonly sampleDir: string;
  readonly flights: FlightsSample;
  readonly payments: PaymentsSample;
  readonly shop: Shop;
  /** The file of the last day of flights, which arrives later. */
  readonly heldBackFlights: { arrive(): Promise<string> };
  /** What an operator types after `temporal`. */
  temporal(...args: readonly string[]): Promise<string>;
  /** What an operator types after `tributary`. */
  tributary(...args: readonly string[]): Promise<{ readonly stdout: string; readonly code: number }>;
  send(events: readonly Sendable[]): Promise<void>;
  splitShard(): Promise<{ readonly parent: string; readonly shards: number }>;
  /** For sabotage alone. */
  deleteObject(key: string): Promise<void>;
  close(): Promise<void>;
}

export async function setStage(options: DemoOptions, say: (text: string) => void): Promise<Stage> {
  const sampleDir = join(options.data, 'sample-data');
  await mkdir(sampleDir, { recursive: true });
  const payments = generatePayments({
    seed: SEED,
    lastDay: lastClosedDay(Date.now()),
    perDay: options.perDay,
    plant: { amountDiffers: 7 },
  });
  await writeTruth(join(options.data, 'truth.json'), payments);
  const flights = await writeFlights({ dir: join(sampleDir, 'flights'), days: options.flights });
  const last = flights.files.at(-1) ?? '';
  const aside = join(options.data, 'arrives-later.csv');
  await rename(last, aside);
  await writeAirports({ dir: join(sampleDir, 'airports') });
  await mkdir(join(sampleDir, 'settlements'), { recursive: true });
  say(
    `${flights.rows} real flights of ${flights.days} days, ${payments.events.length} payment events of ${payments.days.join(', ')}`,
  );

  const variables = {
    SAMPLE_DATA: sampleDir,
    LAKE_BUCKET: BUCKET,
    FLIGHTS_EVERY: '15s',
    COMMIT_EVERY: '2s',
    LANDINGS_EVERY: '2s',
    // The demo's days are long past: only the books that come in it may close them, however slow the machine is.
    BOOKS_DEADLINE: '30d',
    FIRST_DAY: payments.days[0] ?? '',
  };
  const lastDay = payments.days.at(-1) ?? '';
  const [local, shop] = await Promise.all([
    startLocal({ data: options.data, bucket: BUCKET, say }),
    openShop(generateShop({ seed: SEED, lastDay })),
  ]);
  const processEnv = { ...process.env, ...local.exports, ...variables };
  const env = readEnv(processEnv);
  Object.assign(process.env, local.exports);
  const kinesis = new KinesisClient({
    endpoint: local.endpoint,
    region: env.awsRegion,
    requestHandler: new NodeHttpHandler(),
  });
  await kinesis.send(new CreateStreamCommand({ StreamName: STREAM, ShardCount: 4 }));
  await waitUntilStreamExists(
    { client: kinesis, maxWaitTime: 30, minDelay: 1, maxDelay: 1 },
    { StreamName: STREAM },
  );
  await makeShopTask({ endpoint: local.endpoint, region: env.awsRegion, port: shop.port });
  say(
    `A shop's Postgres at ${shop.url}, in which ${shop.sample.transactions.length} transactions are to come, and a DMS task for it`,
  );
  const connection = await Connection.connect({ address: local.temporalAddress });
  const temporalBinary = join((local.exports['PATH'] ?? '').split(':')[0] ?? '', 'temporal');

  return {
    local,
    client: new Client({ connection }),
    lake: openLake({ env, bucket: BUCKET }),
    env,
    sampleDir,
    flights,
    payments,
    shop,
    heldBackFlights: {
      async arrive() {
        await rename(aside, last);
        return last;
      },
    },
    async temporal(...args) {
      const { stdout } = await run(temporalBinary, [...args, '--address', local.temporalAddress], {
        env: processEnv,
        maxBuffer: 1 << 26,
      });
      return stdout;
    },
    async tributary(...args) {
      try {
        const { stdout } = await run(process.execPath, [join(ROOT, 'cli/tributary.mjs'), ...args], {
          env: processEnv,
          cwd: ROOT,
          maxBuffer: 1 << 26,
        });
        return { stdout, code: 0 };
      } catch (error) {
        const { stdout = '', code = 1 } = error as { stdout?: string; code?: number };
        return { stdout, code };
      }
    },
    async send(events) {
      await replay({
        events,
        put: async (records) => {
          const answer = await kinesis.send(
            new PutRecordsCommand({
              StreamName: STREAM,
              Records: records.map(({ partitionKey, data }) => ({
                PartitionKey: partitionKey,
                Data: Buffer.from(data),
              })),
            }),
          );
          return (answer.Records ?? []).flatMap(({ ErrorCode }, index) =>
            ErrorCode === undefined ? [] : [index],
          );
        },
      });
    },
    async splitShard() {
      const { Shards = [] } = await kinesis.send(new ListShardsCommand({ StreamName: STREAM }));
      const parent = Shards[1];
      const from = BigInt(parent?.HashKeyRange?.StartingHashKey ?? '0');
      const to = BigInt(parent?.HashKeyRange?.EndingHashKey ?? '0');
      await kinesis.send(
        new SplitShardCommand({
          StreamName: STREAM,
          ShardToSplit: parent?.ShardId,
          NewStartingHashKey: String((from + to) / 2n + 1n),
        }),
      );
      await waitUntilStreamExists(
        { client: kinesis, maxWaitTime: 30, minDelay: 1, maxDelay: 1 },
        { StreamName: STREAM },
      );
      const after = await kinesis.send(new ListShardsCommand({ StreamName: STREAM }));
      return { parent: parent?.ShardId ?? '', shards: after.Shards?.length ?? 0 };
    },
    async deleteObject(key) {
      const s3 = new S3Client({ endpoint: local.endpoint, region: env.awsRegion, forcePathStyle: true });
      await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: key }));
      s3.destroy();
    },
    async close() {
      await connection.close();
      kinesis.destroy();
      await local.stop();
      await shop.close();
    },
  };
}

/** The newest UTC day that is over long enough for its lateness and grace to be over too. */
function lastClosedDay(nowMs: number): string {
  const DAY_MS = 86_400_000;
  const HOUR_MS = 3_600_000;
  return new Date(nowMs - DAY_MS - HOUR_MS).toISOString().slice(0, 10);
}
