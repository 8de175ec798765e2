import { type Entry, type EntryItem, type ItemSpan, type RowsObject, isOfItem } from '../../lake/entry.ts';
import { feedsVersionedByAsOf } from '../../lake/hashes.ts';
import { instantMs } from '../../lake/instant.ts';
import { keys, laneId } from '../../lake/keys.ts';
import { partitionNumber } from '../../lake/partition.ts';
import type { DatasetSpec, LakeSpec } from '../../lake/spec.ts';
import type { RowRange, StagedObject } from '../../lake/sql/staging.ts';
import { failure } from '../failure.ts';
import type { NamedObject } from './fetch.ts';
import type { Ledger } from './ledger.ts';
import { statisticsUnder } from './statistics.ts';

/** An entry whose rows in some partitions are wanted. */
export interface WantedEntry {
  readonly entry: Entry;
  /** Partition → are they wanted only to be counted? */
  readonly partitions: ReadonlyMap<string, { readonly excluded: boolean }>;
  /** Spans of it that were taken back. */
  readonly retracted: readonly ItemSpan[];
}

/** A rows object that must be read, and what its rows do not say themselves. */
export interface WantedObject extends NamedObject {
  readonly feed: string;
  readonly staged: StagedObject;
  readonly rows: RowsObject;
  /** Its statistics and `_match` hold for the dataset. */
  readonly isMapped: boolean;
  readonly versionedByAsOf: boolean;
}

/** The rows objects that hold what is wanted, in the order of the entries. */
export async function wantedObjects(
  ledger: Ledger,
  spec: Pick<LakeSpec, 'sources'>,
  dataset: DatasetSpec,
  wanted: readonly WantedEntry[],
  signal: AbortSignal,
): Promise<WantedObject[]> {
  const known = statisticsUnder(ledger, { lake: spec, dataset }, signal);
  const byAsOf = new Set(feedsVersionedByAsOf(spec, dataset));
  const found: WantedObject[] = [];
  for (const { entry, partitions, retracted } of wanted) {
    const statistics = await known.of(entry);
    for (const [index, rows] of entry.rows.entries()) {
      const isMapped = await known.isMapped(entry, rows);
      const uses = [...partitions]
        .filter(([partition]) => (statistics[index]?.partitions[partition]?.rows ?? 0) > 0)
        .map(([partition, { excluded }]) => ({ number: numberOf(dataset, partition), excluded }));
      if (uses.length === 0 || rows.rows === 0) continue;
      const versionedByAsOf = byAsOf.has(entry.feed);
      const channels = Object.entries(entry.channels ?? {}).map(
        ([channel, { generation }]) => [channel, generation] as const,
      );
      found.push({
        feed: entry.feed,
        key: rows.key,
        bytes: rows.bytes,
        checksum: rows.checksum,
        namedBy: keys.entry(entry.feed, entry.lane, entry.ordinal),
        rows,
        isMapped,
        versionedByAsOf,
        staged: {
          feed: entry.feed,
          lane: entry.lane,
          ordinal: entry.ordinal,
          object: index,
          ingestedAt: entry.committedAt,
          partitions: uses,
          channels: Object.fromEntries(channels),
          asOf: versionedByAsOf ? asOfRanges(entry, await ledger.items(entry, signal), index) : [],
          retracted: rangesOf(retracted, index),
        },
      });
    }
  }
  return found;
}

/**
 * The entries of one lane with these ordinals, ascending. What stands closely together is read, and its chain checked,
 * at once; `ChainBroken` where one is missing.
 */
export async function entriesOf(
  ledger: Ledger,
  feed: string,
  lane: number,
  ordinals: readonly number[],
  signal: AbortSignal,
): Promise<Entry[]> {
  const chosen = new Set(ordinals);
  const entries: Entry[] = [];
  for (const [from, to] of runsOf(ordinals)) {
    const links = await ledger.range(feed, lane, from, to, signal);
    entries.push(...links.map(({ value }) => value).filter(({ ordinal }) => chosen.has(ordinal)));
  }
  return entries;
}

/** What an entry takes back of another. */
export function spansTakenBack(
  by: Entry,
  of: Pick<Entry, 'feed' | 'lane' | 'ordinal'>,
  item: string,
): ItemSpan[] {
  const found = (by.retracts ?? [])
    .filter(isOfItem)
    .filter(
      (one) =>
        one.feed === of.feed && one.lane === of.lane && one.ordinal === of.ordinal && one.item === item,
    );
  if (found.length > 0) return found.flatMap(({ spans }) => spans);
  throw failure(
    'ChainBroken',
    `${keys.entry(by.feed, by.lane, by.ordinal)} takes back nothing of ${item} in ${laneId(of.feed, of.lane)}/${of.ordinal}; a plan says that it does`,
  );
}

/** As of when an item's delivery speaks, in microseconds: given, or one before the end of its window. */
export function asOfUs(entry: Entry, item?: Pick<EntryItem, 'window'>): number | undefined {
  if (entry.asOf !== undefined) return usOf(entry.asOf);
  const end = item?.window?.to ?? entry.windows?.at(-1)?.to;
  const us = end === undefined ? undefined : usOf(end);
  return us === undefined ? undefined : us - 1;
}

const CLOSE = 16;

function runsOf(ordinals: readonly number[]): (readonly [number, number])[] {
  const runs: [number, number][] = [];
  for (const ordinal of ordinals.toSorted((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last && ordinal - last[1] <= CLOSE) last[1] = ordinal;
    else runs.push([ordinal, ordinal]);
  }
  return runs;
}

function asOfRanges(entry: Entry, items: readonly EntryItem[], object: number): StagedObject['asOf'] {
  return items.flatMap((item) => {
    const us = asOfUs(entry, item);
    return us === undefined ? [] : rangesOf(item.spans ?? [], object).map((range) => ({ ...range, us }));
  });
}

function rangesOf(spans: readonly ItemSpan[], object: number): RowRange[] {
  return spans
    .filter((span) => span.object === object && span.records > 0)
    .map(({ firstRow, records }) => ({ first: firstRow, last: firstRow + records - 1 }));
}

function usOf(iso: string): number | undefined {
  const ms = instantMs(iso);
  return ms === undefined ? undefined : ms * 1000;
}

function numberOf(dataset: DatasetSpec, partition: string): number {
  const number = partitionNumber(dataset.partition, partition);
  if (number !== undefined) return number;
  throw failure(
    'MalformedInput',
    `${partition} is no partition of a dataset divided by ${dataset.partition.kind}`,
  );
}
