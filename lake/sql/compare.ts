import { eventTimeColumn } from '../mapping.ts';
import type { DatasetSpec, DeclaredCheck } from '../spec.ts';
import { keyText } from './build.ts';
import { ident, literal } from './text.ts';

/** Local files of one partition's comparison: each role's winners, there and in the partitions beside it. */
export interface ComparedFiles {
  readonly batch: readonly string[];
  readonly speed: readonly string[];
  readonly batchBeside: readonly string[];
  readonly speedBeside: readonly string[];
}

export interface ComparedUntil {
  /** The speed side's watermark, microseconds: what is older and only in the batch will not come any more. */
  readonly watermarkUs: number | null;
  /** As of when the batch speaks, microseconds: what is newer and only in the stream may still come. */
  readonly asOfUs: number | null;
}

/**
 * `key, finding, columns`: every key of the two sides within these key buckets. `columns`, for `differs`: which of the
 * compared ones.
 */
export function compareSql(
  dataset: DatasetSpec,
  files: ComparedFiles,
  buckets: readonly number[],
  until: ComparedUntil,
): string {
  const { key } = dataset;
  const side = (paths: readonly string[]) => winnersSql(dataset, paths, buckets);
  const sameKey = (a: string, b: string) =>
    key.map((name) => `${a}.${ident(name)} IS NOT DISTINCT FROM ${b}.${ident(name)}`).join(' AND ');
  const compared = dataset.gate.compare.map(
    (name) => `CASE WHEN b.${ident(name)} IS DISTINCT FROM s.${ident(name)} THEN ${literal(name)} END`,
  );
  const isLater = (us: number | null, time: string) =>
    us === null ? 'true' : `coalesce(${time} > ${us}, false)`;
  return `WITH b AS MATERIALIZED (${side(files.batch)}), s AS MATERIALIZED (${side(files.speed)}),
      bb AS (${side(files.batchBeside)}), ss AS (${side(files.speedBeside)})
    SELECT b._key AS key,
      CASE WHEN b._match = s._match THEN 'equal' ELSE 'differs' END AS finding,
      list_filter([${compared.join(', ')}]::VARCHAR[], x -> x IS NOT NULL) AS columns
    FROM b JOIN s ON ${sameKey('b', 's')}
    UNION ALL BY NAME
    SELECT b._key AS key, CASE WHEN EXISTS (SELECT 1 FROM ss WHERE ${sameKey('ss', 'b')}) THEN 'moved'
      WHEN ${isLater(until.watermarkUs, 'b._us')} THEN 'late' ELSE 'missingInStream' END AS finding
    FROM b ANTI JOIN s ON ${sameKey('b', 's')}
    UNION ALL BY NAME
    SELECT s._key AS key, CASE WHEN EXISTS (SELECT 1 FROM bb WHERE ${sameKey('bb', 's')}) THEN 'moved'
      WHEN ${isLater(until.asOfUs, 's._us')} THEN 'pending' ELSE 'missingInBatch' END AS finding
    FROM s ANTI JOIN b ON ${sameKey('s', 'b')}`;
}

function winnersSql(dataset: DatasetSpec, paths: readonly string[], buckets: readonly number[]): string {
  const names = [...new Set([...dataset.key, ...dataset.gate.compare])];
  const time = eventTimeColumn(dataset);
  const us = time === undefined ? 'NULL::BIGINT' : `epoch_us(${ident(time)})`;
  if (paths.length === 0) {
    const none = names.map((name) => `NULL AS ${ident(name)}`);
    return `SELECT ${none.join(', ')}, NULL::VARCHAR AS _key, NULL::BIGINT AS _us, NULL::BIGINT AS _match WHERE false`;
  }
  return `SELECT ${names.map(ident).join(', ')}, ${keyText(dataset)} AS _key, ${us} AS _us, _match
    FROM read_parquet([${paths.map(literal).join(', ')}])
    WHERE _bucket IN (${buckets.join(', ')})`;
}

/** One build's file, and its place among the partitions. */
export interface HomeFile {
  readonly path: string;
  readonly number: number;
  /** Is it one of those that are looked at? */
  readonly planned: boolean;
}

/** `p, key`: keys of planned builds that another build up to 3 partitions away has too. */
export function oneHomeSql(dataset: DatasetSpec, files: readonly HomeFile[]): string {
  const key = dataset.key.map(ident).join(', ');
  const numbers = `[${files.map(({ number }) => number).join(', ')}]`;
  const planned = files.filter((file) => file.planned).map(({ number }) => number);
  const paths = files.map(({ path }) => literal(path)).join(', ');
  return `SELECT p, key FROM (
      SELECT any_value(${keyText(dataset)}) AS key, list(DISTINCT ${numbers}[(file_index + 1)::BIGINT]) AS homes
      FROM read_parquet([${paths}]) GROUP BY ${key} HAVING count(*) > 1), unnest(homes) AS t(p)
    WHERE p IN (${planned.join(', ')}) AND len(list_filter(homes, h -> h <> p AND abs(h - p) <= 3)) > 0
    ORDER BY ALL`;
}

/** `n`: what a declared check counts in a build; `name` is the view of its rows. */
export function declaredSql(name: string, check: DeclaredCheck): string {
  const from = `FROM ${ident(name)}`;
  switch (check.kind) {
    case 'rows':
      return `SELECT count(*)::INTEGER AS n ${from}`;
    case 'nulls':
      return `SELECT count(*) FILTER (${ident(check.column)} IS NULL)::INTEGER AS n ${from}`;
    case 'range': {
      const column = ident(check.column);
      const below = check.min === undefined ? [] : [`${column} < ${literal(check.min)}`];
      const above = check.max === undefined ? [] : [`${column} > ${literal(check.max)}`];
      return `SELECT count(*) FILTER (${[...below, ...above].join(' OR ') || 'false'})::INTEGER AS n ${from}`;
    }
    case 'nothing':
      return `SELECT count(*)::INTEGER AS n FROM (${check.sql.replace(/;\s*$/, '')})`;
  }
}
