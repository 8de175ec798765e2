import { type ChannelState, type Entry, type EntryItem, isOfItem } from './entry.ts';
import { isOfTable, tableBreak, tableFacts } from './table-lane.ts';

export type LaneKind = 'sequence' | 'set';

/** A lane is of the kind of its first entry, for ever. That of a table is a sequence which has items too. */
export function laneKind(entry: Pick<Entry, 'channels'>): LaneKind {
  return entry.channels ? 'sequence' : 'set';
}

/** An item version as its lane has it, `ordinal` naming the entry that brought it. */
export type KnownItem = EntryItem & { readonly ordinal: number; readonly retractedBy?: number };

/** A channel as it last stood in its lane. */
export type SeenChannel = ChannelState & { readonly ordinal: number };

/** What a lane's entries say together, fed in order. It grows with items and channels, not with entries. */
export class LaneHistory {
  readonly #items = new Map<string, readonly KnownItem[]>();
  readonly #channels = new Map<string, SeenChannel>();
  #ordinal = 0;
  #ready = 0;

  /** Of a table's lane: the last generation that is whole; 0 = none. */
  get ready(): number {
    return this.#ready;
  }

  /** The last entry it knows. */
  get ordinal(): number {
    return this.#ordinal;
  }

  /** Item name → its versions in the order of the chain. */
  get items(): ReadonlyMap<string, readonly KnownItem[]> {
    return this.#items;
  }

  get channels(): ReadonlyMap<string, SeenChannel> {
    return this.#channels;
  }

  /** `items` = the entry's, wherever they stand. */
  add(entry: Entry, items: readonly EntryItem[]): void {
    this.#ordinal = entry.ordinal;
    const table = tableFacts(entry);
    if (table?.ready) this.#ready = table.generation;
    for (const item of items) {
      this.#items.set(item.item, [...this.#versionsOf(item.item), { ...item, ordinal: entry.ordinal }]);
    }
    for (const [channel, state] of Object.entries(entry.channels ?? {})) {
      this.#channels.set(channel, { ...state, ordinal: entry.ordinal });
    }
    for (const { feed, lane, item, version, ordinal } of (entry.retracts ?? []).filter(isOfItem)) {
      if (feed !== entry.feed || lane !== entry.lane) continue;
      const mark = (known: KnownItem) =>
        known.version === version && known.ordinal === ordinal
          ? { ...known, retractedBy: entry.ordinal }
          : known;
      this.#items.set(item, this.#versionsOf(item).map(mark));
    }
  }

  #versionsOf(item: string): readonly KnownItem[] {
    return this.#items.get(item) ?? [];
  }
}

export type Follows = { readonly kind: 'ok' } | { readonly kind: 'broken'; readonly reason: string };

/** `known`: what the entries up to `previous` say. `items` = the next entry's, wherever they stand. */
export interface FollowsOptions {
  readonly known: Pick<LaneHistory, 'items' | 'channels' | 'ready'>;
  readonly items: readonly EntryItem[];
}

/**
 * May this entry stand after that one? Without `known`, only what the two say themselves is judged: enough for a
 * sequence lane unless a channel comes, comes back, or closes (`needsHistory`). Their `prev` is the caller's.
 */
export function checkFollows(previous: Entry | undefined, next: Entry, options?: FollowsOptions): Follows {
  const known = options?.known ?? historyOf(previous);
  const items = options?.items ?? next.items ?? [];
  const reason =
    placeBreak(previous, next) ??
    itemsBreak(next, items, known.items) ??
    retractsBreak(next, known.items) ??
    channelsBreak(next, known.channels) ??
    (isOfTable(next) ? tableBreak(next, items, known) : undefined);
  return reason === undefined ? { kind: 'ok' } : { kind: 'broken', reason };
}

/** Does judging this entry of a sequence lane take more than the entry before? */
export function needsHistory(previous: Entry | undefined, next: Entry): boolean {
  // Any entry before may have taken a landing, or have made a generation whole.
  if (previous && isOfTable(next)) return true;
  const before = previous?.channels ?? {};
  return Object.entries(next.channels ?? {}).some(
    ([channel, { closed }]) => closed !== undefined || !Object.hasOwn(before, channel),
  );
}

function historyOf(previous: Entry | undefined): LaneHistory {
  const history = new LaneHistory();
  if (previous) history.add(previous, previous.items ?? []);
  return history;
}

function placeBreak(previous: Entry | undefined, next: Entry): string | undefined {
  const right = (previous?.ordinal ?? 0) + 1;
  if (next.ordinal !== right) return `ordinal ${next.ordinal}; right would be ${right}`;
  if ((next.prev === null) !== (previous === undefined)) {
    return `prev is ${next.prev}; right would be ${previous ? 'the hash of the entry before' : 'null'}`;
  }
  if (!previous) return undefined;
  if (next.feed !== previous.feed || next.lane !== previous.lane) {
    return `it is of ${next.feed}/${next.lane}; right would be ${previous.feed}/${previous.lane}`;
  }
  if (laneKind(next) !== laneKind(previous)) {
    return `it is of a ${laneKind(next)} lane; the entry before is of a ${laneKind(previous)} lane`;
  }
  if (isOfTable(next) !== isOfTable(previous)) {
    const what = (entry: Entry) => (isOfTable(entry) ? 'of a table' : 'of no table');
    return `it is ${what(next)}; the entry before is ${what(previous)}`;
  }
  return undefined;
}

function itemsBreak(
  next: Entry,
  items: readonly EntryItem[],
  known: LaneHistory['items'],
): string | undefined {
  const inEntry = new Set<string>();
  for (const [index, item] of items.entries()) {
    const name = `item ${JSON.stringify(item.item)}, version ${item.version}`;
    if (item.no !== index + 1) return `${name} has no ${item.no}; right would be ${index + 1}`;
    if (inEntry.has(item.version)) return `${name} stands in it twice`;
    inEntry.add(item.version);
    const stray = item.spans?.find(({ object }) => next.rows[object] === undefined);
    if (stray) return `${name} has rows in object ${stray.object} of ${next.rows.length}`;
    for (const earlier of known.get(item.item) ?? []) {
      if (earlier.version !== item.version) continue;
      if (earlier.state === 'parked' && item.state !== 'parked') continue;
      return `${name} is ${item.state}; entry ${earlier.ordinal} has it ${earlier.state} already`;
    }
  }
  return undefined;
}

/** Retractions in other lanes are judged by who reads those. */
function retractsBreak(next: Entry, known: LaneHistory['items']): string | undefined {
  if (laneKind(next) === 'sequence') return undefined;
  const retracts = next.retracts ?? [];
  if (retracts.some((one) => !isOfItem(one)))
    return 'it takes a generation back; only a table has generations';
  for (const { feed, lane, item, version, ordinal } of retracts.filter(isOfItem)) {
    if (feed !== next.feed || lane !== next.lane) continue;
    const name = `it retracts ${JSON.stringify(item)}, version ${version},`;
    const found = known.get(item)?.find((one) => one.version === version && one.ordinal === ordinal);
    if (found?.state !== 'collected') {
      return `${name} of entry ${ordinal}, which has it ${found?.state ?? 'not'}; right would be collected`;
    }
    if (found.retractedBy !== undefined) return `${name} which entry ${found.retractedBy} retracted`;
  }
  return undefined;
}

function channelsBreak(next: Entry, known: LaneHistory['channels']): string | undefined {
  const channels = next.channels ?? {};
  for (const [channel, state] of Object.entries(channels)) {
    const before = known.get(channel);
    const reason = before
      ? advanceBreak(before, state, isOfTable(next))
      : openingBreak(channel, state, next, known);
    if (reason !== undefined) return `channel ${channel}: ${reason}`;
    const early = state.closed?.children.find((child) => known.has(child) || Object.hasOwn(channels, child));
    if (early !== undefined) return `channel ${early}: it opened before its parent ${channel} closed`;
  }
  return undefined;
}

function advanceBreak(before: SeenChannel, state: ChannelState, isTable: boolean): string | undefined {
  const at = `in entry ${before.ordinal}`;
  if (before.closed) return `it was closed ${at}; right would be to leave it out`;
  if (state.after !== before.through) {
    return `after ${state.after}; its through ${at} is ${before.through}`;
  }
  // Of a table, it is that of its position.
  if (!isTable && state.generation !== before.generation) {
    return `generation ${state.generation}; ${at} it is ${before.generation}`;
  }
  if (isEarlier(state.watermark, before.watermark)) {
    return `watermark ${state.watermark}; ${at} it is ${before.watermark}, and it never decreases`;
  }
  if (isEarlier(state.caughtUpAt, before.caughtUpAt)) {
    return `caughtUpAt ${state.caughtUpAt}; ${at} it is ${before.caughtUpAt}, and it never decreases`;
  }
  return undefined;
}

function openingBreak(
  channel: string,
  { after, through, generation }: ChannelState,
  next: Entry,
  known: LaneHistory['channels'],
): string | undefined {
  if (after !== 'earliest' && !after.startsWith('at:')) {
    return `after ${after}; right for its first entry would be earliest or at:<time>`;
  }
  // Committed before the first read, so that every later attempt starts at the same place.
  if (through !== after) return `through ${through} in its first entry; right would be its after, ${after}`;
  const parents = [...known.values()].filter(({ closed }) => closed?.children.includes(channel));
  const least = 1 + Math.max(0, ...parents.map((parent) => parent.generation));
  // Parents in other lanes, which `needs` names, may be of a later generation.
  const fits = next.needs ? generation >= least : generation === least;
  return fits ? undefined : `generation ${generation}; right would be ${least}`;
}

/** ISO instants of one width compare as text; null is before all. */
function isEarlier(a: string | null, b: string | null): boolean {
  return b !== null && (a === null || a < b);
}
