import { isoInstant } from './instant.ts';
import { partitionBounds } from './partition.ts';
import type { DatasetSpec } from './spec.ts';
import type { FeedWatermark } from './watermark.ts';

export type Closing =
  | { readonly kind: 'closed' }
  /** Past its deadline: built without the batch feeds named, published provisional or held, as declared. */
  | { readonly kind: 'deadline'; readonly because: string }
  | { readonly kind: 'open'; readonly because: string; readonly lookAtMs?: number };

/** Does anything tell when a partition of this dataset is complete? Without it, what is new is built. */
export function closesByWatermark(dataset: DatasetSpec, watermarks: readonly FeedWatermark[]): boolean {
  if (dataset.partition.kind !== 'time') return false;
  return counting(dataset, watermarks).length > 0;
}

/**
 * A partition is closed once every needed batch feed has covered its end, and every speed feed its end and the grace.
 * At the deadline it is closed all the same when only batch feeds are missing: a stream that stands still is no
 * missing batch.
 */
export function closing(
  dataset: DatasetSpec,
  partition: string,
  watermarks: readonly FeedWatermark[],
  nowMs: number,
): Closing {
  const bounds = partitionBounds(dataset.partition, partition);
  if (!bounds || !closesByWatermark(dataset, watermarks)) return { kind: 'closed' };
  const { graceMs, deadlineMs } = dataset.close;
  const missing = counting(dataset, watermarks).filter(
    ({ ms, role }) => ms === null || ms < bounds.toMs + (role === 'speed' ? graceMs : 0),
  );
  if (missing.length === 0) return { kind: 'closed' };
  const because = missing.map((one) => explain(one, bounds.toMs, graceMs)).join('; ');
  if (deadlineMs === undefined || missing.some(({ role }) => role === 'speed')) {
    return { kind: 'open', because };
  }
  const deadline = bounds.toMs + deadlineMs;
  return nowMs >= deadline
    ? { kind: 'deadline', because }
    : { kind: 'open', because: `${because}; deadline ${isoInstant(deadline)}`, lookAtMs: deadline };
}

/** The feeds whose watermarks decide: speed feeds, and the batch feeds that closing needs. */
function counting(
  { close, feeds }: DatasetSpec,
  watermarks: readonly FeedWatermark[],
): readonly FeedWatermark[] {
  const isAlone = Object.values(feeds).every(({ role }) => role === 'batch') && close.needs.length === 0;
  return watermarks.filter(({ feed, role, speaks, timeless }) => {
    if (timeless) return false;
    if (role === 'speed') return true;
    return isAlone ? speaks : close.needs.includes(feed);
  });
}

function explain({ feed, role, ms, because }: FeedWatermark, endMs: number, graceMs: number): string {
  const needed = isoInstant(endMs + (role === 'speed' ? graceMs : 0));
  return `${feed} is at ${ms === null ? 'nothing' : isoInstant(ms)} of ${needed} (${because})`;
}
