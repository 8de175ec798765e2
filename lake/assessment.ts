import { type Closing, closesByWatermark, closing } from './closing.ts';
import { compareText } from './canonical.ts';
import { entryName } from './coverage.ts';
import { type EntryFacts, byPartition } from './entry-facts.ts';
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
  readonly nowMs: number;
}

export interface Waiting {
  readonly partition: string;
  readonly because: string;
}

export interface Assessment {
  readonly due: readonly PlannedPartition[];
  readonly waiting: readonly Waiting[];
  /** Entries that builds lack. */
  readonly late: number;
  /** Partitions whose build is due, planned already or not. */
  readonly stale: number;
  /** When something becomes due by time alone. */
  readonly lookAtMs: number | undefined;
}

/** What of a dataset is due to be built, and why the rest is not. */
export function assess(context: BuildContext, situation: Situation): Assessment {
  const { view, recompute } = situation;
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
    const asked = recompute === null ? part?.build !== undefined : (recompute?.includes(partition) ?? false);
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
      closing: closingOf(context, situation, partition),
      closes,
      nowMs: situation.nowMs,
      recompute: asked,
    });
    if (found.kind !== 'stale' && found.lookAtMs !== undefined) looks.push(found.lookAtMs);
    if (found.kind === 'waiting') waiting.push({ partition, because: found.because });
    if (found.kind === 'fresh') for (const entry of found.late) late.add(entryName(entry));
    if (found.kind !== 'stale') continue;
    for (const entry of found.late) late.add(entryName(entry));
    stale += 1;
    const barred = barredBy(situation, found.planned, asked);
    if (barred === undefined) due.push(found.planned);
    else waiting.push({ partition, because: barred });
  }
  const lookAtMs = looks.length === 0 ? undefined : looks.reduce((a, b) => Math.min(a, b));
  return { due, waiting, late: late.size, stale, lookAtMs };
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
