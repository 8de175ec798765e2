import { openHold, rejectedHolds } from '../../lake/holds.ts';
import type { DecisionObject } from '../../lake/decisions.ts';
import { keys } from '../../lake/keys.ts';
import type { HoldObject, Plan } from '../../lake/plan.ts';
import { publishToken } from '../../lake/publish.ts';
import type { DatasetSpec } from '../../lake/spec.ts';
import type { Rejection } from '../../lake/view.ts';
import type { Holds } from '../objects/holds.ts';
import { readObject } from '../objects/json.ts';
import type { ObjectStore } from '../objects/port.ts';
import type { Watch } from './facts.ts';
import type { CloseAction, Holding } from './holding.ts';
import type { Plans } from './plans.ts';
import type { Approval, Publisher } from './publish.ts';
import type { VersionWriter } from './versions.ts';

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

export interface AbandonPlanInput extends PlanRef {
  /** Key of the decision's audit object. */
  readonly decision: string;
  readonly by: string;
  readonly reason: string;
}

/** Who ended a plan that is not published, why, and by which decision; null = nobody had to decide. */
export interface Superseding {
  readonly by: string;
  readonly reason: string;
  readonly decision: string | null;
}

export interface OpenHoldsResult {
  /** What this plan holds now. */
  readonly holds: readonly { readonly partition: string; readonly findings: readonly string[] }[];
}

export interface CloseHoldsResult {
  readonly closed: readonly { readonly partition: string; readonly action: CloseAction }[];
  readonly planEnded: boolean;
}

export type Ender = ReturnType<typeof createEnder>;

export interface EnderPorts {
  readonly store: ObjectStore;
  readonly holds: Holds;
  readonly plans: Plans;
  readonly holding: Holding;
  readonly versions: VersionWriter;
  readonly publisher: Publisher;
  readonly now: () => string;
}

/** What ends a plan's partitions: a publish, a hold and its decision, or a version that overtook them. */
export function createEnder({ store, holds, plans, holding, versions, publisher, now }: EnderPorts) {
  async function publish(
    { dataset, planId, approved: asked }: PublishPlanInput,
    { spec, epoch }: { readonly spec: DatasetSpec; readonly epoch: number },
    watch: Watch,
  ): Promise<PublishPlanResult> {
    const { signal } = watch;
    const at = now();
    const plan = await plans.readPlan(dataset, planId, signal);
    const approved = asked && { ...asked, partitions: decidedWith(plan, asked.partitions) };
    const report = await plans.readReport(plan, signal);
    const before = await holds.allHolds(dataset, signal);
    const verdicts = await holding.verdicts(plan, report, before, signal);
    const ended = await plans.findOutcome(plan, signal);
    if (!approved && !ended) {
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
    const token = publishToken(planId, approved?.decision);
    if (ended && !(await versions.withToken(dataset, token, plan.parent, signal))) {
      return { kind: 'superseded', because: ended.reason };
    }
    const published = await publisher.publish(
      {
        plan,
        dataset: spec,
        epoch,
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
      await supersede(plan, { by: plan.by, reason: published.because, decision: null }, signal);
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

  /** End a plan as it stands: what it published stays, what it holds or has not built is superseded. */
  async function supersede(
    plan: Plan,
    { by, reason, decision }: Superseding,
    signal: AbortSignal,
  ): Promise<void> {
    for (const { partition } of plan.partitions) {
      await holding.close(plan, partition, 'superseded', { decision, at: now() }, signal);
    }
    const current = await holds.allHolds(plan.dataset, signal);
    await plans.supersede(plan, current, { by, reason, at: now() }, signal);
  }

  async function abandon(
    { dataset, planId, ...superseding }: AbandonPlanInput,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (!(await store.head(keys.plan(dataset, planId), signal))) return false;
    const plan = await plans.readPlan(dataset, planId, signal);
    if (!(await plans.findOutcome(plan, signal))) await supersede(plan, superseding, signal);
    return true;
  }

  async function open({ dataset, planId }: PlanRef, signal: AbortSignal): Promise<OpenHoldsResult> {
    const plan = await plans.readPlan(dataset, planId, signal);
    const report = await plans.readReport(plan, signal);
    const verdicts = await holding.verdicts(plan, report, await holds.allHolds(dataset, signal), signal);
    const held = verdicts.filter(({ verdict }) => verdict === 'hold');
    if (!(await plans.findOutcome(plan, signal))) await holding.open(plan, held, now(), signal);
    const current = await holds.allHolds(dataset, signal);
    await plans.endIfDone(plan, current, end(plan), signal);
    const stillOpen = plan.partitions.flatMap(({ partition }) => {
      const hold = openHold(current.get(partition) ?? []);
      return hold?.planId === planId ? [{ partition, findings: hold.findings }] : [];
    });
    return { holds: stillOpen };
  }

  async function close(input: CloseHoldsInput, signal: AbortSignal): Promise<CloseHoldsResult> {
    const { dataset, planId, action, decision, by, reason } = input;
    const plan = await plans.readPlan(dataset, planId, signal);
    const partitions = decidedWith(plan, input.partitions);
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

  return { publish, open, close, supersede, abandon };
}

/** What is published, or held, as one is decided as one: with one of its partitions, all. */
function decidedWith(plan: Plan, partitions: readonly string[]): readonly string[] {
  return plan.whole ? plan.partitions.map(({ partition }) => partition) : partitions;
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
