import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListShardsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  SplitShardCommand,
  UpdateShardCountCommand,
  type ChildShard,
  type GetRecordsCommandOutput,
  type GetShardIteratorCommandInput,
  type KinesisClient,
  type Shard,
  type StreamDescriptionSummary,
  type _Record,
} from '@aws-sdk/client-kinesis';
import { expect } from 'vitest';
import { eventually } from '../support/eventually.ts';

export type Start = Pick<
  GetShardIteratorCommandInput,
  'ShardIteratorType' | 'StartingSequenceNumber' | 'Timestamp'
>;

/** A case of the contract, by its name. */
export type Fact = (name: string, story: (kinesis: Story) => Promise<void>) => void;

let streams = 0;

/** The steps that the cases of the contract share. */
export class Story {
  readonly client: KinesisClient;

  constructor(client: KinesisClient) {
    this.client = client;
  }

  name(): string {
    streams += 1;
    return `wire-${process.pid}-${streams}`;
  }

  async stream(ShardCount: number): Promise<string> {
    const StreamName = this.name();
    await this.client.send(new CreateStreamCommand({ StreamName, ShardCount }));
    await this.active(StreamName);
    return StreamName;
  }

  /** The stream's status, or the name of the error instead of one. */
  status(StreamName: string): Promise<string | undefined> {
    return this.client.send(new DescribeStreamSummaryCommand({ StreamName })).then(
      (answer) => answer.StreamDescriptionSummary?.StreamStatus,
      (error: unknown) => (error instanceof Error ? error.name : String(error)),
    );
  }

  active(StreamName: string): Promise<void> {
    return eventually(() => this.status(StreamName), 'ACTIVE');
  }

  async shards(StreamName: string): Promise<Shard[]> {
    return (await this.client.send(new ListShardsCommand({ StreamName }))).Shards ?? [];
  }

  async split(StreamName: string, ShardToSplit: string, NewStartingHashKey: string): Promise<void> {
    await this.client.send(new SplitShardCommand({ StreamName, ShardToSplit, NewStartingHashKey }));
    await this.active(StreamName);
  }

  /** So many shards, by UpdateShardCount; resolves once the stream is active again. */
  async scale(StreamName: string, TargetShardCount: number): Promise<void> {
    await this.client.send(
      new UpdateShardCountCommand({ StreamName, TargetShardCount, ScalingType: 'UNIFORM_SCALING' }),
    );
    await this.active(StreamName);
  }

  async summary(StreamName: string): Promise<StreamDescriptionSummary> {
    const { StreamDescriptionSummary: summary } = await this.client.send(
      new DescribeStreamSummaryCommand({ StreamName }),
    );
    if (!summary) throw new Error(`${StreamName}: an answer without a summary`);
    return summary;
  }

  async arn(StreamName: string): Promise<string> {
    return (await this.summary(StreamName)).StreamARN ?? '';
  }

  put(StreamName: string, PartitionKey: string, data: string | Uint8Array, ExplicitHashKey?: string) {
    return this.client.send(
      new PutRecordCommand({ StreamName, PartitionKey, Data: Buffer.from(data), ExplicitHashKey }),
    );
  }

  /** `count` records of each key, in turn, that say which key they have and the how manieth they are. */
  async putAll(StreamName: string, keys: readonly string[], count: number, first = 0): Promise<void> {
    const Records = Array.from({ length: count }, (_, at) => first + at).flatMap((nth) =>
      keys.map((key) => ({ Data: Buffer.from(`${key}:${nth}`), PartitionKey: key })),
    );
    const { FailedRecordCount } = await this.client.send(new PutRecordsCommand({ StreamName, Records }));
    expect(FailedRecordCount ?? 0).toBe(0);
  }

  async iterator(StreamName: string, ShardId: string, start: Start): Promise<string> {
    const { ShardIterator } = await this.client.send(
      new GetShardIteratorCommand({ StreamName, ShardId, ...start }),
    );
    return ShardIterator ?? '';
  }

  /** Everything from an iterator to where nothing is behind it, over empty pages. */
  async follow(iterator: string | undefined): Promise<_Record[]> {
    const records: _Record[] = [];
    for (let next = iterator; next;) {
      const page = await this.client.send(new GetRecordsCommand({ ShardIterator: next }));
      records.push(...(page.Records ?? []));
      next = page.MillisBehindLatest === 0 ? undefined : page.NextShardIterator;
    }
    return records;
  }

  async drain(
    StreamName: string,
    ShardId: string,
    start: Start = { ShardIteratorType: 'TRIM_HORIZON' },
  ): Promise<_Record[]> {
    return this.follow(await this.iterator(StreamName, ShardId, start));
  }

  /** All of a closed shard, to the page that has no next iterator. */
  async toTheEnd(
    StreamName: string,
    ShardId: string,
  ): Promise<{ records: _Record[]; children: ChildShard[] }> {
    const records: _Record[] = [];
    let next: string | undefined = await this.iterator(StreamName, ShardId, {
      ShardIteratorType: 'TRIM_HORIZON',
    });
    for (let pages = 0; pages < 20; pages += 1) {
      const page: GetRecordsCommandOutput = await this.client.send(
        new GetRecordsCommand({ ShardIterator: next }),
      );
      records.push(...(page.Records ?? []));
      next = page.NextShardIterator ?? undefined;
      if (next === undefined) return { records, children: page.ChildShards ?? [] };
    }
    throw new Error(`${ShardId} has no end after 20 pages`);
  }
}

/** Open shards in the order of their ranges. */
export function openOf(shards: readonly Shard[]): Shard[] {
  return shards
    .filter(({ SequenceNumberRange: range }) => (range?.EndingSequenceNumber ?? undefined) === undefined)
    .toSorted((a, b) => (startOf(a) < startOf(b) ? -1 : 1));
}

function startOf({ HashKeyRange: range }: Shard): bigint {
  return BigInt(range?.StartingHashKey ?? 0);
}

export function holds({ HashKeyRange: range }: Shard, hash: bigint): boolean {
  return BigInt(range?.StartingHashKey ?? 0) <= hash && hash <= BigInt(range?.EndingHashKey ?? 0);
}

export function texts(records: readonly _Record[] | undefined): string[] {
  return (records ?? []).map(({ Data }) => Buffer.from(Data ?? []).toString());
}
