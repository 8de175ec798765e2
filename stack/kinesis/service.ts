import * as kinesis from '@aws-sdk/client-kinesis';
import { jsonService, operation } from '../json-service.ts';
import type { Clock, JsonService } from '../service.ts';
import { Catalogue } from './catalogue.ts';
import { changes } from './change.ts';
import { getRecords, getShardIterator } from './get.ts';
import { LIMITS, type Limits } from './limits.ts';
import { listings } from './listing.ts';
import { putOperations } from './put.ts';

export interface KinesisOptions {
  /** Where streams lie; made if it is missing. One process at a time may have it open. */
  readonly dir: string;
  readonly clock: Clock;
  readonly account: string;
  readonly region: string;
  readonly limits?: Partial<Limits>;
}

export interface Kinesis extends JsonService {
  /** Replace some limits from now on and tell all: throttling, empty pages and partial failures on demand. */
  setLimits(limits: Partial<Limits>): Limits;
}

/**
 * Kinesis as far as the lake uses it, held to AWS's documents. What was acknowledged is with the
 * operating system: `kill -9` loses none of it. The caller sees to it that nobody else opens `dir`.
 */
export async function createKinesis(options: KinesisOptions): Promise<Kinesis> {
  const { dir, clock, account, region } = options;
  let limits: Limits = { ...LIMITS, ...options.limits };
  const catalogue = new Catalogue(dir, {
    account,
    region,
    clock,
    get limits() {
      return limits;
    },
  });
  const { createStream, deleteStream, splitShard, mergeShards, setRetention } = changes(catalogue);
  const { describeStream, describeStreamSummary, listStreams, listShards } = listings(catalogue);
  const service = jsonService({
    target: 'Kinesis_20131202',
    close: async () => catalogue.close(),
    operations: {
      ...putOperations(catalogue),
      GetRecords: getRecords(catalogue),
      GetShardIterator: operation(kinesis.GetShardIterator$, getShardIterator(catalogue)),
      ListShards: operation(kinesis.ListShards$, listShards),
      ListStreams: operation(kinesis.ListStreams$, listStreams),
      DescribeStream: operation(kinesis.DescribeStream$, describeStream),
      DescribeStreamSummary: operation(kinesis.DescribeStreamSummary$, describeStreamSummary),
      CreateStream: operation(kinesis.CreateStream$, createStream),
      DeleteStream: operation(kinesis.DeleteStream$, deleteStream),
      SplitShard: operation(kinesis.SplitShard$, splitShard),
      MergeShards: operation(kinesis.MergeShards$, mergeShards),
      IncreaseStreamRetentionPeriod: operation(kinesis.IncreaseStreamRetentionPeriod$, setRetention('more')),
      DecreaseStreamRetentionPeriod: operation(kinesis.DecreaseStreamRetentionPeriod$, setRetention('less')),
    },
  });
  return {
    ...service,
    setLimits(changed) {
      limits = { ...limits, ...changed };
      return limits;
    },
  };
}
