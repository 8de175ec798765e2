import { createHash } from 'node:crypto';
import type { EntryFacts } from '../../lake/entry-facts.ts';

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** An entry of lane 0 with one row in each of these partitions. */
export function factsOf(
  feed: string,
  ordinal: number,
  partitions: readonly string[],
  extra: Partial<EntryFacts> = {},
): EntryFacts {
  return {
    feed,
    lane: 0,
    ordinal,
    committedAtMs: 0,
    spec: 1,
    partitions: Object.fromEntries(partitions.map((partition) => [partition, 1])),
    undoes: {},
    retracts: false,
    releases: false,
    needs: {},
    windows: [],
    asOf: null,
    maxTime: null,
    channels: null,
    table: null,
    ...extra,
  };
}
