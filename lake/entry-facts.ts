import {
  type ChannelState,
  type Entry,
  type PartitionStatistics,
  type Retraction,
  type Window,
  isOfItem,
} from './entry.ts';
import { instantMs } from './instant.ts';
import { laneId, parseLaneId } from './keys.ts';
import { type TableFacts, tableFacts } from './table-lane.ts';
import type { Coverage, EntryRef } from './view.ts';

/** What deciding about builds and views takes from an entry. */
export interface EntryFacts extends EntryRef {
  readonly committedAtMs: number;
  /** Number of the spec under which it was collected. */
  readonly spec: number;
  /** Partition → rows it brings there; 0 where it only takes rows back. */
  readonly partitions: Readonly<Record<string, number>>;
  /** Partition → what it takes back there. */
  readonly undoes: Readonly<Record<string, readonly Undoing[]>>;
  readonly retracts: boolean;
  readonly releases: boolean;
  /** Lanes that must be read so far before it may be. */
  readonly needs: Coverage;
  readonly windows: readonly Window[];
  readonly asOf: string | null;
  readonly maxTime: string | null;
  readonly channels: Readonly<Record<string, ChannelState>> | null;
  /** Null for an entry of no table. */
  readonly table: TableFacts | null;
}

export interface Undoing extends EntryRef {
  readonly item: string;
}

/**
 * `statistics`: of each of the entry's rows objects, in their order, wherever they stand. `retracts`: with what each
 * partition loses, wherever it stands.
 */
export function entryFacts(
  entry: Entry,
  statistics: readonly PartitionStatistics[],
  retracts: readonly Retraction[] = entry.retracts ?? [],
): EntryFacts {
  const partitions: Record<string, number> = {};
  const undoes: Record<string, Undoing[]> = {};
  let maxTime: string | null = null;
  for (const [partition, statistic] of statistics.flatMap((one) => Object.entries(one))) {
    partitions[partition] = (partitions[partition] ?? 0) + statistic.rows;
    if (statistic.maxTime !== null && (maxTime === null || statistic.maxTime > maxTime)) {
      maxTime = statistic.maxTime;
    }
  }
  for (const one of retracts) {
    for (const partition of Object.keys(one.partitions)) {
      partitions[partition] ??= 0;
      if (!isOfItem(one)) continue;
      const { feed, lane, ordinal, item } = one;
      (undoes[partition] ??= []).push({ feed, lane, ordinal, item });
    }
  }
  return {
    feed: entry.feed,
    lane: entry.lane,
    ordinal: entry.ordinal,
    committedAtMs: instantMs(entry.committedAt) ?? 0,
    spec: entry.spec,
    partitions,
    undoes,
    retracts: (entry.retracts ?? []).length > 0,
    releases: (entry.releases ?? []).length > 0,
    needs: needsOf(entry),
    windows: entry.windows ?? [],
    asOf: entry.asOf ?? null,
    maxTime,
    channels: entry.channels ?? null,
    table: tableFacts(entry),
  };
}

/** Entries by the partitions they touch, each list in the order given. */
export function byPartition(entries: readonly EntryFacts[]): ReadonlyMap<string, readonly EntryFacts[]> {
  const index = new Map<string, EntryFacts[]>();
  for (const entry of entries) {
    for (const partition of Object.keys(entry.partitions)) {
      const list = index.get(partition);
      if (list) list.push(entry);
      else index.set(partition, [entry]);
    }
  }
  return index;
}

// A lane of the entry's own feed may stand there by its number alone.
function needsOf({ feed, needs = {} }: Entry): Coverage {
  return Object.fromEntries(
    Object.entries(needs).map(([lane, ordinal]) => [
      parseLaneId(lane) ? lane : laneId(feed, Number(lane)),
      ordinal,
    ]),
  );
}
