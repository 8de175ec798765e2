import { allHandlersFinished, condition, patched, proxyActivities } from '@temporalio/workflow';
import type { BuildActivities } from '../activities/builds/activities.ts';
import type { ViewActivities } from '../activities/views/activities.ts';
import { BUILD, LOOK, PARTITIONS_PER_BATCH, SURVEY } from './policies.ts';
import { board } from './support/board.ts';
import { failure } from './support/failure.ts';
import { heldPartition } from './support/held.ts';
import { nudgeReconciliation } from './support/nudge.ts';
import { type Decision, parking } from './support/parking.ts';
import { queueFor } from './support/queues.ts';

export interface BuildPartitionsInput {
  readonly dataset: string;
  /** Id of a plan object of this dataset. */
  readonly plan: string;
}

export interface BuildPartitionsResult {
  readonly dataset: string;
  readonly plan: string;
  readonly built: number;
  /** Builds that were there already. */
  readonly cached: number;
  /** Versions that this plan published, oldest first. */
  readonly versions: readonly number[];
  readonly flagged: readonly string[];
  readonly rejected: readonly string[];
  /** Why nothing (more) was published, where a newer plan took over. */
  readonly superseded: string | null;
}

type CloseAction = Parameters<ViewActivities['closeHolds']>[0]['action'];

const { recordDecision, openHolds, closeHolds, publishPlan, abandonPlan } =
  proxyActivities<ViewActivities>(LOOK);
const { describePlan } = proxyActivities<ViewActivities>(LOOK);

/**
 * Make what one plan asks for: build, gate, publish. What the gate holds keeps the old version serving and waits here
 * for a person, while everything else is published.
 */
export async function buildPartitions(input: BuildPartitionsInput): Promise<BuildPartitionsResult> {
  const { dataset, plan: planId } = input ?? {};
  if (typeof dataset !== 'string' || typeof planId !== 'string') {
    throw failure('MalformedInput', 'give {"dataset": "…", "plan": "<id of a plan object>"}');
  }
  const plan = { dataset, planId };
  const taskQueue = queueFor('compute');
  const { buildPartitionsBatch } = proxyActivities<BuildActivities>({ ...BUILD, taskQueue });
  const { gatePlan } = proxyActivities<BuildActivities>({ ...SURVEY, taskQueue });
  const shown = board({ dataset });
  let note = 'Reading the plan';
  const show = () => {
    const isHeld = parked.waiting().some(({ allowed }) => allowed.includes('approve'));
    const state = isHeld ? 'Held' : parked.waiting().length > 0 ? 'NeedsOperator' : 'Running';
    shown.show({ state, parked: parked.waiting(), notes: [note] });
  };
  const parked = parking(recordDecision, show);
  const result = {
    ...input,
    built: 0,
    cached: 0,
    versions: [] as number[],
    flagged: [] as string[],
    rejected: [] as string[],
    superseded: null as string | null,
  };
  let aborted: Decision | undefined;
  const step = <T>(work: () => Promise<T>) =>
    parked.untilDone(planId, work, (decision) => {
      // Runs of 0.1.0 ended without an outcome, and went on to what was held.
      if (patched('abort-ends-the-plan')) aborted = decision;
    });
  const isOver = () => aborted !== undefined || result.superseded !== null;
  show();

  const described = await step(() => describePlan(plan));
  if (!described) return ended('aborted');
  for (let from = 0; from < described.partitions; from += PARTITIONS_PER_BATCH) {
    const to = Math.min(from + PARTITIONS_PER_BATCH, described.partitions);
    note = `Building partitions ${from + 1} to ${to} of ${described.partitions}`;
    show();
    const batch = await step(() => buildPartitionsBatch({ ...plan, from, to }));
    if (!batch) return ended('aborted');
    result.built += batch.built;
    result.cached += batch.cached;
  }
  note = 'At the gate';
  show();
  const gate = await step(() => gatePlan(plan));
  if (!gate) return ended('aborted');
  // Not the report's: an earlier run may have seen some decided, and what was rejected once is held again.
  const opened = await step(() => openHolds(plan));
  if (!opened) return ended('aborted');
  if (gate.publish + gate.flagged > 0) await publish();
  if (!isOver()) await decideHolds(opened.holds);
  return ended(aborted ? 'aborted' : null);

  async function decideHolds(
    holds: readonly { readonly partition: string; readonly findings: readonly string[] }[],
  ): Promise<void> {
    note = `Report: \`gate/${dataset}/${planId}.json\``;
    const open = new Set(holds.map(({ partition }) => partition));
    parked.park(holds.map(heldPartition));
    while (open.size > 0 && !isOver()) {
      await condition(() => parked.decided());
      const decision = parked.take();
      if (!decision) continue;
      const partitions = decision.items.filter((item) => open.has(item));
      if (partitions.length === 0) continue;
      const closed = await decideOne(decision, partitions);
      for (const partition of partitions) open.delete(partition);
      // What is published as one is decided as one.
      const others = closed.filter((partition) => open.delete(partition));
      if (others.length > 0) parked.release(others);
    }
  }

  /** Resolves the partitions whose holds it closed. */
  async function decideOne(decision: Decision, partitions: readonly string[]): Promise<readonly string[]> {
    const { by, reason, key } = decision;
    const { action: chosen } = decision;
    const action: CloseAction = chosen === 'approve' || chosen === 'reject' ? chosen : 'recompute';
    if (action === 'approve') await publish({ partitions, by, reason, decision: key });
    const closing = { ...plan, partitions, action, decision: key, by, reason };
    const done = await step(() => closeHolds(closing));
    if (action === 'reject') result.rejected.push(...partitions);
    await nudgeReconciliation(dataset ?? null);
    return (done?.closed ?? []).map(({ partition }) => partition);
  }

  async function publish(approved?: {
    partitions: readonly string[];
    by: string;
    reason: string;
    decision: string;
  }): Promise<void> {
    const published = await step(() => publishPlan({ ...plan, ...(approved && { approved }) }));
    if (published?.kind === 'superseded') result.superseded = published.because;
    if (published?.kind !== 'published') return;
    result.versions.push(published.version);
    result.flagged.push(...published.flagged);
  }

  async function ended(because: string | null): Promise<BuildPartitionsResult> {
    result.superseded ??= because;
    let hasEnded = aborted === undefined;
    while (!hasEnded && aborted) {
      const { key, by, reason } = aborted;
      // Undefined when ending it failed and that was aborted, too: there is no other end.
      hasEnded = (await step(() => abandonPlan({ ...plan, decision: key, by, reason }))) !== undefined;
    }
    await nudgeReconciliation(dataset ?? null);
    await condition(allHandlersFinished);
    shown.end();
    return result;
  }
}
