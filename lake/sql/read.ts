import type { DatasetSpec } from '../spec.ts';
import { LINEAGE, partitionOf } from './mapped.ts';
import { orderSql } from './order.ts';
import { type StagingTables, linedUp, viewColumns } from './staging.ts';
import { ident, literal } from './text.ts';

/** Local files of the builds that a view is made of. */
export interface ViewFiles {
  /** Of partitions in which nothing is newer than the build. */
  readonly untouched: readonly string[];
  /** Of partitions with newer rows. */
  readonly touched: readonly string[];
  /** Deletes that won in touched partitions: an older row that comes late must not bring the key back. */
  readonly tombstones: readonly string[];
}

/** A dataset's view in a session: `name` shows its columns, `<name>$rows` also lineage. */
export interface ViewNames {
  readonly view: string;
  readonly rows: string;
  readonly fresh: string;
}

export function viewNames(name: string): ViewNames {
  return { view: ident(name), rows: ident(`${name}$rows`), fresh: ident(`_${name} fresh`) };
}

/**
 * Statements that make a view over builds and staged rows. Of the builds, only keys that newer rows have are reduced
 * with them: rows of both sides compete in the one order, and whatever loses there, or deletes, is not shown.
 */
export function viewStatements(
  name: string,
  dataset: DatasetSpec,
  files: ViewFiles,
  staging: StagingTables | undefined,
): string[] {
  const { view, rows, fresh } = viewNames(name);
  const contract = Object.keys(dataset.columns).map(ident).join(', ');
  const columns = [contract, ...Object.keys(LINEAGE)].join(', ');
  const empty = `SELECT ${viewColumns(dataset).map(nullOf).join(', ')} WHERE false`;
  const sources = [empty];
  if (files.untouched.length > 0) sources.push(`SELECT ${columns} FROM ${parquet(files.untouched)}`);
  if (files.touched.length > 0) {
    const older = staging ? `ANTI JOIN ${fresh} k ON ${sameKey(dataset)}` : '';
    sources.push(`SELECT ${columns} FROM (${numbered(dataset, files.touched)}) b ${older}`);
  }
  if (staging) sources.push(`SELECT ${columns} FROM ${fresh} WHERE _op <> 'D'`);
  return [
    ...(staging ? [freshSql(dataset, fresh, files, staging)] : []),
    `CREATE VIEW ${rows} AS ${sources.join(' UNION ALL ')}`,
    `CREATE VIEW ${view} AS SELECT ${contract} FROM ${rows}`,
  ];
}

/** `p, rows, hash` of a view, for its hash. */
export function viewHashSql(name: string, dataset: DatasetSpec): string {
  return `SELECT ${partitionOf(dataset)} AS p, count(*)::INTEGER AS rows, sum(_hash)::VARCHAR AS hash
    FROM ${viewNames(name).rows} GROUP BY 1`;
}

// One row for each key that newer rows have, deletes included: together they say which keys of the builds are older.
function freshSql(dataset: DatasetSpec, fresh: string, files: ViewFiles, staging: StagingTables): string {
  const key = dataset.key.map(ident).join(', ');
  const built = [...files.touched, ...files.tombstones];
  const colliding =
    built.length === 0
      ? ''
      : `UNION ALL BY NAME SELECT b.* FROM (${numbered(dataset, built)}) b SEMI JOIN newer k ON ${sameKey(dataset)}`;
  return `CREATE TABLE ${fresh} AS WITH newer AS MATERIALIZED (${linedUp(dataset, staging)})
    SELECT * FROM (SELECT * FROM newer ${colliding})
    QUALIFY row_number() OVER (PARTITION BY _p, ${key} ORDER BY ${orderSql(dataset)}) = 1`;
}

function numbered(dataset: DatasetSpec, paths: readonly string[]): string {
  return `SELECT *, ${partitionOf(dataset)} AS _p FROM ${parquet(paths)}`;
}

function sameKey({ key }: DatasetSpec): string {
  return ['_p', ...key.map(ident)].map((name) => `k.${name} IS NOT DISTINCT FROM b.${name}`).join(' AND ');
}

function parquet(paths: readonly string[]): string {
  return `read_parquet([${paths.map(literal).join(', ')}])`;
}

function nullOf(column: string): string {
  const at = column.lastIndexOf(' ');
  return `NULL::${column.slice(at + 1)} AS ${column.slice(0, at)}`;
}
