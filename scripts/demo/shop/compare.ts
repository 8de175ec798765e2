import { createHash } from 'node:crypto';
import { SHOP_COLUMNS, SHOP_KEYS, type ShopTable, type TableTruth } from '../../../sample/shop.ts';

type Rows = TableTruth['rows'];

/** A SELECT of every row of a dataset, each value in canonical text, as DuckDB writes it. */
export function canonicalSelect(table: ShopTable): string {
  const columns = Object.entries(SHOP_COLUMNS[table]).map(([name, type]) =>
    type === 'timestamptz'
      ? `strftime(${name} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') AS ${name}`
      : `${name}::VARCHAR AS ${name}`,
  );
  return `SELECT ${columns.join(', ')} FROM ${table}`;
}

/** Rows of such a SELECT under their keys, and how many had a key that another one has. */
export function byKey(
  table: ShopTable,
  list: readonly Readonly<Record<string, unknown>>[],
): { readonly rows: Rows; readonly twice: number } {
  const rows = new Map(
    list.map((row) => {
      const texts = Object.entries(row).map(([name, text]) => [name, typeof text === 'string' ? text : null]);
      const key = JSON.stringify(SHOP_KEYS[table].map((column) => row[column]));
      return [key, Object.fromEntries(texts) as Record<string, string | null>];
    }),
  );
  return { rows, twice: list.length - rows.size };
}

/** Keys that one alone has, or whose rows differ in any column. */
export function unlike(one: Rows, other: Rows): readonly string[] {
  const differs = ([key, row]: readonly [string, Readonly<Record<string, string | null>>]): boolean => {
    const found = one.get(key);
    return !found || Object.entries(row).some(([column, text]) => found[column] !== text);
  };
  return [
    ...[...one.keys()].filter((key) => !other.has(key)),
    ...[...other].filter(differs).map(([key]) => key),
  ];
}

/** Over every column of every row, in the order of the keys: 12 digits that are equal where the rows are. */
export function checksum(table: ShopTable, rows: Rows): string {
  const hash = createHash('sha256');
  for (const key of [...rows.keys()].toSorted()) {
    const values = Object.keys(SHOP_COLUMNS[table]).map((column) => rows.get(key)?.[column] ?? null);
    hash.update(`${JSON.stringify(values)}\n`);
  }
  return hash.digest('hex').slice(0, 12);
}
