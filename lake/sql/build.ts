import { eventTimeColumn, matchColumns } from '../mapping.ts';
import type { DatasetSpec, Role } from '../spec.ts';
import { keyTexts } from './mapped.ts';
import { orderSql, rankSql } from './order.ts';
import { type StagingTables, linedUp, linedUpColumns } from './staging.ts';
import { framed, ident, literal } from './text.ts';

export interface BuildTables extends StagingTables {
  /** Hashes of keys that more than one staged row may have: a hash too many costs time, never a row. */
  readonly contested: string;
  /** Every staged row with such a key: `rid, p, hash, place, role_place, identical`. */
  readonly ranked: string;
}

export function buildTables(staging: StagingTables): BuildTables {
  return { ...staging, contested: ident('_contested'), ranked: ident('_ranked') };
}

/** `p, rows`: how many rows were staged, by partition in its order. */
export function stagedSql(tables: BuildTables): string {
  return `SELECT _p AS p, count(*)::INTEGER AS rows FROM ${tables.rows} GROUP BY _p ORDER BY _p`;
}

/** Keys counted at a time: so many hashes stay in a core's cache, at half the cost of all at once. */
const COUNTED_ROWS = 131_072;

/**
 * Statements that rank the staged rows of each key in each partition. Most keys have one row, and finding the others
 * by a hash costs a fraction of ordering them all. `staged` is what `stagedSql` found.
 */
export function rankStatements(
  dataset: DatasetSpec,
  tables: BuildTables,
  staged: readonly { readonly p: number; readonly rows: number }[],
): string[] {
  const hash = `hash(${columnList(dataset.key)})`;
  const content = `row(${columnList(Object.keys(dataset.columns))}, _op)`;
  const role = rankSql(dataset);
  return [
    `CREATE TABLE ${tables.contested} (h UBIGINT)`,
    ...runsOf(staged).map(
      ([from, to]) => `INSERT INTO ${tables.contested}
      SELECT ${hash} AS h FROM ${tables.rows} WHERE _p BETWEEN ${from} AND ${to} GROUP BY ALL HAVING count(*) > 1`,
    ),
    `CREATE TABLE ${tables.ranked} AS
      SELECT rid, _p AS p, _hash AS hash, row_number() OVER of_key AS place, row_number() OVER of_role AS role_place,
        ${content} IS NOT DISTINCT FROM first_value(${content}) OVER of_key AS identical
      FROM (SELECT r.rowid AS rid, r._p, ${linedUpColumns(dataset).join(', ')} FROM ${tables.rows} r
        JOIN ${tables.objects} o ON o.n = r._n
        WHERE hash(${columnList(dataset.key, 'r.')}) IN (SELECT h FROM ${tables.contested}))
      WINDOW of_key AS (PARTITION BY _p, ${columnList(dataset.key)} ORDER BY ${orderSql(dataset)}),
        of_role AS (PARTITION BY _p, ${role}, ${columnList(dataset.key)} ORDER BY ${orderSql(dataset)})`,
  ];
}

/** First and last partitions of runs with about `COUNTED_ROWS` rows; a key has rows to compete with in one partition. */
function runsOf(staged: readonly { readonly p: number; readonly rows: number }[]): [number, number][] {
  const runs: [number, number][] = [];
  let within = 0;
  for (const { p, rows } of staged) {
    const last = runs.at(-1);
    if (last && within + rows <= COUNTED_ROWS) {
      last[1] = p;
      within += rows;
    } else {
      runs.push([p, p]);
      within = rows;
    }
  }
  return runs;
}

/** `p, keys, examples`: keys that one role has with several contents. For `append`, before the beaten rows go. */
export function conflictingSql(dataset: DatasetSpec, tables: BuildTables, examples: number): string {
  const content = `row(${columnList(Object.keys(dataset.columns))}, _op)`;
  return `SELECT p, count(*)::INTEGER AS keys, list(key ORDER BY key)[:${examples}] AS examples FROM (
      SELECT DISTINCT _p AS p, ${keyText(dataset)} AS key
      FROM (SELECT r._p, ${linedUpColumns(dataset).join(', ')} FROM ${tables.rows} r
        JOIN ${tables.objects} o ON o.n = r._n
        WHERE hash(${columnList(dataset.key, 'r.')}) IN (SELECT h FROM ${tables.contested}))
      GROUP BY _p, ${rankSql(dataset)}, ${columnList(dataset.key)} HAVING count(DISTINCT ${content}) > 1)
    GROUP BY p`;
}

/** `p, rows, hash, identical`: every row that the order beats. */
export function lostSql(tables: BuildTables): string {
  return `SELECT p, count(*)::INTEGER AS rows, sum(hash)::VARCHAR AS hash,
      count(*) FILTER (identical)::INTEGER AS identical
    FROM ${tables.ranked} WHERE place > 1 GROUP BY p`;
}

/** Leaves the winner of each key. */
export function dropBeatenSql(tables: BuildTables): string {
  return `DELETE FROM ${tables.rows} WHERE rowid IN (SELECT rid FROM ${tables.ranked} WHERE place > 1)`;
}

/** `p, winners, tombstones`: what there is to write. After the beaten rows went. */
export function writtenSql(tables: BuildTables): string {
  return `SELECT _p AS p, count(*) FILTER (_op <> 'D')::INTEGER AS winners,
      count(*) FILTER (_op = 'D')::INTEGER AS tombstones
    FROM ${tables.rows} GROUP BY _p`;
}

/** After the beaten rows went. */
export function copyWinnersSql(
  dataset: DatasetSpec,
  tables: BuildTables,
  partition: number,
  which: 'winners' | 'tombstones',
  path: string,
): string {
  const isWanted = `r._p = ${partition} AND r._op ${which === 'winners' ? '<>' : '='} 'D'`;
  return copyTo(`SELECT * EXCLUDE (_p) FROM (${linedUp(dataset, tables, isWanted)})`, path);
}

/** `p`: partitions in which a role has rows that are no deletes. Before the beaten rows go. */
export function rolePartitionsSql(dataset: DatasetSpec, tables: BuildTables, role: Role): string {
  return `SELECT DISTINCT r._p AS p FROM ${tables.rows} r JOIN ${tables.objects} o ON o.n = r._n
    WHERE r._op <> 'D' AND ${isOfRole(dataset, role)}`;
}

/** The columns of a role's winners, beside key buckets: key, compared, version, event time, place, `_match`. */
export function roleColumns(dataset: DatasetSpec): string[] {
  const optional = [dataset.version, eventTimeColumn(dataset)].filter((name) => name !== undefined);
  const own = [...new Set([...(matchColumns(dataset) ?? dataset.key), ...optional])];
  const place = ['_source', '_lane', '_generation', '_ordinal', '_object', '_row', '_match'];
  return [...own.map((name) => ident(name)), ...place];
}

/** One role's own winners of a partition, deletes left out. Before the beaten rows go. */
export function copyRoleSql(
  dataset: DatasetSpec,
  tables: BuildTables,
  partition: number,
  role: Role,
  path: string,
): string {
  const isWanted = `r._p = ${partition} AND r._op <> 'D' AND ${isOfRole(dataset, role)}
    AND r.rowid NOT IN (SELECT rid FROM ${tables.ranked} WHERE role_place > 1 AND p = ${partition})`;
  const bucket = `(md5_number_lower(${framed(keyTexts(dataset, dataset.key))}) % 256)::INTEGER AS _bucket`;
  return copyTo(
    `SELECT ${roleColumns(dataset).join(', ')}, ${bucket} FROM (${linedUp(dataset, tables, isWanted)})`,
    path,
  );
}

/** `file` (index in the list), `rows, hash, min_us, max_us`: read back from written files. */
export function readBackSql(dataset: DatasetSpec, paths: readonly string[]): string {
  const time = eventTimeColumn(dataset);
  const us = time === undefined ? 'NULL::BIGINT' : `epoch_us(${ident(time)})`;
  return `SELECT file_index::INTEGER AS file, count(*)::INTEGER AS rows, sum(_hash)::VARCHAR AS hash,
      min(${us})::VARCHAR AS min_us, max(${us})::VARCHAR AS max_us
    FROM read_parquet([${paths.map(literal).join(', ')}]) GROUP BY ALL`;
}

/** `file, bucket, rows, match`: read back from written winners of a role. */
export function bucketsSql(paths: readonly string[]): string {
  return `SELECT file_index::INTEGER AS file, _bucket AS bucket, count(*)::INTEGER AS rows, sum(_match)::VARCHAR AS match
    FROM read_parquet([${paths.map(literal).join(', ')}]) GROUP BY ALL`;
}

/** A key for people and checkers: the text of its column, or a JSON list of several. */
export function keyText(dataset: Pick<DatasetSpec, 'columns' | 'key'>): string {
  const texts = dataset.key.map((name) => `${ident(name)}::VARCHAR`);
  return texts.length === 1 ? texts.join('') : `to_json([${texts.join(', ')}])::VARCHAR`;
}

export function columnList(names: readonly string[], prefix = ''): string {
  return names.map((name) => `${prefix}${ident(name)}`).join(', ');
}

function isOfRole({ feeds }: DatasetSpec, role: Role): string {
  const own = Object.entries(feeds)
    .filter(([, use]) => use.role === role)
    .map(([feed]) => literal(feed));
  return `o.feed IN (${own.join(', ')})`;
}

function copyTo(select: string, path: string): string {
  // Hashes and row numbers are all different: a dictionary of them is given up early, and a higher level buys nothing.
  return `COPY (${select}) TO ${literal(path)}
    (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, DICTIONARY_SIZE_LIMIT 2000)`;
}
