import { entryName, isWithin, lanesOf, reach } from './coverage.ts';
import type { EntryFacts } from './entry-facts.ts';
import { type LaneId, laneId } from './keys.ts';
import type { Coverage, EntryRef } from './view.ts';

/** Lane of a table → its current generation; 0, or absent: none is whole. */
export type Generations = ReadonlyMap<LaneId, number>;

/** What deciding about generations takes from an entry. */
export type EntryOfTable = EntryRef & Pick<EntryFacts, 'table'>;

/**
 * Of each table: the greatest generation whose `ready` entry is among these, lies within the coverage and is not
 * excluded. `before`: what was current before the first of them.
 */
export function generationsWithin(
  entries: readonly EntryOfTable[],
  coverage: Coverage,
  exclude: readonly EntryRef[],
  before: Generations = new Map(),
): Generations {
  const barred = new Set(exclude.map(entryName));
  const current = new Map(before);
  for (const entry of entries) {
    if (entry.table === null) continue;
    const id = laneId(entry.feed, entry.lane);
    const known = current.get(id) ?? 0;
    const counts = entry.table.ready && isWithin(coverage, entry) && !barred.has(entryName(entry));
    current.set(id, counts ? Math.max(known, entry.table.generation) : known);
  }
  return current;
}

/**
 * The greatest coverage within this one that ends, for each table, with its current generation: entries of a later one
 * that is not whole, or is excluded, lie beyond. `entries`: at least those where a generation above the current begins.
 */
export function endingWith(
  coverage: Coverage,
  entries: readonly EntryOfTable[],
  current: Generations,
): Coverage {
  const ends = new Map<LaneId, number>();
  for (const { feed, lane, ordinal, table } of entries) {
    const id = laneId(feed, lane);
    if (table === null || table.generation <= (current.get(id) ?? 0)) continue;
    ends.set(id, Math.min(ends.get(id) ?? Infinity, ordinal - 1));
  }
  if (ends.size === 0) return coverage;
  const lanes = lanesOf(coverage).map(
    (lane) => [lane, Math.min(reach(coverage, lane), ends.get(lane) ?? Infinity)] as const,
  );
  return Object.fromEntries(lanes.filter(([, last]) => last > 0));
}

/** Is it of no table, or of its table's current generation? */
export function isCurrent(entry: EntryOfTable, current: Generations): boolean {
  return entry.table === null || entry.table.generation === current.get(laneId(entry.feed, entry.lane));
}

/** Tables whose current generation is not the same. */
export function changedBetween(a: Generations, b: Generations): readonly LaneId[] {
  return [...new Set([...a.keys(), ...b.keys()])].filter((lane) => (a.get(lane) ?? 0) !== (b.get(lane) ?? 0));
}
