import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ParentClosePolicy,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineUpdate,
  getExternalWorkflowHandle,
  proxyActivities,
  setHandler,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { BuildActivities } from '../activities/builds/activities.ts';
import type { SpecActivities } from '../activities/spec/activities.ts';
import type { ViewActivities } from '../activities/views/activities.ts';
import type { AssessDatasetResult } from '../activities/views/assess.ts';
import { type DecideRequest, type Parked, checkDecision } from '../lake/decisions.ts';
import { workflowIds } from '../lake/ids.ts';
import type { WatermarkEvidence } from '../lake/plan.ts';
import { buildPartitions } from './build-partitions.ts';
import { BUILD, LOOK, LONGEST_LOOK_MS, SHORTEST_LOOK_MS, SURVEY } from './policies.ts';
import { board } from './support/board.ts';
import { failure, isGone } from './support/failure.ts';
import { handOverTo, requestSignal } from './support/hand-over.ts';
import { heldPartition } from './support/held.ts';
import { nudgeSignal } from './support/messages.ts';
import { decideSignal, parking } from './support/parking.ts';
import { pausable } from './support/pausable.ts';
import { queueFor } from './support/queues.ts';
import { listed, signed } from './support/signed.ts';
import { undoable } from './support/undoable.ts';

export interface ReconcileDatasetInput {
  readonly dataset: string;
  /** Set by runs of this workflow, not by people. */
  readonly state?: { readonly paused: string | null; readonly asked: readonly RecomputeRequest[] };
}

/** {"partitions": ["2026-11-21"], "reason": "…", "by": "…"}; no partitions = all that are built. */
export interface RecomputeRequest {
  readonly partitions?: readonly string[];
  readonly reason: string;
  readonly by: string;
}

export interface ReconcileProgress {
  readonly dataset: string;
  readonly version: number;
  readonly plan: string | null;
  readonly late: number;
  readonly stale: number;
  readonly waiting: readonly { readonly partition: string; readonly because: string }[];
  readonly holds: readonly {
    readonly partition: string;
    readonly planId: string;
    readonly findings: readonly string[];
  }[];
  readonly watermarks: readonly WatermarkEvidence[];
  readonly pausedBecause: string | null;
}

export const reconcileProgressQuery = defineQuery<ReconcileProgress>('progress');
export const recomputeUpdate = defineUpdate<{ readonly accepted: true }, [RecomputeRequest]>('recompute');
/** A decision on held partitions, passed on to the runs that hold them. */
export const decideHoldsUpdate = defineUpdate<{ readonly sentTo: readonly string[] }, [DecideRequest]>(
  'decideHolds',
);

const { describeDataset } = proxyActivities<SpecActivities>(LOOK);
const { recordDecision } = proxyActivities<ViewActivities>(LOOK);
const { assessDataset } = proxyActivities<ViewActivities>(SURVEY);

/**
 * Keep one dataset's view current, for as long as it lives: look at what was collected, plan what is closed or stale,
 * let a run of its own build and publish it. It keeps no truth: each look reads the lake.
 */
export async function reconcileDataset(
  input: ReconcileDatasetInput,
): Promise<{ readonly handedTo: string } | { readonly dataset: string }> {
  const dataset = input?.dataset;
  if (typeof dataset !== 'string' || dataset === '') {
    throw failure('MalformedInput', 'dataset is missing: {"dataset": "<name in lake.yaml>"}');
  }
  const id = workflowIds.reconcileDataset(dataset);
  if (workflowInfo().workflowId !== id) {
    return handOverTo({
      workflowId: id,
      input: { dataset, state: { paused: null, asked: [] } },
      wait: false,
      check: () => describeDataset({ dataset }),
    });
  }

  let nudged = false;
  let stopped = false;
  const asked: RecomputeRequest[] = [...(input.state?.asked ?? [])];
  let now: ReconcileProgress = {
    dataset,
    version: 0,
    plan: null,
    late: 0,
    stale: 0,
    waiting: [],
    holds: [],
    watermarks: [],
    pausedBecause: null,
  };
  const shown = board({ dataset });
  const wake = () => {
    nudged = true;
    show();
  };
  const show = () => {
    const paused = pause.reason();
    const waiting = [...parked.waiting(), ...now.holds.map(heldAt)];
    const state =
      paused !== null
        ? 'Paused'
        : now.holds.length > 0
          ? 'Held'
          : waiting.length > 0
            ? 'NeedsOperator'
            : 'Running';
    const elsewhere = now.holds.map((hold) => ({
      ...heldPartition(hold),
      run: workflowIds.buildPartitions(dataset, hold.planId),
    }));
    shown.show({
      state,
      parked: parked.waiting(),
      elsewhere,
      notes: notes({ ...now, pausedBecause: paused }),
    });
  };
  const parked = parking(recordDecision, wake);
  const pause = pausable(wake, input.state?.paused);
  setHandler(nudgeSignal, wake, {
    description:
      'Look at the lake now instead of at the next look: sent by runs that changed something, and safe by hand. It builds only what is due.',
  });
  setHandler(requestSignal, wake, {
    description: 'Sent by a run of another id that was started for this dataset; this one runs already.',
  });
  setHandler(reconcileProgressQuery, () => ({ ...now, pausedBecause: pause.reason() }), {
    description: 'Version, watermarks with their evidence, what is late, stale, waiting and held.',
  });
  setHandler(
    recomputeUpdate,
    (request) => {
      asked.push(request);
      nudged = true;
      return { accepted: true };
    },
    {
      description:
        'Build anew: {"partitions": ["…"], "reason": "…", "by": "…"}; without partitions, all that are built.',
      validator: (request) => {
        signed(request);
        if (request.partitions !== undefined) listed('partitions', request.partitions);
      },
    },
  );
  undoable(dataset, wake);
  setHandler(
    decideHoldsUpdate,
    async (request) => {
      const check = checkDecision(request, now.holds.map(heldAt));
      if (check.kind === 'refused') throw failure('MalformedInput', check.reason);
      const plans = [
        ...new Set(
          now.holds.filter((hold) => check.items.includes(hold.partition)).map(({ planId }) => planId),
        ),
      ];
      const runs = plans.map((planId) => workflowIds.buildPartitions(dataset, planId));
      for (const [index, run] of runs.entries()) {
        const items = now.holds.filter(
          (hold) => hold.planId === plans[index] && check.items.includes(hold.partition),
        );
        const { action, reason, by } = request;
        await getExternalWorkflowHandle(run).signal(decideSignal, {
          items: items.map(({ partition }) => partition),
          action,
          reason,
          by,
        });
      }
      return { sentTo: runs };
    },
    {
      description:
        'Decide held partitions: {"items": ["2026-11-21"], "action": "approve|reject|recompute", "reason": "…", "by": "…"}',
      validator: (request) => {
        const check = checkDecision(request, now.holds.map(heldAt));
        if (check.kind === 'refused') throw failure('MalformedInput', check.reason);
      },
    },
  );
  show();

  await parked.untilDone(dataset, () => describeDataset({ dataset }));
  while (!stopped) {
    await pause.over();
    nudged = false;
    const [force] = asked;
    let look: AssessDatasetResult | undefined;
    try {
      look = await parked.untilDone(dataset, () => assessDataset({ dataset, ...(force && { force }) }));
      if (look?.unmeasured !== undefined) {
        const { measureEntries } = proxyActivities<BuildActivities>({
          ...BUILD,
          taskQueue: queueFor('compute'),
        });
        // Aborted, it ends as after a look.
        if (await parked.untilDone(dataset, () => measureEntries({ dataset }))) continue;
        break;
      }
    } catch (error) {
      if (!isGone(error)) throw error;
      shown.end();
      break;
    }
    if (!look) {
      stopped = true;
      break;
    }
    if (force) asked.splice(asked.indexOf(force), 1);
    now = { ...now, ...look, plan: look.plan };
    show();
    if (look.plan !== null) await startBuild(dataset, look.plan);
    const sleepMs = Math.min(Math.max(look.nextLookMs, SHORTEST_LOOK_MS), LONGEST_LOOK_MS);
    await condition(() => nudged || asked.length > 0, sleepMs);
    if (workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      return continueAsNew<typeof reconcileDataset>({ dataset, state: { paused: pause.reason(), asked } });
    }
  }
  await condition(allHandlersFinished);
  return { dataset };
}

/** The run of a plan outlives this one: what it does is read from the lake. */
async function startBuild(dataset: string, plan: string): Promise<void> {
  try {
    await startChild(buildPartitions, {
      workflowId: workflowIds.buildPartitions(dataset, plan),
      args: [{ dataset, plan }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

// Under one name whatever holds it: runs that are under way have checked decisions with it.
function heldAt(hold: { readonly partition: string; readonly findings: readonly string[] }): Parked {
  return { ...heldPartition(hold), failure: 'GateHeld' };
}

function notes(now: ReconcileProgress): string[] {
  return [
    `Version ${now.version}; ${now.late} late entries, ${now.stale} stale partitions`,
    ...(now.plan === null ? [] : [`Building: \`${workflowIds.buildPartitions(now.dataset, now.plan)}\``]),
    ...now.watermarks.map(
      (one) => `${one.feed} (${one.role}): ${one.watermark ?? 'no watermark yet'}, ${one.because}`,
    ),
    ...now.waiting.slice(0, 5).map((one) => `${one.partition} waits: ${one.because}`),
  ];
}
