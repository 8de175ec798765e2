import type { GateReport } from '../../lake/gate.ts';
import { type GatedPartition, gated, heldAsOne, holdOutcome, openHold } from '../../lake/holds.ts';
import { keys } from '../../lake/keys.ts';
import type { HoldObject, Plan } from '../../lake/plan.ts';
import { createOnce } from '../objects/commit.ts';
import type { Holds } from '../objects/holds.ts';
import { encode } from '../objects/json.ts';
import type { ObjectStore } from '../objects/port.ts';

export type CloseAction = (HoldObject & { readonly state: 'closed' })['action'];

export type Holding = ReturnType<typeof createHolding>;

/** Opening and closing holds. Each is one conditional create, and finds itself when it is done again. */
export function createHolding({ store, holds }: { readonly store: ObjectStore; readonly holds: Holds }) {
  /** The report's verdicts, corrected by what people rejected and by what is held as one. */
  async function verdicts(
    plan: Plan,
    report: GateReport,
    ofDataset: ReadonlyMap<string, readonly HoldObject[]>,
    signal: AbortSignal,
  ): Promise<readonly GatedPartition[]> {
    const rejected = new Map<string, string>();
    for (const { partition, inputs } of plan.partitions) {
      const before = ofDataset.get(partition);
      const found = before && (await holds.rejectedBefore(plan.dataset, inputs, before, signal));
      if (found) rejected.set(partition, found.buildId);
    }
    return heldAsOne(plan, gated(report, rejected));
  }

  /** Hold these builds, unless this plan held them before or another plan holds the partition. */
  async function open(
    plan: Plan,
    held: readonly GatedPartition[],
    at: string,
    signal: AbortSignal,
  ): Promise<void> {
    for (const { partition, buildId, findings } of held) {
      for (let created = false; !created;) {
        const before = await holds.holdsOf(plan.dataset, partition, signal);
        if (openHold(before) || holdOutcome(before, plan.planId) !== undefined) break;
        const n = before.length + 1;
        const { dataset, planId } = plan;
        const hold: HoldObject = {
          format: 1,
          dataset,
          partition,
          n,
          state: 'open',
          planId,
          buildId,
          findings,
          at,
        };
        created = await make(hold, signal);
      }
    }
  }

  /** Close the hold that this plan has open on a partition. Resolves how it was closed, by whomever; `undefined` without one. */
  async function close(
    plan: Plan,
    partition: string,
    action: CloseAction,
    { decision, at }: { readonly decision: string | null; readonly at: string },
    signal: AbortSignal,
  ): Promise<CloseAction | undefined> {
    for (;;) {
      const before = await holds.holdsOf(plan.dataset, partition, signal);
      if (openHold(before)?.planId !== plan.planId) return holdOutcome(before, plan.planId);
      const n = before.length + 1;
      const { dataset } = plan;
      const hold: HoldObject = { format: 1, dataset, partition, n, state: 'closed', action, decision, at };
      if (await make(hold, signal)) return action;
    }
  }

  // Taken by another body: the caller looks again at what is there now.
  async function make(hold: HoldObject, signal: AbortSignal): Promise<boolean> {
    const key = keys.hold(hold.dataset, hold.partition, hold.n);
    return (await createOnce(store, key, encode(hold), signal)).kind === 'created';
  }

  return { verdicts, open, close };
}
