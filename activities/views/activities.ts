import { cancellationSignal, heartbeat } from '@temporalio/activity';
import { keys } from '../../lake/keys.ts';
import type { Plan, PlannedPartition } from '../../lake/plan.ts';
import { planIdOf } from '../../lake/planning.ts';
import { watermarkEvidence } from '../../lake/watermark.ts';
import { type Builds, createBuilds } from '../objects/builds.ts';
import { createOnce } from '../objects/commit.ts';
import { createHolds } from '../objects/holds.ts';
import { encode, sha256Hex } from '../objects/json.ts';
import type { Ledger } from '../objects/ledger.ts';
import type { ObjectStore } from '../objects/port.ts';
import { createViews } from '../objects/views.ts';
import {
  type AssessDatasetInput,
  type AssessDatasetResult,
  type Look,
  answer,
  answerUnmeasured,
  createLooker,
  datasetSpec,
  openPlanToRun,
} from './assess.ts';
import { type DecisionFacts, keepDecision } from './audit.ts';
import { createDoomed } from './doomed.ts';
import {
  type AbandonPlanInput,
  type CloseHoldsInput,
  type CloseHoldsResult,
  type OpenHoldsResult,
  type PlanRef,
  type PublishPlanInput,
  type PublishPlanResult,
  createEnder,
} from './ending.ts';
import { type Watch, createFactReader } from './facts.ts';
import { createHolding } from './holding.ts';
import { createPlans } from './plans.ts';
import type { AppliedSpecReader, Clock } from './port.ts';
import { createPublisher } from './publish.ts';
import { type ReleasePinsInput, type RollbackDatasetInput, createUndoer } from './undo.ts';
import { createVersionWriter } from './versions.ts';

/** One plan is one object and one run: more partitions than this wait for the next, unless they are published as one. */
const MOST_PARTITIONS = 2000;

export interface ViewActivityPorts {
  readonly store: ObjectStore;
  readonly ledger: Ledger;
  readonly spec: AppliedSpecReader;
  readonly clock: Clock;
  /** What this process knows of builds; its own unless shared. */
  readonly builds?: Builds;
}

export type ViewActivities = ReturnType<typeof createViewActivities>;

export function createViewActivities({
  store,
  ledger,
  spec,
  clock,
  builds = createBuilds({ store }),
}: ViewActivityPorts) {
  const views = createViews({ store });
  const holds = createHolds({ store });
  const facts = createFactReader({ ledger });
  const versions = createVersionWriter({ store, views });
  const plans = createPlans({ store, versions });
  const holding = createHolding({ store, holds });
  const publisher = createPublisher({ store, builds, views, facts, versions, ledger });
  const ender = createEnder({ store, holds, plans, holding, versions, publisher, now });
  const doomed = createDoomed({ ender, holding });
  const looker = createLooker({ views, facts, holds, plans, doomed, ledger });
  const undoer = createUndoer({ views, facts, versions, ledger });

  /**
   * See what is due, and plan it. Safe to run twice: a plan is named by what it builds, and one that has not ended is
   * found again instead of being made anew. It keeps its partitions and no others: what is due beside it is planned.
   */
  async function assessDataset(input: AssessDatasetInput): Promise<AssessDatasetResult> {
    const watch = watching();
    const look = await looker.look(input, await spec.read(watch.signal), clock.now(), watch);
    if ('unmeasured' in look) return answerUnmeasured(look);
    const { due: all, whole } = look.assessment;
    const due = whole ? all : all.slice(0, MOST_PARTITIONS);
    if (due.length > 0) return answer(look, await writePlan(look, due, input.force, watch.signal), due);
    const found = openPlanToRun(look);
    return answer(look, found?.plan.planId ?? null, found?.plan.partitions ?? []);
  }

  async function writePlan(
    { dataset, head, datasetEpoch, specNumber, coverage, watermarks, assessment, nowMs }: Look,
    partitions: readonly PlannedPartition[],
    force: AssessDatasetInput['force'],
    signal: AbortSignal,
  ): Promise<string> {
    const parent = head?.n ?? 0;
    for (let again = 0; ; again += 1) {
      const planId = planIdOf({ dataset, parent, epoch: datasetEpoch, partitions, force, again }, sha256Hex);
      if (await plans.findOutcome({ dataset, planId }, signal)) continue;
      const plan: Plan = {
        format: 1,
        dataset,
        planId,
        spec: specNumber,
        datasetEpoch,
        parent,
        coverage,
        partitions,
        ...(assessment.whole && { whole: true }),
        watermarks: watermarks.map(watermarkEvidence),
        by: force?.by ?? 'reconcileDataset',
        reason: force?.reason ?? reasonsOf(partitions),
        at: new Date(nowMs).toISOString(),
      };
      await createOnce(store, keys.plan(dataset, planId), encode(plan), signal);
      return planId;
    }
  }

  /** How much a plan asks for. It only reads: running it again changes nothing. */
  async function describePlan({
    dataset,
    planId,
  }: PlanRef): Promise<{ readonly partitions: number; readonly parent: number; readonly reason: string }> {
    const { partitions, parent, reason } = await plans.readPlan(dataset, planId, cancellationSignal());
    return { partitions: partitions.length, parent, reason };
  }

  /**
   * Publish what the gate let through, or what a person approved, as one version. Safe to run twice: a version carries
   * the token of its publish. The commit point is the conditional create of `view/<dataset>/<n>.json`.
   */
  async function publishPlan(input: PublishPlanInput): Promise<PublishPlanResult> {
    const watch = watching();
    const applied = await spec.read(watch.signal);
    const epoch = applied.object.epochs[input.dataset] ?? 1;
    return ender.publish(input, { spec: datasetSpec(applied, input.dataset), epoch }, watch);
  }

  /**
   * Hold what the gate did not let through. Safe to run twice: a hold that this plan opened, or had, is not opened
   * again. Resolves what is still open.
   */
  async function openHolds(input: PlanRef): Promise<OpenHoldsResult> {
    return ender.open(input, cancellationSignal());
  }

  /**
   * End holds as a person decided. Safe to run twice: a hold is closed once, and answers how. An approval closes only
   * what was published by it.
   */
  async function closeHolds(input: CloseHoldsInput): Promise<CloseHoldsResult> {
    return ender.close(input, cancellationSignal());
  }

  /**
   * End a plan as a person decided: what it published stays, the rest of it is never published. Safe to run twice: its
   * outcome is made once. Resolves whether there is such a plan. The commit point is the conditional create of
   * `outcome/<dataset>/<planId>.json`.
   */
  async function abandonPlan(input: AbandonPlanInput): Promise<{ readonly ended: boolean }> {
    return { ended: await ender.abandon(input, cancellationSignal()) };
  }

  /** Serve an earlier version's parts again. Safe to run twice: the token finds the version that it made. */
  async function rollbackDataset(input: RollbackDatasetInput): Promise<{ readonly version: number }> {
    const watch = watching();
    const { n } = await undoer.rollback(input, now(), watch);
    await versions.project(input.dataset, now(), watch.signal);
    return { version: n };
  }

  /** Let pinned partitions be built again. Safe to run twice: the token finds the version that it made. */
  async function releasePins(input: ReleasePinsInput): Promise<{ readonly version: number }> {
    const watch = watching();
    const { n } = await undoer.release(input, now(), watch);
    await versions.project(input.dataset, now(), watch.signal);
    return { version: n };
  }

  /** Keep a decision. Safe to run twice: it is one object per id. */
  async function recordDecision({
    decision,
  }: {
    readonly decision: DecisionFacts;
  }): Promise<{ readonly key: string }> {
    return { key: await keepDecision(store, decision, clock.now(), cancellationSignal()) };
  }

  function now(): string {
    return new Date(clock.now()).toISOString();
  }

  return {
    assessDataset,
    describePlan,
    publishPlan,
    openHolds,
    closeHolds,
    abandonPlan,
    rollbackDataset,
    releasePins,
    recordDecision,
  };
}

function watching(): Watch {
  return { signal: cancellationSignal(), onProgress: () => heartbeat() };
}

function reasonsOf(partitions: readonly PlannedPartition[]): string {
  const counts = new Map<string, number>();
  for (const { why } of partitions) counts.set(why, (counts.get(why) ?? 0) + 1);
  return [...counts].map(([why, count]) => `${why}: ${count}`).join(', ');
}
