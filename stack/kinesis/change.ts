import type {
  CreateStreamInput,
  DecreaseStreamRetentionPeriodInput,
  DeleteStreamInput,
  IncreaseStreamRetentionPeriodInput,
  MergeShardsInput,
  SplitShardInput,
} from '@aws-sdk/client-kinesis';
import { ServiceError } from '../json-service.ts';
import type { Catalogue } from './catalogue.ts';
import { evenRanges, joinRanges, splitRange } from './hash-range.ts';
import { hashKeyHex } from './put.ts';
import type { Shard } from './shard.ts';
import type { Stream } from './stream.ts';

interface Range {
  readonly startHex: string;
  readonly endHex: string;
}

/** What changes a stream. Each is true, and on disk, when it answers; the stream only says for a while that it is not. */
export function changes(catalogue: Catalogue) {
  const { realm } = catalogue;

  function createStream(input: CreateStreamInput): void {
    refuseUnbuilt(input);
    const name = input.StreamName ?? '';
    if (!/^[a-zA-Z0-9_.-]{1,128}$/.test(name)) {
      throw new ServiceError(
        'ValidationException',
        `StreamName "${name}" has to match [a-zA-Z0-9_.-]{1,128}`,
      );
    }
    const mode = input.StreamModeDetails?.StreamMode ?? 'PROVISIONED';
    const count = mode === 'ON_DEMAND' ? 4 : input.ShardCount;
    if (count === undefined || !Number.isInteger(count) || count < 1) {
      throw new ServiceError('ValidationException', `ShardCount ${count} has to be a whole number from 1 on`);
    }
    if (catalogue.all().some((stream) => stream.name === name)) {
      throw new ServiceError(
        'ResourceInUseException',
        `Stream ${name} under account ${realm.account} already exists.`,
      );
    }
    refuseMoreThan(count);
    const openedAt = realm.clock.now();
    const shards = evenRanges(count).map((range, index) => ({
      ...named(index),
      openedAt,
      ...range,
      parents: [],
    }));
    catalogue.record({ kind: 'created', name, ...catalogue.nextIdentity(name), mode, shards });
  }

  function deleteStream(input: DeleteStreamInput): void {
    const stream = catalogue.stream(input);
    if (stream.status() !== 'DELETING') catalogue.record({ kind: 'deleted', id: stream.id });
  }

  function splitShard(input: SplitShardInput): void {
    const stream = catalogue.active(input);
    const parent = openShard(stream, input.ShardToSplit);
    const atHex = hashKeyHex(input.NewStartingHashKey ?? '');
    const ranges = atHex === undefined ? undefined : splitRange(parent.facts, atHex);
    if (!ranges) {
      const said = `NewStartingHashKey ${input.NewStartingHashKey} is not greater than one plus the StartingHashKey of ${parent.facts.shardId} and less than its EndingHashKey`;
      throw new ServiceError('InvalidArgumentException', said);
    }
    refuseMoreThan(stream.openShards.length + 1);
    reshard(stream, [parent], ranges);
  }

  function mergeShards(input: MergeShardsInput): void {
    const stream = catalogue.active(input);
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

  function reshard(stream: Stream, parents: readonly Shard[], ranges: readonly Range[]): void {
    // A clock that stands or went back must not give a child smaller numbers than its parents have.
    const openedAt = Math.max(realm.clock.now(), ...parents.map(({ facts }) => facts.openedAt + 1));
    catalogue.record({
      kind: 'resharded',
      id: stream.id,
      at: openedAt,
      closed: parents.map((shard) => ({ shardId: shard.facts.shardId, end: shard.log.end })),
      opened: ranges.map((range, nth) => ({
        ...named(stream.nextShardIndex + nth),
        openedAt,
        ...range,
        parents: parents.map(({ facts }) => facts.shardId),
      })),
    });
  }

  function setRetention(direction: 'more' | 'less') {
    return (input: IncreaseStreamRetentionPeriodInput | DecreaseStreamRetentionPeriodInput): void => {
      const stream = catalogue.active(input);
      const hours = input.RetentionPeriodHours;
      if (hours === undefined || !Number.isInteger(hours) || hours < 24 || hours > 8_760) {
        throw new ServiceError(
          'InvalidArgumentException',
          `RetentionPeriodHours ${hours} is not in 24..8760`,
        );
      }
      const isRight = direction === 'more' ? hours >= stream.retentionHours : hours <= stream.retentionHours;
      if (!isRight) {
        const said = `RetentionPeriodHours ${hours} has to be ${direction} than the present ${stream.retentionHours}`;
        throw new ServiceError('InvalidArgumentException', said);
      }
      const listed = stream.listedShards();
      const horizons = Object.fromEntries(listed.map((shard) => [shard.facts.shardId, shard.horizon]));
      catalogue.record({ kind: 'retention', id: stream.id, hours, horizons });
    };
  }

  function refuseMoreThan(count: number): void {
    const most = realm.limits.shardsPerStream;
    if (count > most)
      throw new ServiceError('LimitExceededException', `${count} open shards are more than ${most}`);
  }

  return { createStream, deleteStream, splitShard, mergeShards, setRetention };
}

function openShard(stream: Stream, shardId: string | undefined): Shard {
  const shard = stream.shard(shardId ?? '');
  if (!shard.closing) return shard;
  throw new ServiceError(
    'ResourceInUseException',
    `${shardId} in stream ${stream.name} has been split or merged already`,
  );
}

function named(index: number): { shardId: string; index: number } {
  return { shardId: `shardId-${String(index).padStart(12, '0')}`, index };
}

/** What this stand-in would have to drop in silence is refused by name. */
function refuseUnbuilt(input: CreateStreamInput): void {
  const built = new Set(['StreamName', 'ShardCount', 'StreamModeDetails']);
  const unbuilt = Object.entries(input).find(([name, value]) => value !== undefined && !built.has(name));
  if (unbuilt)
    throw new ServiceError('InvalidArgumentException', `CreateStream.${unbuilt[0]} is not built here`);
}
