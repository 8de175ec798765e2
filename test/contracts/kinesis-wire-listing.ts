import { ListShardsCommand } from '@aws-sdk/client-kinesis';
import { expect } from 'vitest';
import { type Fact } from './kinesis-story.ts';

/** Shards as they are listed. */
export function listing(fact: Fact): void {
  fact('the ranges of the first shards tile all hash keys', async (kinesis) => {
    const stream = await kinesis.stream(3);
    const ranges = (await kinesis.shards(stream)).map(({ HashKeyRange: range }) => range);
    expect(ranges[0]?.StartingHashKey).toBe('0');
    expect(ranges[2]?.EndingHashKey).toBe('340282366920938463463374607431768211455');
    expect(BigInt(ranges[1]?.StartingHashKey ?? 0)).toBe(BigInt(ranges[0]?.EndingHashKey ?? 0) + 1n);
    expect(BigInt(ranges[2]?.StartingHashKey ?? 0)).toBe(BigInt(ranges[1]?.EndingHashKey ?? 0) + 1n);
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
}
