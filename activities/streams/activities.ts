import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Action, Parked } from '../../lake/decisions.ts';
import { Collector, type Collected, type StretchEnd } from './collector.ts';
import { type StreamContext, type StreamPorts, openSource } from './context.ts';
import { skipLost } from './decide.ts';
import { type OpenedLanes, openLanesOf } from './open.ts';
import { PACING, type Pacing } from './pacing.ts';

export interface CollectLaneInput {
  readonly source: string;
  readonly lane: number;
  /** End once every open shard is read to its end. */
  readonly drain: boolean;
}

export interface CollectLaneResult extends Collected {
  /** `closed`: every shard of the lane has ended, and none follows. `failed`: with `failure`, after progress. */
  readonly outcome: StretchEnd | 'failed';
  readonly parked: readonly Parked[];
  readonly failure?: { readonly type: string; readonly message: string };
}

export interface DecideChannelsInput {
  readonly source: string;
  /** Whose loop took the decision; the channels may be of others. */
  readonly lane: number;
  readonly channels: readonly string[];
  readonly action: Action;
  /** Key of the decision's audit object. */
  readonly decision: string;
  readonly by: string;
  readonly reason: string;
}

export type StreamActivities = ReturnType<typeof createStreamActivities>;

export function createStreamActivities({
  pacing,
  ...rest
}: Omit<StreamPorts, 'pacing'> & { readonly pacing?: Partial<Pacing> }) {
  const ports: StreamPorts = { ...rest, pacing: { ...PACING, ...pacing } };

  /**
   * Give every shard a lane, and record where each starts before anything is read. Safe to run twice: a shard that
   * a lane claims is not opened again, and lanes are made by conditional create.
   */
  async function openLanes({ source }: { readonly source: string }): Promise<OpenedLanes> {
    return openLanesOf(await openSource(ports, source));
  }

  /**
   * One stretch of a lane, at most 10 minutes. Safe to run twice: it goes on from the chain's last entry, and an
   * entry is made once; of two that run, the later attempt goes on and the earlier one ends. After progress a failure
   * is an outcome, so that Temporal counts attempts from there.
   */
  async function collectLane({ source, lane, drain }: CollectLaneInput): Promise<CollectLaneResult> {
    const context = await openSource(ports, source);
    return withScratch(context, async (scratch) => {
      const collector = new Collector(context, lane, scratch);
      try {
        const outcome = await collector.run(drain);
        return { outcome, ...collector.collected, parked: collector.parked };
      } catch (error) {
        context.signal.throwIfAborted();
        const { collected, parked } = collector;
        if (collected.entries === 0) throw error;
        return { outcome: 'failed', ...collected, parked, failure: describeFailure(error) };
      }
    });
  }

  /**
   * Act on a decision about shards that wait. Safe to run twice: a shard that goes on already waits no more. Only
   * `skip` leaves anything to do.
   */
  async function decideChannels({
    source,
    channels,
    action,
  }: DecideChannelsInput): Promise<{ readonly entries: number }> {
    if (action !== 'skip') return { entries: 0 };
    return { entries: await skipLost(await openSource(ports, source), channels) };
  }

  return { openLanes, collectLane, decideChannels };
}

function describeFailure(error: unknown): { readonly type: string; readonly message: string } {
  if (!(error instanceof Error)) return { type: 'Error', message: String(error) };
  const type = 'type' in error && typeof error.type === 'string' ? error.type : error.name;
  return { type, message: error.message };
}

async function withScratch<T>({ duck }: StreamContext, work: (scratch: string) => Promise<T>): Promise<T> {
  const scratch = await mkdtemp(path.join(duck.scratch, 'stream-'));
  try {
    return await work(scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
  }
}
