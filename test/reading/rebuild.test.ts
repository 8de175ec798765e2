import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { withDuckDb } from '../../activities/duckdb.ts';
import { merge, visible } from '../../lake/merge.ts';
import type { ReadMode } from '../../lake/view.ts';
import { makeStamp } from '../../reading/stamp.ts';
import { openView, viewHash } from '../../reading/view.ts';
import { PLACE_SQL, commitHistory, history, historySpec, placeText } from '../support/histories.ts';
import { RowsLake } from '../support/rows-lake.ts';
import { tmpFolder } from '../support/tmp.ts';

const PARTITIONS = ['2001-01-01', '2001-01-02'];

async function read(lake: RowsLake, mode: ReadMode) {
  const signal = AbortSignal.timeout(60_000);
  const { store, ledger, spec, scratch } = lake;
  const stamp = await makeStamp(
    { store, ledger, spec: { n: 1, spec }, mode, datasets: ['payments'] },
    signal,
  );
  return withDuckDb({ memoryMb: 256, threads: 1, scratch }, async (db) => {
    const ports = { store, ledger, cache: join(scratch, 'cache') };
    const view = await openView(ports, db, { stamp, dataset: 'payments' }, signal);
    const rows = await db.rows(`SELECT ${PLACE_SQL} FROM "payments$rows"`);
    return { hash: await viewHash(db, view), places: rows.map((row) => String(row['place'])).toSorted() };
  });
}

test.each(['append', 'latest'] as const)(
  'under %s a live read is what a rebuild would serve, wherever the builds stop and whatever they left out',
  async (rule) => {
    await fc.assert(
      fc.asyncProperty(
        history,
        fc.nat(3),
        fc.subarray(PARTITIONS, { minLength: 1 }),
        async (commits, at, built) => {
          const lake = new RowsLake(historySpec(rule, 'commit'), await tmpFolder());
          const before = await commitHistory(lake, commits.slice(0, at));
          const first = await lake.plan('payments', built);
          await lake.build('payments', first);
          await lake.publish('payments', first);
          const after = await commitHistory(lake, commits.slice(at));
          // Some of what came since is accounted for by a version that built another partition: it is late.
          const second = await lake.plan('payments', built.slice(1));
          await lake.build('payments', second);
          await lake.publish('payments', second);

          const live = await read(lake, 'live');
          expect(live.places).toEqual(
            visible(merge(rule, before, after))
              .map(placeText)
              .toSorted(),
          );
          const whole = await lake.plan('payments', PARTITIONS);
          await lake.build('payments', whole);
          await lake.publish('payments', whole);
          expect(await read(lake, 'settled')).toEqual(live);
          expect(await read(lake, 'live')).toEqual(live);
        },
      ),
      { numRuns: 8, interruptAfterTimeLimit: 40_000 },
    );
  },
);
