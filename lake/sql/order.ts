import type { DatasetSpec } from '../spec.ts';
import { ident, literal } from './text.ts';

/** Batch 1, speed 0, from `_source`. */
export function rankSql(dataset: Pick<DatasetSpec, 'feeds'>, source = '_source'): string {
  const batch = Object.entries(dataset.feeds)
    .filter(([, { role }]) => role === 'batch')
    .map(([feed]) => literal(feed));
  // A bare number would mean a column where rows are grouped.
  return batch.length > 0 ? `CASE WHEN ${source} IN (${batch.join(', ')}) THEN 1 ELSE 0 END` : '0::INTEGER';
}

/** What an ORDER BY needs so that the winner of a key stands first: `lake/order.ts`, over lineage columns. */
export function orderSql(dataset: Pick<DatasetSpec, 'feeds' | 'merge' | 'version'>): string {
  const place = ['_generation', '_ordinal', '_object', '_row', '_source', '_lane'];
  const rank = `${rankSql(dataset)} DESC`;
  if (dataset.merge === 'append') return [rank, ...place].join(', ');
  const version = dataset.version === undefined ? [] : [`${ident(dataset.version)} DESC NULLS LAST`];
  return [...version, rank, ...place.map((column) => `${column} DESC`)].join(', ');
}
