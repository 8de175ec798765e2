import { setTimeout } from 'node:timers/promises';
import { join } from 'node:path';
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
} from '@aws-sdk/client-kinesis';
import { DuckDBDecimalValue, DuckDBInstance, DuckDBTimestampTZValue } from '@duckdb/node-api';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { STREAM } from './records.ts';

// The peer, as one would write it first: the SDK's client, JSON.parse of each record, DuckDB's appender, a Parquet
// file for every 250,000 rows. In a process of its own, which prints its CPU seconds.
const [endpoint = '', folder = ''] = process.argv.slice(2);
const ROWS_PER_FILE = 250_000;
const READ_EVERY_MS = 220;

interface Payment {
  readonly id: string;
  readonly at: string;
  readonly amount: string;
  readonly currency: string;
  readonly status: string;
  readonly attempts: number;
  readonly note: string;
}

const client = new KinesisClient({
  endpoint,
  region: 'eu-west-1',
  // HTTP/1.1, as ours: the SDK's own choice opens a connection per request.
  requestHandler: new NodeHttpHandler({ httpAgent: { keepAlive: true, maxSockets: 64 } }),
});
const instance = await DuckDBInstance.create(':memory:', { memory_limit: '1024MB', threads: '2' });
const connection = await instance.connect();
await connection.run(
  'CREATE TABLE payments (id VARCHAR, "at" TIMESTAMPTZ, amount DECIMAL(18,2), currency VARCHAR, status VARCHAR, attempts BIGINT, note VARCHAR)',
);
let appender = await connection.createAppender('payments');
let rows = 0;
let waiting = 0;
let files = 0;
let writing: Promise<void> = Promise.resolve();

const before = process.cpuUsage();
const startedAt = Date.now();
const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName: STREAM }));
await Promise.all(Shards.map(({ ShardId }) => readShard(ShardId ?? '')));
await writeFile();
const { user, system } = process.cpuUsage(before);
const figure = {
  cpuSeconds: (user + system) / 1e6,
  seconds: (Date.now() - startedAt) / 1000,
  peakRssMb: process.resourceUsage().maxRSS / 1024,
  rows,
};
process.stdout.write(`${JSON.stringify(figure)}\n`);
process.exit(0);

async function readShard(ShardId: string): Promise<void> {
  const start = { StreamName: STREAM, ShardId, ShardIteratorType: 'TRIM_HORIZON' } as const;
  let { ShardIterator } = await client.send(new GetShardIteratorCommand(start));
  for (;;) {
    const {
      Records = [],
      NextShardIterator,
      MillisBehindLatest,
    } = await client.send(new GetRecordsCommand({ ShardIterator }));
    await writing;
    for (const { Data } of Records) append(JSON.parse(Buffer.from(Data ?? []).toString('utf8')) as Payment);
    if (waiting >= ROWS_PER_FILE) writing = writeFile();
    await writing;
    if (MillisBehindLatest === 0) return;
    ShardIterator = NextShardIterator;
    await setTimeout(READ_EVERY_MS);
  }
}

function append({ id, at, amount, currency, status, attempts, note }: Payment): void {
  appender.appendVarchar(id);
  appender.appendTimestampTZ(new DuckDBTimestampTZValue(BigInt(Date.parse(at)) * 1000n));
  appender.appendDecimal(new DuckDBDecimalValue(BigInt(amount.replace('.', '')), 18, 2));
  appender.appendVarchar(currency);
  appender.appendVarchar(status);
  appender.appendBigInt(BigInt(attempts));
  appender.appendVarchar(note);
  appender.endRow();
  rows += 1;
  waiting += 1;
}

async function writeFile(): Promise<void> {
  if (waiting === 0) return;
  appender.closeSync();
  waiting = 0;
  files += 1;
  const file = join(folder, `${files}.parquet`);
  await connection.run(`COPY payments TO '${file}' (FORMAT parquet, COMPRESSION zstd)`);
  await connection.run('TRUNCATE payments');
  appender = await connection.createAppender('payments');
}
