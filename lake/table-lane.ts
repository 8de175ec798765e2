import type { KnownItem, SeenChannel } from './chain.ts';
import { type ChannelState, type Entry, type EntryItem, isOfItem } from './entry.ts';
import { TABLE_CHANNEL, type TablePlace, parseTablePosition } from './table-position.ts';

/** Is it of a table's lane? Such an entry carries channels and items, be they none. */
export function isOfTable(entry: Pick<Entry, 'channels' | 'items' | 'itemsIn'>): boolean {
  return entry.channels !== undefined && (entry.items !== undefined || entry.itemsIn !== undefined);
}

/** What an entry of a table's lane says of its generation. */
export interface TableFacts {
  readonly generation: number;
  /** With this entry the generation is whole. */
  readonly ready: boolean;
}

/** `null` for an entry of another lane. */
export function tableFacts(entry: Entry): TableFacts | null {
  if (!isOfTable(entry)) return null;
  const generation = entry.channels?.[TABLE_CHANNEL]?.generation ?? 0;
  return { generation, ready: (entry.ready ?? []).includes(TABLE_CHANNEL) };
}

/** Name of an item of a load: the same bytes, loaded again, are another item. */
export function loadItem(generation: number, landing: string): string {
  return `${generation}/${landing}`;
}

export interface KnownOfTable {
  readonly channels: ReadonlyMap<string, SeenChannel>;
  readonly items: ReadonlyMap<string, readonly KnownItem[]>;
  /** The last generation that is whole; 0 = none. */
  readonly ready: number;
}

/** Why an entry may not be the next of a table's lane; `undefined` when it may. `items` = its, wherever they stand. */
export function tableBreak(
  next: Entry,
  items: readonly EntryItem[],
  known: KnownOfTable,
): string | undefined {
  const channels = Object.keys(next.channels ?? {});
  const state = next.channels?.[TABLE_CHANNEL];
  if (!state || channels.length !== 1) {
    return `channels ${channels.join(', ') || 'none'}; right for a table would be ${TABLE_CHANNEL} alone`;
  }
  const before = known.channels.get(TABLE_CHANNEL);
  if (!before) {
    return state.through === 'earliest' &&
      state.generation === 1 &&
      items.length === 0 &&
      !next.ready &&
      !next.retracts
      ? undefined
      : 'the first entry of a table says more than generation 1 at earliest';
  }
  const place = parseTablePosition(state.through);
  if (place === undefined || place === 'earliest') {
    return `through ${state.through}; right would be <generation>@<load began>/<phase>/<landing>`;
  }
  return (
    stepBreak(before, state, place) ??
    readyBreak(next, place, known.ready) ??
    landingsBreak(place, items, next) ??
    items.map((item) => itemBreak(place, item, items, known.items)).find((reason) => reason !== undefined)
  );
}

/** A generation begins with `begin` and goes on under the same load until the next one begins. */
function stepBreak(before: SeenChannel, state: ChannelState, place: TablePlace): string | undefined {
  const { generation, phase, loadStartedAt } = place;
  if (state.closed) return 'it closes; the channel of a table never does';
  if (state.generation !== generation) {
    return `generation ${state.generation}; its through is of generation ${generation}`;
  }
  const last = parseTablePosition(before.through);
  const lastGeneration = last === undefined || last === 'earliest' ? 0 : last.generation;
  if (phase === 'begin') {
    return generation === lastGeneration + 1
      ? undefined
      : `generation ${generation} begins; right after generation ${lastGeneration} would be ${lastGeneration + 1}`;
  }
  if (last === undefined || last === 'earliest' || generation !== last.generation) {
    return `phase ${phase} of generation ${generation}, which has not begun`;
  }
  if (loadStartedAt !== last.loadStartedAt) {
    return `its load began ${loadStartedAt ?? 'never'}; in entry ${before.ordinal} it began ${last.loadStartedAt ?? 'never'}`;
  }
  return undefined;
}

function readyBreak(next: Entry, { generation, phase }: TablePlace, ready: number): string | undefined {
  const says = (next.ready ?? []).join(', ');
  if (phase !== 'ready') {
    if (says !== '') return `ready ${says} in phase ${phase}`;
    if (next.retracts?.length) return `it takes rows back in phase ${phase}; only a ready entry does`;
    return phase === 'load' && ready === generation
      ? `phase load of generation ${generation}, which is ready already`
      : undefined;
  }
  if (says !== TABLE_CHANNEL)
    return `ready ${says || 'nothing'} in phase ready; right would be ${TABLE_CHANNEL}`;
  if (ready === generation) return `generation ${generation} is ready already`;
  const below = (next.retracts ?? []).map((one) =>
    !isOfItem(one) && one.feed === next.feed && one.lane === next.lane
      ? one.belowGeneration
      : 'something else',
  );
  const right = generation > 1 ? String(generation) : '';
  return below.join(', ') === right
    ? undefined
    : `it takes back what is below generation ${below.join(', ') || 'none'}; right would be ${right || 'none'}`;
}

function landingsBreak(
  { phase, landing, loadStartedAt }: TablePlace,
  items: readonly EntryItem[],
  { rows, rejected }: Entry,
): string | undefined {
  if (phase === 'load' && loadStartedAt === null) return 'phase load of a generation without a load';
  if (phase === 'load' || phase === 'cdc') {
    return landing === '' ? `phase ${phase} names no landing` : undefined;
  }
  const isEmpty = landing === '' && items.length + rows.length + rejected.length === 0;
  return isEmpty ? undefined : `phase ${phase} brings landings; right would be none`;
}

/** A landing is taken once, whatever it holds by then. */
function itemBreak(
  { generation, phase }: TablePlace,
  { item, state, no }: EntryItem,
  items: readonly EntryItem[],
  known: KnownOfTable['items'],
): string | undefined {
  const name = `item ${JSON.stringify(item)}`;
  if (phase === 'load' && !item.startsWith(loadItem(generation, ''))) {
    return `${name} of a load; right would be ${loadItem(generation, '<landing>')}`;
  }
  if (items.some((other) => other.item === item && other.no < no)) return `${name} stands in it twice`;
  const earlier = known.get(item)?.find((one) => one.state !== 'parked');
  return earlier && `${name} is ${state}; entry ${earlier.ordinal} has it ${earlier.state} already`;
}
