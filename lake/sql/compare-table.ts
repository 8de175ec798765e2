import { type ComparedColumn, databaseText, databaseValue, lakeText } from './compared-text.ts';
import { ident, literal } from './text.ts';

/** What of a table is compared, and by which key its rows are told apart. */
export interface ComparedTable {
  /** `schema.table`, as the source database writes it. */
  readonly table: string;
  readonly dataset: string;
  /** Those of the dataset's key, in its order. */
  readonly key: readonly ComparedColumn[];
  /** All others. */
  readonly rest: readonly ComparedColumn[];
  /** True where no key column in the database may be null: then rows are looked up by their values. */
  readonly byIndex: boolean;
  /** Columns of the dataset that should come from the database and are not in it: they are not compared. */
  readonly lacking: readonly string[];
}

// A row on either side: `k` is its key, framed; `h` 60 bits of the md5 of the whole row, framed; `c` an md5's first 8
// digits of each column of `rest`, between commas. A framed text is its length in UTF-8 bytes, `:`, and its bytes, or
// `-1:` for null: alike on both sides.

/** `chunk, rows, sum` in Postgres: rows by their key's chunk. */
export function databaseChunksSql(table: ComparedTable, chunks: number): string {
  const hashed = `SELECT ${databaseChunk(chunks)} AS chunk, ${DATABASE_HASH} AS h FROM (${databaseFrames(table)}) f`;
  return `SELECT chunk, count(*), sum(h) FROM (${hashed}) s GROUP BY chunk`;
}

/** The same in DuckDB, over the dataset's view. */
export function lakeChunksSql(table: ComparedTable, chunks: number): string {
  const hashed = `SELECT ${lakeChunk(chunks)} AS chunk, ${LAKE_HASH} AS h FROM (${lakeFrames(table)})`;
  return `SELECT chunk, count(*) AS rows, sum(h)::VARCHAR AS sum FROM (${hashed}) GROUP BY chunk`;
}

/** `k, h, c` in Postgres: every row of these chunks. */
export function databaseRowsSql(table: ComparedTable, chunks: number, of: readonly number[]): string {
  const within = `${databaseChunk(chunks)} IN (${of.join(', ')})`;
  return `SELECT k, ${DATABASE_HASH}, c FROM (${databaseFrames(table, true)}) f WHERE ${within}`;
}

/** The same in DuckDB. */
export function lakeRowsSql(table: ComparedTable, chunks: number, of: readonly number[]): string {
  const within = `${lakeChunk(chunks)} IN (${of.join(', ')})`;
  return `SELECT k, ${LAKE_HASH} AS h, c FROM (${lakeFrames(table, true)}) WHERE ${within}`;
}

/** A key as both sides write it, and the texts of its columns. */
export interface WantedKey {
  readonly framed: string;
  readonly texts: readonly (string | null)[];
}

/** `k, h, c` in Postgres: the rows with these keys. At least one. `values`: of each row, instead of `h, c`. */
export function databaseLookUpSql(
  table: ComparedTable,
  keys: readonly WantedKey[],
  values?: readonly string[],
): string {
  const selected = values ? ['k', ...values.map((_, index) => `v${index}`)] : ['k', DATABASE_HASH, 'c'];
  const framed = (from?: string) =>
    `SELECT ${selected.join(', ')} FROM (${databaseFrames(table, !values, from, values)}) f`;
  if (!table.byIndex) {
    return `${framed()} WHERE k IN (${keys.map((key) => databaseLiteral(key.framed)).join(', ')})`;
  }
  const names = table.key.map((_, index) => `w${index}`);
  const tuples = keys.map(({ texts }) => `(${texts.map((text) => databaseLiteral(text ?? '')).join(', ')})`);
  const wanted = `(VALUES ${tuples.join(', ')}) w(${names.join(', ')})`;
  const same = table.key.map(
    (column, index) => `t.${ident(column.source)} = ${databaseValue(column, `w.w${index}`)}`,
  );
  const found = `SELECT t.* FROM ${wanted} JOIN ${databaseTable(table.table)} t ON ${same.join(' AND ')}`;
  return framed(`(${found}) t`);
}

/** `k, h, c` in DuckDB: the rows whose keys stand in a table's column `k`. */
export function lakeLookUpSql(table: ComparedTable, keysTable: string): string {
  return `SELECT k, ${LAKE_HASH} AS h, c FROM (${lakeFrames(table, true)}) SEMI JOIN ${keysTable} USING (k)`;
}

/** `schema.table` as an identifier. */
export function databaseTable(table: string): string {
  const at = table.indexOf('.');
  return `${ident(table.slice(0, at))}.${ident(table.slice(at + 1))}`;
}

/** A text constant in Postgres, whatever `standard_conforming_strings` says. */
export function databaseLiteral(text: string): string {
  return text.includes('\\') ? ` E${literal(text.replaceAll('\\', '\\\\'))}` : literal(text);
}

/** The texts of a framed key; null where one was null. */
export function framedTexts(framed: string): (string | null)[] {
  const texts: (string | null)[] = [];
  let at = 0;
  while (at < framed.length) {
    const colon = framed.indexOf(':', at);
    let bytes = Number(framed.slice(at, colon));
    at = colon + 1;
    if (bytes === -1) {
      texts.push(null);
      continue;
    }
    const from = at;
    while (bytes > 0) {
      const point = framed.codePointAt(at) ?? 0;
      bytes -= utf8Bytes(point);
      at += point > 0xffff ? 2 : 1;
    }
    texts.push(framed.slice(from, at));
  }
  return texts;
}

/** The inverse. */
export function framedKey(texts: readonly (string | null)[]): string {
  return texts.map((text) => (text === null ? '-1:' : `${bytesOf(text)}:${text}`)).join('');
}

function bytesOf(text: string): number {
  let bytes = 0;
  for (const character of text) bytes += utf8Bytes(character.codePointAt(0) ?? 0);
  return bytes;
}

function utf8Bytes(point: number): number {
  if (point < 0x80) return 1;
  if (point < 0x800) return 2;
  return point < 0x10000 ? 3 : 4;
}

const DATABASE_HASH = `('x' || left(md5(r), 15))::bit(60)::bigint`;
const LAKE_HASH = `('0x' || left(md5(r), 15))::BIGINT`;

function databaseChunk(chunks: number): string {
  return `(('x' || right(md5(k), 7))::bit(28)::int % ${chunks})`;
}

function lakeChunk(chunks: number): string {
  return `(('0x' || right(md5(k), 7))::INTEGER % ${chunks})`;
}

// OFFSET 0: Postgres would make each text as often as it is used.
function databaseFrames(
  { table, key, rest }: ComparedTable,
  withColumns = false,
  from = databaseTable(table),
  values: readonly string[] = [],
): string {
  const texts = [
    ...[...key, ...rest].map((column, index) => `${databaseText(column) ?? 'NULL'} AS t${index}`),
    ...values.map((value, index) => `${value} AS v${index}`),
  ];
  const frame = (index: number) => `coalesce(octet_length(t${index}) || ':' || t${index}, '-1:')`;
  const framed = (columns: readonly ComparedColumn[], first: number) =>
    columns.map((_, index) => frame(first + index)).join(' || ');
  const columns = rest.map((_, index) => `left(md5(${frame(key.length + index)}), 8)`).join(` || ',' || `);
  const whole = rest.length === 0 ? 'k' : `k || ${framed(rest, key.length)}`;
  const inner = `SELECT ${texts.join(', ')} FROM ${from} OFFSET 0`;
  const keyed = `SELECT *, ${framed(key, 0)} AS k FROM (${inner}) t OFFSET 0`;
  const more = [
    ...(withColumns ? [`${columns || `''`} AS c`] : []),
    ...values.map((_, index) => `v${index}`),
  ];
  return `SELECT ${['k', `${whole} AS r`, ...more].join(', ')} FROM (${keyed}) u OFFSET 0`;
}

function lakeFrames({ dataset, key, rest }: ComparedTable, withColumns = false): string {
  const texts = [...key, ...rest].map((column, index) => `${lakeText(column)} AS t${index}`);
  const frame = (index: number) => `coalesce(strlen(t${index}) || ':' || t${index}, '-1:')`;
  const framed = (columns: readonly ComparedColumn[], first: number) =>
    columns.map((_, index) => frame(first + index)).join(' || ');
  const columns = rest.map((_, index) => `left(md5(${frame(key.length + index)}), 8)`).join(` || ',' || `);
  const whole = rest.length === 0 ? 'k' : `k || ${framed(rest, key.length)}`;
  const keyed = `SELECT *, ${framed(key, 0)} AS k FROM (SELECT ${texts.join(', ')} FROM ${ident(dataset)})`;
  return `SELECT k, ${whole} AS r${withColumns ? `, ${columns || `''`} AS c` : ''} FROM (${keyed})`;
}
