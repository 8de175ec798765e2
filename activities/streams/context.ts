import { activityInfo, cancellationSignal } from '@temporalio/activity';
import type { Entry } from '../../lake/entry.ts';
import { feedId } from '../../lake/keys.ts';
import { channelId } from '../../lake/positions.ts';
import { type KinesisSource, datasetOf } from '../../lake/spec.ts';
import type { Mapping } from '../../lake/sql/refine-mapping.ts';
import type { LaneChannels, ShardFacts } from '../../lake/stream.ts';
import type { DuckDbOptions } from '../duckdb.ts';
import { failure } from '../failure.ts';
import { sha256Hex } from '../objects/json.ts';
import type { Ledger } from '../objects/ledger.ts';
import type { ObjectStore } from '../objects/port.ts';
import type { Pacing } from './pacing.ts';
import type { RecordStream, SpecReader, StreamFacts } from './port.ts';

export interface StreamPorts {
  readonly store: ObjectStore;
  readonly ledger: Ledger;
  readonly spec: SpecReader;
  readonly stream: RecordStream;
  readonly duck: DuckDbOptions;
  readonly clock: { now(): number };
  readonly pacing: Pacing;
}

/** One source as the newest applied spec has it, for one attempt of an activity. */
export interface StreamContext extends StreamPorts {
  /** Its name in `lake.yaml`. */
  readonly name: string;
  readonly feed: string;
  readonly source: KinesisSource;
  readonly mapping: Mapping | undefined;
  readonly specNumber: number;
  readonly bucket: string;
  readonly epoch: Entry['epoch'];
  readonly attempt: string;
  readonly signal: AbortSignal;
}

/** Fails with `UnknownSource` when the spec has no stream of this name. */
export async function openSource(ports: StreamPorts, name: string): Promise<StreamContext> {
  const signal = cancellationSignal();
  const { n, spec } = await ports.spec.read(signal);
  const source = Object.hasOwn(spec.sources, name) ? spec.sources[name] : undefined;
  if (source?.kind !== 'kinesis') {
    const known = Object.entries(spec.sources).flatMap(([one, { kind }]) =>
      kind === 'kinesis' ? [one] : [],
    );
    throw failure(
      'UnknownSource',
      `${JSON.stringify(name)} is ${source ? `a source of ${source.kind}` : 'no source'} of spec ${n}; streams: ${known.join(', ') || 'none'}`,
    );
  }
  const served = datasetOf(spec, name);
  const info = activityInfo();
  return {
    ...ports,
    name,
    feed: feedId(name, sha256Hex),
    source,
    mapping: served && { dataset: served.dataset, use: served.use, columns: source.columns },
    specNumber: n,
    bucket: spec.lake.bucket,
    epoch: {
      run: info.workflowExecution?.runId ?? info.activityId,
      scheduledAt: new Date(info.currentAttemptScheduledTimestampMs).toISOString(),
    },
    attempt: String(info.attempt),
    signal,
  };
}

/** A stream as it is now, its shards by their channel ids. */
export interface StreamNow extends StreamFacts {
  readonly shards: readonly ShardFacts[];
}

/** Resolves `undefined` when there is no such stream. */
export async function lookAtStream({
  stream,
  source,
  signal,
}: StreamContext): Promise<StreamNow | undefined> {
  const facts = await stream.describe(source.stream, signal);
  const listed = facts && (await stream.shards(source.stream, signal));
  if (!listed) return undefined;
  const { createdAtS } = facts;
  const idOf = (shard: string) => channelId({ createdAtS, shard });
  const shards = listed.map(({ shard, parents, isOpen }) => ({
    channel: idOf(shard),
    parents: parents.map(idOf),
    isOpen,
  }));
  return { ...facts, shards };
}

/** Every channel that each lane of the feed ever had, as it last stood. */
export async function channelsOfLanes({ ledger, feed, signal }: StreamContext): Promise<LaneChannels> {
  const lanes = await ledger.lanes(feed, signal);
  return Promise.all(lanes.map((lane) => ledger.knownChannels(feed, lane, signal)));
}
