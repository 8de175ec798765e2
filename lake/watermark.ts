import { compareText } from './canonical.ts';
import type { ChannelState } from './entry.ts';
import type { EntryFacts } from './entry-facts.ts';
import { instantMs, isoInstant } from './instant.ts';
import type { WatermarkEvidence } from './plan.ts';
import type { Role } from './spec.ts';

/** How far the events of a feed are surely known. */
export interface FeedWatermark {
  readonly feed: string;
  readonly role: Role;
  /** Milliseconds since the epoch; null: no evidence yet. */
  readonly ms: number | null;
  readonly because: string;
  /** False where nothing that the feed delivered ever says what it covers. */
  readonly speaks: boolean;
  /** Of a table that never says a time: no partition waits for it. */
  readonly timeless?: true;
}

export interface WatermarkInput {
  readonly feed: string;
  readonly role: Role;
  /** Its entries: lanes in their order, each in the order of its chain. */
  readonly entries: readonly EntryFacts[];
  readonly latenessMs: number;
  /** Start of the dataset's first partition: nothing earlier is expected. */
  readonly fromMs: number | undefined;
  readonly nowMs: number;
  /** A feed of channels that committed nothing for so long is named as silent: silence is not idleness. */
  readonly silentAfterMs: number | undefined;
}

/** More entries never lower it. */
export function watermark(input: WatermarkInput): FeedWatermark {
  const { feed, role, entries } = input;
  const said = (ms: number | null, because: string, speaks = true): FeedWatermark => ({
    feed,
    role,
    ms,
    because,
    speaks,
  });
  if (entries.length === 0) return said(null, 'nothing was collected yet');
  if (entries.every(isTimeless)) {
    return { ...said(null, 'a table says no time up to which it is whole', false), timeless: true };
  }
  if (entries.some(({ channels }) => channels !== null)) return channelWatermark(input, said);
  if (entries.some(({ windows, asOf }) => windows.length > 0 || asOf !== null)) {
    return windowWatermark(input, said);
  }
  if (role === 'batch') return said(null, 'no delivery says which period it covers', false);
  const seen = latest(entries.map(({ maxTime }) => maxTime));
  if (seen === null) return said(null, 'no row with an event time was collected yet', false);
  return said(seen - input.latenessMs, `events seen to ${isoInstant(seen)}`);
}

function isTimeless({ table, channels }: EntryFacts): boolean {
  return table !== null && Object.values(channels ?? {}).every(({ watermark: seen }) => seen === null);
}

export function watermarkEvidence({ feed, role, ms, because }: FeedWatermark): WatermarkEvidence {
  return { feed, role, watermark: ms === null ? null : isoInstant(ms), because };
}

type Said = (ms: number | null, because: string) => FeedWatermark;

interface Channel {
  /** Greatest of its event times and of when the source said "that is all"; null: neither yet. */
  readonly seen: number | null;
  readonly children: readonly string[] | undefined;
  /** Missing in its lane's last entry without having been closed. */
  readonly parked: boolean;
}

function channelWatermark({ entries, latenessMs, nowMs, silentAfterMs }: WatermarkInput, said: Said) {
  const channels = readChannels(entries);
  const parents = parentsOf(channels);
  const levels = new Map<string, number | null>();
  // A closed channel counts until all its children have opened: what they hold may be as old as what it held.
  const counting = [...channels].filter(
    ([, { children }]) => children === undefined || children.some((child) => !channels.has(child)),
  );
  const standing = counting.map(([name, channel]) => ({ name, channel, level: levelOf(name) }));
  const lowest = standing.reduce<(typeof standing)[number] | undefined>(
    (low, one) => (low === undefined || isLower(one.level, low.level) ? one : low),
    undefined,
  );
  if (!lowest) {
    const end = latest([...channels.keys()].map(levelOf));
    return said(end === null ? null : end - latenessMs, 'every channel is closed');
  }
  const silent = nowMs - Math.max(...entries.map(({ committedAtMs }) => committedAtMs));
  const isSilent = silentAfterMs !== undefined && silent > silentAfterMs;
  const silence = isSilent ? `; nothing committed for ${Math.round(silent / 1000)} s` : '';
  const { name, channel, level } = lowest;
  return said(level === null ? null : level - latenessMs, `${describe(name, channel, level)}${silence}`);

  /** A channel that opened after others goes on where they ended. */
  function levelOf(channelName: string): number | null {
    const known = levels.get(channelName);
    if (known !== undefined) return known;
    const before = (parents.get(channelName) ?? []).map(levelOf);
    const inherited = before.length === 0 || before.includes(null) ? null : least(before);
    const found = latest([channels.get(channelName)?.seen ?? null, inherited]);
    levels.set(channelName, found);
    return found;
  }
}

function readChannels(entries: readonly EntryFacts[]): ReadonlyMap<string, Channel> {
  // A channel's evidence never decreases along its lane, so its last state says all.
  const states = new Map<string, { readonly state: ChannelState; readonly lane: number }>();
  const heads = new Map<number, EntryFacts>();
  for (const entry of entries) {
    heads.set(entry.lane, entry);
    for (const [name, state] of Object.entries(entry.channels ?? {})) {
      states.set(name, { state, lane: entry.lane });
    }
  }
  return new Map(
    [...states].map(([name, { state, lane }]) => [
      name,
      {
        seen: latest([state.watermark, state.caughtUpAt]),
        children: state.closed?.children,
        parked: !state.closed && heads.get(lane)?.channels?.[name] === undefined,
      },
    ]),
  );
}

function parentsOf(channels: ReadonlyMap<string, Channel>): ReadonlyMap<string, readonly string[]> {
  const parents = new Map<string, string[]>();
  for (const [name, { children }] of channels) {
    for (const child of children ?? []) parents.set(child, [...(parents.get(child) ?? []), name]);
  }
  return parents;
}

function describe(name: string, { parked, children }: Channel, level: number | null): string {
  const seen = level === null ? 'has no evidence yet' : `was seen to ${isoInstant(level)}`;
  const why = parked
    ? ' and is parked'
    : children
      ? `; it closed, and not all of ${children.join(', ')} have opened`
      : '';
  return `channel ${name} ${seen}${why}`;
}

/** Batch feeds advance by unbroken windows; a delivery without one speaks for everything up to its `asOf`. */
function windowWatermark({ entries, fromMs }: WatermarkInput, said: Said): FeedWatermark {
  const ends = new Map<number, number>();
  let start: number | undefined = fromMs;
  let asOf: number | null = null;
  for (const entry of entries) {
    for (const window of entry.windows) {
      const [from, to] = [instantMs(window.from), instantMs(window.to)];
      if (from === undefined || to === undefined) continue;
      // Without a declared beginning the first delivery sets it, so that an older one cannot lower what was reached.
      start ??= from;
      ends.set(from, Math.max(ends.get(from) ?? to, to));
    }
    if (entry.windows.length === 0) asOf = latest([asOf, entry.asOf]);
  }
  let reached = latest([start ?? null, asOf]);
  let next: number | undefined;
  for (const [from, to] of [...ends].sort(([a], [b]) => a - b)) {
    if (reached !== null && from > reached) {
      next ??= from;
      continue;
    }
    reached = latest([reached, to]);
  }
  if (reached === null) return said(null, 'no window yet');
  const gap =
    next === undefined ? '' : `; the window from there is missing, a later one begins ${isoInstant(next)}`;
  return said(reached, `windows are unbroken to ${isoInstant(reached)}${gap}`);
}

function isLower(a: number | null, b: number | null): boolean {
  return b !== null && (a === null || a < b);
}

function least(values: readonly (number | null)[]): number | null {
  return values.reduce((low, value) => (isLower(value, low) ? value : low));
}

function latest(values: readonly (number | string | null)[]): number | null {
  let found: number | null = null;
  for (const value of values) {
    const ms = typeof value === 'string' ? (instantMs(value) ?? null) : value;
    if (ms !== null && (found === null || ms > found)) found = ms;
  }
  return found;
}

/** Sorted by feed, batch feeds first: as a plan shows them. */
export function inEvidenceOrder(a: FeedWatermark, b: FeedWatermark): number {
  return compareText(a.role, b.role) || compareText(a.feed, b.feed);
}
