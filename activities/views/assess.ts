import type { Waiting } from '../../lake/assessment.ts';
import { openHold } from '../../lake/holds.ts';
import type { HoldObject, PlannedPartition, WatermarkEvidence } from '../../lake/plan.ts';
import { buildContext } from '../../lake/planning.ts';
import type { DatasetSpec, LakeSpec, SpecObject } from '../../lake/spec.ts';
import { inEvidenceOrder, watermarkEvidence } from '../../lake/watermark.ts';
import { failure } from '../failure.ts';
import type { Holds } from '../objects/holds.ts';
import { sha256Hex } from '../objects/json.ts';
import type { Ledger } from '../objects/ledger.ts';
import type { ViewLink, Views } from '../objects/views.ts';
import type { Doomed } from './doomed.ts';
import type { FactReader, Unmeasured, Watch } from './facts.ts';
import type { OpenPlan, Plans } from './plans.ts';
import { servedUnder } from './served.ts';
import { type Sight, createSight } from './sight.ts';

/** A partition that never told what holds it up is looked at again after this. */
const LOOK_AGAIN_MS = 60_000;
const MOST_WAITING = 20;
const MOST_HOLDS = 100;

export interface AssessDatasetInput {
  readonly dataset: string;
  /** Build anew what a person asks for; no partitions = all that are built. */
  readonly force?: {
    readonly partitions?: readonly string[];
    readonly reason: string;
    readonly by: string;
  };
}

export interface AssessDatasetResult {
  /** The plan to run: made now, or found unfinished; null when nothing is due. */
  readonly plan: string | null;
  readonly partitions: number;
  /** At most 20. */
  readonly waiting: readonly Waiting[];
  /** At most 100. */
  readonly holds: readonly {
    readonly partition: string;
    readonly planId: string;
    readonly findings: readonly string[];
  }[];
  readonly watermarks: readonly WatermarkEvidence[];
  /** The newest view version; 0 = none yet. */
  readonly version: number;
  /** Entries that builds lack, not yet worth a rebuild or about to be built. */
  readonly late: number;
  readonly stale: number;
  readonly nextLookMs: number;
  /** Entries whose rows must be counted under the dataset's mapping before anything is planned; absent: none. */
  readonly unmeasured?: number;
}

/** All that a look at a dataset found in the lake. */
export interface Look extends Sight {
  readonly dataset: string;
  readonly datasetEpoch: number;
  readonly head: ViewLink | undefined;
  readonly holds: ReadonlyMap<string, readonly HoldObject[]>;
  readonly open: readonly OpenPlan[];
  readonly nowMs: number;
}

export interface LookerPorts {
  readonly views: Views;
  readonly facts: FactReader;
  readonly holds: Holds;
  readonly plans: Plans;
  readonly doomed: Doomed;
  readonly ledger: Ledger;
}

export function createLooker({ views, facts, holds, plans, doomed, ledger }: LookerPorts) {
  const sight = createSight({ views, facts });

  /** It only reads, but for the ends of plans that have ended without one or can never be published. */
  async function look(
    input: AssessDatasetInput,
    applied: { readonly n: number; readonly spec: LakeSpec; readonly object: SpecObject },
    nowMs: number,
    watch: Watch,
  ): Promise<Look | Unmeasured> {
    const { dataset, force } = input;
    const { signal } = watch;
    const spec = datasetSpec(applied, dataset);
    const datasetEpoch = applied.object.epochs[dataset] ?? 1;
    const context = buildContext(applied.spec, dataset, spec, sha256Hex);
    // Plans before holds and the head: one that publishes in between is seen as open, not as gone.
    const ids = await plans.openIds(dataset, signal);
    const ofDataset = await holds.allHolds(dataset, signal);
    const head = await views.viewHead(dataset, signal);
    const open = await openPlans(dataset, ids, ofDataset, nowMs, signal);
    const standing = {
      head: head?.value,
      epoch: datasetEpoch,
      contract: context.contract,
      at: new Date(nowMs).toISOString(),
    };
    let isOneEnded = false;
    for (const one of open) if (await doomed.end(one, standing, signal)) isOneEnded = true;
    // Its holds are closed by now: whoever goes on with those read before sees its partitions taken.
    if (isOneEnded) return look(input, applied, nowMs, watch);
    const known = { head, open, holds: ofDataset, force, nowMs };
    const became = await servedUnder(ledger, head, { n: applied.n, context, datasetEpoch }, signal);
    const found = await sight.see({ n: applied.n, lake: applied.spec, context }, became, known, watch);
    if ('unmeasured' in found) return found;
    return { dataset, datasetEpoch, head, holds: ofDataset, open, nowMs, ...found };
  }

  async function openPlans(
    dataset: string,
    ids: readonly string[],
    ofDataset: ReadonlyMap<string, readonly HoldObject[]>,
    nowMs: number,
    signal: AbortSignal,
  ): Promise<OpenPlan[]> {
    const open: OpenPlan[] = [];
    for (const id of ids) {
      const plan = await plans.readPlan(dataset, id, signal);
      const end = {
        by: plan.by,
        reason: 'every partition of it has ended',
        at: new Date(nowMs).toISOString(),
      };
      if (await plans.endIfDone(plan, ofDataset, end, signal)) continue;
      open.push({ plan, progress: await plans.progress(plan, ofDataset, signal) });
    }
    return open;
  }

  return { look };
}

/** What the workflow learns of a look; `plan` is the plan it shall run. */
export function answer(
  look: Look,
  plan: string | null,
  planned: readonly PlannedPartition[],
): AssessDatasetResult {
  const { assessment, watermarks, holds, head, nowMs } = look;
  const held = [...holds.values()].flatMap((ofPartition) => openHold(ofPartition) ?? []);
  const lookInMs = (assessment.lookAtMs ?? Number.POSITIVE_INFINITY) - nowMs;
  return {
    plan,
    partitions: planned.length,
    waiting: assessment.waiting.slice(0, MOST_WAITING),
    holds: held
      .slice(0, MOST_HOLDS)
      .map(({ partition, planId, findings }) => ({ partition, planId, findings })),
    watermarks: [...watermarks].sort(inEvidenceOrder).map(watermarkEvidence),
    version: head?.n ?? 0,
    late: assessment.late,
    stale: assessment.stale,
    nextLookMs: Math.max(0, Math.min(LOOK_AGAIN_MS, lookInMs)),
  };
}

/** Nothing is planned before these entries are counted; then it looks again. */
export function answerUnmeasured({ unmeasured }: Unmeasured): AssessDatasetResult {
  return {
    plan: null,
    partitions: 0,
    waiting: [],
    holds: [],
    watermarks: [],
    version: 0,
    late: 0,
    stale: 0,
    nextLookMs: 0,
    unmeasured: unmeasured.length,
  };
}

/**
 * The open plan whose run may have been lost and is to be started: starting one that runs does no harm. One made since
 * the last look comes first; then those with something to do and those that wait for a person take turns, so that one
 * that cannot be built keeps no other from going on.
 */
export function openPlanToRun({ open, nowMs }: Pick<Look, 'open' | 'nowMs'>): OpenPlan | undefined {
  const going = open.filter(isUnfinished);
  const madeMs = ({ plan }: OpenPlan) => Date.parse(plan.at);
  const newest = going.toSorted((a, b) => madeMs(b) - madeMs(a))[0];
  if (newest && nowMs - madeMs(newest) < LOOK_AGAIN_MS) return newest;
  const groups = [going, open.filter((one) => !isUnfinished(one))].filter(({ length }) => length > 0);
  const minute = Math.floor(nowMs / LOOK_AGAIN_MS);
  const group = groups[minute % groups.length];
  return group?.[Math.floor(minute / groups.length) % group.length];
}

function isUnfinished({ plan, progress }: OpenPlan): boolean {
  return plan.partitions.some(({ partition }) => !progress.has(partition));
}

export function datasetSpec(
  { n, spec }: { readonly n: number; readonly spec: LakeSpec },
  dataset: string,
): DatasetSpec {
  const found = spec.datasets[dataset];
  if (found) return found;
  throw failure(
    'UnknownSource',
    `${dataset} is no dataset of spec ${n}; there are: ${Object.keys(spec.datasets).join(', ')}`,
  );
}
