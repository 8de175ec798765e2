import { type ShopChange, type ShopRow, ShopRows, keyText } from './shop-rows.ts';
import type { ShopTable } from './shop-schema.ts';

/** Key, as a JSON list of texts → column → canonical text. */
export type ExpectedRows = ReadonlyMap<string, Readonly<Record<string, string | null>>>;

/** What must be seen of one table once everything has been written. Lists of keys are sorted. */
export interface TableTruth {
  readonly rows: ExpectedRows;
  /** Keys that were there before the first change and at every moment since. */
  readonly steady: readonly string[];
  /** Keys that were there and are not any more: their rows were deleted, or have another key. */
  readonly gone: readonly string[];
}

export type ShopTruth = Readonly<Record<ShopTable, TableTruth>>;

/**
 * Follows the changes that were committed, in their order, and knows no SQL. Canonical text: numbers with all their
 * places, instants as `2026-11-23T10:00:00.123456Z`, days as `2026-11-23`, `true` and `false`, jsonb as Postgres
 * prints it.
 */
export function shopTruth(initial: readonly ShopChange[], committed: readonly ShopChange[]): ShopTruth {
  const rows = new ShopRows();
  for (const change of initial) rows.apply(change);
  const first = {
    customers: rows.keys('customers'),
    bookings: rows.keys('bookings'),
    refunds: rows.keys('refunds'),
  };
  for (const change of committed) rows.apply(change);

  const truthOf = (table: ShopTable): TableTruth => {
    const there = new Map(rows.of(table).map((row) => [keyText(table, row), textOf(row)]));
    return {
      rows: there,
      steady: first[table].filter((key) => !rows.lost[table].has(key)).toSorted(),
      gone: [...rows.had[table]].filter((key) => !there.has(key)).toSorted(),
    };
  };
  return { customers: truthOf('customers'), bookings: truthOf('bookings'), refunds: truthOf('refunds') };
}

function textOf(row: ShopRow): Readonly<Record<string, string | null>> {
  return Object.fromEntries(Object.entries(row).map(([column, { is }]) => [column, is]));
}
