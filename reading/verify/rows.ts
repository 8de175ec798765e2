import type { DuckDb, Row } from '../../activities/duckdb.ts';
import type { Entry } from '../../lake/entry.ts';
import { partitionName } from '../../lake/partition.ts';
import type { ColumnType, DatasetSpec, FeedUse, Partitioning } from '../../lake/spec.ts';

// The SQL of `verify` is its own: what it shares with builds and reading could only agree with them.

export interface Served {
  readonly name: string;
  readonly dataset: DatasetSpec;
  readonly use: FeedUse;
}

export interface Counted {
  readonly rows: number;
  readonly hash: string;
  readonly partitions: Readonly<Record<string, { readonly rows: number; readonly hash: string }>>;
}

/** The table that holds every row ever collected for a dataset. */
export function tableOf(dataset: string): string {
  return quoted(`all rows of ${dataset}`);
}

export function createTable(name: string, dataset: DatasetSpec): string {
  const columns = Object.entries(dataset.columns).map(
    ([column, type]) => `${quoted(column)} ${sqlType(type)}`,
  );
  return `CREATE TABLE ${tableOf(name)} (feed VARCHAR, lane INTEGER, generation INTEGER, ordinal BIGINT, object INTEGER,
    row_no BIGINT, op VARCHAR, hash BIGINT, partition_no BIGINT, channel VARCHAR, ${columns.join(', ')})`;
}

/** Count a rows object, and add its rows to its dataset's table. */
export async function loadRows(
  db: DuckDb,
  path: string,
  entry: Entry,
  object: number,
  served: Served | undefined,
): Promise<Counted> {
  const file = `read_parquet(${text(path)})`;
  const [total] = await db.rows(
    `SELECT count(*)::INTEGER AS n, coalesce(sum(_hash), 0)::HUGEINT::VARCHAR AS h FROM ${file}`,
  );
  const counted = { rows: Number(total?.['n'] ?? 0), hash: String(total?.['h']) };
  if (!served) return { ...counted, partitions: {} };
  const { dataset, use, name } = served;
  const source = (column: string) => quoted(use.map[column] ?? column);
  const streams = entry.channels !== undefined;
  const generation = streams ? generationSql(entry) : '0';
  const number = partitionSql(dataset, source);
  await db.run(`INSERT INTO ${tableOf(name)} SELECT ${text(entry.feed)}, ${entry.lane}, ${generation}, ${entry.ordinal}, ${object}, _row, _op, _hash,
    ${number}, ${streams ? '_channel' : 'NULL'}, ${Object.keys(dataset.columns).map(source).join(', ')} FROM ${file}`);
  const perPartition = await db.rows(
    `SELECT ${number} AS p, count(*)::INTEGER AS n, sum(_hash)::HUGEINT::VARCHAR AS h FROM ${file} GROUP BY p`,
  );
  return {
    ...counted,
    partitions: Object.fromEntries(perPartition.map((row) => partitionCount(dataset.partition, row))),
  };
}

function partitionCount(partitioning: Partitioning, row: Row): [string, { rows: number; hash: string }] {
  return [partitionName(partitioning, Number(row['p'])), { rows: Number(row['n']), hash: String(row['h']) }];
}

function generationSql(entry: Entry): string {
  const cases = Object.entries(entry.channels ?? {}).map(
    ([channel, { generation }]) => `WHEN ${text(channel)} THEN ${generation}`,
  );
  return cases.length === 0 ? '0' : `CASE _channel ${cases.join(' ')} ELSE 0 END`;
}

function partitionSql({ partition, key, columns }: DatasetSpec, source: (column: string) => string): string {
  if (partition.kind === 'whole') return '0';
  if (partition.kind === 'bucket') {
    const parts = key.map((column) => {
      const value =
        columns[column] === 'timestamp'
          ? `CAST(epoch_us(${source(column)}) AS VARCHAR)`
          : `CAST(${source(column)} AS VARCHAR)`;
      return `CASE WHEN ${value} IS NULL THEN '-1:' ELSE strlen(${value}) || ':' || ${value} END`;
    });
    return `CAST(md5_number_lower(${parts.join(' || ')}) % ${partition.buckets} AS BIGINT)`;
  }
  const column = source(partition.column);
  // Whole calendar units between the epoch and the row's day or hour.
  return `date_diff('${partition.unit}', TIMESTAMP '1970-01-01 00:00:00', (${column} AT TIME ZONE 'UTC'))`;
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
