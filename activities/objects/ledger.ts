import type { KnownItem, SeenChannel } from '../../lake/chain.ts';
import type {
  Entry,
  EntryItem,
  PartitionStatistics,
  Retraction,
  RowsObject,
  SideStatistics,
} from '../../lake/entry.ts';
import { keys, laneId } from '../../lake/keys.ts';
import type { SpecObject } from '../../lake/spec.ts';
import { createAppends } from './appends.ts';
import { ObjectCache } from './cache.ts';
import { decode } from './json.ts';
import { type EntryLink, type Lane, createLane } from './lane.ts';
import type { ObjectStore } from './port.ts';
import { createSides } from './side.ts';

export type { KnownItem, SeenChannel } from '../../lake/chain.ts';
export type { EntryLink } from './lane.ts';

export type Ledger = ReturnType<typeof createLedger>;

/** The lanes of one store. What never changes is kept in this process: bytes bounded, names of items not. */
export function createLedger({ store }: { readonly store: ObjectStore }) {
  const sides = createSides(store);
  const entries = new ObjectCache<EntryLink>();
  const specs = new ObjectCache<SpecObject>(8 * 1024 * 1024);
  const counted = new ObjectCache<SideStatistics>(16 * 1024 * 1024);
  const opened = new Map<string, Lane>();

  function open(feed: string, lane: number): Lane {
    const id = laneId(feed, lane);
    const found = opened.get(id) ?? createLane({ sides, cache: entries, feed, lane });
    opened.set(id, found);
    return found;
  }

  /** 0, 1, … while entry 1 of the lane exists. */
  async function lanes(feed: string, signal: AbortSignal): Promise<number[]> {
    const found: number[] = [];
    while (await open(feed, found.length).chain.read(1, signal)) found.push(found.length);
    return found;
  }

  async function head(feed: string, lane: number, signal: AbortSignal): Promise<EntryLink | undefined> {
    return open(feed, lane).chain.head(signal);
  }

  /** Both ends included; a gap, or an entry that does not name the one before, is `ChainBroken`. */
  async function range(
    feed: string,
    lane: number,
    from: number,
    to: number,
    signal: AbortSignal,
  ): Promise<EntryLink[]> {
    return open(feed, lane).chain.range(from, to, signal);
  }

  /** An entry's items, wherever they stand. */
  async function items(entry: Entry, signal: AbortSignal): Promise<readonly EntryItem[]> {
    return sides.itemsOf(entry, signal);
  }

  /** The statistics of a rows object, wherever they stand. */
  async function partitions(rows: RowsObject, signal: AbortSignal): Promise<PartitionStatistics> {
    return sides.partitionsOf(rows, signal);
  }

  /** What an entry's rows are under another mapping; `undefined` while nobody has counted it. */
  async function sideStatistics(key: string, signal: AbortSignal): Promise<SideStatistics | undefined> {
    const cached = counted.get(key);
    if (cached) return cached;
    const bytes = await store.get(key, signal);
    if (!bytes) return undefined;
    const side = decode<SideStatistics>(key, bytes);
    counted.keep(key, side, bytes.byteLength);
    return side;
  }

  /** What an entry takes back, with what each partition loses, wherever it stands. */
  async function retracts(entry: Entry, signal: AbortSignal): Promise<readonly Retraction[]> {
    return sides.retractsOf(entry, signal);
  }

  /** The spec of this number, under which entries were collected; `undefined` when there is none. */
  async function specOf(n: number, signal: AbortSignal): Promise<SpecObject | undefined> {
    const key = keys.spec(n);
    const cached = specs.get(key);
    if (cached) return cached;
    const bytes = await store.get(key, signal);
    if (!bytes) return undefined;
    const spec = decode<SpecObject>(key, bytes);
    specs.keep(key, spec, bytes.byteLength);
    return spec;
  }

  /** Item name → every version of it up to the head, in the order of the chain. Incremental in this process. */
  async function knownItems(
    feed: string,
    lane: number,
    signal: AbortSignal,
  ): Promise<Map<string, readonly KnownItem[]>> {
    return new Map((await historyToHead(feed, lane, signal)).items);
  }

  /** Every channel that the lane ever had, as it last stood: closed and parked ones too. */
  async function knownChannels(
    feed: string,
    lane: number,
    signal: AbortSignal,
  ): Promise<Map<string, SeenChannel>> {
    return new Map((await historyToHead(feed, lane, signal)).channels);
  }

  async function historyToHead(feed: string, lane: number, signal: AbortSignal) {
    const found = open(feed, lane);
    const last = await found.chain.head(signal);
    return found.historyTo(last?.n ?? 0, signal);
  }

  const { appendSet, appendSequence } = createAppends(sides, open);

  return {
    lanes,
    head,
    range,
    items,
    partitions,
    sideStatistics,
    retracts,
    specOf,
    knownItems,
    knownChannels,
    appendSet,
    appendSequence,
  };
}
