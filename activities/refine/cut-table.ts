import type { DuckDb } from '../duckdb.ts';

/** A table `cut` has the numbers, as `n`, of the records that framing cut out. */
export async function makeCutTable(db: DuckDb, rows: readonly number[]): Promise<void> {
  await db.run('CREATE OR REPLACE TEMP TABLE cut (n BIGINT)');
  for (let at = 0; at < rows.length; at += 10_000) {
    await db.run(`INSERT INTO cut SELECT unnest([${rows.slice(at, at + 10_000).join(', ')}])`);
  }
}
