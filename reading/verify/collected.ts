import { type Entry, type ItemRetraction, isOfItem } from '../../lake/entry.ts';
import { partitionName } from '../../lake/partition.ts';
import type { DatasetSpec } from '../../lake/spec.ts';
import { partitionsHold } from '../../lake/statistics.ts';
import { sha256 } from './chains.ts';
import type { Lane, Means } from './means.ts';
import { hashSum, tableOf, text } from './rows.ts';
import { shown } from './sides.ts';

/** What holds of all rows of a dataset, whatever was built from them. */
export async function verifyCollected(
  name: string,
  dataset: DatasetSpec,
  lanes: readonly Lane[],
  means: Means,
): Promise<void> {
  const { db, findings } = means;
  const table = tableOf(name);
  const stray = await db.rows(`SELECT feed, lane, ordinal::INTEGER AS ordinal, count(*)::INTEGER AS n,
    count(*) FILTER (generation IS NULL)::INTEGER AS unknown FROM ${table}
    WHERE partition_no IS NULL OR generation IS NULL GROUP BY ALL ORDER BY ALL`);
  for (const { feed, lane, ordinal, n, unknown } of stray) {
    const what =
      Number(unknown) > 0 ? 'are of channels that the entry does not name' : 'belong to no partition';
    findings.add(
      'wrongRows',
      `${String(feed)}/${String(lane)}/${String(ordinal)}`,
      `${String(n)} of its rows ${what}`,
    );
  }
  const twice = await db.rows(`SELECT channel, position, count(*)::INTEGER AS n,
      string_agg(feed || '/' || lane || '/' || ordinal, ', ' ORDER BY lane, ordinal) AS entries
    FROM ${table} WHERE channel IS NOT NULL GROUP BY feed, channel, position HAVING count(*) > 1 ORDER BY ALL LIMIT 100`);
  for (const { channel, position, n, entries } of twice)
    findings.add(
      'twice',
      String(entries),
      `record ${String(position)} of ${String(channel)} was collected ${String(n)} times`,
    );
  for (const { entries } of lanes)
    for (const { key, value } of entries)
      for (const retraction of (value.retracts ?? []).filter(isOfItem))
        if (namesHold(value, dataset, means))
          await verifyRetraction(name, dataset, retraction, { key, entry: value, lanes }, means);
}

/** Are the partitions that it names those of the dataset as readers have it? */
function namesHold({ feed, spec }: Entry, dataset: DatasetSpec, means: Means): boolean {
  const then = means.specs[spec - 1];
  return then === undefined || partitionsHold(feed, then, { lake: means.spec, dataset }, sha256);
}

interface Retracting {
  readonly key: string;
  readonly entry: Entry;
  readonly lanes: readonly Lane[];
}

/** What an entry takes back was collected before, and each partition loses what it says. */
async function verifyRetraction(
  name: string,
  dataset: DatasetSpec,
  retraction: ItemRetraction,
  { key, entry, lanes }: Retracting,
  { db, findings }: Means,
): Promise<void> {
  const { feed, lane, ordinal, item } = retraction;
  const of = lanes
    .find((one) => one.feed === feed && one.lane === lane)
    ?.entries.find(({ value }) => value.ordinal === ordinal);
  if (!of || (feed === entry.feed && lane === entry.lane && ordinal >= entry.ordinal))
    findings.add(
      'altered',
      key,
      `takes back ${JSON.stringify(item)} of ${feed}/${lane}/${ordinal}, which is no entry before it`,
    );
  const counted = await db.rows(`SELECT partition_no AS p, count(*)::INTEGER AS n, ${hashSum('hash')} AS h
    FROM ${tableOf(name)} WHERE ${retractedSql([retraction])} GROUP BY p`);
  const lost = new Map(
    counted.map((row) => [
      partitionName(dataset.partition, Number(row['p'])),
      { rows: Number(row['n']), hash: String(row['h']) },
    ]),
  );
  const nothing = { rows: 0, hash: '0' };
  for (const partition of new Set([...lost.keys(), ...Object.keys(retraction.partitions)])) {
    const is = lost.get(partition) ?? nothing;
    const said = retraction.partitions[partition] ?? nothing;
    if (is.rows !== said.rows || is.hash !== said.hash)
      findings.add(
        'wrongCount',
        key,
        `takes of ${partition} ${shown(is)} back, with ${JSON.stringify(item)}; it says ${shown(said)}`,
      );
  }
}

/** True for rows that were taken back. */
export function retractedSql(retractions: readonly ItemRetraction[]): string {
  const spans = retractions.flatMap(({ feed, lane, ordinal, spans: own }) =>
    own.map(
      ({ object, firstRow, records }) =>
        `(feed = ${text(feed)} AND lane = ${lane} AND ordinal = ${ordinal} AND object = ${object} AND row_no BETWEEN ${firstRow} AND ${firstRow + records - 1})`,
    ),
  );
  return spans.length === 0 ? 'false' : `(${spans.join(' OR ')})`;
}
