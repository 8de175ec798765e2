import type { DuckDb, Row } from '../../activities/duckdb.ts';
import type { Entry, EntryItem } from '../../lake/entry.ts';
import { partitionName } from '../../lake/partition.ts';
import type { ColumnType, Columns, DatasetSpec, FeedUse } from '../../lake/spec.ts';

// The SQL of `verify` is its own: what it shares with builds and reading could only agree with them.

/** The dataset that a feed serves. */
export interface Served {
  readonly name: string;
  readonly dataset: DatasetSpec;
  readonly use: FeedUse;
  /** The feed's own columns. */
  readonly columns: Columns;
}

export interface Count {
  readonly rows: number;
  readonly hash: string;
}

/** A rows object as a local file, and what its entry says of it. */
export interface LoadedRows {
  readonly path: string;
  readonly entry: Entry;
  readonly object: number;
  readonly items: readonly EntryItem[];
  /** The feed's columns when it was collected, which may be fewer than now. */
  readonly had?: Columns;
}

/** The table that holds every row ever collected for a dataset. */
export function tableOf(dataset: string): string {
  return quoted(`all rows of ${dataset}`);
}

/** Where a row stands: columns of every table of rows here. */
export const PLACE = 'feed, lane, generation, ordinal, object, row_no';

export function createTable(name: string, dataset: DatasetSpec): string {
  const columns = Object.entries(dataset.columns).map(
    ([column, type]) => `${quoted(column)} ${sqlType(type)}`,
  );
  return `CREATE TABLE ${tableOf(name)} (feed VARCHAR, lane INTEGER, generation INTEGER, ordinal BIGINT, object INTEGER,
    row_no BIGINT, op VARCHAR, hash BIGINT, partition_no BIGINT, channel VARCHAR, position VARCHAR, ${columns.join(', ')})`;
}

export async function countRows(db: DuckDb, path: string): Promise<Count> {
  const [total] = await db.rows(
    `SELECT count(*)::INTEGER AS n, ${hashSum('_hash')} AS h FROM ${parquet(path)}`,
  );
  return countOf(total);
}

/** Add the rows of an object to its dataset's table; resolves how many there are of each partition. */
export async function loadRows(
  db: DuckDb,
  loaded: LoadedRows,
  served: Served,
): Promise<Readonly<Record<string, Count>>> {
  const { entry, object, path } = loaded;
  const { dataset, name } = served;
  const source = (column: string) => sourceSql(column, served, loaded);
  // A table's rows have no positions: the landings that they came in have names.
  const isStream = entry.channels !== undefined && entry.items === undefined && entry.itemsIn === undefined;
  const number = partitionSql(dataset, source);
  const values = Object.keys(dataset.columns).map(source);
  await db.run(`INSERT INTO ${tableOf(name)} SELECT ${text(entry.feed)}, ${entry.lane}, ${generationSql(entry)}, ${entry.ordinal}, ${object}, _row, _op, _hash,
    ${number}, ${isStream ? '_channel, _position' : 'NULL, NULL'}, ${values.join(', ')} FROM ${parquet(path)}`);
  const counted = await db.rows(
    `SELECT ${number} AS p, count(*)::INTEGER AS n, ${hashSum('_hash')} AS h FROM ${parquet(path)} GROUP BY p`,
  );
  return Object.fromEntries(
    counted.map((row) => [
      row['p'] === null ? 'no partition' : partitionName(dataset.partition, Number(row['p'])),
      countOf(row),
    ]),
  );
}

/** Of an item: its rows, and those with an even `_row`, which in the lane of a table each came of a record of its own. */
export interface ItemCount {
  readonly rows: number;
  readonly even: number;
}

/** Rows of an object within the spans of each item, by the item's number. */
export async function countItems(
  db: DuckDb,
  { path, object, items }: LoadedRows,
): Promise<ReadonlyMap<number, ItemCount>> {
  const spans = items.flatMap(({ no, spans: own = [] }) =>
    own
      .filter((span) => span.object === object)
      .map(({ firstRow, records }) => `(${no}, ${firstRow}, ${firstRow + records - 1})`),
  );
  if (spans.length === 0) return new Map();
  const counted = await db.rows(`SELECT s.no, count(r._row)::INTEGER AS n,
      count(r._row) FILTER (r._row % 2 = 0)::INTEGER AS even
    FROM (VALUES ${spans.join(', ')}) s(no, first_row, last_row)
    LEFT JOIN ${parquet(path)} r ON r._row BETWEEN s.first_row AND s.last_row GROUP BY s.no`);
  return new Map(
    counted.map((row) => [Number(row['no']), { rows: Number(row['n']), even: Number(row['even']) }]),
  );
}

function countOf(row: Row | undefined): Count {
  return { rows: Number(row?.['n']), hash: String(row?.['h']) };
}

/** A dataset's column over a rows object of a feed. */
function sourceSql(
  column: string,
  { dataset, use, columns }: Served,
  { entry, object, items, had = columns }: LoadedRows,
): string {
  const from = use.map[column] ?? column;
  const type = sqlType(dataset.columns[column] ?? 'string');
  if (from in columns && !(from in had)) return `CAST(NULL AS ${type})`;
  if (from in columns)
    return columns[from] === dataset.columns[column] ? quoted(from) : `CAST(${quoted(from)} AS ${type})`;
  if (column !== dataset.version || use.role !== 'batch') return `CAST(NULL AS ${type})`;
  // A batch that maps no version speaks as of its delivery: given, or just before the end of an item's window.
  const cases = items.flatMap(({ spans = [], window }) =>
    spans
      .filter((span) => span.object === object)
      .flatMap(({ firstRow, records }) => {
        const asOf = asOfSql(entry, window?.to);
        return asOf ? [`WHEN _row BETWEEN ${firstRow} AND ${firstRow + records - 1} THEN ${asOf}`] : [];
      }),
  );
  return cases.length === 0 ? `CAST(NULL AS ${type})` : `CASE ${cases.join(' ')} END`;
}

function asOfSql({ asOf, windows }: Entry, end: string | undefined): string | undefined {
  if (asOf !== undefined) return `TIMESTAMPTZ ${text(asOf)}`;
  const to = end ?? windows?.at(-1)?.to;
  return to === undefined ? undefined : `TIMESTAMPTZ ${text(to)} - INTERVAL 1 MICROSECOND`;
}

function generationSql({ channels }: Entry): string {
  const cases = Object.entries(channels ?? {}).map(
    ([channel, one]) => `WHEN ${text(channel)} THEN ${one.generation}`,
  );
  return cases.length === 0 ? '0' : `CASE _channel ${cases.join(' ')} END`;
}

function partitionSql({ partition, key, columns }: DatasetSpec, source: (column: string) => string): string {
  if (partition.kind === 'whole') return '0';
  if (partition.kind === 'bucket') {
    const parts = key.map((column) => {
      const isTime = columns[column] === 'timestamp';
      const value = `CAST(${isTime ? `epoch_us(${source(column)})` : source(column)} AS VARCHAR)`;
      return `CASE WHEN ${value} IS NULL THEN '-1:' ELSE strlen(${value}) || ':' || ${value} END`;
    });
    return `CAST(md5_number_lower(${parts.join(' || ')}) % ${partition.buckets} AS BIGINT)`;
  }
  // Whole calendar units between the epoch and the row's hour, day or month.
  return `date_diff('${partition.unit}', TIMESTAMP '1970-01-01 00:00:00', (${source(partition.column)} AT TIME ZONE 'UTC'))`;
}

export function hashSum(column: string): string {
  return `coalesce(sum(${column}), 0)::HUGEINT::VARCHAR`;
}

export function parquet(...paths: readonly string[]): string {
  return `read_parquet([${paths.map(text).join(', ')}])`;
}

export function sqlType(type: ColumnType): string {
  const plain: Partial<Record<ColumnType, string>> = { string: 'VARCHAR', timestamp: 'TIMESTAMPTZ' };
  return plain[type] ?? type.toUpperCase();
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
