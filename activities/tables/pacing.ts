import { setTimeout } from 'node:timers/promises';

/** How a stretch of collecting tables spends its time. */
export interface TablesPacing {
  /** A stretch ends after this long. */
  readonly stretchMs: number;
  /** The same while a table waits for a person: a decision is acted on between stretches. */
  readonly parkedStretchMs: number;
  /** Every table's new landings are looked for at least so often, whatever DMS's counters say. */
  readonly sweepEveryMs: number;
  /**
   * And its whole folder so often: one LIST request for each 1,000 landings, where a look at what is new takes one for
   * most tables. 1,000,000 landings cost half a cent a time.
   */
  readonly wholeEveryMs: number;
  /** Looks in a row that must find something wrong before it counts: DMS and S3 tell of different moments. */
  readonly doubts: number;
  /** Tables worked on at once, and those whose rows are made at once. */
  readonly width: number;
  readonly refining: number;
  /** Resolves after so long; rejects with the signal's reason when it aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export const TABLES_PACING: TablesPacing = {
  stretchMs: 10 * 60_000 - 30_000,
  parkedStretchMs: 60_000,
  sweepEveryMs: 3 * 60_000,
  wholeEveryMs: 60 * 60_000,
  doubts: 3,
  width: 4,
  refining: 2,
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
