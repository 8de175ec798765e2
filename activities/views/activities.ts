import { cancellationSignal, heartbeat } from '@temporalio/activity';
import type { DecisionObject } from '../../lake/decisions.ts';
import { openHold, rejectedHolds } from '../../lake/holds.ts';
import { keys } from '../../lake/keys.ts';
import type { HoldObject, Plan, PlannedPartition } from '../../lake/plan.ts';
import { planIdOf } from '../../lake/planning.ts';
import { publishToken } from '../../lake/publish.ts';
import type { Rejection } from '../../lake/view.ts';
import { watermarkEvidence } from '../../lake/watermark.ts';
import { createOnce } from '../objects/commit.ts';
import { createHolds } from '../objects/holds.ts';
import { encode, readObject, sha256Hex } from '../objects/json.ts';
import type { Ledger } from '../objects/ledger.ts';
import type { ObjectStore } from '../objects/port.ts';
import { createViews } from '../objects/views.ts';
import {
  type AssessDatasetInput,
  type AssessDatasetResult,
  type Look,
  answer,
  createLooker,
  datasetSpec,
  unfinished,
} from './assess.ts';
import { type DecisionFacts, keepDecision } from './audit.ts';
import { type Watch, createFactReader } from './facts.ts';
import { type CloseAction, createHolding } from './holding.ts';
import { createPlans } from './plans.ts';
import type { AppliedSpecReader, Clock } from './port.ts';
import { type Approval, createPublisher } from './publish.ts';
import { type ReleasePinsInput, type RollbackDatasetInput, createUndoer } from './undo.ts';
import { createVersionWriter } from './versions.ts';

/** One plan is one object and one run: more partitions than this wait for the next. */
const MOST_PARTITIONS = 2000;

export interface PlanRef {
  readonly dataset: string;
  readonly planId: string;
}

export interface PublishPlanInput extends PlanRef {
  /** Held builds that a person decided to publish, exactly as they are. */
  readonly approved?: Approval;
}

export type PublishPlanResult =
  | {
      readonly kind: 'published';
      readonly version: number;
      readonly partitions: readonly string[];
      readonly flagged: readonly string[];
    }
  | { readonly kind: 'superseded'; readonly because: string }
  /** The gate let nothing through. */
  | { readonly kind: 'nothing' };

export interface CloseHoldsInput extends PlanRef {
  readonly partitions: readonly string[];
  readonly action: 'approve' | 'reject' | 'recompute';
  /** Key of the decision's audit object. */
  readonly decision: string;
  readonly by: string;
  readonly reason: string;
}

export interface ViewActivityPorts {
  readonly store: ObjectStore;
  readonly ledger: Ledger;
  readonly spec: AppliedSpecReader;
  readonly clock: Clock;
}

export type ViewActivities = ReturnType<typeof createViewActivities>;

export function createViewActivities({ store, ledger, spec, clock }: ViewActivityPorts) {
  const views = createViews({ store });
  const holds = createHolds({ store });
  const facts = createFactReader({ ledger });
  const versions = createVersionWriter({ store, views });
  const plans = createPlans({ store, versions });
  const holding = createHolding({ store, holds });
  const looker = createLooker({ views, facts, holds, plans });
  const publisher = createPublisher({ store, views, facts, versions });
  const undoer = createUndoer({ views, facts, versions });

  /**
   * See what is due, and plan it. Safe to run twice: a plan is named by what it builds, and one that has not ended is
   * found again instead of being made anew.
   */
  async function assessDataset(input: AssessDatasetInput): Promise<AssessDatasetResult> {
    const watch = watching();
    const look = await looker.look(input, await spec.read(watch.signal), clock.now(), watch);
    const going = unfinished(look.open);
    if (going && (!input.force || look.assessment.due.length === 0)) {
      return answer(look, going.plan.planId, going.plan.partitions);
    }
    const due = look.assessment.due.slice(0, MOST_PARTITIONS);
    if (due.length > 0) return answer(look, await writePlan(look, due, input.force, watch.signal), due);
    // All that is open waits for a person; its run may have been lost, and starting it again does no harm.
    const held = look.open[Math.floor(look.nowMs / 60_000) % look.open.length];
    return answer(look, held?.plan.planId ?? null, held?.plan.partitions ?? []);
  }

  async function writePlan(
    { dataset, head, datasetEpoch, specNumber, coverage, watermarks, nowMs }: Look,
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
  async function publishPlan({ dataset, planId, approved }: PublishPlanInput): Promise<PublishPlanResult> {
    const watch = watching();
    const { signal } = watch;
    const at = now();
    const plan = await plans.readPlan(dataset, planId, signal);
    const report = await plans.readReport(plan, signal);
    const before = await holds.allHolds(dataset, signal);
    const verdicts = await holding.verdicts(plan, report, before, signal);
    if (!approved) {
      const held = verdicts.filter(({ verdict }) => verdict === 'hold');
      await holding.open(plan, held, at, signal);
    }
    const current = await holds.allHolds(dataset, signal);
    const chosen = chosenOf(plan, verdicts, current, approved);
    if (chosen.length === 0) {
      await plans.endIfDone(plan, current, end(plan), signal);
      return { kind: 'nothing' };
    }
    const lost = approved && (await lostHold(plan, approved, current, signal));
    if (lost !== undefined) return { kind: 'superseded', because: lost };
    const published = await publisher.publish(
      {
        plan,
        dataset: datasetSpec(await spec.read(signal), dataset),
        publishing: plan.partitions.filter(({ partition }) => chosen.includes(partition)),
        flagged: Object.fromEntries(
          verdicts
            .filter(({ partition, findings }) => chosen.includes(partition) && findings.length > 0)
            .map(({ partition, findings }) => [partition, findings]),
        ),
        approved,
        holds: current,
        rejected: await standingRejections(dataset, current, signal),
        at,
      },
      watch,
    );
    if (published.kind === 'superseded') {
      await supersede(plan, published.because, signal);
      return published;
    }
    const { n, value } = published.link;
    for (const partition of approved?.partitions ?? []) {
      await holding.close(plan, partition, 'approve', { decision: approved?.decision ?? null, at }, signal);
    }
    await versions.project(dataset, at, signal);
    const after = await holds.allHolds(dataset, signal);
    await plans.endIfDone(plan, after, { ...end(plan), version: n }, signal);
    const flagged = chosen.filter((partition) => value.flagged[partition] !== undefined);
    return { kind: 'published', version: n, partitions: chosen, flagged };
  }

  /** What a person approved must still be held by this plan, unless it is published already. */
  async function lostHold(
    plan: Plan,
    { partitions, decision }: Approval,
    current: ReadonlyMap<string, readonly HoldObject[]>,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const lost = partitions.find(
      (partition) => openHold(current.get(partition) ?? [])?.planId !== plan.planId,
    );
    if (lost === undefined) return undefined;
    const token = publishToken(plan.planId, decision);
    if (await versions.withToken(plan.dataset, token, plan.parent, signal)) return undefined;
    return `${lost} is no longer held by this plan`;
  }

  async function supersede(plan: Plan, because: string, signal: AbortSignal): Promise<void> {
    for (const { partition } of plan.partitions) {
      await holding.close(plan, partition, 'superseded', { decision: null, at: now() }, signal);
    }
    const current = await holds.allHolds(plan.dataset, signal);
    await plans.supersede(plan, current, { ...end(plan), reason: because }, signal);
  }

  /**
   * Hold what the gate did not let through. Safe to run twice: a hold that this plan opened, or had, is not opened
   * again. Resolves what is still open.
   */
  async function openHolds({ dataset, planId }: PlanRef): Promise<{
    readonly holds: readonly { readonly partition: string; readonly findings: readonly string[] }[];
  }> {
    const signal = cancellationSignal();
    const plan = await plans.readPlan(dataset, planId, signal);
    const report = await plans.readReport(plan, signal);
    const verdicts = await holding.verdicts(plan, report, await holds.allHolds(dataset, signal), signal);
    await holding.open(
      plan,
      verdicts.filter(({ verdict }) => verdict === 'hold'),
      now(),
      signal,
    );
    const current = await holds.allHolds(dataset, signal);
    await plans.endIfDone(plan, current, end(plan), signal);
    const open = plan.partitions.flatMap(({ partition }) => {
      const hold = openHold(current.get(partition) ?? []);
      return hold?.planId === planId ? [{ partition, findings: hold.findings }] : [];
    });
    return { holds: open };
  }

  /**
   * End holds as a person decided. Safe to run twice: a hold is closed once, and answers how. An approval closes only
   * what was published by it.
   */
  async function closeHolds(input: CloseHoldsInput): Promise<{
    readonly closed: readonly { readonly partition: string; readonly action: CloseAction }[];
    readonly planEnded: boolean;
  }> {
    const { dataset, planId, partitions, action, decision, by, reason } = input;
    const signal = cancellationSignal();
    const plan = await plans.readPlan(dataset, planId, signal);
    const token = publishToken(planId, decision);
    const published = await versions.withToken(dataset, token, plan.parent, signal);
    const closed = [];
    for (const partition of action === 'approve' && !published ? [] : partitions) {
      const how = await holding.close(plan, partition, action, { decision, at: now() }, signal);
      if (how) closed.push({ partition, action: how });
    }
    const current = await holds.allHolds(dataset, signal);
    const planEnded = await plans.endIfDone(plan, current, { by, reason, at: now() }, signal);
    return { closed, planEnded };
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

  /** For whoever reads a version: what stands rejected when it is published. The holds are the truth. */
  async function standingRejections(
    dataset: string,
    ofDataset: ReadonlyMap<string, readonly HoldObject[]>,
    signal: AbortSignal,
  ): Promise<Rejection[]> {
    const rejections: Rejection[] = [];
    for (const [partition, all] of ofDataset) {
      for (const { planId, buildId, n } of rejectedHolds(all)) {
        const closing = all[n];
        const key = closing?.state === 'closed' ? closing.decision : null;
        const decision = key === null ? undefined : await readObject<DecisionObject>(store, key, signal);
        const { reason = `plan ${planId} of ${dataset}`, by = 'unknown' } = decision ?? {};
        rejections.push({ partition, buildId, planId, reason, by });
      }
    }
    return rejections;
  }

  function end({ by, reason }: Plan) {
    return { by, reason, at: now() };
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
    rollbackDataset,
    releasePins,
    recordDecision,
  };
}

function watching(): Watch {
  return { signal: cancellationSignal(), onProgress: () => heartbeat() };
}

/** The partitions to publish: what a person approved, or what the gate passed and this plan never held. */
function chosenOf(
  plan: Plan,
  verdicts: readonly { readonly partition: string; readonly verdict: string }[],
  holds: ReadonlyMap<string, readonly HoldObject[]>,
  approved: Approval | undefined,
): string[] {
  if (approved) {
    return plan.partitions
      .map(({ partition }) => partition)
      .filter((one) => approved.partitions.includes(one));
  }
  return verdicts
    .filter(({ partition, verdict }) => {
      const heldByIt = (holds.get(partition) ?? []).some(
        (hold) => hold.state === 'open' && hold.planId === plan.planId,
      );
      return verdict !== 'hold' && !heldByIt;
    })
    .map(({ partition }) => partition);
}

function reasonsOf(partitions: readonly PlannedPartition[]): string {
  const counts = new Map<string, number>();
  for (const { why } of partitions) counts.set(why, (counts.get(why) ?? 0) + 1);
  return [...counts].map(([why, count]) => `${why}: ${count}`).join(', ');
}
