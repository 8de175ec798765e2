import { compareText } from './canonical.ts';
import { type LaneId, laneId } from './keys.ts';
import type { Coverage, EntryRef } from './view.ts';

/** The last entry of a lane that a coverage holds; 0 = none. */
export function reach(coverage: Coverage, lane: LaneId): number {
  return coverage[lane] ?? 0;
}

export function isWithin(coverage: Coverage, { feed, lane, ordinal }: EntryRef): boolean {
  return ordinal <= reach(coverage, laneId(feed, lane));
}

/** Does the first hold everything that the second holds? */
export function covers(outer: Coverage, inner: Coverage): boolean {
  return lanesOf(inner).every((lane) => reach(outer, lane) >= reach(inner, lane));
}

export function sameCoverage(a: Coverage, b: Coverage): boolean {
  return covers(a, b) && covers(b, a);
}

/** The least coverage that holds both. A lane never leaves. */
export function join(a: Coverage, b: Coverage): Coverage {
  const lanes = [...new Set([...lanesOf(a), ...lanesOf(b)])].sort(compareText);
  return Object.fromEntries(lanes.map((lane) => [lane, Math.max(reach(a, lane), reach(b, lane))]));
}

/** An entry that may be read only together with others. */
export interface Needing extends EntryRef {
  readonly needs: Coverage;
}

/**
 * The greatest coverage within `heads` in which every entry finds what it needs. `entries`: at least those up to the
 * heads that need something.
 */
export function completeWithin(heads: Coverage, entries: readonly Needing[]): Coverage {
  const complete = new Map(lanesOf(heads).map((lane) => [lane, reach(heads, lane)]));
  const needing = entries.filter(({ needs }) => Object.keys(needs).length > 0);
  for (let cut = true; cut;) {
    cut = false;
    for (const { feed, lane, ordinal, needs } of needing) {
      const id = laneId(feed, lane);
      if (ordinal > (complete.get(id) ?? 0)) continue;
      if (lanesOf(needs).every((other) => (complete.get(other) ?? 0) >= reach(needs, other))) continue;
      complete.set(id, ordinal - 1);
      cut = true;
    }
  }
  return Object.fromEntries(complete);
}

export function lanesOf(coverage: Coverage): LaneId[] {
  return Object.keys(coverage) as LaneId[];
}

/** Names one entry, for sets and messages: `payment-events/0/42`. */
export function entryName({ feed, lane, ordinal }: EntryRef): string {
  return `${laneId(feed, lane)}/${ordinal}`;
}
