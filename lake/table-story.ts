import type { Entry, EntryItem, PartitionStatistics } from './entry.ts';
import { parseLanding } from './landings.ts';
import { TABLE_CHANNEL, type TablePosition, parseTablePosition } from './table-position.ts';

/** Rows of a partition and the sum of their hashes. */
export interface PartitionSum {
  readonly rows: number;
  readonly hash: string;
}

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
  /** Of generations that no `ready` entry has taken back: generation → partition → sum. */
  readonly #sums = new Map<number, Map<string, { rows: number; hash: bigint }>>();
  #ordinal = 0;
  #position: TablePosition | undefined;
  #isReady = false;
  #loadRecords = 0;
  #loadLandings = 0;
  #lastLoadLanding: string | undefined;
  #newestChanges: string | undefined;

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

  /** Of all landings of changes, the one with the greatest name. */
  get newestChanges(): string | undefined {
    return this.#newestChanges;
  }

  /** Does the chain have this landing as it is now? */
  has(item: string, { bytes, modifiedAt }: { readonly bytes: number; readonly modifiedAt: string }): boolean {
    const seen = this.#items.get(item) ?? [];
    return seen.some((one) => one.bytes === bytes && one.modifiedAt === modifiedAt);
  }

  hasVersion(item: string, version: string): boolean {
    return (this.#items.get(item) ?? []).some((one) => one.version === version);
  }

  /** It was read again under another time, and is what it was: no entry says so. */
  seenAgain(item: string, seen: SeenItem): void {
    this.#items.set(item, [...(this.#items.get(item) ?? []), seen]);
  }

  /** What the partitions lose when a generation becomes ready: all that is of lower ones and was not taken back. */
  below(generation: number): Readonly<Record<string, PartitionSum>> {
    const sums: Record<string, { rows: number; hash: bigint }> = {};
    for (const [g, partitions] of this.#sums) {
      if (g >= generation) continue;
      for (const [partition, { rows, hash }] of partitions) {
        const sum = (sums[partition] ??= { rows: 0, hash: 0n });
        sum.rows += rows;
        sum.hash += hash;
      }
    }
    return Object.fromEntries(
      Object.entries(sums).map(([partition, { rows, hash }]) => [partition, { rows, hash: hash.toString() }]),
    );
  }

  /** `items` and `statistics` = the entry's, wherever they stand. */
  add(entry: Entry, items: readonly EntryItem[], statistics: readonly PartitionStatistics[]): void {
    this.#ordinal = entry.ordinal;
    const state = entry.channels?.[TABLE_CHANNEL];
    const position = state && parseTablePosition(state.through);
    if (position !== undefined) this.#move(position);
    for (const { item, version, bytes, modifiedAt } of items) {
      this.#items.set(item, [...(this.#items.get(item) ?? []), { version, bytes, modifiedAt }]);
    }
    this.#countLoad(items);
    this.#seeChanges(items);
    this.#addSums(this.generation, statistics);
    if (!entry.ready?.includes(TABLE_CHANNEL)) return;
    this.#isReady = true;
    for (const generation of this.#sums.keys()) {
      if (generation < this.generation) this.#sums.delete(generation);
    }
  }

  #move(position: TablePosition): void {
    const before = this.generation;
    this.#position = position;
    if (this.generation === before) return;
    this.#isReady = false;
    this.#loadRecords = 0;
    this.#loadLandings = 0;
    this.#lastLoadLanding = undefined;
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

  #seeChanges(items: readonly EntryItem[]): void {
    for (const { item } of items) {
      if (parseLanding(item)?.kind !== 'changes') continue;
      if (this.#newestChanges === undefined || item > this.#newestChanges) this.#newestChanges = item;
    }
  }

  #addSums(generation: number, statistics: readonly PartitionStatistics[]): void {
    const sums = this.#sums.get(generation) ?? new Map<string, { rows: number; hash: bigint }>();
    this.#sums.set(generation, sums);
    for (const [partition, { rows, hash }] of statistics.flatMap((one) => Object.entries(one))) {
      const sum = sums.get(partition) ?? { rows: 0, hash: 0n };
      sums.set(partition, { rows: sum.rows + rows, hash: sum.hash + BigInt(hash) });
    }
  }
}
