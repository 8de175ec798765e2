import { type Sha256, canonical, compareText } from './canonical.ts';
import { covers, entryName, isWithin, join, sameCoverage } from './coverage.ts';
import { type EntryFacts, byPartition } from './entry-facts.ts';
import { type LaneId, laneId } from './keys.ts';
import type { FeedUse } from './spec.ts';
import type { Coverage, CoverageObject, EntryRef, Part, PartChunk, ReadMode } from './view.ts';

/** A part that gains more late entries than this from one publish keeps its old coverage instead of listing them. */
const MOST_NEW_LATE = 100;

/** `base` moves only where the chunks written for that alone stay below this, so that a publish costs what it changes. */
const MOST_MOVE_BYTES = 64 * 1024;

export type Parts = Readonly<Record<string, Part>>;

/** A version, resolved: every part of it with the coverage that it accounts for. */
export interface ViewParts {
  readonly base: Coverage;
  readonly parts: Parts;
  /** sha256 → coverage, for every `at` of the parts. */
  readonly coverages: Readonly<Record<string, Coverage>>;
}

export const EMPTY_VIEW: ViewParts = { base: {}, parts: {}, coverages: {} };

export interface PublishedBuild {
  readonly partition: string;
  readonly buildId: string;
  readonly provisional?: true;
}

export function coverageObject(lanes: Coverage): CoverageObject {
  return { format: 1, lanes };
}

/** Names a coverage by its content. */
export function coverageHash(lanes: Coverage, sha256: Sha256): string {
  return sha256(canonical(coverageObject(lanes)));
}

/** The chunk that a partition's part stands in: the first 2 hex digits of its hash. */
export function chunkOf(partition: string, sha256: Sha256): string {
  return sha256(partition).slice(0, 2);
}

/** Chunk → its object, sorted, for all of these parts. */
export function chunksOf(parts: Parts, sha256: Sha256): Readonly<Record<string, PartChunk>> {
  const chunks: Record<string, Record<string, Part>> = {};
  for (const partition of Object.keys(parts).sort(compareText)) {
    const part = parts[partition];
    if (part) (chunks[chunkOf(partition, sha256)] ??= {})[partition] = part;
  }
  return Object.fromEntries(
    Object.entries(chunks).map(([chunk, members]) => [chunk, { format: 1, parts: members }]),
  );
}

/** at(p): what the part of a partition accounts for; a partition without one is empty up to the base. */
export function coverageAt({ base, parts, coverages }: ViewParts, partition: string): Coverage {
  const at = parts[partition]?.at;
  return at === undefined ? base : (coverages[at] ?? {});
}

/** Of the entries with rows of a partition, those that its build used: up to at(p), neither late nor excluded. */
export function usedBy(
  part: Part | undefined,
  at: Coverage,
  entries: readonly EntryFacts[],
  exclude: readonly EntryRef[],
): readonly EntryFacts[] {
  if (part?.build === undefined) return [];
  const unused = new Set([...part.late, ...exclude].map(entryName));
  return entries.filter((entry) => isWithin(at, entry) && !unused.has(entryName(entry)));
}

export interface Advance {
  readonly view: ViewParts;
  readonly builds: readonly PublishedBuild[];
  /** The plan's: each build used all of its partition's entries up to here, but the excluded. */
  readonly coverage: Coverage;
  /** At least every entry beyond the view's base and within `coverage`. */
  readonly entries: readonly EntryFacts[];
  /** Accounted for by being excluded, so never late. */
  readonly exclude: readonly EntryRef[];
}

/**
 * The parts after publishing builds. For every partition, the build and `late` together account for every entry up to
 * its coverage, of tables for those of the current generation, and no coverage shrinks. The base says which generation
 * a version has, so it always moves with one.
 */
export function advance(change: Advance, sha256: Sha256): ViewParts {
  const base = join(change.view.base, change.coverage);
  const moved = place(change, base, sha256);
  if (turns(change, base).size > 0) return moved;
  return moveBytes(change, moved, sha256) < MOST_MOVE_BYTES ? moved : place(change, change.view.base, sha256);
}

function place(change: Advance, base: Coverage, sha256: Sha256): ViewParts {
  const { view, builds, coverage, exclude } = change;
  const excluded = new Set(exclude.map(entryName));
  const turned = turns(change, base);
  const coverages = new Map(Object.entries(view.coverages));
  // Following the base is written by leaving `at` out, so that later moves are free.
  const standing = (at: Coverage): { readonly at?: string } => {
    if (sameCoverage(at, base)) return {};
    const name = coverageHash(at, sha256);
    coverages.set(name, at);
    return { at: name };
  };
  const parts = new Map(Object.entries(view.parts));
  for (const { partition, buildId, provisional } of builds) {
    // What was late before and is beyond the plan stays late: an approved build may be older than the version.
    const late = (view.parts[partition]?.late ?? []).filter((entry) => !isWithin(coverage, entry));
    const at = standing(join(coverage, coverageAt(view, partition)));
    parts.set(partition, { build: buildId, ...at, late, ...(provisional && { provisional }) });
  }
  const built = new Set(builds.map(({ partition }) => partition));
  if (!sameCoverage(base, view.base)) {
    for (const [partition, arrived] of arrivals(change, base)) {
      if (built.has(partition)) continue;
      const part = view.parts[partition] ?? { late: [] };
      if (part.at !== undefined) continue;
      const late = arrived.length > MOST_NEW_LATE ? part.late : [...part.late, ...arrived.map(entryRef)];
      const at = arrived.length > MOST_NEW_LATE ? standing(view.base) : {};
      parts.set(partition, { ...part, ...at, late });
    }
  }
  return {
    base,
    parts: Object.fromEntries([...parts].map(([partition, part]) => [partition, sorted(part)])),
    coverages: Object.fromEntries(coverages),
  };

  function sorted(part: Part): Part {
    const late = part.late.filter(
      (one) => !excluded.has(entryName(one)) && !(part.at === undefined && isGone(one)),
    );
    return { ...part, late: late.sort(inChainOrder) };
  }

  function isGone({ feed, lane, ordinal }: EntryRef): boolean {
    const begun = turned.get(laneId(feed, lane))?.first;
    return begun !== undefined && ordinal < begun;
  }
}

/** Tables of which another generation is current once the base has moved there, with the first entry of that one. */
function turns(
  { view, entries, exclude }: Advance,
  base: Coverage,
): ReadonlyMap<LaneId, { readonly generation: number; readonly first: number }> {
  const excluded = new Set(exclude.map(entryName));
  const fresh = entries.filter((entry) => !isWithin(view.base, entry) && isWithin(base, entry));
  const found = new Map<LaneId, { generation: number; first: number }>();
  for (const { feed, lane, ordinal, table } of fresh) {
    if (!table?.ready || excluded.has(entryName({ feed, lane, ordinal }))) continue;
    const id = laneId(feed, lane);
    if (table.generation > (found.get(id)?.generation ?? 0)) {
      found.set(id, { generation: table.generation, first: ordinal });
    }
  }
  for (const { feed, lane, ordinal, table } of fresh) {
    const one = found.get(laneId(feed, lane));
    if (one && table?.generation === one.generation) one.first = Math.min(one.first, ordinal);
  }
  return found;
}

/** Partition → the entries that a moved base newly accounts for there; of a new generation, its own alone. */
function arrivals(change: Advance, base: Coverage) {
  const { view, entries, exclude } = change;
  const excluded = new Set(exclude.map(entryName));
  const turned = turns(change, base);
  return byPartition(
    entries.filter((entry) => {
      if (isWithin(view.base, entry) || !isWithin(base, entry) || excluded.has(entryName(entry)))
        return false;
      const generation = turned.get(laneId(entry.feed, entry.lane))?.generation;
      return generation === undefined || entry.table?.generation === generation;
    }),
  );
}

/** Bytes of the chunks that change only because the base moves. */
function moveBytes({ view, builds }: Advance, moved: ViewParts, sha256: Sha256): number {
  const built = new Set(builds.map(({ partition }) => partition));
  const touched = new Set<string>();
  for (const [partition, part] of Object.entries(moved.parts)) {
    if (built.has(partition) || canonical(part) === canonical(view.parts[partition])) continue;
    touched.add(chunkOf(partition, sha256));
  }
  const chunks = chunksOf(moved.parts, sha256);
  return [...touched].reduce((bytes, chunk) => bytes + canonical(chunks[chunk]).length, 0);
}

export interface ReadPart {
  readonly mode: ReadMode;
  readonly part: Part | undefined;
  /** at(p). */
  readonly at: Coverage;
  readonly heads: Coverage;
  readonly exclude: readonly EntryRef[];
  readonly feeds: Readonly<Record<string, FeedUse>>;
  /** Entries with rows of the partition, of tables in the version's generation: the late ones and those beyond at(p). */
  readonly entries: readonly EntryFacts[];
}

/**
 * What serves a partition. Settled: its build alone. Live: also its late entries and those beyond at(p), of feeds
 * visible at commit; what takes rows back, is excluded, or lacks an entry that it needs is not read.
 */
export function entriesToRead({ mode, part, at, heads, exclude, feeds, entries }: ReadPart): {
  readonly build: string | undefined;
  readonly entries: readonly EntryFacts[];
} {
  const build = part?.build;
  if (mode === 'settled') return { build, entries: [] };
  const late = new Set((part?.late ?? []).map(entryName));
  const excluded = new Set(exclude.map(entryName));
  const live = entries.filter(
    (entry) =>
      (late.has(entryName(entry)) || !isWithin(at, entry)) &&
      isWithin(heads, entry) &&
      feeds[entry.feed]?.visible === 'commit' &&
      !entry.retracts &&
      !excluded.has(entryName(entry)) &&
      covers(heads, entry.needs),
  );
  return { build, entries: live.sort(inChainOrder) };
}

export function entryRef({ feed, lane, ordinal }: EntryRef): EntryRef {
  return { feed, lane, ordinal };
}

export function inChainOrder(a: EntryRef, b: EntryRef): number {
  return compareText(a.feed, b.feed) || a.lane - b.lane || a.ordinal - b.ordinal;
}
