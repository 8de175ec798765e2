import type { Ledger } from '../activities/objects/ledger.ts';
import { statisticsUnder } from '../activities/objects/statistics.ts';
import { type WantedEntry, entriesOf } from '../activities/objects/wanted.ts';
import { entryName, isWithin, join, lanesOf, reach } from '../lake/coverage.ts';
import { type EntryFacts, byPartition, entryFacts } from '../lake/entry-facts.ts';
import type { Entry, PartitionStatistics } from '../lake/entry.ts';
import { type LaneId, keys, laneId, parseLaneId } from '../lake/keys.ts';
import { type ViewParts, coverageAt, entriesToRead } from '../lake/parts.ts';
import { tableFacts } from '../lake/table-lane.ts';
import type { DatasetSpec, LakeSpec } from '../lake/spec.ts';
import type { Coverage, Stamp, ViewVersion } from '../lake/view.ts';
import { QueryRefused } from './ports.ts';

/** The entries that a live read takes beside the builds, each with the partitions it takes it for. */
export async function liveEntries(
  ledger: Ledger,
  spec: Pick<LakeSpec, 'sources'>,
  dataset: DatasetSpec,
  view: ViewVersion | undefined,
  resolved: ViewParts,
  { heads }: Pick<Stamp, 'heads'>,
  isAsked: (partition: string) => boolean,
  signal: AbortSignal,
): Promise<WantedEntry[]> {
  const entries = new Map<string, Entry>();
  const facts: EntryFacts[] = [];
  const known = statisticsUnder(ledger, { lake: spec, dataset }, signal);
  const accounted = accountedFor(resolved);
  for (const id of lanesOf(heads)) {
    const { feed, lane } = parseLaneId(id) ?? { feed: '', lane: 0 };
    if (dataset.feeds[feed]?.visible !== 'commit') continue;
    const found = await entriesOf(ledger, feed, lane, ordinalsOf(id), signal);
    const generation = await generationOf(id, found);
    for (const entry of found) {
      // Of a table the version's generation alone: a later one comes with a version, whole.
      if ((tableFacts(entry)?.generation ?? generation) !== generation) continue;
      const statistics = await statisticsOf(entry);
      if (!statistics) continue;
      entries.set(`${id}/${entry.ordinal}`, entry);
      facts.push(entryFacts(entry, statistics));
    }
  }
  const wanted = new Map<string, Map<string, { excluded: false }>>();
  for (const [partition, own] of byPartition(facts)) {
    if (!isAsked(partition)) continue;
    const chosen = entriesToRead({
      mode: 'live',
      part: resolved.parts[partition],
      at: coverageAt(resolved, partition),
      heads,
      exclude: view?.exclude ?? [],
      feeds: dataset.feeds,
      entries: own,
    });
    for (const { feed, lane, ordinal } of chosen.entries) {
      const name = `${laneId(feed, lane)}/${ordinal}`;
      const partitions = wanted.get(name) ?? new Map<string, { excluded: false }>();
      wanted.set(name, partitions.set(partition, { excluded: false }));
    }
  }
  return [...wanted].flatMap(([name, partitions]) => {
    const entry = entries.get(name);
    return entry ? [{ entry, partitions, retracted: [] }] : [];
  });

  /** Partitions of each rows object; `undefined` for what comes with a version alone. */
  async function statisticsOf(entry: Entry): Promise<readonly PartitionStatistics[] | undefined> {
    let holds = true;
    for (const rows of entry.rows) if (rows.rows > 0) holds &&= await known.isMapped(entry, rows);
    // Whoever reads by the same stamp later must find the same: a count that may come yet is not looked for.
    if (holds || isWithin(accounted, entry))
      return (await known.of(entry)).map(({ partitions }) => partitions);
    const collected = await ledger.specOf(entry.spec, signal);
    if (view && collected && (collected.epochs[view.dataset] ?? 1) !== view.datasetEpoch) return undefined;
    // Its statistics say nothing of this dataset's partitions: no rows would be fewer than there are.
    throw otherMapping(entry);
  }

  /** Of a table: that of the last entry within the version's base, or else the first that is whole. */
  async function generationOf(id: LaneId, found: readonly Entry[]): Promise<number | undefined> {
    const { feed, lane } = parseLaneId(id) ?? { feed: '', lane: 0 };
    const last = reach(resolved.base, id);
    if (last > 0) {
      const [link] = await ledger.range(feed, lane, last, last, signal);
      return link && tableFacts(link.value)?.generation;
    }
    const barred = new Set((view?.exclude ?? []).map(entryName));
    const first = found.find(
      (entry) => tableFacts(entry)?.ready && isWithin(heads, entry) && !barred.has(entryName(entry)),
    );
    return first && tableFacts(first)?.generation;
  }

  /** Late ones, and all beyond the least that a part accounts for. */
  function ordinalsOf(id: keyof Coverage): number[] {
    const parts = Object.entries(resolved.parts);
    const reaches = parts.map(([partition]) => reach(coverageAt(resolved, partition), id));
    const from = Math.min(reach(resolved.base, id), ...reaches);
    const late = parts.flatMap(([, part]) =>
      part.late.filter(({ feed, lane }) => laneId(feed, lane) === id).map(({ ordinal }) => ordinal),
    );
    const head = reach(heads, id);
    const beyond = Array.from({ length: Math.max(0, head - from) }, (_, n) => from + 1 + n);
    return [...new Set([...late, ...beyond])];
  }
}

/** Everything that some part of the version, or its base, accounts for. */
function accountedFor(resolved: ViewParts): Coverage {
  return Object.keys(resolved.parts).reduce(
    (all, partition) => join(all, coverageAt(resolved, partition)),
    resolved.base,
  );
}

function otherMapping({ feed, lane, ordinal }: Entry) {
  return new QueryRefused(
    `${keys.entry(feed, lane, ordinal)} was collected under another mapping than the spec's, and is read once a version has it; right would be to ask again then, or \`--settled\` for what was published before`,
  );
}
