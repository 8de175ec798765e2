import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { KnownItem } from '../../lake/chain.ts';
import type { Retraction } from '../../lake/entry.ts';
import type { DuckDb } from '../duckdb.ts';
import { failure } from '../failure.ts';
import { readStatistics } from '../refine/statistics.ts';
import type { SourceContext } from './context.ts';

/** What each partition loses with these versions, counted in the rows objects that hold them. */
export async function retractionsOf(
  context: SourceContext,
  {
    db,
    scratch,
    retracted,
  }: { readonly db: DuckDb; readonly scratch: string; readonly retracted: readonly KnownItem[] },
): Promise<readonly Retraction[]> {
  const retractions: Retraction[] = [];
  for (const known of retracted) retractions.push(await retractionOf(context, { db, scratch, known }));
  return retractions;
}

async function retractionOf(
  context: SourceContext,
  { db, scratch, known }: { readonly db: DuckDb; readonly scratch: string; readonly known: KnownItem },
): Promise<Retraction> {
  const { ledger, store, feed, mapping, signal, onProgress } = context;
  const { item, version, ordinal, spans = [] } = known;
  const [link] = await ledger.range(feed, 0, ordinal, ordinal, signal);
  const partitions: Record<string, { rows: number; hash: string }> = {};
  for (const object of new Set(spans.map((span) => span.object))) {
    const rows = link?.value.rows[object];
    const file = path.join(scratch, 'retracted.parquet');
    const found = rows && (await store.getToFile(rows.key, file, { signal, onProgress }));
    if (!rows || !found)
      throw failure(
        'ObjectMissing',
        `${rows?.key ?? `object ${object}`}: entry ${ordinal} of ${feed}/0 names it`,
      );
    if (`sha256:${found.sha256}` !== rows.checksum)
      throw failure(
        'ChecksumMismatch',
        `${rows.key} holds sha256:${found.sha256}; right would be ${rows.checksum}`,
      );
    const ranges = spans
      .filter((span) => span.object === object)
      .map(({ firstRow, records }) => ({ from: firstRow, to: firstRow + records - 1 }));
    const { partitions: lost } = await readStatistics(db, file, mapping, ranges);
    for (const [name, { rows: count, hash }] of Object.entries(lost)) {
      const before = partitions[name] ?? { rows: 0, hash: '0' };
      partitions[name] = { rows: before.rows + count, hash: (BigInt(before.hash) + BigInt(hash)).toString() };
    }
    await rm(file);
  }
  return { feed, lane: 0, item, version, ordinal, spans, partitions };
}
