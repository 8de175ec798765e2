import type { DatabaseColumn } from './compare-tables.ts';
import { isoInstant } from './instant.ts';
import { CHANGE_COLUMN, type ColumnType, type Columns } from './spec.ts';
import { type ComparedTable, framedTexts } from './sql/compare-table.ts';
import { databaseText } from './sql/compared-text.ts';
import { ident } from './sql/text.ts';

/** The item of a repair, which stands among a table's landings. */
export function repairItem(id: string): string {
  return `repair/${id}.parquet`;
}

export function isRepair(item: string): boolean {
  return item.startsWith('repair/');
}

/** Columns of a landing that a repair writes itself, in their order, after `Op` and the change sequence. */
export function repairColumns(columns: Columns): readonly (readonly [name: string, type: ColumnType])[] {
  return Object.entries(columns).filter(([name]) => name !== CHANGE_COLUMN.name);
}

/**
 * The text of a declared column in Postgres, as a landing may have it: read like any CSV. Null where the database has
 * no such column. Needs the session that `databaseText` needs.
 */
export function landingValueSql(name: string, type: ColumnType, columns: readonly DatabaseColumn[]): string {
  const found =
    columns.find((column) => column.name === name) ??
    columns.find((column) => column.name.toLowerCase() === name);
  if (!found) return 'NULL::text';
  const value = ident(found.name);
  if (type === 'date') return `to_char(${value}, 'YYYY-MM-DD')`;
  if (type === 'timestamp') {
    const utc = found.type === 'timestamptz' ? `(${value} AT TIME ZONE 'UTC')` : value;
    return `to_char(${utc}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
  }
  const one = { column: name, type, source: found.name, sourceType: found.type, sourceForm: found.form };
  return databaseText(one) ?? `${value}::text`;
}

/** Texts of the key's columns, as a landing may have them: feed's column → text. `from`: dataset's column → feed's. */
export function keyOfLanding(
  table: ComparedTable,
  framed: string,
  from: (column: string) => string,
): Readonly<Record<string, string | null>> {
  const texts = framedTexts(framed);
  return Object.fromEntries(
    table.key.map(({ column, type }, index) => [from(column), landingText(type, texts[index] ?? null)]),
  );
}

function landingText(type: ColumnType, text: string | null): string | null {
  if (text === null) return null;
  if (type === 'date') return isoInstant(Number(text) * 86_400_000).slice(0, 10);
  if (type !== 'timestamp') return text;
  const us = BigInt(text);
  const second = us >= 0n ? us / 1_000_000n : -((-us + 999_999n) / 1_000_000n);
  const micros = String(us - second * 1_000_000n).padStart(6, '0');
  return `${isoInstant(Number(second) * 1000).slice(0, 19)}.${micros}Z`;
}
