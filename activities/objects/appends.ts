import { type EntryDraft, afterLoss, heldBy, isLater } from '../../lake/append.ts';
import {
  type FollowsOptions,
  type LaneKind,
  checkFollows,
  laneKind,
  needsHistory,
} from '../../lake/chain.ts';
import type { Entry } from '../../lake/entry.ts';
import { keys } from '../../lake/keys.ts';
import { failure } from '../failure.ts';
import type { EntryLink, Lane } from './lane.ts';
import type { Compact, Sides } from './side.ts';

export type SetAppend =
  | { readonly kind: 'committed'; readonly link: EntryLink }
  /** At least one of `since` holds what the draft holds: mostly those after the caller's head. */
  | { readonly kind: 'overlap'; readonly head: EntryLink; readonly since: readonly EntryLink[] };

export type SequenceAppend =
  | { readonly kind: 'committed'; readonly link: EntryLink }
  /** `later`: a later attempt collects this lane, and this one ends. Else it goes on from `head`. */
  | { readonly kind: 'taken'; readonly head: EntryLink; readonly later: boolean };

export function createAppends(sides: Sides, open: (feed: string, lane: number) => Lane) {
  /**
   * Commit point of a set lane: the create of the entry after `since`, or after what others committed meanwhile
   * if none of it touches what the draft holds. Safe to run twice: its commit id is looked for in what it meets.
   * An entry that may not follow is refused as `MalformedInput`, and nothing is written.
   */
  async function appendSet(
    draft: EntryDraft,
    since: EntryLink | undefined,
    signal: AbortSignal,
  ): Promise<SetAppend> {
    checkKind(draft, 'set');
    const lane = open(draft.feed, draft.lane);
    const items = draft.items ?? [];
    let compact: Compact | undefined;
    let last = since;
    // Every round but the last means that somebody else committed.
    for (;;) {
      signal.throwIfAborted();
      const known = await lane.historyTo(last?.n ?? 0, signal);
      const held = heldBy(draft, known.items);
      if (held.length > 0) return onHeld(lane, draft, held, signal);
      checkEntry(last?.value, placed(draft, draft, last), { known, items });
      compact ??= await sides.moveOut(draft, signal);
      const appended = await lane.chain.append(placed(draft, compact, last), signal);
      if (appended.kind === 'committed') return appended;

      const { head, entries } = await lane.after(since, appended.link, signal);
      const stored = entries.map(async ({ value }) => ({
        entry: value,
        items: await sides.itemsOf(value, signal),
      }));
      const decision = afterLoss(draft, await Promise.all(stored));
      if (decision.kind === 'committed') return committed(entries, decision.ordinal);
      if (decision.kind !== 'again') return { kind: 'overlap', head, since: entries };
      last = head;
    }
  }

  /**
   * Commit point of a sequence lane: the create of the entry after `since`. Safe to run twice: an entry with its
   * commit id is its own. An entry that may not follow is refused as `MalformedInput`, and nothing is written.
   */
  async function appendSequence(
    draft: EntryDraft,
    since: EntryLink | undefined,
    signal: AbortSignal,
  ): Promise<SequenceAppend> {
    checkKind(draft, 'sequence');
    if (since && isLater(since.value.epoch, draft.epoch)) return { kind: 'taken', head: since, later: true };
    const lane = open(draft.feed, draft.lane);
    const entry = placed(draft, draft, since);
    const items = draft.items ?? [];
    const known = needsHistory(since?.value, entry) && (await lane.historyTo(entry.ordinal - 1, signal));
    // A history that is further holds the entry that took this ordinal: the create will say so.
    if (!known) checkEntry(since?.value, entry);
    else if (known.ordinal < entry.ordinal) checkEntry(since?.value, entry, { known, items });
    const compact = await sides.moveOut(draft, signal);
    const appended = await lane.chain.append(placed(draft, compact, since), signal);
    if (appended.kind === 'committed') return appended;

    const { head, entries } = await lane.after(since, appended.link, signal);
    const stored = entries.map(({ value }) => ({ entry: value, items: [] }));
    const decision = afterLoss(draft, stored);
    if (decision.kind === 'committed') return committed(entries, decision.ordinal);
    return { kind: 'taken', head, later: decision.kind === 'taken' && decision.later };
  }

  return { appendSet, appendSequence };
}

/** The caller's list of known items was old: entries that it should have seen hold what the draft brings. */
async function onHeld(
  lane: Lane,
  draft: EntryDraft,
  ordinals: readonly number[],
  signal: AbortSignal,
): Promise<SetAppend> {
  const since: EntryLink[] = [];
  for (const ordinal of ordinals) since.push(...(await lane.chain.range(ordinal, ordinal, signal)));
  const own = since.find(({ value }) => value.commit === draft.commit);
  if (own) return { kind: 'committed', link: own };
  const [last] = since.slice(-1);
  const head = (await lane.chain.head(signal)) ?? last;
  if (!head) throw failure('ChainBroken', `${keys.entry(draft.feed, draft.lane, 1)} is gone`);
  return { kind: 'overlap', head, since };
}

function placed(draft: EntryDraft, compact: Compact, after: EntryLink | undefined): Entry {
  const { items: _, ...rest } = draft;
  return { ...rest, ...compact, format: 1, ordinal: (after?.n ?? 0) + 1, prev: after?.sha256 ?? null };
}

function committed(entries: readonly EntryLink[], ordinal: number): { kind: 'committed'; link: EntryLink } {
  const link = entries.find(({ n }) => n === ordinal);
  if (!link) throw new Error(`no entry ${ordinal} among those just read`);
  return { kind: 'committed', link };
}

function checkKind({ feed, lane, channels }: EntryDraft, right: LaneKind): void {
  const kind = laneKind(channels ? { channels } : {});
  if (kind !== right) {
    throw failure(
      'MalformedInput',
      `${feed}/${lane}: an entry of a ${kind} lane was given to a ${right} lane`,
    );
  }
}

function checkEntry(previous: Entry | undefined, next: Entry, options?: FollowsOptions): void {
  const follows = checkFollows(previous, next, options);
  if (follows.kind === 'ok') return;
  throw failure(
    'MalformedInput',
    `${keys.entry(next.feed, next.lane, next.ordinal)} refused: ${follows.reason}`,
  );
}
