import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { merge, visible } from '../../../lake/merge.ts';
import type { Row as DuckRow } from '../../../activities/duckdb.ts';
import { DAYS, PLACE_SQL, commitHistory, history, historySpec, placeText } from '../../support/histories.ts';
import { RowsLake } from '../../support/rows-lake.ts';
import { tmpFolder } from '../../support/tmp.ts';

const PARTITIONS = ['2001-01-01', '2001-01-02'];

test.each(['append', 'latest'] as const)(
  'under %s DuckDB keeps the rows that the core would, and loses none',
  async (rule) => {
    await fc.assert(
      fc.asyncProperty(history, async (commits) => {
        const lake = new RowsLake(historySpec(rule), await tmpFolder());
        const rows = await commitHistory(lake, commits);
        const plan = await lake.plan('payments', PARTITIONS);
        await lake.build('payments', plan);
        const winners = merge(rule, rows);
        for (const partition of PARTITIONS) {
          const build = lake.manifest('payments', plan, partition);
          const own = (one: { key: string }) => DAYS[one.key] === partition;
          const deleted = winners.filter(({ op }) => op === 'D').filter(own);
          expect(places(await lake.rows(build, PLACE_SQL))).toEqual(
            visible(winners).filter(own).map(placeText).toSorted(),
          );
          expect(places(await lake.rows(build, PLACE_SQL, 'tombstones.parquet'))).toEqual(
            deleted.map(placeText).toSorted(),
          );
          for (const role of ['batch', 'speed'] as const) {
            const best = merge(rule, rows.filter((one) => one.role === role).filter(own));
            expect(places(await lake.rows(build, PLACE_SQL, `winners-${role}.parquet`))).toEqual(
              visible(best).map(placeText).toSorted(),
            );
          }
          const { in: given, out, deleted: gone, lost } = build.classes;
          expect(given.rows).toBe(rows.filter(own).length);
          expect(out.rows + gone.rows + lost.rows).toBe(given.rows);
          expect(BigInt(out.hash) + BigInt(gone.hash) + BigInt(lost.hash)).toBe(BigInt(given.hash));
        }
      }),
      { numRuns: 8, interruptAfterTimeLimit: 40_000 },
    );
  },
);

function places(rows: readonly DuckRow[]): string[] {
  return rows.map((row) => String(row['place'])).toSorted();
}
