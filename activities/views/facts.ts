import { reach } from '../../lake/coverage.ts';
import { type EntryFacts, entryFacts } from '../../lake/entry-facts.ts';
import type { Entry } from '../../lake/entry.ts';
import { type LaneId, laneId, parseLaneId } from '../../lake/keys.ts';
import type { Coverage, EntryRef } from '../../lake/view.ts';
import { failure } from '../failure.ts';
import type { Ledger } from '../objects/ledger.ts';

/** Entries read between two heartbeats. */
const RUN = 500;

export interface Watch {
  readonly signal: AbortSignal;
  readonly onProgress: () => void;
}

export interface Collected {
  readonly heads: Coverage;
  /** Feed → its entries up to the heads, by lane, in the order of each chain. */
  readonly entries: ReadonlyMap<string, readonly EntryFacts[]>;
}

export type FactReader = ReturnType<typeof createFactReader>;

/** What entries say that decides about builds. Entries never change: each is read once in this process. */
export function createFactReader({ ledger }: { readonly ledger: Ledger }) {
  const known = new Map<LaneId, readonly EntryFacts[]>();

  async function upToHeads(feeds: readonly string[], watch: Watch): Promise<Collected> {
    const heads: Record<LaneId, number> = {};
    const entries = new Map<string, readonly EntryFacts[]>();
    for (const feed of feeds) {
      const ofFeed: EntryFacts[] = [];
      for (const lane of await ledger.lanes(feed, watch.signal)) {
        const head = (await ledger.head(feed, lane, watch.signal))?.n ?? 0;
        heads[laneId(feed, lane)] = head;
        for (const entry of await upTo(feed, lane, head, watch)) ofFeed.push(entry);
      }
      entries.set(feed, ofFeed);
    }
    return { heads, entries };
  }

  /** The entries beyond `from` and within `to`, by lane. */
  async function between(from: Coverage, to: Coverage, watch: Watch): Promise<EntryFacts[]> {
    const found: EntryFacts[] = [];
    for (const [id, last] of Object.entries(to)) {
      const place = parseLaneId(id);
      if (!place) throw failure('ChainBroken', `a coverage names "${id}"; right would be <feed>/<lane>`);
      const lane = laneId(place.feed, place.lane);
      const first = reach(from, lane) + 1;
      const have = known.get(lane) ?? [];
      const read =
        have.length >= last
          ? have.slice(first - 1, last)
          : await readRange(place.feed, place.lane, first, last, watch);
      for (const entry of read) found.push(entry);
    }
    return found;
  }

  /** `undefined` when there is no such entry. */
  async function one({ feed, lane, ordinal }: EntryRef, watch: Watch): Promise<EntryFacts | undefined> {
    const head = (await ledger.head(feed, lane, watch.signal))?.n ?? 0;
    if (ordinal < 1 || ordinal > head) return undefined;
    return (await readRange(feed, lane, ordinal, ordinal, watch))[0];
  }

  async function upTo(feed: string, lane: number, head: number, watch: Watch) {
    const id = laneId(feed, lane);
    const have = known.get(id) ?? [];
    if (have.length < head) {
      const all = [...have, ...(await readRange(feed, lane, have.length + 1, head, watch))];
      // Another look may have read further meanwhile.
      if (all.length > (known.get(id)?.length ?? 0)) known.set(id, all);
    }
    return (known.get(id) ?? []).slice(0, head);
  }

  async function readRange(feed: string, lane: number, from: number, to: number, watch: Watch) {
    const facts: EntryFacts[] = [];
    for (let start = from; start <= to; start += RUN) {
      const links = await ledger.range(feed, lane, start, Math.min(to, start + RUN - 1), watch.signal);
      for (const { value } of links) facts.push(await factsOf(value, watch.signal));
      watch.onProgress();
    }
    return facts;
  }

  async function factsOf(entry: Entry, signal: AbortSignal): Promise<EntryFacts> {
    const statistics = [];
    for (const rows of entry.rows) statistics.push(await ledger.partitions(rows, signal));
    return entryFacts(entry, statistics, await ledger.retracts(entry, signal));
  }

  return { upToHeads, between, one };
}
