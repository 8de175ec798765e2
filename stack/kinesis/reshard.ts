import type {
  MergeShardsInput,
  SplitShardInput,
  UpdateShardCountInput,
  UpdateShardCountOutput,
} from '@aws-sdk/client-kinesis';
import { ServiceError } from '../json-service.ts';
import type { Catalogue, NamedStream } from './catalogue.ts';
import { type HexRange, edgesOf, joinRanges, splitRange } from './hash-range.ts';
import { hashKeyHex } from './put.ts';
import { refuseShards } from './quota.ts';
import type { Shard } from './shard.ts';
import type { Stream } from './stream.ts';

/** What closes shards and opens others. Each split and merge is true, and on disk, before the next one begins. */
export function resharding(catalogue: Catalogue) {
  const { realm } = catalogue;

  function splitShard(input: SplitShardInput): void {
    const stream = provisioned(input, 'SplitShard');
    const parent = openShard(stream, input.ShardToSplit);
    const atHex = hashKeyHex(input.NewStartingHashKey ?? '');
    const ranges = atHex === undefined ? undefined : splitRange(parent.facts, atHex);
    if (!ranges) {
      const said = `NewStartingHashKey ${input.NewStartingHashKey} is not greater than one plus the StartingHashKey of ${parent.facts.shardId} and less than its EndingHashKey`;
      throw new ServiceError('InvalidArgumentException', said);
    }
    refuseShards(catalogue, stream.openShards.length + 1, 1);
    reshard(stream, [parent], ranges);
  }

  function mergeShards(input: MergeShardsInput): void {
    const stream = provisioned(input, 'MergeShards');
    const parents = [
      openShard(stream, input.ShardToMerge),
      openShard(stream, input.AdjacentShardToMerge),
    ] as const;
    const range = joinRanges(parents[0].facts, parents[1].facts);
    if (!range) {
      const said = `${parents[0].facts.shardId} and ${parents[1].facts.shardId} are not adjacent`;
      throw new ServiceError('InvalidArgumentException', said);
    }
    reshard(stream, parents, [range]);
  }

  /** A crash on the way leaves a stream between two counts, which nobody was told of; asked again, it goes on. */
  function updateShardCount(input: UpdateShardCountInput): UpdateShardCountOutput {
    const stream = provisioned(input, 'UpdateShardCount');
    const { ScalingType: type, TargetShardCount: target } = input;
    if (type !== 'UNIFORM_SCALING') {
      throw new ServiceError('ValidationException', `ScalingType ${type} has to be UNIFORM_SCALING`);
    }
    if (target === undefined || !Number.isInteger(target) || target < 1) {
      const said = `TargetShardCount ${target} has to be a whole number from 1 on`;
      throw new ServiceError('ValidationException', said);
    }
    const count = stream.openShards.length;
    if (target > 2 * count || target < count / 2) {
      const said = `TargetShardCount ${target} is not between half and double of the ${count} open shards`;
      throw new ServiceError('InvalidArgumentException', said);
    }
    const { scalingsPerDay } = realm.limits;
    if (stream.settings.changesOf('scaled', realm.clock.now()) >= scalingsPerDay) {
      const said = `Stream ${stream.name} has been scaled ${scalingsPerDay} times in 24 hours`;
      throw new ServiceError('LimitExceededException', said);
    }
    refuseShards(catalogue, target, target - count);
    catalogue.record({ kind: 'scaled', id: stream.id, at: realm.clock.now() });
    scale(stream, target);
    return {
      StreamName: stream.name,
      StreamARN: stream.arn,
      CurrentShardCount: count,
      TargetShardCount: target,
    };
  }

  /** Splits at every edge that is missing, then merges over every edge that is too many. */
  function scale(stream: Stream, target: number): void {
    const wanted = new Set(edgesOf(target, new Set(stream.openShards.map(({ facts }) => facts.startHex))));
    for (const edge of wanted) {
      const shard = stream.shardFor(edge);
      const ranges = splitRange(shard.facts, edge);
      if (ranges) reshard(stream, [shard], ranges);
    }
    for (;;) {
      const open = stream.openShards;
      const at = open.findIndex(({ facts }) => !wanted.has(facts.startHex));
      const [left, right] = [open[at - 1], open[at]];
      const range = left && right && joinRanges(left.facts, right.facts);
      if (!range) return;
      reshard(stream, [left, right], [range]);
    }
  }

  function reshard(stream: Stream, parents: readonly Shard[], ranges: readonly HexRange[]): void {
    // A clock that stands or went back must not give a child smaller numbers than its parents have.
    const openedAt = Math.max(realm.clock.now(), ...parents.map(({ facts }) => facts.openedAt + 1));
    catalogue.record({
      kind: 'resharded',
      id: stream.id,
      at: openedAt,
      closed: parents.map((shard) => ({ shardId: shard.facts.shardId, end: shard.log.end })),
      opened: ranges.map((range, nth) => ({
        ...shardName(stream.nextShardIndex + nth),
        openedAt,
        ...range,
        parents: parents.map(({ facts }) => facts.shardId),
      })),
    });
  }

  /** An active stream whose shards are its owner's to count. */
  function provisioned(input: NamedStream, operation: string): Stream {
    const stream = catalogue.active(input);
    if (stream.settings.mode === 'PROVISIONED') return stream;
    throw new ServiceError(
      'ValidationException',
      `${operation} is not for stream ${stream.name}: it is ON_DEMAND, and only PROVISIONED ones have a shard count of their own`,
    );
  }

  return { splitShard, mergeShards, updateShardCount };
}

/** What the nth shard of a stream is called. */
export function shardName(index: number): { shardId: string; index: number } {
  return { shardId: `shardId-${String(index).padStart(12, '0')}`, index };
}

function openShard(stream: Stream, shardId: string | undefined): Shard {
  const shard = stream.shard(shardId ?? '');
  if (!shard.closing) return shard;
  throw new ServiceError(
    'ResourceInUseException',
    `${shardId} in stream ${stream.name} has been split or merged already`,
  );
}
