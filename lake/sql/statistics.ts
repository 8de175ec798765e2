import { type Mapping, eventTimeSql, partitionSql } from './refine-mapping.ts';
import { ident, literal } from './text.ts';

/**
 * Read back from a written rows object: one row per partition with `partition` (a number; null without a dataset),
 * `rows`, `hash`, `min_us`, `max_us`. `rowRange` = `_row` from and to, both included.
 */
export function statisticsSql(
  path: string,
  mapping: Mapping | undefined,
  rowRange?: readonly { readonly from: number; readonly to: number }[],
): string {
  const partition = mapping ? partitionSql(mapping, ident) : 'NULL::BIGINT';
  const eventTime = (mapping && eventTimeSql(mapping, ident)) ?? 'NULL::BIGINT';
  const ranges = rowRange?.map(({ from, to }) => `_row BETWEEN ${from} AND ${to}`);
  return `SELECT ${partition} AS partition, count(*) AS rows, sum(_hash)::HUGEINT::VARCHAR AS hash,
    min(${eventTime})::VARCHAR AS min_us, max(${eventTime})::VARCHAR AS max_us
  FROM read_parquet(${literal(path)})${ranges ? ` WHERE ${ranges.join(' OR ') || 'false'}` : ''}
  GROUP BY 1 ORDER BY 1`;
}
