import type { GateReport } from '../../lake/gate.ts';
import { type PartitionEnd, progressOf } from '../../lake/holds.ts';
import { keys } from '../../lake/keys.ts';
import type { HoldObject, Outcome, Plan } from '../../lake/plan.ts';
import { outcomeOf, publishToken } from '../../lake/publish.ts';
import { failure } from '../failure.ts';
import { ObjectCache } from '../objects/cache.ts';
import { createOnce } from '../objects/commit.ts';
import { decode, encode, readObject } from '../objects/json.ts';
import type { ObjectStore } from '../objects/port.ts';
import type { VersionWriter } from './versions.ts';

/** A plan without outcome, and where each of its partitions stands. */
export interface OpenPlan {
  readonly plan: Plan;
  readonly progress: ReadonlyMap<string, PartitionEnd | 'held'>;
}

export type Plans = ReturnType<typeof createPlans>;

export interface PlanEnd {
  readonly by: string;
  readonly reason: string;
  readonly at: string;
  readonly version?: number;
}

export function createPlans({
  store,
  versions,
}: {
  readonly store: ObjectStore;
  readonly versions: VersionWriter;
}) {
  const cache = new ObjectCache<Plan>(32 * 1024 * 1024);

  async function readPlan(dataset: string, planId: string, signal: AbortSignal): Promise<Plan> {
    const key = keys.plan(dataset, planId);
    const cached = cache.get(key);
    if (cached) return cached;
    const bytes = await store.get(key, signal);
    if (!bytes) throw failure('ObjectMissing', `${key}: there is no such plan`);
    const plan = decode<Plan>(key, bytes);
    cache.keep(key, plan, bytes.byteLength);
    return plan;
  }

  /** `undefined` before the gate saw it. */
  function findReport({ dataset, planId }: Plan, signal: AbortSignal): Promise<GateReport | undefined> {
    return readObject<GateReport>(store, keys.gate(dataset, planId), signal);
  }

  async function readReport(plan: Plan, signal: AbortSignal): Promise<GateReport> {
    const report = await findReport(plan, signal);
    if (!report) {
      throw failure(
        'ObjectMissing',
        `${keys.gate(plan.dataset, plan.planId)}: the gate has not seen this plan`,
      );
    }
    return report;
  }

  function findOutcome(
    { dataset, planId }: Pick<Plan, 'dataset' | 'planId'>,
    signal: AbortSignal,
  ): Promise<Outcome | undefined> {
    return readObject<Outcome>(store, keys.outcome(dataset, planId), signal);
  }

  /** Ids of plans without outcome, in the order of their keys. */
  async function openIds(dataset: string, signal: AbortSignal): Promise<string[]> {
    const [planned, ended] = [new Set<string>(), new Set<string>()];
    // Outcomes first: a plan that ends in between counts as open, and is found ended at its next step.
    for (const [prefix, ids] of [
      [`outcome/${dataset}/`, ended],
      [`plan/${dataset}/`, planned],
    ] as const) {
      for await (const { key } of store.list(prefix, { signal })) {
        ids.add(key.slice(prefix.length).replace(/\.json$/, ''));
      }
    }
    return [...planned].filter((id) => !ended.has(id));
  }

  async function progress(
    plan: Plan,
    holds: ReadonlyMap<string, readonly HoldObject[]>,
    signal: AbortSignal,
  ): Promise<OpenPlan['progress']> {
    const token = publishToken(plan.planId, undefined);
    const byGate = await versions.withToken(plan.dataset, token, plan.parent, signal);
    return progressOf(plan, holds, byGate !== undefined);
  }

  /** Write the plan's outcome if each of its partitions has ended. It is made once: a second one changes nothing. */
  async function endIfDone(
    plan: Plan,
    holds: ReadonlyMap<string, readonly HoldObject[]>,
    end: PlanEnd,
    signal: AbortSignal,
  ): Promise<boolean> {
    const ended = [...(await progress(plan, holds, signal))].flatMap(([partition, state]) =>
      state === 'held' ? [] : [[partition, state] as const],
    );
    return write(plan, new Map(ended), end, signal);
  }

  /** End a plan that may not be published any more: what has not ended is superseded. */
  async function supersede(
    plan: Plan,
    holds: ReadonlyMap<string, readonly HoldObject[]>,
    end: PlanEnd,
    signal: AbortSignal,
  ): Promise<void> {
    const state = await progress(plan, holds, signal);
    const ended = plan.partitions.map(({ partition }) => {
      const at = state.get(partition);
      return [partition, at === undefined || at === 'held' ? 'superseded' : at] as const;
    });
    await write(plan, new Map(ended), end, signal);
  }

  async function write(
    plan: Plan,
    ended: ReadonlyMap<string, PartitionEnd>,
    end: PlanEnd,
    signal: AbortSignal,
  ): Promise<boolean> {
    const outcome = outcomeOf(plan, ended, end);
    if (!outcome) return false;
    await createOnce(store, keys.outcome(plan.dataset, plan.planId), encode(outcome), signal);
    return true;
  }

  return {
    readPlan,
    findReport,
    readReport,
    findOutcome,
    openIds,
    progress,
    endIfDone,
    supersede,
  };
}
