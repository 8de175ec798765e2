import { setTimeout } from 'node:timers/promises';

/** How a worker spends the few calls that DMS allows: 200 at once, then 8 a second, for a whole account. */
export interface DmsPacing {
  /** One watch ends after this long, so that a run of many days is many activities that operators see. */
  readonly watchMs: number;
  /** Between two looks of one watch, on the clock: all watches look together. */
  readonly lookEveryMs: number;
  /** Between two looks at the test of a connection: it takes DMS some seconds, and a task waits for it. */
  readonly testEveryMs: number;
  /** Between two describes of a worker, and likewise between two pages of tables. */
  readonly gapMs: number;
  /** Between two starts, stops or reloads of a worker. */
  readonly changeGapMs: number;
  /** Resolves after so long; rejects with the signal's reason when it aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export const DMS_PACING: DmsPacing = {
  watchMs: 9 * 60_000,
  lookEveryMs: 10_000,
  testEveryMs: 2000,
  gapMs: 500,
  changeGapMs: 250,
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
