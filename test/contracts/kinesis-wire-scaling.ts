import {
  CreateStreamCommand,
  ListShardsCommand,
  MergeShardsCommand,
  UpdateShardCountCommand,
  UpdateStreamModeCommand,
  type Shard,
  type ShardFilter,
} from '@aws-sdk/client-kinesis';
import { expect } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type Fact, type Story, openOf, texts } from './kinesis-story.ts';

const KEYS = 1n << 128n;

export function scaling(fact: Fact): void {
  fact('twice as many: every shard has two children, which tile all hash keys evenly', async (kinesis) => {
    const stream = await kinesis.stream(2);
    const answer = await kinesis.client.send(
      new UpdateShardCountCommand({
        StreamName: stream,
        TargetShardCount: 4,
        ScalingType: 'UNIFORM_SCALING',
      }),
    );
    expect(answer).toMatchObject({ StreamName: stream, CurrentShardCount: 2, TargetShardCount: 4 });
    await kinesis.active(stream);
    const open = openOf(await kinesis.shards(stream));
    expect(edges(open)).toEqual([0n, KEYS / 4n, KEYS / 2n, (KEYS * 3n) / 4n].map(about));
    expect(open.map(({ ParentShardId }) => ParentShardId)).toEqual([
      'shardId-000000000000',
      'shardId-000000000000',
      'shardId-000000000001',
      'shardId-000000000001',
    ]);
  });

  fact('half as many: each child names both its parents', async (kinesis) => {
    const stream = await kinesis.stream(4);
    await kinesis.scale(stream, 2);
    const open = openOf(await kinesis.shards(stream));
    expect(edges(open)).toEqual([0n, KEYS / 2n].map(about));
    const parents = open.map(({ ParentShardId, AdjacentParentShardId }) =>
      [ParentShardId, AdjacentParentShardId].map((id) => Number(id?.slice(-1))).toSorted((a, b) => a - b),
    );
    expect(parents).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  fact('four to three goes through shards that live for a moment', async (kinesis) => {
    const stream = await kinesis.stream(4);
    await kinesis.scale(stream, 3);
    const shards = await kinesis.shards(stream);
    expect(edges(openOf(shards))).toEqual([0n, KEYS / 3n, (KEYS * 2n) / 3n].map(about));
    const open = new Set(openOf(shards).map(({ ShardId }) => ShardId));
    // Neither there at first nor there now.
    expect(shards.slice(4).filter(({ ShardId }) => !open.has(ShardId)).length).toBeGreaterThan(0);
    for (const { ParentShardId } of shards.slice(4)) {
      expect(shards.map(({ ShardId }) => ShardId)).toContain(ParentShardId);
    }
  });

  fact(
    'scaling up and down loses nothing, doubles nothing and keeps the order of every key',
    async (kinesis) => {
      const stream = await kinesis.stream(2);
      const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
      await kinesis.putAll(stream, keys, 4);
      for (const [round, target] of [4, 3, 2].entries()) {
        await kinesis.scale(stream, target);
        await kinesis.putAll(stream, keys, 4, 4 * (round + 1));
      }
      const read: string[] = [];
      // Parents before their children: shards are numbered as they open.
      for (const { ShardId } of await kinesis.shards(stream))
        read.push(...texts(await kinesis.drain(stream, ShardId ?? '')));
      for (const key of keys) {
        const wanted = Array.from({ length: 16 }, (_, at) => `${key}:${at}`);
        expect(read.filter((text) => text.startsWith(key))).toEqual(wanted);
      }
      expect(read).toHaveLength(128);
    },
  );

  fact('more than twice as many, or less than half, is refused', async (kinesis) => {
    const stream = await kinesis.stream(4);
    for (const target of [9, 1]) {
      await expect(kinesis.scale(stream, target)).rejects.toMatchObject({ $fault: 'client' });
    }
    expect(await kinesis.shards(stream)).toHaveLength(4);
  });

  fact('shards that are no neighbours are not merged', async (kinesis) => {
    const StreamName = await kinesis.stream(3);
    const merge = new MergeShardsCommand({
      StreamName,
      ShardToMerge: 'shardId-000000000000',
      AdjacentShardToMerge: 'shardId-000000000002',
    });
    await expect(kinesis.client.send(merge)).rejects.toMatchObject({ name: 'InvalidArgumentException' });
  });

  fact('a stream goes on demand and comes back, with the shards it had', async (kinesis) => {
    const stream = await kinesis.stream(2);
    const StreamARN = await kinesis.arn(stream);
    for (const StreamMode of ['ON_DEMAND', 'PROVISIONED'] as const) {
      await kinesis.client.send(
        new UpdateStreamModeCommand({ StreamARN, StreamModeDetails: { StreamMode } }),
      );
      await kinesis.active(stream);
      expect((await kinesis.summary(stream)).StreamModeDetails).toEqual({ StreamMode });
    }
    expect(await kinesis.shards(stream)).toHaveLength(2);
  });

  fact('a stream on demand begins with four shards, and nobody counts them by hand', async (kinesis) => {
    const StreamName = kinesis.name();
    const StreamModeDetails = { StreamMode: 'ON_DEMAND' } as const;
    await kinesis.client.send(new CreateStreamCommand({ StreamName, StreamModeDetails }));
    await kinesis.active(StreamName);
    expect(await kinesis.shards(StreamName)).toHaveLength(4);
    await expect(kinesis.scale(StreamName, 8)).rejects.toMatchObject({ name: 'ValidationException' });
  });

  fact('a time tells shards that were open then, and those that were open from then on', async (kinesis) => {
    const StreamName = await kinesis.stream(1);
    const before = await passed();
    await kinesis.split(StreamName, 'shardId-000000000000', '1000');
    const after = await passed();
    expect(await ids(kinesis, StreamName, { Type: 'AT_TIMESTAMP', Timestamp: before })).toBe('0');
    expect(await ids(kinesis, StreamName, { Type: 'AT_TIMESTAMP', Timestamp: after })).toBe('12');
    expect(await ids(kinesis, StreamName, { Type: 'FROM_TIMESTAMP', Timestamp: before })).toBe('012');
    expect(await ids(kinesis, StreamName, { Type: 'FROM_TIMESTAMP', Timestamp: after })).toBe('12');
  });

  fact('a filter by time needs a time, and one by shard a shard', async (kinesis) => {
    const StreamName = await kinesis.stream(1);
    for (const Type of ['AT_TIMESTAMP', 'FROM_TIMESTAMP', 'AFTER_SHARD_ID'] as const) {
      await expect(ids(kinesis, StreamName, { Type })).rejects.toMatchObject({ $fault: 'client' });
    }
  });
}

/** Where shards begin, but for a few keys: rounding is nobody's promise. */
function edges(shards: readonly Shard[]): bigint[] {
  return shards.map(({ HashKeyRange: range }) => about(BigInt(range?.StartingHashKey ?? 0)));
}

function about(key: bigint): bigint {
  return (key + 500n) / 1000n;
}

/** Last digits of the shards that pass. */
async function ids(kinesis: Story, StreamName: string, filter: ShardFilter): Promise<string | undefined> {
  const list = new ListShardsCommand({ StreamName, ShardFilter: filter });
  const { Shards } = await kinesis.client.send(list);
  return Shards?.map(({ ShardId }) => ShardId?.at(-1)).join('');
}

/** A time between what was done and what will be: whole seconds are all that some servers compare. */
async function passed(): Promise<Date> {
  const time = (Math.floor(Date.now() / 1000) + 1) * 1000;
  await eventually(async () => Date.now() > time + 100, true);
  return new Date(time);
}
