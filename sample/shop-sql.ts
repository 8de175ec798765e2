import type { ShopChange, ShopRow } from './shop-rows.ts';

/** What `pg` takes: a text with `$1`, `$2`, …, and their values. */
export interface Statement {
  readonly text: string;
  readonly values: readonly (string | null)[];
}

/** Far below the 65,535 values that a statement may have. */
const ROWS_A_STATEMENT = 500;

/** One statement for each change. */
export function statementOf(change: ShopChange): Statement {
  const { table } = change;
  if (change.kind === 'insert') return insertion(table, [change.row]);
  const key = conditions(change.key, change.kind === 'update' ? Object.keys(change.set).length : 0);
  if (change.kind === 'delete')
    return { text: `DELETE FROM ${table} WHERE ${key}`, values: sent(change.key) };
  const set = Object.keys(change.set).map((column, at) => `${column} = $${at + 1}`);
  return {
    text: `UPDATE ${table} SET ${set.join(', ')} WHERE ${key}`,
    values: [...sent(change.set), ...sent(change.key)],
  };
}

/** Rows of one table, with the same columns, in few statements. */
export function insertions(table: string, rows: readonly ShopRow[]): readonly Statement[] {
  const count = Math.ceil(rows.length / ROWS_A_STATEMENT);
  return Array.from({ length: count }, (_, no) =>
    insertion(table, rows.slice(no * ROWS_A_STATEMENT, (no + 1) * ROWS_A_STATEMENT)),
  );
}

function insertion(table: string, rows: readonly ShopRow[]): Statement {
  const columns = Object.keys(rows[0] ?? {});
  const tuples = rows.map(
    (_, no) => `(${columns.map((_column, at) => `$${no * columns.length + at + 1}`).join(', ')})`,
  );
  return {
    text: `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${tuples.join(', ')}`,
    values: rows.flatMap((row) => columns.map((column) => row[column]?.sent ?? null)),
  };
}

function conditions(key: ShopRow, before: number): string {
  return Object.keys(key)
    .map((column, at) => `${column} = $${before + at + 1}`)
    .join(' AND ');
}

function sent(row: ShopRow): readonly (string | null)[] {
  return Object.values(row).map((cell) => cell.sent);
}
