import type { HoldObject, PlannedPartition } from '../../lake/plan.ts';
import { barredIn } from '../../lake/publish.ts';
import type { ViewVersion } from '../../lake/view.ts';
import type { Ender } from './ending.ts';
import type { Holding } from './holding.ts';
import type { OpenPlan } from './plans.ts';

export interface DoomedPorts {
  readonly ender: Pick<Ender, 'supersede'>;
  readonly holding: Pick<Holding, 'close'>;
}

export type Doomed = ReturnType<typeof createDoomed>;

type ClosedHold = HoldObject & { readonly state: 'closed' };

/** Ends what can no longer be published, so that it does not keep its partitions from being planned anew. */
export function createDoomed({ ender, holding }: DoomedPorts) {
  /**
   * Resolves whether something of the plan was ended. Safe to run twice: an outcome and the end of a hold are made
   * once. A run that still builds the plan finds it ended when it would publish.
   */
  async function end(
    { plan, progress }: OpenPlan,
    {
      head,
      epoch,
      at,
    }: { readonly head: ViewVersion | undefined; readonly epoch: number } & Pick<ClosedHold, 'at'>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const left = plan.partitions.filter(({ partition }) => !isEnded(progress.get(partition)));
    const barred = left.flatMap((planned: PlannedPartition) => {
      const because = head && barredIn(head, planned);
      return because === undefined ? [] : [{ partition: planned.partition, because }];
    });
    const reason =
      plan.datasetEpoch === epoch
        ? barred[0]?.because
        : `it was made under dataset epoch ${plan.datasetEpoch}, the applied spec is of ${epoch}`;
    if (reason === undefined) return false;
    // What the gate passes is published as one version: with one build barred, none of it is.
    const isWhole =
      plan.datasetEpoch !== epoch ||
      plan.whole === true ||
      barred.length === left.length ||
      barred.some(({ partition }) => !progress.has(partition));
    if (isWhole) {
      await ender.supersede(plan, { by: 'reconcileDataset', reason, decision: null }, signal);
      return true;
    }
    for (const { partition } of barred) {
      await holding.close(plan, partition, 'superseded', { decision: null, at }, signal);
    }
    return true;
  }

  return { end };
}

function isEnded(state: string | undefined): boolean {
  return state !== undefined && state !== 'held';
}
