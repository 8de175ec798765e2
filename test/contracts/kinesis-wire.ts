import { createHash } from 'node:crypto';
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  IncreaseStreamRetentionPeriodCommand,
  DecreaseStreamRetentionPeriodCommand,
  ListShardsCommand,
  ListStreamsCommand,
  MergeShardsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  SplitShardCommand,
  type KinesisClient,
} from '@aws-sdk/client-kinesis';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { scaling } from './kinesis-wire-scaling.ts';
import { settings } from './kinesis-wire-settings.ts';
import { Story, holds, texts, type Fact, type Start } from './kinesis-story.ts';

export interface OpenedKinesis {
  /** Patient: it repeats what is refused for the rate alone. */
  readonly client: KinesisClient;
}

/** What a server cannot do, by the name of the case, and why. Each is counted as skipped. */
export type Cannot = Readonly<Record<string, string>>;

/** What Kinesis does on the wire, as far as the lake relies on it. Needs no clock but the server's own. */
export function keepsTheKinesisContract(open: () => Promise<OpenedKinesis>, cannot: Cannot = {}): void {
  const fact: Fact = (name, story) => {
    const reason = cannot[name];
    test.skipIf(reason !== undefined)(
      reason === undefined ? name : `${name} [cannot: ${reason}]`,
      async () => {
        await story(new Story((await open()).client));
      },
    );
  };

  for (const chapter of [scaling, settings]) chapter(fact);

  fact('the ranges of the first shards tile all hash keys', async (kinesis) => {
    const stream = await kinesis.stream(3);
    const ranges = (await kinesis.shards(stream)).map(({ HashKeyRange: range }) => range);
    expect(ranges[0]?.StartingHashKey).toBe('0');
    expect(ranges[2]?.EndingHashKey).toBe('340282366920938463463374607431768211455');
    expect(BigInt(ranges[1]?.StartingHashKey ?? 0)).toBe(BigInt(ranges[0]?.EndingHashKey ?? 0) + 1n);
    expect(BigInt(ranges[2]?.StartingHashKey ?? 0)).toBe(BigInt(ranges[1]?.EndingHashKey ?? 0) + 1n);
  });

  fact('a record goes where the MD5 of its partition key lies', async (kinesis) => {
    const stream = await kinesis.stream(4);
    const shards = await kinesis.shards(stream);
    for (const key of ['a', 'order-17', 'ключ']) {
      const hash = BigInt(`0x${createHash('md5').update(key).digest('hex')}`);
      const home = shards.find((shard) => holds(shard, hash))?.ShardId;
      expect((await kinesis.put(stream, key, 'x')).ShardId).toBe(home);
    }
  });

  fact('an explicit hash key decides over the partition key', async (kinesis) => {
    const stream = await kinesis.stream(2);
    const last = '340282366920938463463374607431768211455';
    expect((await kinesis.put(stream, 'any', 'x', '0')).ShardId).toBe('shardId-000000000000');
    expect((await kinesis.put(stream, 'any', 'x', last)).ShardId).toBe('shardId-000000000001');
  });

  fact('a record comes back byte for byte, with its key', async (kinesis) => {
    const stream = await kinesis.stream(1);
    const data = Uint8Array.from({ length: 256 }, (_, at) => at);
    await kinesis.put(stream, 'a "quoted"\nключ', data);
    const [record] = await kinesis.drain(stream, 'shardId-000000000000');
    expect(record?.PartitionKey).toBe('a "quoted"\nключ');
    expect(Buffer.from(record?.Data ?? []).equals(data)).toBe(true);
  });

  fact('sequence numbers ascend as numbers of at most 56 digits', async (kinesis) => {
    const stream = await kinesis.stream(1);
    await kinesis.putAll(stream, ['a', 'b', 'c'], 4);
    const numbers = (await kinesis.drain(stream, 'shardId-000000000000')).map(
      (record) => record.SequenceNumber ?? '',
    );
    expect(numbers).toHaveLength(12);
    for (const number of numbers) expect(number).toMatch(/^\d{1,56}$/);
    for (const [at, number] of numbers.entries()) {
      if (at > 0) expect(BigInt(number)).toBeGreaterThan(BigInt(numbers[at - 1] ?? ''));
    }
  });

  fact('each kind of iterator begins where it says', async (kinesis) => {
    const stream = await kinesis.stream(1);
    const shardId = 'shardId-000000000000';
    const latest = await kinesis.iterator(stream, shardId, { ShardIteratorType: 'LATEST' });
    const first = await kinesis.put(stream, 'k', 'first');
    await kinesis.put(stream, 'k', 'second');
    const from = { StartingSequenceNumber: first.SequenceNumber };
    const read = async (start: Start) => texts(await kinesis.drain(stream, shardId, start));
    expect(texts(await kinesis.follow(latest))).toEqual(['first', 'second']);
    expect(await read({ ShardIteratorType: 'TRIM_HORIZON' })).toEqual(['first', 'second']);
    expect(await read({ ShardIteratorType: 'AT_SEQUENCE_NUMBER', ...from })).toEqual(['first', 'second']);
    expect(await read({ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', ...from })).toEqual(['second']);
    const long = new Date('2020-01-01T00:00:00Z');
    expect(await read({ ShardIteratorType: 'AT_TIMESTAMP', Timestamp: long })).toEqual(['first', 'second']);
  });

  fact('an iterator at the moment of a record begins with that record', async (kinesis) => {
    const stream = await kinesis.stream(1);
    const shardId = 'shardId-000000000000';
    await kinesis.put(stream, 'k', 'early');
    await eventually(async () => {
      await kinesis.put(stream, 'k', 'late');
      const [early, ...late] = await kinesis.drain(stream, shardId);
      return Number(late.at(-1)?.ApproximateArrivalTimestamp) > Number(early?.ApproximateArrivalTimestamp);
    }, true);
    const last = (await kinesis.drain(stream, shardId)).at(-1);
    const start = {
      ShardIteratorType: 'AT_TIMESTAMP',
      Timestamp: last?.ApproximateArrivalTimestamp,
    } as const;
    const found = await kinesis.drain(stream, shardId, start);
    expect(found.at(-1)?.SequenceNumber).toBe(last?.SequenceNumber);
    expect(texts(found)).not.toContain('early');
  });

  fact('a page holds no more than was asked for, and the next goes on after it', async (kinesis) => {
    const stream = await kinesis.stream(1);
    await kinesis.putAll(stream, ['k'], 5);
    const start = await kinesis.iterator(stream, 'shardId-000000000000', {
      ShardIteratorType: 'TRIM_HORIZON',
    });
    const page = await kinesis.client.send(new GetRecordsCommand({ ShardIterator: start, Limit: 3 }));
    expect(texts(page.Records)).toEqual(['k:0', 'k:1', 'k:2']);
    const rest = await kinesis.client.send(
      new GetRecordsCommand({ ShardIterator: page.NextShardIterator, Limit: 2 }),
    );
    expect([...texts(page.Records), ...texts(rest.Records)].slice(0, 5)).toEqual([
      'k:0',
      'k:1',
      'k:2',
      'k:3',
      'k:4',
    ]);
  });

  fact(
    'a page that ends before the newest record is behind it, even in the same millisecond',
    async (kinesis) => {
      const stream = await kinesis.stream(1);
      await kinesis.putAll(stream, ['k'], 5);
      const start = await kinesis.iterator(stream, 'shardId-000000000000', {
        ShardIteratorType: 'TRIM_HORIZON',
      });
      const page = await kinesis.client.send(new GetRecordsCommand({ ShardIterator: start, Limit: 3 }));
      expect(page.MillisBehindLatest).toBeGreaterThan(0);
    },
  );

  fact('an ARN does wherever a name does', async (kinesis) => {
    const name = await kinesis.stream(1);
    const summary = await kinesis.client.send(new DescribeStreamSummaryCommand({ StreamName: name }));
    const StreamARN = summary.StreamDescriptionSummary?.StreamARN;
    const Data = Buffer.from('x');
    await kinesis.client.send(new PutRecordCommand({ StreamARN, Data, PartitionKey: 'k' }));
    await kinesis.client.send(new PutRecordsCommand({ StreamARN, Records: [{ Data, PartitionKey: 'k' }] }));
    const { Shards } = await kinesis.client.send(new ListShardsCommand({ StreamARN }));
    const { ShardIterator } = await kinesis.client.send(
      new GetShardIteratorCommand({
        StreamARN,
        ShardId: Shards?.[0]?.ShardId,
        ShardIteratorType: 'TRIM_HORIZON',
      }),
    );
    expect(texts(await kinesis.follow(ShardIterator))).toEqual(['x', 'x']);
  });

  fact('a split loses nothing, doubles nothing and keeps the order of every key', async (kinesis) => {
    const stream = await kinesis.stream(1);
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
    await kinesis.putAll(stream, keys, 5);
    await kinesis.split(stream, 'shardId-000000000000', '170141183460469231731687303715884105728');
    await kinesis.putAll(stream, keys, 5, 5);

    const parent = await kinesis.toTheEnd(stream, 'shardId-000000000000');
    expect(parent.records).toHaveLength(30);
    expect(parent.children.map(({ ShardId }) => ShardId)).toEqual([
      'shardId-000000000001',
      'shardId-000000000002',
    ]);
    const read = [...texts(parent.records)];
    for (const { ShardId } of parent.children)
      read.push(...texts(await kinesis.drain(stream, ShardId ?? '')));
    for (const key of keys) {
      const wanted = Array.from({ length: 10 }, (_, at) => `${key}:${at}`);
      expect(read.filter((text) => text.startsWith(key))).toEqual(wanted);
    }
    expect(read).toHaveLength(60);
  });

  fact(
    'children name their parent and tile its range; the parent is closed, the children are open',
    async (kinesis) => {
      const stream = await kinesis.stream(1);
      await kinesis.split(stream, 'shardId-000000000000', '1000');
      const [parent, low, high] = await kinesis.shards(stream);
      expect(parent?.SequenceNumberRange?.EndingSequenceNumber).toMatch(/^\d{1,56}$/);
      expect(low).toMatchObject({
        ParentShardId: 'shardId-000000000000',
        HashKeyRange: { StartingHashKey: '0', EndingHashKey: '999' },
      });
      expect(high).toMatchObject({
        ParentShardId: 'shardId-000000000000',
        HashKeyRange: { StartingHashKey: '1000', EndingHashKey: '340282366920938463463374607431768211455' },
      });
      expect(low?.SequenceNumberRange?.EndingSequenceNumber ?? undefined).toBeUndefined();
      expect(high?.SequenceNumberRange?.EndingSequenceNumber ?? undefined).toBeUndefined();
    },
  );

  fact(
    'an iterator taken before a split ends at the close, with the last records on the same page',
    async (kinesis) => {
      const stream = await kinesis.stream(1);
      const shardId = 'shardId-000000000000';
      const start = await kinesis.iterator(stream, shardId, { ShardIteratorType: 'LATEST' });
      await kinesis.put(stream, 'k', 'last');
      await kinesis.split(stream, shardId, '1000');
      const page = await kinesis.client.send(new GetRecordsCommand({ ShardIterator: start }));
      expect(texts(page.Records)).toEqual(['last']);
      expect(page.NextShardIterator ?? undefined).toBeUndefined();
      expect(page.ChildShards?.map(({ ParentShards }) => ParentShards)).toEqual([[shardId], [shardId]]);
    },
  );

  fact('a merge names both parents', async (kinesis) => {
    const stream = await kinesis.stream(2);
    const [ShardToMerge, AdjacentShardToMerge] = ['shardId-000000000000', 'shardId-000000000001'];
    await kinesis.client.send(
      new MergeShardsCommand({ StreamName: stream, ShardToMerge, AdjacentShardToMerge }),
    );
    await kinesis.active(stream);
    expect((await kinesis.shards(stream)).at(-1)).toMatchObject({
      ShardId: 'shardId-000000000002',
      ParentShardId: ShardToMerge,
      AdjacentParentShardId: AdjacentShardToMerge,
      HashKeyRange: { StartingHashKey: '0', EndingHashKey: '340282366920938463463374607431768211455' },
    });
    const { children } = await kinesis.toTheEnd(stream, AdjacentShardToMerge);
    expect(children.map(({ ParentShards }) => ParentShards?.toSorted())).toEqual([
      [ShardToMerge, AdjacentShardToMerge],
    ]);
  });

  fact('a split at the very edge of a shard is refused', async (kinesis) => {
    const stream = await kinesis.stream(1);
    for (const key of ['0', '1', '340282366920938463463374607431768211455']) {
      const split = kinesis.split(stream, 'shardId-000000000000', key);
      await expect(split).rejects.toMatchObject({ name: 'InvalidArgumentException' });
    }
  });

  fact('a shard is split once', async (kinesis) => {
    const stream = await kinesis.stream(1);
    await kinesis.split(stream, 'shardId-000000000000', '1000');
    const again = kinesis.split(stream, 'shardId-000000000000', '1000');
    await expect(again).rejects.toMatchObject({ name: 'ResourceInUseException' });
    const missing = kinesis.split(stream, 'shardId-000000000009', '1000');
    await expect(missing).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  fact('a stream that is not yet active cannot be split', async (kinesis) => {
    const StreamName = kinesis.name();
    await kinesis.client.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }));
    const split = new SplitShardCommand({
      StreamName,
      ShardToSplit: 'shardId-000000000000',
      NewStartingHashKey: '5',
    });
    await expect(kinesis.client.send(split)).rejects.toMatchObject({ name: 'ResourceInUseException' });
    await kinesis.active(StreamName);
  });

  fact('more than 500 records in one call are refused, all of them', async (kinesis) => {
    const stream = await kinesis.stream(1);
    const Records = Array.from({ length: 501 }, () => ({ Data: Buffer.from('x'), PartitionKey: 'k' }));
    await expect(
      kinesis.client.send(new PutRecordsCommand({ StreamName: stream, Records })),
    ).rejects.toMatchObject({ $fault: 'client' });
    expect(await kinesis.drain(stream, 'shardId-000000000000')).toEqual([]);
  });

  fact('shards are listed in pages', async (kinesis) => {
    const stream = await kinesis.stream(3);
    const first = await kinesis.client.send(new ListShardsCommand({ StreamName: stream, MaxResults: 2 }));
    const second = await kinesis.client.send(new ListShardsCommand({ NextToken: first.NextToken }));
    expect(first.Shards).toHaveLength(2);
    expect(second.Shards?.map(({ ShardId }) => ShardId)).toEqual(['shardId-000000000002']);
    expect(second.NextToken ?? undefined).toBeUndefined();
  });

  fact('a page token does not go with a stream name', async (kinesis) => {
    const stream = await kinesis.stream(2);
    const { NextToken } = await kinesis.client.send(
      new ListShardsCommand({ StreamName: stream, MaxResults: 1 }),
    );
    const both = new ListShardsCommand({ StreamName: stream, NextToken });
    await expect(kinesis.client.send(both)).rejects.toMatchObject({ name: 'InvalidArgumentException' });
  });

  fact('a filter tells open shards from closed ones', async (kinesis) => {
    const stream = await kinesis.stream(1);
    await kinesis.split(stream, 'shardId-000000000000', '1000');
    const ids = async (ShardFilter: ListShardsCommand['input']['ShardFilter']) => {
      const { Shards } = await kinesis.client.send(
        new ListShardsCommand({ StreamName: stream, ShardFilter }),
      );
      return Shards?.map(({ ShardId }) => ShardId?.at(-1)).join('');
    };
    expect(await ids({ Type: 'AT_LATEST' })).toBe('12');
    expect(await ids({ Type: 'FROM_TRIM_HORIZON' })).toBe('012');
    expect(await ids({ Type: 'AFTER_SHARD_ID', ShardId: 'shardId-000000000001' })).toBe('2');
  });

  fact('at the trim horizon only the first shards are open', async (kinesis) => {
    const stream = await kinesis.stream(1);
    await kinesis.split(stream, 'shardId-000000000000', '1000');
    const filter = new ListShardsCommand({ StreamName: stream, ShardFilter: { Type: 'AT_TRIM_HORIZON' } });
    const { Shards } = await kinesis.client.send(filter);
    expect(Shards?.map(({ ShardId }) => ShardId)).toEqual(['shardId-000000000000']);
  });

  fact('what does not exist is not found', async (kinesis) => {
    const missing = { StreamName: 'never-made', Data: Buffer.from('x'), PartitionKey: 'k' };
    await expect(kinesis.client.send(new PutRecordCommand(missing))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    const stream = await kinesis.stream(1);
    const iterator = kinesis.iterator(stream, 'shardId-000000000007', { ShardIteratorType: 'LATEST' });
    await expect(iterator).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  fact('an iterator that nobody issued is refused', async (kinesis) => {
    const read = kinesis.client.send(new GetRecordsCommand({ ShardIterator: 'AAAAAAAAAAFz' }));
    await expect(read).rejects.toMatchObject({ name: 'InvalidArgumentException' });
  });

  fact('a stream is created once', async (kinesis) => {
    const StreamName = await kinesis.stream(1);
    const again = kinesis.client.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }));
    await expect(again).rejects.toMatchObject({ name: 'ResourceInUseException' });
    const { StreamNames } = await kinesis.client.send(new ListStreamsCommand({}));
    expect(StreamNames).toContain(StreamName);
  });

  fact('a deleted stream is gone, and its name is free again', async (kinesis) => {
    const StreamName = await kinesis.stream(1);
    await kinesis.put(StreamName, 'k', 'old');
    await kinesis.client.send(new DeleteStreamCommand({ StreamName }));
    await eventually(() => kinesis.status(StreamName), 'ResourceNotFoundException');
    await kinesis.client.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }));
    await kinesis.active(StreamName);
    expect(await kinesis.drain(StreamName, 'shardId-000000000000')).toEqual([]);
  });

  fact('retention goes up and down between a day and a year', async (kinesis) => {
    const StreamName = await kinesis.stream(1);
    const more = (RetentionPeriodHours: number) =>
      kinesis.client.send(new IncreaseStreamRetentionPeriodCommand({ StreamName, RetentionPeriodHours }));
    await more(48);
    await kinesis.active(StreamName);
    const summary = await kinesis.client.send(new DescribeStreamSummaryCommand({ StreamName }));
    expect(summary.StreamDescriptionSummary?.RetentionPeriodHours).toBe(48);
    await expect(more(36)).rejects.toMatchObject({ name: 'InvalidArgumentException' });
    await expect(more(8_761)).rejects.toMatchObject({ $fault: 'client' });
    await kinesis.client.send(
      new DecreaseStreamRetentionPeriodCommand({ StreamName, RetentionPeriodHours: 24 }),
    );
    await kinesis.active(StreamName);
  });
}
