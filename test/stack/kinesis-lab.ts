import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListShardsCommand,
  PutRecordsCommand,
  type GetRecordsCommandOutput,
  type KinesisClient,
} from '@aws-sdk/client-kinesis';
import { onTestFinished } from 'vitest';
import type { Limits } from '../../stack/kinesis/limits.ts';
import { eventually } from '../support/eventually.ts';
import { tmpFolder } from '../support/tmp.ts';
import { ManualClock, serveKinesis } from './kinesis-server.ts';

/** The first shard of the stream. */
export const SHARD = 'shardId-000000000000';

/** One stream, `s`, of one shard, by a clock that stands. */
export async function opened(limits: Partial<Limits> = {}, shards = 1) {
  const clock = new ManualClock();
  const dir = await tmpFolder();
  const unpaced = { readsPerSecond: 1_000, iteratorsPerSecond: 1_000, settleMs: 0 };
  const served = await serveKinesis({
    dir,
    clock,
    account: '000000000000',
    region: 'us-east-1',
    limits: { ...unpaced, ...limits },
  });
  let ended: Promise<void> | undefined;
  const end = () => (ended ??= served.close());
  onTestFinished(end);
  await served.client.send(new CreateStreamCommand({ StreamName: 's', ShardCount: shards }));
  return { ...served, clock, dir, end };
}

/** All with one key. */
export function put(client: KinesisClient, texts: readonly string[]) {
  const Records = texts.map((text) => ({ Data: Buffer.from(text), PartitionKey: 'k' }));
  return client.send(new PutRecordsCommand({ StreamName: 's', Records }));
}

/** At the oldest record of the first shard. */
export async function iteratorOf(client: KinesisClient): Promise<string> {
  const { ShardIterator } = await client.send(
    new GetShardIteratorCommand({ StreamName: 's', ShardId: SHARD, ShardIteratorType: 'TRIM_HORIZON' }),
  );
  return ShardIterator ?? '';
}

/** Every record of the first shard, as text. */
export async function all(client: KinesisClient): Promise<string[]> {
  const texts: string[] = [];
  for (let next: string | undefined = await iteratorOf(client); next;) {
    const page: GetRecordsCommandOutput = await client.send(new GetRecordsCommand({ ShardIterator: next }));
    texts.push(...(page.Records ?? []).map(({ Data }) => Buffer.from(Data ?? []).toString()));
    next = page.MillisBehindLatest === 0 ? undefined : page.NextShardIterator;
  }
  return texts;
}

/** Of all shards that are listed. */
export async function shardIds(client: KinesisClient): Promise<(string | undefined)[]> {
  const { Shards } = await client.send(new ListShardsCommand({ StreamName: 's' }));
  return (Shards ?? []).map(({ ShardId }) => ShardId);
}

/** Resolves once the stream is active. */
export function active(client: KinesisClient): Promise<void> {
  return eventually(async () => {
    const { StreamDescriptionSummary } = await client.send(
      new DescribeStreamSummaryCommand({ StreamName: 's' }),
    );
    return StreamDescriptionSummary?.StreamStatus;
  }, 'ACTIVE');
}
