import { compareText } from './canonical.ts';
import type { SeenChannel } from './chain.ts';
import type { ChannelState } from './entry.ts';
import { instantMs } from './instant.ts';
import { laneId } from './keys.ts';
import { parsePosition } from './positions.ts';

/** Channels that begin a lane: one entry lists them all, so a lane is bounded. Children may join it later. */
export const LANE_WIDTH = 40;

/** A shard as its stream lists it. Names are channel ids. */
export interface ShardFacts {
  readonly channel: string;
  /** One after a split, two after a merge; one that is not listed any more may stand here too. */
  readonly parents: readonly string[];
  readonly isOpen: boolean;
}

/** What each lane of a feed knows, lane k at index k: every channel it ever had, as it last stood. */
export type LaneChannels = readonly ReadonlyMap<string, SeenChannel>[];

/**
 * The channels that begin lanes of their own: listed, known to no lane, and no descendant of what a lane knows.
 * While a channel is open that its stream lists no more, they are its lost descendants, and begin nothing.
 */
export function unclaimedChannels(shards: readonly ShardFacts[], lanes: LaneChannels): readonly string[] {
  const listed = new Set(shards.map(({ channel }) => channel));
  const hasVanished = lanes.some((known) =>
    [...known].some(([id, { closed }]) => !closed && !listed.has(id)),
  );
  return hasVanished ? [] : strays(shards, lanes);
}

/** Lists of at most `LANE_WIDTH` channels, in the order of their names. */
export function cutLanes(channels: readonly string[]): readonly (readonly string[])[] {
  const lanes: string[][] = [];
  for (const [index, channel] of channels.toSorted(compareText).entries()) {
    if (index % LANE_WIDTH === 0) lanes.push([]);
    lanes.at(-1)?.push(channel);
  }
  return lanes;
}

/** Listed roots that no lane knows nor expects. */
export function strays(shards: readonly ShardFacts[], lanes: LaneChannels): readonly string[] {
  const listed = new Set(shards.map(({ channel }) => channel));
  const expected = new Set(
    lanes.flatMap((known) => [...known].flatMap(([id, { closed }]) => [id, ...(closed?.children ?? [])])),
  );
  return shards
    .filter(({ channel, parents }) => {
      const isRoot = !parents.some((parent) => listed.has(parent) || expected.has(parent));
      return isRoot && !expected.has(channel);
    })
    .map(({ channel }) => channel);
}

/** Listed shards that name this one as a parent. */
export function childrenOf(channel: string, shards: readonly ShardFacts[]): readonly string[] {
  return shards.filter(({ parents }) => parents.includes(channel)).map((shard) => shard.channel);
}

/** A channel that stands nowhere yet, before its first read. */
export function openedAt(start: 'earliest' | { readonly at: string }, generation = 1): ChannelState {
  const through = start === 'earliest' ? start : `at:${start.at}`;
  return { after: through, through, generation, watermark: null, caughtUpAt: null };
}

export interface Openings {
  /** Children whose parents are all closed, and that this lane opens: the lowest of their lanes does. */
  readonly channels: Readonly<Record<string, ChannelState>>;
  /** Where parents in other lanes were closed: what the entry that opens them needs. */
  readonly needs: Readonly<Record<string, number>>;
  /** Children that this lane will open, once these parents are closed too. */
  readonly waiting: readonly { readonly channel: string; readonly parents: readonly string[] }[];
}

/** The children that a lane may open now. A parent that was never read and is no longer listed counts as closed. */
export function openings(
  feed: string,
  lane: number,
  lanes: LaneChannels,
  shards: readonly ShardFacts[],
): Openings {
  const listed = new Map(shards.map((shard) => [shard.channel, shard]));
  const channels: Record<string, ChannelState> = {};
  const needs: Record<string, number> = {};
  const waiting: { channel: string; parents: readonly string[] }[] = [];
  const children = new Set(
    [...(lanes[lane]?.values() ?? [])].flatMap(({ closed }) => closed?.children ?? []),
  );
  for (const child of [...children].toSorted(compareText)) {
    if (lanes.some((known) => known.has(child))) continue;
    const standing = parentsOf(child, lanes, listed);
    if (standing.home !== lane) continue;
    if (standing.open.length > 0) {
      waiting.push({ channel: child, parents: standing.open });
      continue;
    }
    const generation = 1 + Math.max(...standing.closed.map(({ state }) => state.generation));
    channels[child] = openedAt(childStart(standing.closed), generation);
    for (const { lane: other, state } of standing.closed) {
      if (other !== lane)
        needs[laneId(feed, other)] = Math.max(needs[laneId(feed, other)] ?? 0, state.ordinal);
    }
  }
  return { channels, needs, waiting };
}

interface Parent {
  readonly id: string;
  readonly lane: number;
  readonly state: SeenChannel;
}

function parentsOf(child: string, lanes: LaneChannels, listed: ReadonlyMap<string, ShardFacts>) {
  const listedParents = listed.get(child)?.parents ?? [];
  const known: Parent[] = lanes.flatMap((channels, lane) =>
    [...channels].flatMap(([id, state]) =>
      listedParents.includes(id) || state.closed?.children.includes(child) ? [{ id, lane, state }] : [],
    ),
  );
  const expected = lanes.flatMap((channels) =>
    [...channels.values()].flatMap(({ closed }) => closed?.children ?? []),
  );
  return {
    home: Math.min(...known.map(({ lane }) => lane)),
    closed: known.filter(({ state }) => state.closed),
    open: [
      ...known.filter(({ state }) => !state.closed).map(({ id }) => id),
      ...listedParents.filter((id) => !known.some((parent) => parent.id === id) && isToCome(id)),
    ],
  };

  /** Is it not collected yet, and descends from what is? What nobody ever collects is waited for by nobody. */
  function isToCome(id: string): boolean {
    const isCollected = lanes.some((channels) => channels.has(id));
    return isCollected || expected.includes(id) || (listed.get(id)?.parents ?? []).some(isToCome);
  }
}

// A parent that ended before the feed's start time has left the start to its children.
function childStart(parents: readonly Parent[]): 'earliest' | { readonly at: string } {
  const starts = parents.map(({ state }) => parsePosition(state.through));
  const [first] = starts.filter((position) => position?.kind === 'at');
  return first?.kind === 'at' ? { at: first.time } : 'earliest';
}

/** What a channel did since the entry before. */
export interface Advance {
  /** The last record covered; absent where there was none. */
  readonly through?: string;
  readonly watermark?: string | null;
  readonly caughtUpAt?: string | null;
  /** It was read to its end. */
  readonly children?: readonly string[];
}

/** The channels of the next entry: every one that stood open in the last, advanced or not. `left`: named, and left out. */
export function nextChannels(
  standing: Readonly<Record<string, ChannelState>>,
  advances: ReadonlyMap<string, Advance>,
  left: ReadonlySet<string>,
): Readonly<Record<string, ChannelState>> {
  const open = Object.entries(standing).filter(([id, { closed }]) => !closed && !left.has(id));
  return Object.fromEntries(open.map(([id, state]) => [id, advanced(state, advances.get(id))]));
}

function advanced(state: ChannelState, advance: Advance | undefined): ChannelState {
  return {
    after: state.through,
    through: advance?.through ?? state.through,
    generation: state.generation,
    watermark: later(state.watermark, advance?.watermark ?? null),
    caughtUpAt: later(state.caughtUpAt, advance?.caughtUpAt ?? null),
    ...(advance?.children && { closed: { children: advance.children } }),
  };
}

/** A channel whose records were lost, as it goes on. `orphans`: of one that is gone, what follows it in its stream. */
export function skipped(state: ChannelState, atIso: string, orphans?: readonly string[]): ChannelState {
  return {
    after: state.through,
    through: `horizon:${atIso}`,
    generation: state.generation,
    watermark: state.watermark,
    caughtUpAt: state.caughtUpAt,
    ...(orphans && { closed: { children: orphans } }),
  };
}

/** What is known of a channel when it is read again. */
export interface Resumption {
  readonly through: string;
  /** When the source last said that nothing followed `through`; null when it never did. */
  readonly caughtUpAt: string | null;
  /** When the lane's last entry was committed: a channel that was opened is no older than that. */
  readonly committedAt: string;
  /** Milliseconds since the epoch before which the source keeps nothing. */
  readonly horizonMs: number;
}

/**
 * May records between `through` and what the source holds have been lost? Asked once the record of `through` itself
 * was not found any more, or there is none.
 */
export function isLost({ through, caughtUpAt, committedAt, horizonMs }: Resumption): boolean {
  const seenMs = caughtUpAt === null ? undefined : instantMs(caughtUpAt);
  if (seenMs !== undefined && seenMs > horizonMs) return false;
  const position = parsePosition(through);
  if (position?.kind === 'sequence' || position === undefined) return true;
  return (instantMs(committedAt) ?? 0) <= horizonMs;
}

/** Should an entry without rows say when idle channels were caught up? Only if the lane's watermark gains `leastMs`. */
export function isIdleEntryDue(
  standing: Readonly<Record<string, ChannelState>>,
  next: Readonly<Record<string, ChannelState>>,
  leastMs: number,
): boolean {
  const [before, after] = [evidenceMs(standing), evidenceMs(next)];
  return after !== undefined && (before === undefined || after - before >= leastMs);
}

/** The time up to which all open channels were seen, before lateness; undefined where one was never. */
export function evidenceMs(channels: Readonly<Record<string, ChannelState>>): number | undefined {
  const times = Object.values(channels)
    .filter(({ closed }) => !closed)
    .map(({ watermark, caughtUpAt }) => instantMs(later(watermark, caughtUpAt) ?? ''));
  const known = times.filter((time) => time !== undefined);
  return times.length === 0 || known.length < times.length ? undefined : Math.min(...known);
}

// ISO instants of one width compare as text.
function later(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? b : a;
}
