import { type MappedColumn, mappedColumns, matchColumns } from '../mapping.ts';
import type { Columns, DatasetSpec, FeedUse } from '../spec.ts';
import { canonicalText, duckType, framedHash, ident, literal, partitionNumberSql } from './text.ts';

/** Rows objects of one feed with the same columns, as local files. */
export interface RowsFiles {
  readonly use: FeedUse;
  /** As the feed declares them. */
  readonly columns: Columns;
  readonly paths: readonly string[];
  /** Number of the first file in the table of objects; the others follow it. */
  readonly first: number;
  /** The columns that the files have. */
  readonly present: ReadonlySet<string>;
  /** Is the stored `_match` the one of this mapping? Else it is made again. */
  readonly storedMatch: boolean;
  /** The delivery's `asOf` is the version of its rows. */
  readonly versionedByAsOf: boolean;
  /** Were some of their rows taken back? */
  readonly hasRetracted: boolean;
}

/** Tables that say of each object what its rows do not. */
export interface ObjectTables {
  /** `n, feed, lane, ordinal, object, ingested_at`. */
  readonly objects: string;
  /** `n, channel, generation`. */
  readonly channels: string;
  /** `n, first_row, last_row, as_of`: ranges that do not overlap. */
  readonly asOf: string;
  /** `n, p, excluded`: which objects have rows in which partitions that are wanted. */
  readonly uses: string;
  /** `n, first_row, last_row`: rows taken back. */
  readonly retracted: string;
}

/** An ENUM is written to Parquet as text, at a fraction of its cost. */
const OP = "ENUM ('I', 'U', 'D')";

/** Of staged rows, beside the dataset's columns. `_n` = number of the object, `_p` of the partition. */
export const STAGED = {
  _n: 'INTEGER',
  _generation: 'INTEGER',
  _row: 'BIGINT',
  _op: OP,
  _hash: 'BIGINT',
  _match: 'BIGINT',
  _extra: 'VARCHAR',
  _p: 'BIGINT',
} as const;

/** Of rows in builds and views, beside the dataset's columns. */
export const LINEAGE = {
  _source: 'VARCHAR',
  _lane: 'INTEGER',
  _generation: 'INTEGER',
  _ordinal: 'BIGINT',
  _object: 'INTEGER',
  _row: 'BIGINT',
  _op: 'VARCHAR',
  _hash: 'BIGINT',
  _match: 'BIGINT',
  _extra: 'VARCHAR',
  _ingested_at: 'TIMESTAMPTZ',
} as const;

/** Every row of the files under the dataset's contract, with the columns of `STAGED`. */
export function mappedSql(dataset: DatasetSpec, files: RowsFiles, tables: ObjectTables): string {
  const mapped = mappedColumns(dataset, files.use, files.columns);
  const n = `(r.file_index + ${files.first})::INTEGER`;
  const contract = mapped.map((column) => `${valueOf(dataset, files, column)} AS ${ident(column.column)}`);
  const hasChannels = files.present.has('_channel');
  const source = `read_parquet([${files.paths.map(literal).join(', ')}]) r`;
  const joins = [
    ...(hasChannels ? [`LEFT JOIN ${tables.channels} c ON c.n = ${n} AND c.channel = r._channel`] : []),
    ...(files.versionedByAsOf
      ? [`LEFT JOIN ${tables.asOf} v ON v.n = ${n} AND r._row BETWEEN v.first_row AND v.last_row`]
      : []),
  ];
  const staged = [
    ...contract,
    `${n} AS _n`,
    `${hasChannels ? 'c.generation' : '0::INTEGER'} AS _generation`,
    'r._row',
    'r._op',
    'r._hash',
    `${files.storedMatch ? 'r._match' : 'NULL::BIGINT'} AS _match`,
    'r._extra',
  ];
  const inner = `SELECT ${staged.join(', ')} FROM ${[source, ...joins].join(' ')}`;
  const match = files.storedMatch ? undefined : matchOf(dataset);
  const replaced = match === undefined ? '*' : `* REPLACE (${match} AS _match)`;
  return `SELECT ${replaced}, ${partitionOf(dataset)} AS _p FROM (${inner})`;
}

/** The partition's number, from the dataset's own columns. */
export function partitionOf(dataset: Pick<DatasetSpec, 'partition' | 'key' | 'columns'>): string {
  const { partition, key } = dataset;
  const column = partition.kind === 'time' ? ident(partition.column) : '';
  return partitionNumberSql(partition, column, keyTexts(dataset, key));
}

/** Canonical texts of columns of the dataset. */
export function keyTexts(dataset: Pick<DatasetSpec, 'columns'>, names: readonly string[]): string[] {
  return names.map((name) => canonicalText(ident(name), dataset.columns[name] ?? 'string'));
}

function matchOf(dataset: DatasetSpec): string | undefined {
  const names = matchColumns(dataset);
  return names && framedHash(keyTexts(dataset, names));
}

// A plain cast: what does not survive a mapping was quarantined when it came, and must not become NULL here.
function valueOf(dataset: DatasetSpec, files: RowsFiles, { column, type, from }: MappedColumn): string {
  if (files.versionedByAsOf && column === dataset.version) return 'v.as_of';
  if (!from || !files.present.has(from.column)) return `NULL::${duckType(type)}`;
  const own = `r.${ident(from.column)}`;
  return from.type === type ? own : `CAST(${own} AS ${duckType(type)})`;
}
