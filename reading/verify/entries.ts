import { rm } from 'node:fs/promises';
import type { Entry, EntryItem, PartitionStatistic, RowsObject, SideStatistics } from '../../lake/entry.ts';
import { keys } from '../../lake/keys.ts';
import { datasetOf, feedColumns } from '../../lake/spec.ts';
import { type DatasetUnder, sideHash, statisticsHold } from '../../lake/statistics.ts';
import { readJson, sha256 } from './chains.ts';
import { LaneStory } from './lane-story.ts';
import type { Lane, Means } from './means.ts';
import { fetchNamed, verifyNamed, verifyRejected } from './objects.ts';
import type { Findings } from './report.ts';
import { type Count, type ItemCount, type Served, countItems, countRows, loadRows } from './rows.ts';
import { shown, statisticsOf } from './sides.ts';
import { TableStory } from './table-story.ts';
import { isTableLane, verifyTakenBack } from './tables.ts';

const NOTHING: ItemCount = { rows: 0, even: 0 };

export interface LaneCount {
  objects: number;
  rows: number;
  rejected: number;
}

/** Hold every entry of a lane against the objects it names; its rows land in the table of the feed's dataset. */
export async function verifyLane(lane: Lane, means: Means): Promise<LaneCount> {
  const { findings, signal } = means;
  const story = new LaneStory(findings);
  const table = isTableLane(lane) ? new TableStory(findings) : undefined;
  const count: LaneCount = { objects: 0, rows: 0, rejected: 0 };
  for (const { key, value: entry } of lane.entries) {
    signal.throwIfAborted();
    if (key !== keys.entry(entry.feed, entry.lane, entry.ordinal))
      findings.add(
        'altered',
        key,
        `says it is entry ${entry.ordinal} of ${entry.feed}/${entry.lane}: it stands under another name`,
      );
    if (!(entry.spec >= 1 && entry.spec <= means.specs.length))
      findings.add('missing', keys.spec(entry.spec), `is not in the bucket, but ${key} names it`);
    try {
      const items = await itemsOf(entry, key, means);
      story.add(entry, items, key);
      table?.add(entry, items ?? [], key);
      await verifyEntry(entry, items, key, count, means);
    } catch (error) {
      // An edited entry may lack anything; what the store says is another matter.
      if (!(error instanceof TypeError)) throw error;
      findings.add('altered', key, `is no entry as Tributary writes it: ${error.message}`);
    }
  }
  if (table) await verifyTakenBack(lane, means);
  return count;
}

async function verifyEntry(
  entry: Entry,
  items: readonly EntryItem[] | undefined,
  key: string,
  count: LaneCount,
  means: Means,
): Promise<void> {
  for (const raw of entry.raw) await verifyNamed(keyOf(raw.uri), raw, key, means);
  const ofItems = new Map<number, ItemCount>();
  for (const [index, rows] of entry.rows.entries()) {
    await verifyRows({ entry, rows, index, items: items ?? [], key, ofItems }, means);
    count.rows += rows.rows;
  }
  for (const { no, item, rows = 0, rejected = 0, spans = [] } of items ?? []) {
    const is = ofItems.get(no) ?? NOTHING;
    if (is.rows !== rows)
      means.findings.add(
        'wrongCount',
        key,
        `item ${JSON.stringify(item)} has ${is.rows} rows in its spans, and says ${rows}`,
      );
    // Each record of a landing has two numbers of `_row`: the framer counted those, DuckDB made the rows.
    const records = spans.reduce((sum, span) => sum + span.records, 0) / 2;
    if (entry.channels && spans.length > 0 && is.even + rejected !== records)
      means.findings.add(
        'wrongCount',
        key,
        `item ${JSON.stringify(item)} has ${records} records by its spans; ${is.even} became rows and ${rejected} are in quarantine`,
      );
  }
  for (const rejected of entry.rejected) {
    await verifyRejected(rejected, key, means);
    count.rejected += rejected.rows;
  }
  count.objects += entry.raw.length + entry.rows.length + entry.rejected.length;
}

async function itemsOf(
  { items, itemsIn }: Entry,
  key: string,
  { store, findings, signal }: Means,
): Promise<readonly EntryItem[] | undefined> {
  if (!itemsIn) return items;
  const expected = { sha256: itemsIn.sha256, namedBy: key };
  const side = await readJson<{ items: readonly EntryItem[] }>(
    store,
    itemsIn.key,
    expected,
    findings,
    signal,
  );
  return side?.items;
}

interface RowsToVerify {
  readonly entry: Entry;
  readonly rows: RowsObject;
  readonly index: number;
  readonly items: readonly EntryItem[];
  readonly key: string;
  /** Item number → rows found in its spans; added to here. */
  readonly ofItems: Map<number, ItemCount>;
}

async function verifyRows(
  { entry, rows, index, items, key, ofItems }: RowsToVerify,
  means: Means,
): Promise<void> {
  const { findings, db, signal } = means;
  const path = await fetchNamed(rows.key, rows, key, means);
  if (path === undefined) return;
  const spec = means.specs[entry.spec - 1];
  const had = spec && feedColumns(spec, entry.feed);
  const loaded = { path, entry, object: index, items, ...(had && { had }) };
  try {
    const counted = await countRows(db, path);
    if (counted.rows !== rows.rows || counted.hash !== rows.hash)
      findings.add('wrongCount', rows.key, `holds ${shown(counted)}; ${key} says ${shown(rows)}`);
    for (const [no, { rows: more, even }] of await countItems(db, loaded)) {
      const before = ofItems.get(no) ?? NOTHING;
      ofItems.set(no, { rows: before.rows + more, even: before.even + even });
    }
    const served = servedBy(entry.feed, means);
    if (!served) return;
    const under = { lake: means.spec, dataset: served.dataset };
    const holds = statisticsHold({ feed: entry.feed, mapping: rows.mapping, spec }, under, sha256);
    const side = holds || rows.rows === 0 ? undefined : await sideOf(entry, under, means);
    const aside = side?.value.objects[index];
    if (!holds && rows.rows > 0 && (!aside || aside.unfit) && isOfOtherEpoch(entry, served.name, means)) {
      means.uncounted.set(served.name, (means.uncounted.get(served.name) ?? 0) + rows.rows);
      return;
    }
    const partitions = await loadRows(db, loaded, served);
    const said = holds ? await statisticsOf(rows, key, means) : aside?.partitions;
    if (said) comparePartitions(partitions, said, rows.key, side?.key ?? key, findings);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TypeError) throw error;
    findings.add('wrongBytes', rows.key, `cannot be read as rows: ${firstLine(error)}`);
  } finally {
    await rm(path, { force: true });
  }
}

/** What the entry's rows were counted to be under the dataset's mapping; `undefined` where nobody did. */
async function sideOf(entry: Entry, under: DatasetUnder, { store, signal }: Means) {
  const key = keys.statistics(entry.feed, entry.lane, entry.commit, sideHash(under, entry.feed, sha256));
  const bytes = await store.get(key, signal);
  return bytes && { key, value: JSON.parse(Buffer.from(bytes).toString()) as SideStatistics };
}

function isOfOtherEpoch({ spec }: Entry, dataset: string, { specs, epochs }: Means): boolean {
  return (specs[spec - 1]?.epochs[dataset] ?? 1) !== (epochs.get(dataset) ?? 1);
}

function servedBy(feed: string, { spec }: Means): Served | undefined {
  const found = datasetOf(spec, feed);
  return found && { ...found, columns: feedColumns(spec, feed) };
}

function comparePartitions(
  counted: Readonly<Record<string, Count>>,
  said: Readonly<Record<string, PartitionStatistic>>,
  where: string,
  key: string,
  findings: Findings,
): void {
  const nothing = { rows: 0, hash: '0' };
  for (const partition of new Set([...Object.keys(counted), ...Object.keys(said)])) {
    const is = counted[partition] ?? nothing;
    const was = said[partition] ?? nothing;
    if (is.rows === was.rows && is.hash === was.hash) continue;
    findings.add('wrongCount', where, `holds of ${partition} ${shown(is)}; ${key} says ${shown(was)}`);
  }
}

/** A raw object's key: its `uri` is the key itself, or `s3://<bucket>/<key>`. */
function keyOf(uri: string): string {
  return uri.replace(/^s3:\/\/[^/]+\//, '');
}

export function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
