import { LaneHistory } from '../../lake/chain.ts';
import type { Entry } from '../../lake/entry.ts';
import { keys } from '../../lake/keys.ts';
import { type Chain, type Link, createChain } from './chain.ts';
import type { ObjectCache } from './cache.ts';
import type { Sides } from './side.ts';

export type EntryLink = Link<Entry>;

/** Entries are read in runs of this many when a lane's history is gathered. */
const HISTORY_RUN = 500;

/** One lane's chain, and what its entries say together. */
export interface Lane {
  readonly chain: Chain<Entry>;
  /** Known at least up to this ordinal. A cache: correctness never rests on it. */
  historyTo(ordinal: number, signal: AbortSignal): Promise<LaneHistory>;
  /** All entries after `since`, with the last of them; `taken` is one of them. */
  after(since: EntryLink | undefined, taken: EntryLink, signal: AbortSignal): Promise<LaneNews>;
}

export interface LaneNews {
  readonly head: EntryLink;
  readonly entries: readonly EntryLink[];
}

export interface LaneOptions {
  readonly sides: Sides;
  readonly cache: ObjectCache<EntryLink>;
  readonly feed: string;
  readonly lane: number;
}

export function createLane({ sides, cache, feed, lane }: LaneOptions): Lane {
  const chain = createChain<Entry>({
    store: sides.store,
    cache,
    key: (n) => keys.entry(feed, lane, n),
    prefix: keys.entry(feed, lane, 1).replace(/[^/]+$/, ''),
    numberOf: (entry) => entry.ordinal,
  });
  const history = new LaneHistory();
  // One at a time feeds the history, so that no entry counts twice.
  let feeding: Promise<unknown> = Promise.resolve();

  async function historyTo(ordinal: number, signal: AbortSignal): Promise<LaneHistory> {
    const turn = feeding.then(async () => {
      while (history.ordinal < ordinal) {
        const from = history.ordinal + 1;
        const run = await chain.range(from, Math.min(ordinal, from + HISTORY_RUN - 1), signal);
        for (const { value } of run) history.add(value, await sides.itemsOf(value, signal));
      }
    });
    feeding = turn.catch(() => undefined);
    await turn;
    return history;
  }

  async function after(
    since: EntryLink | undefined,
    taken: EntryLink,
    signal: AbortSignal,
  ): Promise<LaneNews> {
    const head = (await chain.head(signal)) ?? taken;
    return { head, entries: await chain.range((since?.n ?? 0) + 1, head.n, signal) };
  }

  return { chain, historyTo, after };
}
