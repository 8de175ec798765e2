import * as kinesis from '@aws-sdk/client-kinesis';
import { ServiceError, operation, parseBody, type Operation } from '../json-service.ts';
import type { Catalogue } from './catalogue.ts';
import { changes } from './change.ts';
import { consumers } from './consumers.ts';
import { getRecords, getShardIterator } from './get.ts';
import { listings } from './listing.ts';
import { refuseOthers } from './members.ts';
import { putOperations } from './put.ts';
import { resharding } from './reshard.ts';
import { tagging } from './tags.ts';

const STREAM = ['StreamName', 'StreamARN'] as const;
const CONSUMER = ['StreamARN', 'ConsumerName', 'ConsumerARN'] as const;

/**
 * Every operation that is served, with the members that it heeds. Any other member is refused by name: what would be
 * dropped in silence here might change what AWS does.
 */
export function operations(catalogue: Catalogue): Record<string, Operation> {
  const change = changes(catalogue);
  const { splitShard, mergeShards, updateShardCount } = resharding(catalogue);
  const list = listings(catalogue);
  const tag = tagging(catalogue);
  const consumer = consumers(catalogue);
  const table: Readonly<Record<string, readonly [readonly string[], Operation]>> = {
    GetShardIterator: [
      [...STREAM, 'ShardId', 'ShardIteratorType', 'StartingSequenceNumber', 'Timestamp'],
      operation(kinesis.GetShardIterator$, getShardIterator(catalogue)),
    ],

    ListShards: [
      [
        ...STREAM,
        'NextToken',
        'ExclusiveStartShardId',
        'MaxResults',
        'StreamCreationTimestamp',
        'ShardFilter',
      ],
      operation(kinesis.ListShards$, list.listShards),
    ],
    ListStreams: [
      ['Limit', 'ExclusiveStartStreamName', 'NextToken'],
      operation(kinesis.ListStreams$, list.listStreams),
    ],
    DescribeStream: [
      [...STREAM, 'Limit', 'ExclusiveStartShardId'],
      operation(kinesis.DescribeStream$, list.describeStream),
    ],
    DescribeStreamSummary: [STREAM, operation(kinesis.DescribeStreamSummary$, list.describeStreamSummary)],
    DescribeLimits: [[], operation(kinesis.DescribeLimits$, list.describeLimits)],

    CreateStream: [
      ['StreamName', 'ShardCount', 'StreamModeDetails', 'Tags'],
      operation(kinesis.CreateStream$, change.createStream),
    ],
    DeleteStream: [
      [...STREAM, 'EnforceConsumerDeletion'],
      operation(kinesis.DeleteStream$, change.deleteStream),
    ],
    IncreaseStreamRetentionPeriod: [
      [...STREAM, 'RetentionPeriodHours'],
      operation(kinesis.IncreaseStreamRetentionPeriod$, change.setRetention('more')),
    ],
    DecreaseStreamRetentionPeriod: [
      [...STREAM, 'RetentionPeriodHours'],
      operation(kinesis.DecreaseStreamRetentionPeriod$, change.setRetention('less')),
    ],
    UpdateStreamMode: [
      ['StreamARN', 'StreamModeDetails'],
      operation(kinesis.UpdateStreamMode$, change.updateStreamMode),
    ],
    StartStreamEncryption: [
      [...STREAM, 'EncryptionType', 'KeyId'],
      operation(kinesis.StartStreamEncryption$, change.startEncryption),
    ],
    StopStreamEncryption: [
      [...STREAM, 'EncryptionType', 'KeyId'],
      operation(kinesis.StopStreamEncryption$, change.stopEncryption),
    ],

    SplitShard: [
      [...STREAM, 'ShardToSplit', 'NewStartingHashKey'],
      operation(kinesis.SplitShard$, splitShard),
    ],
    MergeShards: [
      [...STREAM, 'ShardToMerge', 'AdjacentShardToMerge'],
      operation(kinesis.MergeShards$, mergeShards),
    ],
    UpdateShardCount: [
      [...STREAM, 'TargetShardCount', 'ScalingType'],
      operation(kinesis.UpdateShardCount$, updateShardCount),
    ],

    AddTagsToStream: [[...STREAM, 'Tags'], operation(kinesis.AddTagsToStream$, tag.addTagsToStream)],
    RemoveTagsFromStream: [
      [...STREAM, 'TagKeys'],
      operation(kinesis.RemoveTagsFromStream$, tag.removeTagsFromStream),
    ],
    ListTagsForStream: [
      [...STREAM, 'ExclusiveStartTagKey', 'Limit'],
      operation(kinesis.ListTagsForStream$, tag.listTagsForStream),
    ],
    TagResource: [['ResourceARN', 'Tags'], operation(kinesis.TagResource$, tag.tagResource)],
    UntagResource: [['ResourceARN', 'TagKeys'], operation(kinesis.UntagResource$, tag.untagResource)],
    ListTagsForResource: [['ResourceARN'], operation(kinesis.ListTagsForResource$, tag.listTagsForResource)],

    RegisterStreamConsumer: [
      ['StreamARN', 'ConsumerName'],
      operation(kinesis.RegisterStreamConsumer$, consumer.registerStreamConsumer),
    ],
    DescribeStreamConsumer: [
      CONSUMER,
      operation(kinesis.DescribeStreamConsumer$, consumer.describeStreamConsumer),
    ],
    ListStreamConsumers: [
      ['StreamARN', 'NextToken', 'MaxResults', 'StreamCreationTimestamp'],
      operation(kinesis.ListStreamConsumers$, consumer.listStreamConsumers),
    ],
    DeregisterStreamConsumer: [
      CONSUMER,
      operation(kinesis.DeregisterStreamConsumer$, consumer.deregisterStreamConsumer),
    ],
  };
  const served = Object.entries(table).map(
    ([name, [members, run]]) => [name, heeding(name, members, run)] as const,
  );
  return {
    ...Object.fromEntries(served),
    // These look at their bodies themselves, once.
    ...putOperations(catalogue),
    GetRecords: getRecords(catalogue),
    SubscribeToShard: subscribeToShard,
  };
}

function heeding(name: string, members: readonly string[], run: Operation): Operation {
  return (body) => {
    if (body.length > 0) refuseOthers(name, parseBody(body), members);
    return run(body);
  };
}

function subscribeToShard(): never {
  throw new ServiceError(
    'UnknownOperationException',
    'SubscribeToShard is not built here: a consumer can be registered and seen, and records are read with GetShardIterator and GetRecords',
  );
}
