import {
  CreateStreamCommand,
  MergeShardsCommand,
  PutRecordsCommand,
  SplitShardCommand,
  waitUntilStreamExists,
} from '@aws-sdk/client-kinesis';
import { createKinesisClient } from '../../activities/streams/clients.ts';
import { STACK_REGION } from '../support/stack.ts';

const SPACE = 2n ** 128n;

/** Streams of stand-ins. A place in a stream is a share of its hash keys, from 0 to below 1. The caller owes `close`. */
export async function openStreams(url: string) {
  const kinesis = createKinesisClient({ endpoint: url, region: STACK_REGION });
  // Many collectors read one stream here, one after the other.
  const limits = JSON.stringify({ readsPerSecond: 1000, iteratorsPerSecond: 1000, settleMs: 0 });
  await fetch(`${url}/_stack/kinesis`, { method: 'POST', body: limits });

  /** Its shards have equal shares: `shardId-000000000000` the first. */
  async function make(StreamName: string, ShardCount: number): Promise<void> {
    await kinesis.send(new CreateStreamCommand({ StreamName, ShardCount }));
    const client = { client: kinesis, minDelay: 1, maxDelay: 1, maxWaitTime: 30 };
    await waitUntilStreamExists(client, { StreamName });
  }

  async function put(StreamName: string, place: number, records: readonly string[]): Promise<void> {
    const Records = records.map((data) => ({
      Data: Buffer.from(data),
      PartitionKey: 'unused',
      ExplicitHashKey: String(hashAt(place)),
    }));
    await kinesis.send(new PutRecordsCommand({ StreamName, Records }));
  }

  async function split(StreamName: string, shard: number, place: number): Promise<void> {
    const NewStartingHashKey = String(hashAt(place));
    await kinesis.send(
      new SplitShardCommand({ StreamName, ShardToSplit: shardId(shard), NewStartingHashKey }),
    );
  }

  /** Neighbours. */
  async function merge(StreamName: string, left: number, right: number): Promise<void> {
    const shards = { ShardToMerge: shardId(left), AdjacentShardToMerge: shardId(right) };
    await kinesis.send(new MergeShardsCommand({ StreamName, ...shards }));
  }

  return { make, put, split, merge, close: () => kinesis.destroy() };
}

export function shardId(n: number): string {
  return `shardId-${String(n).padStart(12, '0')}`;
}

function hashAt(place: number): bigint {
  return (BigInt(Math.floor(place * 2 ** 32)) * SPACE) / 2n ** 32n;
}
