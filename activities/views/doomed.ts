import type { HoldObject, Plan, PlannedPartition } from '../../lake/plan.ts';
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
      contract,
      at,
    }: {
      readonly head: ViewVersion | undefined;
      /** Of the dataset in the applied spec. */
      readonly epoch: number;
      readonly contract: string;
    } & Pick<ClosedHold, 'at'>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const left = plan.partitions.filter(({ partition }) => !isEnded(progress.get(partition)));
    const barred = left.flatMap((planned: PlannedPartition) => {
      const because = head && barredIn(head, planned);
      return because === undefined ? [] : [{ partition: planned.partition, because }];
    });
    const outdated = outdatedBy(plan, { head, epoch, contract });
    const reason = outdated ?? barred[0]?.because;
    if (reason === undefined) return false;
    // What the gate passes is published as one version: with one build barred, none of it is.
    const isWhole =
      outdated !== undefined ||
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

/** Why none of a plan can be published, whatever its partitions are. */
function outdatedBy(
  { datasetEpoch, partitions, spec }: Plan,
  {
    head,
    epoch,
    contract,
  }: { readonly head: ViewVersion | undefined; readonly epoch: number; readonly contract: string },
): string | undefined {
  if (datasetEpoch !== epoch)
    return `it was made under dataset epoch ${datasetEpoch}, the applied spec is of ${epoch}`;
  const own = partitions[0]?.inputs.contract;
  if (!head || own === undefined || own === head.contract || own === contract) return undefined;
  return `it was made under spec ${spec}, whose contract is neither that of version ${head.n} nor the applied one`;
}

function isEnded(state: string | undefined): boolean {
  return state !== undefined && state !== 'held';
}
