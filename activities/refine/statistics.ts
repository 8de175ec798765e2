import type { PartitionStatistic, RowsObject } from '../../lake/entry.ts';
import { isoInstant } from '../../lake/instant.ts';
import { partitionName } from '../../lake/partition.ts';
import type { Mapping } from '../../lake/sql/refine-mapping.ts';
import { statisticsSql } from '../../lake/sql/statistics.ts';
import type { DuckDb, Row } from '../duckdb.ts';

export type Statistics = Pick<RowsObject, 'rows' | 'hash' | 'partitions'>;

/**
 * What a written rows object holds, read back from it: this is what proves it. `ranges` = the `_row`s to look at;
 * all unless given.
 */
export async function readStatistics(
  db: DuckDb,
  path: string,
  mapping: Mapping | undefined,
  ranges?: readonly { readonly from: number; readonly to: number }[],
): Promise<Statistics> {
  const partitions: Record<string, PartitionStatistic> = {};
  let rows = 0;
  let hash = 0n;
  for (const row of await db.rows(statisticsSql(path, mapping, ranges))) {
    const count = { rows: Number(row['rows']), hash: textOf(row, 'hash') ?? '0' };
    rows += count.rows;
    hash += BigInt(count.hash);
    if (!mapping) continue;
    const name = partitionName(mapping.dataset.partition, Number(row['partition']));
    partitions[name] = {
      ...count,
      minTime: isoOf(textOf(row, 'min_us')),
      maxTime: isoOf(textOf(row, 'max_us')),
    };
  }
  return { rows, hash: hash.toString(), partitions };
}

function textOf(row: Row, name: string): string | undefined {
  const value = row[name];
  return typeof value === 'string' ? value : undefined;
}

/** Whole milliseconds as everywhere; microseconds only where there are any. */
function isoOf(microseconds: string | undefined): string | null {
  if (microseconds === undefined) return null;
  const us = BigInt(microseconds);
  const rest = ((us % 1000n) + 1000n) % 1000n;
  const iso = isoInstant(Number((us - rest) / 1000n));
  return rest === 0n ? iso : iso.replace('Z', `${String(rest).padStart(3, '0')}Z`);
}
