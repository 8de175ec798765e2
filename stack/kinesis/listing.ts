import type {
  DescribeLimitsOutput,
  DescribeStreamInput,
  DescribeStreamOutput,
  DescribeStreamSummaryInput,
  DescribeStreamSummaryOutput,
  ListShardsInput,
  ListShardsOutput,
  ListStreamsInput,
  ListStreamsOutput,
  Shard as WireShard,
} from '@aws-sdk/client-kinesis';
import { ServiceError } from '../json-service.ts';
import type { Catalogue } from './catalogue.ts';
import { hashRange } from './hash-range.ts';
import { openPage, pageSize, refuseOtherCreation } from './paging.ts';
import { onDemandStreams, openShards } from './quota.ts';
import type { Shard } from './shard.ts';
import type { Stream } from './stream.ts';
import { formatToken, type PageToken } from './token.ts';

/** What tells about streams and shards and changes nothing. */
export function listings(catalogue: Catalogue) {
  const { realm } = catalogue;

  function describeStream(input: DescribeStreamInput): DescribeStreamOutput {
    const stream = catalogue.stream(input);
    const limit = pageSize(input.Limit, 100);
    const rest = visibleShards(stream).filter(
      ({ facts }) => input.ExclusiveStartShardId === undefined || facts.shardId > input.ExclusiveStartShardId,
    );
    const { OpenShardCount: _open, ConsumerCount: _consumers, ...facts } = summary(stream);
    return {
      StreamDescription: {
        ...facts,
        Shards: rest.slice(0, limit).map(describeShard),
        HasMoreShards: rest.length > limit,
      },
    };
  }

  function describeStreamSummary(input: DescribeStreamSummaryInput): DescribeStreamSummaryOutput {
    return { StreamDescriptionSummary: summary(catalogue.stream(input)) };
  }

  function listStreams(input: ListStreamsInput): ListStreamsOutput {
    const limit = pageSize(input.Limit, 100);
    const token = openPage(realm, input, ['ExclusiveStartStreamName']);
    const after = token?.after ?? input.ExclusiveStartStreamName;
    const rest = catalogue.all().filter(({ name }) => after === undefined || name > after);
    const page = rest.slice(0, limit);
    const last = page.at(-1);
    return {
      StreamNames: page.map(({ name }) => name),
      StreamSummaries: page.map((stream) => ({ ...identity(stream), StreamStatus: stream.status() })),
      HasMoreStreams: rest.length > limit,
      NextToken: last && rest.length > limit ? tokenAfter('', last.name, undefined) : undefined,
    };
  }

  function listShards(input: ListShardsInput): ListShardsOutput {
    const token = openPage(realm, input, [
      'StreamName',
      'ExclusiveStartShardId',
      'ShardFilter',
      'StreamCreationTimestamp',
    ]);
    const stream =
      token && input.StreamARN === undefined ? catalogue.byId(token.streamId) : catalogue.stream(input);
    if (!stream) throw new ServiceError('ResourceNotFoundException', 'The stream of this NextToken is gone.');
    if (token && token.streamId !== stream.id)
      throw new ServiceError('InvalidArgumentException', `NextToken is not of stream ${stream.name}`);
    if (stream.status() === 'CREATING' || stream.status() === 'DELETING') {
      throw new ServiceError('ResourceInUseException', `Stream ${stream.name} is ${stream.status()}`);
    }
    refuseOtherCreation(stream, input);
    const filter = token ? token.filter : filterOf(input);
    const after = token?.after ?? input.ExclusiveStartShardId;
    const limit = pageSize(input.MaxResults, 1_000);
    const rest = filtered(stream, filter).filter(({ facts }) => after === undefined || facts.shardId > after);
    const page = rest.slice(0, limit);
    const last = page.at(-1);
    return {
      Shards: page.map(describeShard),
      NextToken: last && rest.length > limit ? tokenAfter(stream.id, last.facts.shardId, filter) : undefined,
    };
  }

  function tokenAfter(streamId: string, after: string, filter: PageToken['filter']): string {
    return formatToken({ streamId, after, filter, issuedAt: realm.clock.now() } satisfies PageToken);
  }

  function describeLimits(): DescribeLimitsOutput {
    return {
      ShardLimit: realm.limits.shardsPerAccount,
      OpenShardCount: openShards(catalogue),
      OnDemandStreamCount: onDemandStreams(catalogue),
      OnDemandStreamCountLimit: realm.limits.onDemandStreams,
    };
  }

  return { describeStream, describeStreamSummary, listStreams, listShards, describeLimits };
}

/** Shards are shown by the stream's horizon in time, whether or not anything was written to them. */
function filtered(stream: Stream, filter: PageToken['filter']): Shard[] {
  const listed = stream.listedShards();
  const horizon = stream.horizonTime();
  const first = Math.min(...stream.shards.map(({ facts }) => facts.openedAt));
  switch (filter?.Type) {
    case undefined:
    case 'FROM_TRIM_HORIZON':
      return listed;
    case 'AT_TRIM_HORIZON':
      return listed.filter((shard) => isOpenAt(shard, Math.max(horizon, first)));
    case 'AT_LATEST':
      return listed.filter((shard) => shard.closing === undefined);
    case 'AFTER_SHARD_ID':
      return listed.filter(({ facts }) => facts.shardId > (filter?.ShardId ?? ''));
    case 'AT_TIMESTAMP':
      return listed.filter((shard) => isOpenAt(shard, Math.max(filter?.timeMs ?? 0, horizon, first)));
    case 'FROM_TIMESTAMP':
      return listed.filter(
        (shard) => shard.closing === undefined || shard.closing.at >= (filter?.timeMs ?? 0),
      );
    default:
      throw new ServiceError('InvalidArgumentException', `ShardFilter.Type ${filter?.Type} is not known`);
  }
}

function isOpenAt({ facts, closing }: Shard, time: number): boolean {
  return facts.openedAt <= time && (closing === undefined || closing.at > time);
}

function summary(stream: Stream) {
  return {
    ...identity(stream),
    StreamStatus: stream.status(),
    RetentionPeriodHours: stream.retentionHours,
    EnhancedMonitoring: [{ ShardLevelMetrics: [] }],
    ...encryption(stream),
    OpenShardCount: stream.openShards.length,
    ConsumerCount: stream.settings.consumers.length,
  };
}

function encryption({ settings: { keyId } }: Stream) {
  return keyId === undefined
    ? { EncryptionType: 'NONE' as const }
    : { EncryptionType: 'KMS' as const, KeyId: keyId };
}

function identity(stream: Stream) {
  return {
    StreamName: stream.name,
    StreamARN: stream.arn,
    StreamModeDetails: { StreamMode: stream.settings.mode },
    StreamCreationTimestamp: new Date(stream.createdAt * 1_000),
  };
}

/** A stream that is being created shows no shards yet. */
function visibleShards(stream: Stream): Shard[] {
  return stream.status() === 'CREATING' ? [] : stream.listedShards();
}

function describeShard(shard: Shard): WireShard {
  const [parent, adjacent] = shard.facts.parents;
  return {
    ShardId: shard.facts.shardId,
    ParentShardId: parent,
    AdjacentParentShardId: adjacent,
    HashKeyRange: hashRange(shard.facts),
    SequenceNumberRange: {
      StartingSequenceNumber: shard.startingSequence,
      EndingSequenceNumber: shard.endingSequence,
    },
  };
}

function filterOf({ ShardFilter: filter }: ListShardsInput): PageToken['filter'] {
  if (!filter) return undefined;
  const { Type = '', ShardId, Timestamp } = filter;
  const needsTime = Type === 'AT_TIMESTAMP' || Type === 'FROM_TIMESTAMP';
  if (needsTime !== (Timestamp !== undefined)) {
    throw new ServiceError('InvalidArgumentException', `ShardFilter.Timestamp does not go with ${Type}`);
  }
  if ((Type === 'AFTER_SHARD_ID') !== (ShardId !== undefined)) {
    throw new ServiceError('InvalidArgumentException', `ShardFilter.ShardId does not go with ${Type}`);
  }
  return {
    Type,
    ...(ShardId !== undefined && { ShardId }),
    ...(Timestamp && { timeMs: Timestamp.getTime() }),
  };
}
