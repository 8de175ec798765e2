import type { Entry, EntryItem } from './entry.ts';
import { parseLanding } from './landings.ts';
import { isRepair } from './repair.ts';
import { loadItem } from './table-lane.ts';
import { TABLE_CHANNEL, type TablePosition, parseTablePosition } from './table-position.ts';

/** Of an item, what tells whether a landing is it. */
export interface SeenItem {
  readonly version: string;
  readonly bytes: number;
  readonly modifiedAt: string;
}

/** What the entries of a table's lane say together, fed in order. It grows with landings, not with rows. */
export class TableStory {
  readonly table: string;
  readonly #items = new Map<string, SeenItem[]>();
  #ordinal = 0;
  #position: TablePosition | undefined;
  #isReady = false;
  #loadRecords = 0;
  #loadLandings = 0;
  #lastLoadLanding: string | undefined;
  #firstLanding: string | undefined;
  #newestChanges: string | undefined;
  #isGoneAccepted = false;

  /** `table`: `schema.table`, for messages. */
  constructor(table: string) {
    this.table = table;
  }

  /** The last entry it knows. */
  get ordinal(): number {
    return this.#ordinal;
  }

  /** `undefined` before the first entry. */
  get position(): TablePosition | undefined {
    return this.#position;
  }

  get generation(): number {
    return this.#position === undefined || this.#position === 'earliest' ? 0 : this.#position.generation;
  }

  /** Is the generation that the position names whole? */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Records of the load landings of that generation: rows and quarantine. */
  get loadRecords(): number {
    return this.#loadRecords;
  }

  get loadLandings(): number {
    return this.#loadLandings;
  }

  get lastLoadLanding(): string | undefined {
    return this.#lastLoadLanding;
  }

  /** The first landing of that generation; of those that are expected. */
  get firstLanding(): string | undefined {
    return this.#firstLanding;
  }

  /** A person took it that the landings so far are gone: an entry without any says so, until the next one. */
  get isGoneAccepted(): boolean {
    return this.#isGoneAccepted;
  }

  /** Of all landings of changes, the one with the greatest name. */
  get newestChanges(): string | undefined {
    return this.#newestChanges;
  }

  /** Does the chain have this landing as it is now? */
  has(item: string, { bytes, modifiedAt }: { readonly bytes: number; readonly modifiedAt: string }): boolean {
    const seen = this.#items.get(item) ?? [];
    return seen.some((one) => one.bytes === bytes && one.modifiedAt === modifiedAt);
  }

  /** Does the chain have a landing of this name, whatever it holds by now? */
  hasName(item: string): boolean {
    return this.#items.has(item);
  }

  hasVersion(item: string, version: string): boolean {
    return (this.#items.get(item) ?? []).some((one) => one.version === version);
  }

  /** It was read again under another time, and is what it was: no entry says so. */
  seenAgain(item: string, seen: SeenItem): void {
    this.#items.set(item, [...(this.#items.get(item) ?? []), seen]);
  }

  /** `items` = the entry's, wherever they stand. */
  add(entry: Entry, items: readonly EntryItem[]): void {
    this.#ordinal = entry.ordinal;
    const state = entry.channels?.[TABLE_CHANNEL];
    const position = state && parseTablePosition(state.through);
    if (position !== undefined) this.#move(position);
    const phase = position === undefined || position === 'earliest' ? '' : position.phase;
    this.#isGoneAccepted = items.length === 0 && (phase === 'load' || phase === 'cdc');
    if (this.#isGoneAccepted) {
      this.#lastLoadLanding = undefined;
      this.#firstLanding = undefined;
    }
    for (const { item, version, bytes, modifiedAt } of items) {
      this.#items.set(item, [...(this.#items.get(item) ?? []), { version, bytes, modifiedAt }]);
    }
    this.#countLoad(items);
    this.#seeFirst(items, phase === 'load');
    this.#seeChanges(items);
    if (entry.ready?.includes(TABLE_CHANNEL)) this.#isReady = true;
  }

  #move(position: TablePosition): void {
    const before = this.generation;
    this.#position = position;
    if (this.generation === before) return;
    this.#isReady = false;
    this.#loadRecords = 0;
    this.#loadLandings = 0;
    this.#lastLoadLanding = undefined;
    this.#firstLanding = undefined;
    for (const item of this.#items.keys()) if (item.startsWith(`${before}/LOAD`)) this.#items.delete(item);
  }

  #countLoad(items: readonly EntryItem[]): void {
    const prefix = `${this.generation}/`;
    for (const { item, rows = 0, rejected = 0, state } of items) {
      // A date's folder begins with digits too, and its landings are changes.
      if (!item.startsWith(prefix) || !/LOAD[0-9A-Fa-f]+\.[a-z.]+$/.test(item)) continue;
      this.#loadRecords += rows + rejected;
      this.#loadLandings += 1;
      if (state === 'collected') this.#lastLoadLanding = item.slice(prefix.length);
    }
  }

  #seeFirst(items: readonly EntryItem[], isLoad: boolean): void {
    if (this.#firstLanding !== undefined) return;
    const first = items.find(({ item, state }) => state === 'collected' && !isRepair(item))?.item;
    this.#firstLanding = isLoad ? first?.slice(loadItem(this.generation, '').length) : first;
  }

  #seeChanges(items: readonly EntryItem[]): void {
    for (const { item } of items) {
      if (parseLanding(item)?.kind !== 'changes') continue;
      if (this.#newestChanges === undefined || item > this.#newestChanges) this.#newestChanges = item;
    }
  }
}
