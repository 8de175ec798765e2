import { entryName, reach } from '../../lake/coverage.ts';
import { type EntryFacts, entryFacts } from '../../lake/entry-facts.ts';
import type { Entry } from '../../lake/entry.ts';
import { type LaneId, laneId, parseLaneId } from '../../lake/keys.ts';
import { type DatasetUnder, sideHash } from '../../lake/statistics.ts';
import type { Coverage, EntryRef } from '../../lake/view.ts';
import { failure } from '../failure.ts';
import { sha256Hex } from '../objects/json.ts';
import type { Ledger } from '../objects/ledger.ts';
import { type Statistics, barredBy, statisticsUnder } from '../objects/statistics.ts';

/** Entries read between two heartbeats. */
const RUN = 500;

export interface Watch {
  readonly signal: AbortSignal;
  readonly onProgress: () => void;
}

export interface Collected {
  readonly kind: 'collected';
  readonly heads: Coverage;
  /** Feed → its entries up to the heads, by lane, in the order of each chain. */
  readonly entries: ReadonlyMap<string, readonly EntryFacts[]>;
}

export interface Unmeasured {
  readonly kind: 'unmeasured';
  readonly unmeasured: readonly EntryRef[];
}

export type FactReader = ReturnType<typeof createFactReader>;

/** What entries say that decides about builds of a dataset. Entries never change: each is read once in this process. */
export function createFactReader({ ledger }: { readonly ledger: Ledger }) {
  const known = new Map<string, readonly EntryFacts[]>();

  /** `unmeasured`: with entries whose rows nobody has counted under the dataset's mapping yet, nothing is decided. */
  async function upToHeads(under: DatasetUnder, watch: Watch): Promise<Collected | Unmeasured> {
    const heads: Record<LaneId, number> = {};
    const entries = new Map<string, readonly EntryFacts[]>();
    const unmeasured: EntryRef[] = [];
    for (const feed of Object.keys(under.dataset.feeds)) {
      const ofFeed: EntryFacts[] = [];
      for (const lane of await ledger.lanes(feed, watch.signal)) {
        const head = (await ledger.head(feed, lane, watch.signal))?.n ?? 0;
        heads[laneId(feed, lane)] = head;
        const read = await upTo({ feed, lane, head }, under, watch);
        for (const entry of read.facts) ofFeed.push(entry);
        unmeasured.push(...read.unmeasured);
      }
      entries.set(feed, ofFeed);
    }
    return unmeasured.length > 0 ? { kind: 'unmeasured', unmeasured } : { kind: 'collected', heads, entries };
  }

  /** The entries beyond `from` and within `to`, by lane: all of them counted. */
  async function between(
    from: Coverage,
    to: Coverage,
    under: DatasetUnder,
    watch: Watch,
  ): Promise<EntryFacts[]> {
    const found: EntryFacts[] = [];
    for (const [id, last] of Object.entries(to)) {
      const place = parseLaneId(id);
      if (!place) throw failure('ChainBroken', `a coverage names "${id}"; right would be <feed>/<lane>`);
      const lane = laneId(place.feed, place.lane);
      // What the dataset no longer takes has no rows of it.
      if (!under.dataset.feeds[place.feed]) continue;
      const first = reach(from, lane) + 1;
      const have = known.get(nameOf(lane, under)) ?? [];
      const read =
        have.length >= last
          ? have.slice(first - 1, last)
          : await counted({ ...place, first, last }, under, watch);
      for (const entry of read) found.push(entry);
    }
    return found;
  }

  /** `undefined` when there is no such entry. */
  async function one(
    { feed, lane, ordinal }: EntryRef,
    under: DatasetUnder,
    watch: Watch,
  ): Promise<EntryFacts | undefined> {
    const head = (await ledger.head(feed, lane, watch.signal))?.n ?? 0;
    if (ordinal < 1 || ordinal > head) return undefined;
    const [link] = await ledger.range(feed, lane, ordinal, ordinal, watch.signal);
    const isServed = under.dataset.feeds[feed] !== undefined;
    const statistics =
      link && isServed ? await statisticsUnder(ledger, under, watch.signal).find(link.value) : undefined;
    // What is not counted for the dataset, no build of it used.
    if (!link || !statistics) return link && entryFacts(link.value, [], []);
    const partitions = statistics.map((object) => object.partitions);
    return entryFacts(link.value, partitions, await ledger.retracts(link.value, watch.signal));
  }

  async function upTo(
    { feed, lane, head }: { readonly feed: string; readonly lane: number; readonly head: number },
    under: DatasetUnder,
    watch: Watch,
  ): Promise<Read> {
    const name = nameOf(laneId(feed, lane), under);
    const have = known.get(name) ?? [];
    if (have.length >= head) return { facts: have.slice(0, head), unmeasured: [] };
    const read = await readRange({ feed, lane, first: have.length + 1, last: head }, under, watch);
    if (read.unmeasured.length > 0) return read;
    const all = [...have, ...read.facts];
    // Another look may have read further meanwhile.
    if (all.length > (known.get(name)?.length ?? 0)) known.set(name, all);
    return { facts: (known.get(name) ?? []).slice(0, head), unmeasured: [] };
  }

  async function counted(run: Run, under: DatasetUnder, watch: Watch): Promise<readonly EntryFacts[]> {
    const { facts, unmeasured } = await readRange(run, under, watch);
    const [first] = unmeasured;
    if (!first) return facts;
    throw failure(
      'ObjectMissing',
      `${entryName(first)} is not counted under the dataset's mapping, and a plan or version accounts for it`,
    );
  }

  async function readRange(
    { feed, lane, first, last }: Run,
    under: DatasetUnder,
    watch: Watch,
  ): Promise<Read> {
    const facts: EntryFacts[] = [];
    const unmeasured: EntryRef[] = [];
    const statistics = statisticsUnder(ledger, under, watch.signal);
    for (let start = first; start <= last; start += RUN) {
      const links = await ledger.range(feed, lane, start, Math.min(last, start + RUN - 1), watch.signal);
      for (const { value } of links) {
        const found = await factsOf(value, statistics, watch.signal);
        if (found) facts.push(found);
        else unmeasured.push({ feed, lane, ordinal: value.ordinal });
      }
      watch.onProgress();
    }
    return { facts, unmeasured };
  }

  async function factsOf(
    entry: Entry,
    statistics: Statistics,
    signal: AbortSignal,
  ): Promise<EntryFacts | undefined> {
    const found = await statistics.find(entry);
    if (!found) return undefined;
    const because = await barredBy(entry, found, statistics);
    if (because !== undefined) throw failure('NotBuilt', because);
    return entryFacts(
      entry,
      found.map(({ partitions }) => partitions),
      await ledger.retracts(entry, signal),
    );
  }

  return { upToHeads, between, one };
}

interface Run {
  readonly feed: string;
  readonly lane: number;
  /** Ordinals, both included. */
  readonly first: number;
  readonly last: number;
}

interface Read {
  readonly facts: readonly EntryFacts[];
  readonly unmeasured: readonly EntryRef[];
}

/** What is known of a lane is known for one mapping. */
function nameOf(lane: LaneId, under: DatasetUnder): string {
  const { feed } = parseLaneId(lane) ?? { feed: '' };
  return `${lane} ${sideHash(under, feed, sha256Hex)}`;
}
