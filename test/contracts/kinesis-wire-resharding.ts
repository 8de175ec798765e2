import {
  CreateStreamCommand,
  GetRecordsCommand,
  MergeShardsCommand,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis';
import { expect } from 'vitest';
import { until } from '../support/eventually.ts';
import { type Fact, texts } from './kinesis-story.ts';

/** Splits and merges. */
export function resharding(fact: Fact): void {
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
    const made: string[] = [];
    const splitNew = async (): Promise<string> => {
      const StreamName = kinesis.name();
      made.push(StreamName);
      await kinesis.client.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }));
      const ShardToSplit = 'shardId-000000000000';
      const split = new SplitShardCommand({ StreamName, ShardToSplit, NewStartingHashKey: '5' });
      return kinesis.client.send(split).then(
        () => 'split',
        (error: unknown) => (error instanceof Error ? error.name : String(error)),
      );
    };
    // Of a stand-in a stream may be active before a busy machine asks: then it is asked of another one.
    expect(await until(splitNew, (answer) => answer !== 'split')).toBe('ResourceInUseException');
    for (const StreamName of made) await kinesis.active(StreamName);
  });
}
