import { type Assessment, assess } from '../../lake/assessment.ts';
import { completeWithin, isWithin } from '../../lake/coverage.ts';
import type { EntryFacts } from '../../lake/entry-facts.ts';
import { endingWith, generationsWithin } from '../../lake/generations.ts';
import { openHold, rejectedHolds } from '../../lake/holds.ts';
import { partitionBounds } from '../../lake/partition.ts';
import type { HoldObject } from '../../lake/plan.ts';
import type { BuildContext } from '../../lake/planning.ts';
import type { DatasetSpec, LakeSpec } from '../../lake/spec.ts';
import type { Coverage, EntryRef } from '../../lake/view.ts';
import { type FeedWatermark, watermark } from '../../lake/watermark.ts';
import { failure } from '../failure.ts';
import type { Ledger } from '../objects/ledger.ts';
import { mappedCheck } from '../objects/mapped.ts';
import type { ViewLink, Views } from '../objects/views.ts';
import type { Collected, FactReader, Watch } from './facts.ts';
import type { OpenPlan } from './plans.ts';
import type { Under } from './served.ts';

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
  readonly ledger: Ledger;
}

export function createSight({ views, facts, ledger }: SightPorts) {
  /**
   * Under the applied spec. Where columns came since the newest version (`before` is what that was published under),
   * and something keeps them from coming to all partitions at once, it goes on as before.
   */
  async function see(applied: Under, before: Under | undefined, known: Known, watch: Watch): Promise<Sight> {
    const seen = await under(applied, before !== undefined, known, watch);
    const { stuck } = seen.assessment;
    if (!before || stuck.length === 0) return seen;
    const waiting = [...stuck, ...seen.assessment.waiting];
    // What else was published beside the plan that brings them would overtake it.
    if (known.open.some(({ plan }) => plan.whole === true && plan.spec > before.n))
      return { ...seen, assessment: { ...seen.assessment, waiting } };
    const on = await under(before, false, known, watch);
    return { ...on, assessment: { ...on.assessment, waiting: [...stuck, ...on.assessment.waiting] } };
  }

  async function under(
    { n, lake, context }: Under,
    grown: boolean,
    { head, open, holds, force, nowMs }: Known,
    watch: Watch,
  ): Promise<Sight> {
    const { spec } = context;
    const exclude = head?.value.exclude ?? [];
    const collected = await facts.upToHeads(Object.keys(spec.feeds), watch);
    const entries = [...collected.entries.values()].flat();
    await checkStatistics(context, lake, entries, watch.signal);
    const coverage = wholeWithin(collected.heads, entries, exclude);
    const watermarks = watermarksOf(lake, spec, collected, coverage, nowMs);
    const assessment = assess(context, {
      view: await views.resolveView(head?.value, watch.signal),
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
      grown,
      nowMs,
    });
    return { context, specNumber: n, coverage: assessment.coverage, watermarks, assessment };
  }

  /** Rows whose statistics were made for another mapping would be looked for in the wrong partitions. */
  async function checkStatistics(
    { dataset, spec }: BuildContext,
    lake: LakeSpec,
    entries: readonly EntryFacts[],
    signal: AbortSignal,
  ): Promise<void> {
    const isMapped = mappedCheck(ledger, { lake, dataset: spec }, signal);
    for (const entry of entries) {
      for (const mapping of entry.mappings) {
        if (await isMapped(entry, { mapping })) continue;
        const { feed, lane, ordinal } = entry;
        throw failure(
          'NotBuilt',
          `${feed}/${lane}/${ordinal} was collected under ${mapping === null ? 'no mapping' : 'another mapping'} to ${dataset}: statistics for a new mapping are not built yet; apply the lake.yaml under which it was collected, or collect it under another source's name`,
        );
      }
    }
  }

  return { see };
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
