import {
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  type GetRecordsCommandOutput,
  GetShardIteratorCommand,
  type KinesisClient,
  ListShardsCommand,
  type Shard,
  type _Record,
} from '@aws-sdk/client-kinesis';
import { awsCall } from '../aws.ts';
import { failure } from '../failure.ts';
import type {
  ChildShard,
  ListedShard,
  OpenAnswer,
  ReadAnswer,
  RecordStream,
  ShardStart,
  StreamFacts,
  StreamRecord,
} from './port.ts';
import { recordsBeside } from './raw-records.ts';

const HOUR_MS = 3_600_000;
const THROTTLES = new Set([
  'ProvisionedThroughputExceededException',
  'LimitExceededException',
  'KMSThrottlingException',
]);

/** Kinesis Data Streams, by polling. */
export class KinesisStream implements RecordStream {
  readonly #client: KinesisClient;

  constructor(client: KinesisClient) {
    this.#client = client;
  }

  async describe(stream: string, signal: AbortSignal): Promise<StreamFacts | undefined> {
    const command = new DescribeStreamSummaryCommand(naming(stream));
    const answer = await orGone(() =>
      awsCall(signal, () => this.#client.send(command, { abortSignal: signal })),
    );
    if (!answer) return undefined;
    const summary = answer.StreamDescriptionSummary;
    const createdAt = summary?.StreamCreationTimestamp;
    // A stream that is on its way in or out cannot be read from.
    if (!createdAt || summary.StreamStatus === 'CREATING' || summary.StreamStatus === 'DELETING')
      return undefined;
    return {
      createdAtS: Math.floor(createdAt.getTime() / 1000),
      retentionMs: (summary.RetentionPeriodHours ?? 24) * HOUR_MS,
    };
  }

  async shards(stream: string, signal: AbortSignal): Promise<readonly ListedShard[] | undefined> {
    const listed: ListedShard[] = [];
    let token: string | undefined;
    do {
      const command: ListShardsCommand = new ListShardsCommand(
        token === undefined ? naming(stream) : { NextToken: token },
      );
      const found = await orGone(() =>
        awsCall(signal, () => this.#client.send(command, { abortSignal: signal })),
      );
      if (!found) return undefined;
      listed.push(...(found.Shards ?? []).map(listedShard));
      token = found.NextToken;
    } while (token !== undefined);
    return listed;
  }

  async open(stream: string, shard: string, start: ShardStart, signal: AbortSignal): Promise<OpenAnswer> {
    const command = new GetShardIteratorCommand({ ...naming(stream), ShardId: shard, ...startOf(start) });
    const answer = await orNamed(() =>
      awsCall(signal, () => this.#client.send(command, { abortSignal: signal })),
    );
    if (answer.kind === 'error') {
      if (THROTTLES.has(answer.error.name)) return { kind: 'throttled' };
      const { name, message } = answer.error;
      if (name === 'InvalidArgumentException' || name === 'ResourceNotFoundException')
        return { kind: 'refused', message: `${name}: ${message}` };
      throw answer.error;
    }
    const iterator = answer.value.ShardIterator;
    return iterator === undefined || iterator === ''
      ? { kind: 'refused', message: 'an answer without an iterator' }
      : { kind: 'opened', iterator };
  }

  async read(iterator: string, signal: AbortSignal): Promise<ReadAnswer> {
    const command = new GetRecordsCommand({ ShardIterator: iterator });
    const records = recordsBeside(command);
    const answer = await orNamed(() =>
      awsCall(signal, () => this.#client.send(command, { abortSignal: signal })),
    );
    if (answer.kind === 'answer') return page(answer.value, records(), iterator);
    const { error } = answer;
    if (THROTTLES.has(error.name)) return { kind: 'throttled' };
    if (error.name === 'ExpiredIteratorException') return { kind: 'expired' };
    if (error.name === 'ResourceNotFoundException') return { kind: 'gone' };
    throw error;
  }
}

type Named<T> =
  { readonly kind: 'answer'; readonly value: T } | { readonly kind: 'error'; readonly error: Error };

/** An error of AWS that has no meaning everywhere is the caller's to read; what has one passes through. */
async function orNamed<T>(call: () => Promise<T>): Promise<Named<T>> {
  try {
    return { kind: 'answer', value: await call() };
  } catch (error) {
    if (error instanceof Error && '$metadata' in error) return { kind: 'error', error };
    throw error;
  }
}

async function orGone<T>(call: () => Promise<T>): Promise<T | undefined> {
  const answer = await orNamed(call);
  if (answer.kind === 'answer') return answer.value;
  if (answer.error.name === 'ResourceNotFoundException') return undefined;
  if (THROTTLES.has(answer.error.name)) throw failure('Throttled', answer.error.message, answer.error);
  throw answer.error;
}

function page(
  answer: GetRecordsCommandOutput,
  read: readonly StreamRecord[] | undefined,
  iterator: string,
): ReadAnswer {
  const records = read ?? (answer.Records ?? []).map(streamRecord);
  const { NextShardIterator: next, ChildShards: children = [] } = answer;
  const caughtUp = answer.MillisBehindLatest === 0;
  if (next !== undefined && children.length === 0) {
    return { kind: 'page', records, caughtUp, next: { iterator: next } };
  }
  // An end without children, or children without an end: neither is trusted, and the same iterator is asked again.
  if (next !== undefined || children.length === 0) {
    return { kind: 'page', records: [], caughtUp: false, next: { iterator } };
  }
  return { kind: 'page', records, caughtUp: true, next: { children: children.map(childShard) } };
}

function streamRecord({ SequenceNumber, ApproximateArrivalTimestamp, Data }: _Record): StreamRecord {
  return {
    sequence: SequenceNumber ?? '',
    arrivedAtMs: ApproximateArrivalTimestamp?.getTime() ?? 0,
    data: Data ?? new Uint8Array(),
  };
}

function childShard({
  ShardId,
  ParentShards,
}: {
  readonly ShardId?: string | undefined;
  readonly ParentShards?: readonly string[] | undefined;
}): ChildShard {
  return { shard: ShardId ?? '', parents: ParentShards ?? [] };
}

function listedShard({
  ShardId,
  ParentShardId,
  AdjacentParentShardId,
  SequenceNumberRange,
}: Shard): ListedShard {
  return {
    shard: ShardId ?? '',
    parents: [ParentShardId, AdjacentParentShardId].filter((parent) => parent !== undefined),
    isOpen: SequenceNumberRange?.EndingSequenceNumber === undefined,
  };
}

function startOf(start: ShardStart) {
  switch (start.kind) {
    case 'horizon':
      return { ShardIteratorType: 'TRIM_HORIZON' } as const;
    case 'record':
      return { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: start.sequence } as const;
    case 'since':
      return { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: new Date(start.time) } as const;
  }
}

function naming(stream: string): { readonly StreamName: string } | { readonly StreamARN: string } {
  return stream.startsWith('arn:') ? { StreamARN: stream } : { StreamName: stream };
}
