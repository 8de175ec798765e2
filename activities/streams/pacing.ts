import { setTimeout } from 'node:timers/promises';

/** How a collector spends its time. */
export interface Pacing {
  /** A stretch ends after this long. */
  readonly stretchMs: number;
  /** The same while a channel waits for a person: a decision is acted on between stretches. */
  readonly parkedStretchMs: number;
  /** Between two reads of a shard that has more: a service allows 5 a second. */
  readonly readEveryMs: number;
  /** Before a shard is read again that was read too fast. */
  readonly throttledMs: number;
  /** An entry without rows only when it moves the lane's evidence by this much. */
  readonly idleEntryMs: number;
  readonly hintEveryMs: number;
  /** Shards read at once: each may bring a page of 10 MiB. */
  readonly width: number;
  /** Resolves after so long; rejects with the signal's reason when it aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export const PACING: Pacing = {
  stretchMs: 10 * 60_000,
  parkedStretchMs: 60_000,
  readEveryMs: 220,
  throttledMs: 1000,
  idleEntryMs: 60_000,
  hintEveryMs: 10_000,
  width: 8,
  wait,
};

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await setTimeout(ms, undefined, { signal });
  } catch (error) {
    // Node's own AbortError would reach Temporal as a cancellation that nobody asked for.
    signal.throwIfAborted();
    throw error;
  }
}
