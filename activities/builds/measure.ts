import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { heartbeat } from '@temporalio/activity';
import type { Entry, ObjectStatistics, RowsObject, SideStatistics } from '../../lake/entry.ts';
import { type LaneId, keys, laneId } from '../../lake/keys.ts';
import { instantMs } from '../../lake/instant.ts';
import { feedColumns } from '../../lake/spec.ts';
import { type DatasetUnder, sideHash } from '../../lake/statistics.ts';
import type { Mapping } from '../../lake/sql/refine-mapping.ts';
import { unfitSql } from '../../lake/sql/unfit.ts';
import { literal } from '../../lake/sql/text.ts';
import type { Coverage } from '../../lake/view.ts';
import { readStatistics } from '../refine/statistics.ts';
import { createOnce } from '../objects/commit.ts';
import { fetchFile } from '../objects/fetch.ts';
import { encode, sha256Hex } from '../objects/json.ts';
import { statisticsUnder } from '../objects/statistics.ts';
import type { BuildPorts } from './activities.ts';
import type { Work } from './scratch.ts';

/** Entries read between two heartbeats. */
const RUN = 500;
const MOST_EXAMPLES = 3;

export interface Measured {
  /** Every entry up to here is counted, or needed no count. */
  readonly coverage: Coverage;
  /** Entries that were counted now. */
  readonly entries: number;
  readonly rows: number;
}

/**
 * Count the rows of every entry that a dataset takes and that was collected for another mapping: each in one object of
 * its own, made once.
 */
export async function measure(
  { store, ledger }: Pick<BuildPorts, 'store' | 'ledger'>,
  { db, folder, signal }: Work,
  under: DatasetUnder,
): Promise<Measured> {
  const watch = { signal, onProgress: () => heartbeat() };
  const statistics = statisticsUnder(ledger, under, signal);
  const coverage: Record<LaneId, number> = {};
  let entries = 0;
  let rows = 0;
  for (const feed of Object.keys(under.dataset.feeds)) {
    for (const lane of await ledger.lanes(feed, signal)) {
      const head = (await ledger.head(feed, lane, signal))?.n ?? 0;
      for (let from = 1; from <= head; from += RUN) {
        const links = await ledger.range(feed, lane, from, Math.min(head, from + RUN - 1), signal);
        for (const { value } of links) {
          if (await statistics.find(value)) continue;
          await count(value, statistics.sideKey(value));
          entries += 1;
          rows += value.rows.reduce((sum, object) => sum + object.rows, 0);
        }
        heartbeat();
      }
      coverage[laneId(feed, lane)] = head;
    }
  }
  return { coverage, entries, rows };

  /** Whoever counts the same rows again finds the same: of two attempts either's object is right. */
  async function count(entry: Entry, key: string): Promise<void> {
    const { feed, lane, ordinal } = entry;
    const objects: ObjectStatistics[] = [];
    for (const object of entry.rows) objects.push(await countObject(entry, object));
    const hash = sideHash(under, feed, sha256Hex);
    const side: SideStatistics = { format: 1, feed, lane, ordinal, under: hash, objects };
    await createOnce(store, key, encode(side), signal);
  }

  async function countObject(entry: Entry, object: RowsObject): Promise<ObjectStatistics> {
    const { feed, lane, ordinal, committedAt } = entry;
    const use = under.dataset.feeds[feed];
    if (!use || object.rows === 0) return { partitions: {} };
    const path = join(folder, 'measured.parquet');
    await fetchFile(store, { ...object, namedBy: keys.entry(feed, lane, ordinal) }, path, watch);
    try {
      const described = await db.rows(`DESCRIBE SELECT * FROM read_parquet(${literal(path)})`);
      const present = new Set(described.map(({ column_name: name }) => String(name)));
      // A column that the feed has only since is null in rows from before.
      const columns = feedColumns(under.lake, feed);
      const mapping: Mapping = {
        dataset: under.dataset,
        use,
        columns: Object.fromEntries(Object.entries(columns).filter(([name]) => present.has(name))),
      };
      // As they were collected: what was no time from the future then is none now.
      const nowUs = (instantMs(committedAt) ?? 0) * 1000;
      const problems = unfitSql(path, { ...mapping, declared: columns }, nowUs, MOST_EXAMPLES);
      const found = problems === undefined ? [] : await db.rows(problems.sql);
      const unfit = Number(found[0]?.['total'] ?? 0);
      if (unfit === 0) return { partitions: (await readStatistics(db, path, mapping)).partitions };
      const examples = found.map(
        ({ n, why, found: value }) =>
          `row ${Number(n)}: ${problems?.explain(Number(why), typeof value === 'string' ? value : 'NULL')}`,
      );
      return { partitions: {}, unfit: { rows: unfit, examples } };
    } finally {
      await rm(path, { force: true });
    }
  }
}
