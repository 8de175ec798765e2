import { SHOP_KEYS, type ShopTable } from './shop-schema.ts';

/** A value of a column: as it is written to the database, and as it is there, in canonical text. */
export interface Cell {
  readonly sent: string | null;
  readonly is: string | null;
}

export type ShopRow = Readonly<Record<string, Cell>>;

/** What a statement does to one row, named by its key. An update may change the key itself. */
export type ShopChange =
  | { readonly kind: 'insert'; readonly table: ShopTable; readonly row: ShopRow }
  | { readonly kind: 'update'; readonly table: ShopTable; readonly key: ShopRow; readonly set: ShopRow }
  | { readonly kind: 'delete'; readonly table: ShopTable; readonly key: ShopRow };

/** A value that the database keeps as it is written. */
export function same(text: string | number | null): Cell {
  const is = text === null ? null : String(text);
  return { sent: is, is };
}

/** The key's values as a JSON list, in the order of the key. */
export function keyText(table: ShopTable, row: ShopRow): string {
  return JSON.stringify(SHOP_KEYS[table].map((column) => row[column]?.is ?? null));
}

export function keyOf(table: ShopTable, row: ShopRow): ShopRow {
  return Object.fromEntries(Object.entries(row).filter(([column]) => SHOP_KEYS[table].includes(column)));
}

type PerTable<T> = Readonly<Record<ShopTable, T>>;

/** The rows that are there after some changes, as nobody but the generator knows. */
export class ShopRows {
  readonly #rows: PerTable<Map<string, ShopRow>> = {
    customers: new Map(),
    bookings: new Map(),
    refunds: new Map(),
  };
  /** Keys that were there at some time, be it between two changes of a transaction. */
  readonly had: PerTable<Set<string>> = { customers: new Set(), bookings: new Set(), refunds: new Set() };
  /** Keys that at some time were there no more. */
  readonly lost: PerTable<Set<string>> = { customers: new Set(), bookings: new Set(), refunds: new Set() };

  /** Throws where the change fits no row, or its key is taken. */
  apply(change: ShopChange): void {
    const { table } = change;
    if (change.kind === 'insert') {
      this.#put(table, change.row);
      return;
    }
    const key = keyText(table, change.key);
    const row = this.#rows[table].get(key);
    if (!row) throw new Error(`${table} has no row ${key} to ${change.kind}`);
    if (change.kind === 'delete') {
      this.#remove(table, key);
      return;
    }
    const after = { ...row, ...change.set };
    if (keyText(table, after) === key) {
      this.#rows[table].set(key, after);
      return;
    }
    this.#remove(table, key);
    this.#put(table, after);
    if (table === 'bookings') this.#follow(row['booking_ref'], after['booking_ref']);
  }

  of(table: ShopTable): readonly ShopRow[] {
    return [...this.#rows[table].values()];
  }

  keys(table: ShopTable): readonly string[] {
    return [...this.#rows[table].keys()];
  }

  #put(table: ShopTable, row: ShopRow): void {
    const key = keyText(table, row);
    if (this.#rows[table].has(key)) throw new Error(`${table} has a row ${key} already`);
    this.#rows[table].set(key, row);
    this.had[table].add(key);
  }

  #remove(table: ShopTable, key: string): void {
    this.#rows[table].delete(key);
    this.lost[table].add(key);
  }

  /** ON UPDATE CASCADE. */
  #follow(from: Cell | undefined, to: Cell | undefined): void {
    if (!from || !to) return;
    for (const row of this.of('refunds').filter((one) => one['booking_ref']?.is === from.is)) {
      this.#remove('refunds', keyText('refunds', row));
      this.#put('refunds', { ...row, booking_ref: to });
    }
  }
}
