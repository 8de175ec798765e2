import { type Closing, closesByWatermark, closing } from './closing.ts';
import { compareText } from './canonical.ts';
import { entryName, isWithin } from './coverage.ts';
import { type EntryFacts, byPartition } from './entry-facts.ts';
import { type Generations, changedBetween, endingWith, generationsWithin } from './generations.ts';
import { laneId } from './keys.ts';
import { type ViewParts, coverageAt, inChainOrder } from './parts.ts';
import type { PlannedPartition } from './plan.ts';
import type { BuildContext } from './planning.ts';
import { staleness } from './staleness.ts';
import type { Coverage, EntryRef } from './view.ts';
import type { FeedWatermark } from './watermark.ts';

export interface Situation {
  readonly view: ViewParts;
  readonly exclude: readonly EntryRef[];
  readonly pinned: readonly string[];
  /** What a plan made now would account for. */
  readonly coverage: Coverage;
  /** Every entry of the dataset's feeds within `coverage`. */
  readonly entries: readonly EntryFacts[];
  readonly watermarks: readonly FeedWatermark[];
  /** Partition → the plan that has it, open or held. */
  readonly busy: ReadonlyMap<string, string>;
  /** Partition → builds that a person rejected: the same again is not worth a plan. */
  readonly rejected: ReadonlyMap<string, readonly string[]>;
  /** What a person asked to build anew; null = every partition that is built. */
  readonly recompute: readonly string[] | null | undefined;
  /** Columns came since the newest version: its builds are of another contract than the context's, or mapping. */
  readonly grown: boolean;
  /** The newest version is of another epoch, so that `view` is empty: what of it is built must be built again. */
  readonly rebuilt?: Rebuilt;
  readonly nowMs: number;
}

export interface Rebuilt {
  /** Partitions with a build there, where they are divided as now; else null. */
  readonly built: ReadonlySet<string> | null;
  /** What that version accounts for. */
  readonly base: Coverage;
}

export interface Waiting {
  readonly partition: string;
  readonly because: string;
}

export interface Assessment {
  /** What a plan of what is due accounts for: less than it could where another generation of a table has to wait. */
  readonly coverage: Coverage;
  /** What is due is published as one version, or not at all: it brings another generation of a table, or columns. */
  readonly whole: boolean;
  readonly due: readonly PlannedPartition[];
  readonly waiting: readonly Waiting[];
  /** Entries that builds lack. */
  readonly late: number;
  /** Partitions whose build is due, planned already or not. */
  readonly stale: number;
  /** When something becomes due by time alone. */
  readonly lookAtMs: number | undefined;
  /** Where columns came: what keeps them from coming. Then nothing is due, and it goes on under the spec before. */
  readonly stuck: readonly Waiting[];
}

/**
 * What of a dataset is due to be built, and why the rest is not. Where another generation of a table has come, all
 * partitions that have rows of it or of the one before are due together, and nothing else but what a person asked for.
 * While one of them may not be planned, the others go on with the generation before. Where columns came, all partitions
 * with a build are due together.
 */
export function assess(context: BuildContext, situation: Situation): Assessment {
  const { view, entries, exclude, coverage } = situation;
  const built = generationsWithin(entries, view.base, exclude);
  const current = generationsWithin(entries, coverage, exclude);
  if (situation.rebuilt)
    return rebuilding(situation, look(context, situation, built, current), situation.rebuilt);
  if (situation.grown) return growing(situation, look(context, situation, built, current));
  if (changedBetween(built, current).length === 0) return look(context, situation, built, current).assessment;
  const turning = look(context, situation, built, current);
  const { assessment, turns, stuck } = turning;
  if (stuck.length === 0 && assessment.due.some(({ partition }) => turns.has(partition))) {
    const asked = (partition: string) =>
      situation.recompute?.includes(partition) ?? situation.recompute === null;
    const due = assessment.due.filter(({ partition }) => turns.has(partition) || asked(partition));
    return { ...assessment, due, whole: true };
  }
  if (stuck.length === 0) return assessment;
  const cut = endingWith(coverage, entries, built);
  const within = entries.filter((entry) => isWithin(cut, entry));
  const held = look(context, { ...situation, coverage: cut, entries: within }, built, built).assessment;
  return { ...held, waiting: [...stuck, ...held.waiting] };
}

/** A version has one contract: every build of it is made again, and what has none waits for the next plan. */
function growing(situation: Situation, { assessment, turns, stuck }: Look): Assessment {
  if (stuck.length > 0) return { ...assessment, due: [], stuck };
  const { view, recompute } = situation;
  const isBuilt = (partition: string) => view.parts[partition]?.build !== undefined;
  const due = assessment.due.filter(
    ({ partition }) => isBuilt(partition) || turns.has(partition) || recompute?.includes(partition),
  );
  return due.some(({ partition }) => isBuilt(partition) || turns.has(partition))
    ? { ...assessment, due, whole: true }
    : assessment;
}

/**
 * The first version of an epoch has all that the last one of the epoch before had built, complete or not, and what is
 * complete by now. No partition of the old one is in it.
 */
function rebuilding(situation: Situation, { assessment, stuck }: Look, rebuilt: Rebuilt): Assessment {
  const { pinned } = situation;
  const kept = pinned.map((partition) => ({
    partition,
    because: 'it is pinned: release it to build the dataset anew',
  }));
  const because = [...kept, ...stuck];
  if (because.length > 0)
    return { ...assessment, due: [], waiting: [...because, ...assessment.waiting], stuck: because };
  const owed = new Set(owedPartitions(situation, rebuilt));
  // What is owed was published before: that its batch is missing is no news.
  const due = assessment.due.map((one) =>
    owed.has(one.partition) ? { ...one, why: 'changed' as const } : one,
  );
  return { ...assessment, due, whole: due.length > 0 };
}

interface Look {
  readonly assessment: Assessment;
  /** Partitions that another generation of a table comes to. */
  readonly turns: ReadonlySet<string>;
  /** Those of them that may not be planned; where columns came, whatever keeps a build from being made anew. */
  readonly stuck: readonly Waiting[];
}

function look(context: BuildContext, situation: Situation, built: Generations, current: Generations): Look {
  const { view, recompute } = situation;
  const turns = new Set([
    ...turningPartitions(situation.entries, built, current),
    ...(situation.rebuilt ? owedPartitions(situation, situation.rebuilt) : []),
  ]);
  const stuck: Waiting[] = [];
  const touched = byPartition([...situation.entries].sort(inChainOrder));
  const partitions = new Set([...touched.keys(), ...Object.keys(view.parts), ...(recompute ?? [])]);
  const closes = closesByWatermark(context.spec, situation.watermarks);
  const due: PlannedPartition[] = [];
  const waiting: Waiting[] = [];
  const late = new Set<string>();
  const looks: number[] = [];
  let stale = 0;
  for (const partition of [...partitions].sort(compareText)) {
    const part = view.parts[partition];
    const isBuilt = part?.build !== undefined || situation.rebuilt !== undefined;
    const asked = recompute === null ? isBuilt : (recompute?.includes(partition) ?? false);
    const entries = touched.get(partition) ?? [];
    if (asked && entries.length === 0 && part?.build === undefined) {
      waiting.push({ partition, because: 'nothing was collected for it' });
      continue;
    }
    const found = staleness(context, {
      partition,
      part,
      at: coverageAt(view, partition),
      coverage: situation.coverage,
      entries,
      exclude: situation.exclude,
      built,
      current,
      turns: turns.has(partition),
      closing: closingOf(context, situation, partition),
      closes,
      nowMs: situation.nowMs,
      recompute: asked,
    });
    if (found.kind !== 'stale' && found.lookAtMs !== undefined) looks.push(found.lookAtMs);
    if (found.kind === 'waiting') waiting.push({ partition, because: found.because });
    if (found.kind === 'fresh') for (const entry of found.late) late.add(entryName(entry));
    const holder = situation.busy.get(partition);
    // Where columns came, even a plan of what was never built must end first: it is of the contract before.
    const isKept = situation.grown && (part?.build !== undefined || holder !== undefined);
    const isTogether = turns.has(partition) || isKept || situation.rebuilt !== undefined;
    if (found.kind !== 'stale') {
      // Nothing of it is to be built, but a plan that would publish what was before must end first.
      if (isTogether && holder !== undefined) stuck.push({ partition, because: `plan ${holder} has it` });
      continue;
    }
    for (const entry of found.late) late.add(entryName(entry));
    stale += 1;
    const barred = barredBy(situation, found.planned, asked);
    if (barred === undefined) due.push(found.planned);
    else (isTogether ? stuck : waiting).push({ partition, because: barred });
  }
  const lookAtMs = looks.length === 0 ? undefined : looks.reduce((a, b) => Math.min(a, b));
  const assessment = {
    coverage: situation.coverage,
    whole: false,
    due,
    waiting,
    late: late.size,
    stale,
    lookAtMs,
    stuck: [],
  };
  return { assessment, turns, stuck };
}

/**
 * Partitions whose rows builds of the epoch before may have shown. Where they were divided otherwise, every one with
 * rows that its version accounts for.
 */
function owedPartitions({ entries }: Situation, { built, base }: Rebuilt): readonly string[] {
  if (built) return [...built];
  const within = entries.filter((entry) => isWithin(base, entry));
  return within.flatMap(({ partitions }) => Object.keys(partitions));
}

/** Partitions with rows of a generation that goes, or of one that comes. */
function turningPartitions(
  entries: readonly EntryFacts[],
  built: Generations,
  current: Generations,
): ReadonlySet<string> {
  const changed = new Set(changedBetween(built, current));
  const partitions = new Set<string>();
  for (const { feed, lane, table, partitions: touched } of entries) {
    const id = laneId(feed, lane);
    if (table === null || !changed.has(id)) continue;
    if (table.generation !== built.get(id) && table.generation !== current.get(id)) continue;
    for (const partition of Object.keys(touched)) partitions.add(partition);
  }
  return partitions;
}

function closingOf({ spec }: BuildContext, { watermarks, nowMs }: Situation, partition: string): Closing {
  return closing(spec, partition, watermarks, nowMs);
}

function barredBy(
  { pinned, busy, rejected }: Situation,
  { partition, buildId }: PlannedPartition,
  asked: boolean,
): string | undefined {
  if (pinned.includes(partition)) return 'it is pinned: release it to build it again';
  const plan = busy.get(partition);
  if (plan !== undefined) return `plan ${plan} has it`;
  if (!asked && rejected.get(partition)?.includes(buildId)) {
    return `build ${buildId} was rejected, and nothing has changed since`;
  }
  return undefined;
}
