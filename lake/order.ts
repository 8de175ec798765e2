import { compareText } from './canonical.ts';
import type { MergeRule, Role } from './spec.ts';

/** Where a row stands among all rows of its key: no two rows of a lake stand at the same place. */
export interface Place {
  /** Under `latest` with a version column: its value as an ordered integer; null comes first. */
  readonly version: bigint | null;
  readonly role: Role;
  readonly generation: number;
  readonly ordinal: number;
  /** Index of the rows object in its entry. */
  readonly object: number;
  /** Number within the object. */
  readonly row: number;
  readonly feed: string;
  readonly lane: number;
}

/** Batch outranks speed. */
export function rankOf(role: Role): 0 | 1 {
  return role === 'batch' ? 1 : 0;
}

/**
 * Above 0 where `a` beats `b`. `latest`: the greatest of (version, rank, generation, ordinal, object, row, feed,
 * lane). `append`: the greatest rank, then the least of the rest without the version.
 */
export function compareOrder(rule: MergeRule, a: Place, b: Place): number {
  const rank = rankOf(a.role) - rankOf(b.role);
  if (rule === 'append') return rank || comparePlace(b, a);
  return compareVersion(a.version, b.version) || rank || comparePlace(a, b);
}

function comparePlace(a: Place, b: Place): number {
  return (
    a.generation - b.generation ||
    a.ordinal - b.ordinal ||
    a.object - b.object ||
    a.row - b.row ||
    compareText(a.feed, b.feed) ||
    a.lane - b.lane
  );
}

function compareVersion(a: bigint | null, b: bigint | null): number {
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  return a < b ? -1 : 1;
}
