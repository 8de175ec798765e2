import type { Sha256 } from './canonical.ts';
import { entryName, lanesOf, reach } from './coverage.ts';
import type { EntryFacts } from './entry-facts.ts';
import { type Generations, changedBetween } from './generations.ts';
import { type LaneId, laneId } from './keys.ts';
import { type ViewParts, coverageAt, coverageHash, usedBy } from './parts.ts';
import type { EntryRef, Exclusion, Part, ViewVersion } from './view.ts';

export interface ResolvedVersion {
  readonly version: ViewVersion;
  readonly view: ViewParts;
  /** Of each table, the generation that it has: that of the last entry within its base. */
  readonly generations: Generations;
}

export interface RollbackInput {
  readonly head: ResolvedVersion;
  readonly to: ResolvedVersion;
  /** Absent: every partition of either version. */
  readonly partitions: readonly string[] | undefined;
  /** What is kept out from here on, beside what is already. */
  readonly exclude: readonly Exclusion[];
  /** Facts of these, and of what the head excludes already. */
  readonly barred: readonly EntryFacts[];
  readonly pin: boolean;
  /** False where columns came between the specs of the two: what builds make of rows is not the same. */
  readonly isMappedAlike: boolean;
}

export type Rollback =
  | { readonly kind: 'refused'; readonly reason: string }
  | {
      readonly kind: 'ok';
      readonly view: ViewParts;
      readonly change: Pick<
        ViewVersion,
        'datasetEpoch' | 'spec' | 'contract' | 'exclude' | 'pinned' | 'flagged'
      >;
    };

/** Serve an earlier version's parts again, each with that version's coverage of it. All else stays as it is. */
export function rollBack(
  { head, to, partitions, exclude, barred, pin, isMappedAlike }: RollbackInput,
  sha256: Sha256,
): Rollback {
  if (!pin && exclude.length === 0) {
    return refused('without pin or exclude the next plan would bring back what is rolled back: give one');
  }
  const isOtherContract =
    !isMappedAlike ||
    head.version.contract !== to.version.contract ||
    head.version.datasetEpoch !== to.version.datasetEpoch;
  if (isOtherContract && partitions !== undefined) {
    return refused(
      `version ${to.version.n} has another contract or mapping than version ${head.version.n}: all partitions go back together, name none`,
    );
  }
  const all = [...new Set([...Object.keys(head.view.parts), ...Object.keys(to.view.parts)])].sort();
  const unknown = partitions?.find((partition) => !all.includes(partition));
  if (unknown !== undefined) {
    return refused(`${unknown} is in neither version ${head.version.n} nor version ${to.version.n}`);
  }
  const isOtherEpoch = head.version.datasetEpoch !== to.version.datasetEpoch;
  // Names of partitions are those of an epoch, and nothing of another one is to serve beside them.
  const going = isOtherEpoch ? Object.keys(to.view.parts).sort() : [...new Set(partitions ?? all)];
  const crossed = changedBetween(head.generations, to.generations);
  if (crossed.length > 0 && partitions !== undefined) {
    return refused(
      `version ${to.version.n} has another generation of ${crossed.join(', ')} than version ${head.version.n}: all partitions go back together, name none`,
    );
  }
  const view = isOtherEpoch ? to.view : restored(head.view, to.view, going, crossed, sha256);
  // What a part used is told by what its own version excluded.
  const generations = crossed.length > 0 || isOtherEpoch ? to.generations : head.generations;
  const reason = usingExcluded(view, barred, generations, (partition) =>
    going.includes(partition) ? to.version.exclude : head.version.exclude,
  );
  if (reason !== undefined) return refused(reason);
  const source = isOtherContract ? to.version : head.version;
  const gone = new Set(going);
  const flags = (version: ViewVersion, keep: (partition: string) => boolean) =>
    Object.entries(version.flagged).filter(([partition]) => keep(partition));
  const kept = isOtherEpoch ? [] : head.version.pinned;
  return {
    kind: 'ok',
    view,
    change: {
      datasetEpoch: source.datasetEpoch,
      spec: source.spec,
      contract: source.contract,
      exclude: distinct([...head.version.exclude, ...exclude]),
      pinned: pin ? [...new Set([...kept, ...going])].sort() : kept,
      flagged: Object.fromEntries([
        ...flags(head.version, (partition) => !isOtherEpoch && !gone.has(partition)),
        ...flags(to.version, (partition) => gone.has(partition)),
      ]),
    },
  };
}

/** Of tables whose generation changes, the base goes along: it says which one a version has. */
function restored(
  head: ViewParts,
  to: ViewParts,
  going: readonly string[],
  crossed: readonly LaneId[],
  sha256: Sha256,
): ViewParts {
  const parts: Record<string, Part> = { ...head.parts };
  const coverages: Record<string, ViewParts['base']> = { ...head.coverages };
  for (const partition of going) {
    const at = coverageAt(to, partition);
    const name = coverageHash(at, sha256);
    coverages[name] = at;
    parts[partition] = { ...(to.parts[partition] ?? { late: [] }), at: name };
  }
  if (crossed.length === 0) return { base: head.base, parts, coverages };
  const lanes = [...new Set([...lanesOf(head.base), ...crossed])].map(
    (lane) => [lane, reach(crossed.includes(lane) ? to.base : head.base, lane)] as const,
  );
  return { base: Object.fromEntries(lanes.filter(([, last]) => last > 0)), parts, coverages };
}

/** A version never excludes what one of its builds used. */
function usingExcluded(
  view: ViewParts,
  barred: readonly EntryFacts[],
  generations: Generations,
  excludedBefore: (partition: string) => readonly EntryRef[],
): string | undefined {
  const found: string[] = [];
  for (const entry of barred) {
    const { feed, lane, table } = entry;
    // What is of another generation than the version's, no build of it used.
    if (table !== null && table.generation !== generations.get(laneId(feed, lane))) continue;
    if (table?.ready)
      found.push(`every build has generation ${table.generation}, which ${entryName(entry)} made whole`);
    for (const partition of Object.keys(entry.partitions)) {
      const at = coverageAt(view, partition);
      const used = usedBy(view.parts[partition], at, [entry], excludedBefore(partition));
      if (used.length > 0) found.push(`the build of ${partition} used ${entryName(entry)}`);
    }
  }
  if (found.length === 0) return undefined;
  const shown = found.slice(0, 5).join('; ');
  return `${shown}${found.length > 5 ? `; and ${found.length - 5} more` : ''}: roll these partitions back to a version whose builds did not`;
}

function distinct(exclude: readonly Exclusion[]): readonly Exclusion[] {
  return [...new Map(exclude.toReversed().map((one) => [entryName(one), one])).values()].toReversed();
}

function refused(reason: string): Rollback {
  return { kind: 'refused', reason };
}
