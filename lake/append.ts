import { type KnownItem, laneKind } from './chain.ts';
import { type Entry, type EntryItem, isOfItem } from './entry.ts';
import { instantMs } from './instant.ts';

/** An entry before its place in the chain is known. */
export type EntryDraft = Omit<Entry, 'format' | 'ordinal' | 'prev' | 'itemsIn'>;

/** An entry that another attempt committed, with its items, wherever they stand. */
export interface Stored {
  readonly entry: Entry;
  readonly items: readonly EntryItem[];
}

export type AfterLoss =
  /** It was my own request, whose answer was lost. */
  | { readonly kind: 'committed'; readonly ordinal: number }
  /** Set lane: the same body at the next ordinal. */
  | { readonly kind: 'again' }
  /** Set lane: drop what these entries hold and refine the rest under a new commit id. */
  | { readonly kind: 'overlap' }
  /** Sequence lane: discard and read on from the stored `through`s; with `later`, end: a later attempt collects. */
  | { readonly kind: 'taken'; readonly later: boolean };

/**
 * The ordinal was taken. `since` = all entries after the head that the draft was made on, in order. A commit id
 * names one body: success is *its* id in a stored entry, never some entry that looks like mine.
 */
export function afterLoss(mine: EntryDraft, since: readonly Stored[]): AfterLoss {
  const own = since.find(({ entry }) => entry.commit === mine.commit);
  if (own) return { kind: 'committed', ordinal: own.entry.ordinal };
  if (laneKind(mine) === 'sequence') {
    return { kind: 'taken', later: since.some(({ entry }) => isLater(entry.epoch, mine.epoch)) };
  }
  return since.some((theirs) => overlaps(mine, theirs)) ? { kind: 'overlap' } : { kind: 'again' };
}

/**
 * Entries, ascending, that hold already what a draft of their lane brings. `collected` and `skipped` are for ever,
 * what is parked is not parked again, and what is retracted is not retracted again.
 */
export function heldBy(
  { feed, lane, items = [], retracts = [] }: Pick<EntryDraft, 'feed' | 'lane' | 'items' | 'retracts'>,
  known: ReadonlyMap<string, readonly KnownItem[]>,
): readonly number[] {
  const collecting = items.flatMap((item) =>
    (known.get(item.item) ?? []).filter((earlier) => holds(earlier, item)).map(({ ordinal }) => ordinal),
  );
  const retracting = retracts
    .filter(isOfItem)
    .filter((retraction) => retraction.feed === feed && retraction.lane === lane)
    .flatMap(({ item, version, ordinal }) =>
      (known.get(item) ?? [])
        .filter((earlier) => earlier.version === version && earlier.ordinal === ordinal)
        .flatMap(({ retractedBy }) => retractedBy ?? []),
    );
  return [...new Set([...collecting, ...retracting])].toSorted((a, b) => a - b);
}

/** Was the attempt of the first scheduled after that of the second? Without both times, no. */
export function isLater(a: Entry['epoch'], b: Entry['epoch']): boolean {
  const [first, second] = [a.scheduledAt, b.scheduledAt];
  if (first === undefined || second === undefined) return false;
  const [firstMs, secondMs] = [instantMs(first), instantMs(second)];
  return firstMs !== undefined && secondMs !== undefined ? firstMs > secondMs : first > second;
}

/**
 * Would my entry stand on something that theirs changed? Items meet by name: another version of mine may make
 * mine older, or a restatement. Only a version parked by them may still be taken up by me.
 */
function overlaps(mine: EntryDraft, { entry: theirs, items }: Stored): boolean {
  const theirItems = new Map(items.map((item) => [item.item, item]));
  const itemsMeet = (mine.items ?? []).some((item) => {
    const other = theirItems.get(item.item);
    return other !== undefined && (other.version !== item.version || holds(other, item));
  });
  return (
    itemsMeet ||
    meet(retracted(mine), retracted(theirs)) ||
    meet(released(mine), released(theirs)) ||
    (mine.retracts ?? []).filter(isOfItem).some(({ item }) => theirItems.has(item)) ||
    (theirs.retracts ?? [])
      .filter(isOfItem)
      .some(({ item }) => (mine.items ?? []).some((own) => own.item === item))
  );
}

function holds(earlier: EntryItem, item: EntryItem): boolean {
  return earlier.version === item.version && !(earlier.state === 'parked' && item.state !== 'parked');
}

function retracted({ retracts = [] }: Pick<Entry, 'retracts'>): string[] {
  return retracts
    .filter(isOfItem)
    .map(({ feed, lane, item, version }) => JSON.stringify([feed, lane, item, version]));
}

function released({ releases = [] }: Pick<Entry, 'releases'>): string[] {
  return releases.flatMap(({ rejected, records }) =>
    records.map((record) => JSON.stringify([rejected, record])),
  );
}

function meet(a: readonly string[], b: readonly string[]): boolean {
  const theirs = new Set(b);
  return a.some((one) => theirs.has(one));
}
