import { compareText } from '../canonical.ts';
import type { DatasetSpec } from '../spec.ts';
import { LINEAGE, STAGED, type ObjectTables, type RowsFiles, mappedSql } from './mapped.ts';
import { duckType, ident, literal } from './text.ts';

/** All tables of one dataset in a DuckDB session. */
export interface StagingTables extends ObjectTables {
  readonly rows: string;
}

export function stagingTables(name: string): StagingTables {
  const table = (what: string) => ident(`_${name} ${what}`);
  return {
    objects: table('objects'),
    channels: table('channels'),
    asOf: table('as of'),
    uses: table('uses'),
    retracted: table('retracted'),
    rows: table('rows'),
  };
}

export interface StagedObject {
  readonly feed: string;
  readonly lane: number;
  readonly ordinal: number;
  /** Index in its entry. */
  readonly object: number;
  /** ISO. */
  readonly ingestedAt: string;
  /** The wanted partitions that it has rows in. */
  readonly partitions: readonly { readonly number: number; readonly excluded: boolean }[];
  readonly channels: Readonly<Record<string, number>>;
  readonly asOf: readonly (RowRange & { readonly us: number })[];
  readonly retracted: readonly RowRange[];
}

/** `_row` numbers, both included. */
export interface RowRange {
  readonly first: number;
  readonly last: number;
}

/** Statements that make the tables of these objects, numbered from 0 in their order, and an empty one of rows. */
export function stagingStatements(
  dataset: DatasetSpec,
  tables: StagingTables,
  objects: readonly StagedObject[],
): string[] {
  const at = (iso: string) => `${literal(iso)}::TIMESTAMPTZ`;
  const of = <T>(list: (object: StagedObject) => readonly T[], row: (n: number, one: T) => unknown[]) =>
    objects.flatMap((object, n) => list(object).map((one) => row(n, one).join(', ')));
  return [
    ...filled(
      tables.objects,
      `n INTEGER, feed ${feedsType(dataset)}, lane INTEGER, ordinal BIGINT, object INTEGER, ingested_at TIMESTAMPTZ`,
      objects.map(({ feed, lane, ordinal, object, ingestedAt }, n) =>
        [n, literal(feed), lane, ordinal, object, at(ingestedAt)].join(', '),
      ),
    ),
    ...filled(
      tables.channels,
      'n INTEGER, channel VARCHAR, generation INTEGER',
      of(
        ({ channels }) => Object.entries(channels),
        (n, [channel, generation]) => [n, literal(channel), generation],
      ),
    ),
    ...filled(
      tables.asOf,
      'n INTEGER, first_row BIGINT, last_row BIGINT, as_of TIMESTAMPTZ',
      of(
        ({ asOf }) => asOf,
        (n, { first, last, us }) => [n, first, last, `make_timestamptz(${us})`],
      ),
    ),
    ...filled(
      tables.uses,
      'n INTEGER, p BIGINT, excluded BOOLEAN',
      of(
        ({ partitions }) => partitions,
        (n, { number, excluded }) => [n, number, excluded],
      ),
    ),
    ...filled(
      tables.retracted,
      'n INTEGER, first_row BIGINT, last_row BIGINT',
      of(
        ({ retracted }) => retracted,
        (n, { first, last }) => [n, first, last],
      ),
    ),
    `CREATE TABLE ${tables.rows} (${stagedColumns(dataset).join(', ')})`,
  ];
}

/** Stage the rows of these files that are wanted, neither excluded nor retracted. */
export function stageSql(dataset: DatasetSpec, tables: StagingTables, files: RowsFiles): string {
  return `INSERT INTO ${tables.rows} SELECT m.* FROM (${mappedSql(dataset, files, tables)}) m
    JOIN ${tables.uses} u ON u.n = m._n AND u.p = m._p
    WHERE NOT u.excluded AND NOT (${isRetracted(tables, files)})`;
}

/**
 * Rows and sum of hashes per partition (`p, rows, hash`) of one class, counted over landed objects: `in` = all that is
 * wanted, `excluded`, `retracted`.
 */
export function landedSql(
  dataset: DatasetSpec,
  tables: StagingTables,
  files: RowsFiles,
  which: 'in' | 'excluded' | 'retracted',
): string {
  const where = {
    in: 'true',
    excluded: 'u.excluded',
    retracted: `NOT u.excluded AND ${isRetracted(tables, files)}`,
  }[which];
  return `SELECT m._p AS p, count(*)::INTEGER AS rows, sum(m._hash)::VARCHAR AS hash
    FROM (${mappedSql(dataset, files, tables)}) m
    JOIN ${tables.uses} u ON u.n = m._n AND u.p = m._p
    WHERE ${where} GROUP BY ALL`;
}

/** Staged rows with the dataset's columns and `LINEAGE`, and `_p`; `where` sees the staged columns as `r`. */
export function linedUp(dataset: DatasetSpec, tables: StagingTables, where = 'true'): string {
  return `SELECT ${linedUpColumns(dataset).join(', ')}, r._p FROM ${tables.rows} r
    JOIN ${tables.objects} o ON o.n = r._n WHERE ${where}`;
}

/** Of staged rows `r` with their objects `o`. */
export function linedUpColumns(dataset: DatasetSpec): string[] {
  const constant: Readonly<Record<string, string>> = {
    _source: 'o.feed',
    _lane: 'o.lane',
    _ordinal: 'o.ordinal',
    _object: 'o.object',
    _ingested_at: 'o.ingested_at',
  };
  return [
    ...Object.keys(dataset.columns).map((name) => `r.${ident(name)}`),
    ...Object.keys(LINEAGE).map((name) => (constant[name] ? `${constant[name]} AS ${name}` : `r.${name}`)),
  ];
}

/** Column names and types of a dataset's rows in builds and views. */
export function viewColumns(dataset: Pick<DatasetSpec, 'columns'>): string[] {
  return [...contractColumns(dataset), ...Object.entries(LINEAGE).map(([name, type]) => `${name} ${type}`)];
}

// An ENUM is written to Parquet as text, at a fraction of its cost; its values compare by their place here.
function feedsType({ feeds }: DatasetSpec): string {
  return `ENUM (${Object.keys(feeds).sort(compareText).map(literal).join(', ')})`;
}

function stagedColumns(dataset: DatasetSpec): string[] {
  return [...contractColumns(dataset), ...Object.entries(STAGED).map(([name, type]) => `${name} ${type}`)];
}

function contractColumns({ columns }: Pick<DatasetSpec, 'columns'>): string[] {
  return Object.entries(columns).map(([name, type]) => `${ident(name)} ${duckType(type)}`);
}

function isRetracted({ retracted }: StagingTables, { first, paths, hasRetracted }: RowsFiles): string {
  if (!hasRetracted) return 'false';
  return `EXISTS (SELECT 1 FROM ${retracted} t WHERE t.n BETWEEN ${first} AND ${first + paths.length - 1}
    AND t.n = m._n AND m._row BETWEEN t.first_row AND t.last_row)`;
}

function filled(table: string, columns: string, rows: readonly string[]): string[] {
  const create = `CREATE TABLE ${table} (${columns})`;
  const inserts: string[] = [];
  for (let from = 0; from < rows.length; from += 1000) {
    const some = rows.slice(from, from + 1000).map((row) => `(${row})`);
    inserts.push(`INSERT INTO ${table} VALUES ${some.join(', ')}`);
  }
  return [create, ...inserts];
}
