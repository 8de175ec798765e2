import { type Assessment, type Rebuilt, assess } from '../../lake/assessment.ts';
import { canonical } from '../../lake/canonical.ts';
import { completeWithin, isWithin } from '../../lake/coverage.ts';
import type { EntryFacts } from '../../lake/entry-facts.ts';
import { endingWith, generationsWithin } from '../../lake/generations.ts';
import { openHold, rejectedHolds } from '../../lake/holds.ts';
import { mappedColumns } from '../../lake/mapping.ts';
import { partitionBounds } from '../../lake/partition.ts';
import { EMPTY_VIEW, type ViewParts } from '../../lake/parts.ts';
import type { HoldObject } from '../../lake/plan.ts';
import type { BuildContext } from '../../lake/planning.ts';
import { type DatasetSpec, type FeedUse, type LakeSpec, feedColumns } from '../../lake/spec.ts';
import type { Coverage, EntryRef } from '../../lake/view.ts';
import { type FeedWatermark, watermark } from '../../lake/watermark.ts';
import type { ViewLink, Views } from '../objects/views.ts';
import type { Collected, FactReader, Unmeasured, Watch } from './facts.ts';
import type { OpenPlan } from './plans.ts';
import type { Became, Under } from './served.ts';

/** Intervals of a stream after which it counts as silent. */
const SILENT_INTERVALS = 3;

/** What is due of a dataset, and the spec that a plan of it is to be made under. */
export interface Sight {
  readonly context: BuildContext;
  readonly specNumber: number;
  readonly coverage: Coverage;
  readonly watermarks: readonly FeedWatermark[];
  readonly assessment: Assessment;
}

/** What is the same under whatever spec a dataset is looked at. */
export interface Known {
  readonly head: ViewLink | undefined;
  readonly open: readonly OpenPlan[];
  /** Partition → its hold objects. */
  readonly holds: ReadonlyMap<string, readonly HoldObject[]>;
  readonly force: { readonly partitions?: readonly string[] } | undefined;
  readonly nowMs: number;
}

export interface SightPorts {
  readonly views: Views;
  readonly facts: FactReader;
}

export function createSight({ views, facts }: SightPorts) {
  /**
   * Under the applied spec. Where columns came since the newest version, and something keeps them from coming to all
   * partitions at once, it goes on as before. Where it is of another epoch, nothing goes on before all is built anew.
   */
  async function see(
    applied: Under,
    became: Became,
    known: Known,
    watch: Watch,
  ): Promise<Sight | Unmeasured> {
    const seen = await under(applied, became, known, watch);
    if ('unmeasured' in seen) return seen;
    const { stuck } = seen.assessment;
    if (became.kind !== 'grown' || stuck.length === 0) return seen;
    const { before } = became;
    const waiting = [...stuck, ...seen.assessment.waiting];
    // What else was published beside the plan that brings them would overtake it.
    if (known.open.some(({ plan }) => plan.whole === true && plan.spec > before.n))
      return { ...seen, assessment: { ...seen.assessment, waiting } };
    const on = await under(before, { kind: 'same' }, known, watch);
    if ('unmeasured' in on) return on;
    return { ...on, assessment: { ...on.assessment, waiting: [...stuck, ...on.assessment.waiting] } };
  }

  async function under(
    { n, lake, context }: Under,
    became: Became,
    { head, open, holds, force, nowMs }: Known,
    watch: Watch,
  ): Promise<Sight | Unmeasured> {
    const { spec } = context;
    const exclude = head?.value.exclude ?? [];
    const collected = await facts.upToHeads({ lake, dataset: spec }, watch);
    if (collected.kind === 'unmeasured') return collected;
    const entries = [...collected.entries.values()].flat();
    const coverage = wholeWithin(collected.heads, entries, exclude);
    const watermarks = watermarksOf(lake, spec, collected, coverage, nowMs);
    const view = await views.resolveView(head?.value, watch.signal);
    const isRebuilt = became.kind === 'rebuilt';
    const assessment = assess(context, {
      view: isRebuilt ? EMPTY_VIEW : view,
      exclude,
      pinned: head?.value.pinned ?? [],
      coverage,
      entries: entries.filter((entry) => isWithin(coverage, entry)),
      watermarks,
      busy: busyPartitions(open, holds),
      rejected: new Map(
        [...holds].map(([partition, all]) => [partition, rejectedHolds(all).map((one) => one.buildId)]),
      ),
      recompute: force && (force.partitions ?? null),
      grown: became.kind === 'grown',
      ...(isRebuilt && { rebuilt: rebuiltFrom(view, became.before, lake, spec) }),
      nowMs,
    });
    return { context, specNumber: n, coverage: assessment.coverage, watermarks, assessment };
  }

  return { see };
}

/** What a version of another epoch has built, in the names that partitions have now. */
function rebuiltFrom({ base, parts }: ViewParts, before: Under, lake: LakeSpec, spec: DatasetSpec): Rebuilt {
  const built = Object.keys(parts).filter((name) => parts[name]?.build !== undefined);
  return { base, built: isDividedAlike(before, lake, spec) ? new Set(built) : null };
}

/** Is every row in the partition of the same name as before? Buckets are of keys, which may be others. */
function isDividedAlike(
  { lake: had, context }: Under,
  lake: LakeSpec,
  { partition, ...spec }: DatasetSpec,
): boolean {
  const was = context.spec.partition;
  if (partition.kind === 'whole' || was.kind === 'whole') return partition.kind === was.kind;
  if (partition.kind !== 'time' || was.kind !== 'time') return false;
  if (partition.column !== was.column || partition.unit !== was.unit) return false;
  return Object.entries(spec.feeds).every(([feed, use]) => {
    const used = context.spec.feeds[feed];
    const place = (dataset: Pick<DatasetSpec, 'columns'>, { map }: Pick<FeedUse, 'map'>, of: LakeSpec) =>
      canonical(
        mappedColumns(dataset, { map }, feedColumns(of, feed)).find(({ column }) => column === was.column),
      );
    return !used || place(context.spec, used, had) === place(spec, use, lake);
  });
}

/** As far as the heads, every entry with what it needs, and every table with its current generation. */
function wholeWithin(
  heads: Coverage,
  entries: readonly EntryFacts[],
  exclude: readonly EntryRef[],
): Coverage {
  const complete = completeWithin(heads, entries);
  return endingWith(complete, entries, generationsWithin(entries, complete, exclude));
}

function busyPartitions(
  open: readonly OpenPlan[],
  holds: ReadonlyMap<string, readonly HoldObject[]>,
): ReadonlyMap<string, string> {
  const busy = new Map<string, string>();
  for (const [partition, ofPartition] of holds) {
    const hold = openHold(ofPartition);
    if (hold) busy.set(partition, hold.planId);
  }
  for (const { plan, progress } of open) {
    for (const { partition } of plan.partitions) {
      const state = progress.get(partition);
      if (state === undefined || state === 'held') busy.set(partition, plan.planId);
    }
  }
  return busy;
}

function watermarksOf(
  lake: LakeSpec,
  spec: DatasetSpec,
  { entries }: Collected,
  coverage: Coverage,
  nowMs: number,
): FeedWatermark[] {
  const from = spec.partition.kind === 'time' ? spec.partition.from : undefined;
  return Object.entries(spec.feeds).map(([feed, { role }]) => {
    const source = lake.sources[feed];
    return watermark({
      feed,
      role,
      entries: (entries.get(feed) ?? []).filter((entry) => isWithin(coverage, entry)),
      latenessMs: spec.close.latenessMs,
      fromMs: from === undefined ? undefined : partitionBounds(spec.partition, from)?.fromMs,
      nowMs,
      silentAfterMs: source?.kind === 'kinesis' ? SILENT_INTERVALS * source.commit.everyMs : undefined,
    });
  });
}
