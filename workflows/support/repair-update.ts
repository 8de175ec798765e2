import { defineUpdate, proxyActivities, setHandler, uuid4, workflowInfo } from '@temporalio/workflow';
import type { RepairActivities, Repaired } from '../../activities/tables/repairs.ts';
import type { ViewActivities } from '../../activities/views/activities.ts';
import { type ReloadTablesRequest, refuseReload } from '../../lake/replicate.ts';
import { REPAIR } from '../policies.ts';
import { failure, plainly } from './failure.ts';
import { queueFor } from './queues.ts';
import { signed } from './signed.ts';

export interface RepairTablesAnswer {
  readonly tables: readonly Repaired[];
  /** Key of the object that keeps who asked, and why. */
  readonly decision: string;
}

export const repairTablesUpdate = defineUpdate<RepairTablesAnswer, [ReloadTablesRequest]>('repairTables');

interface Repairable {
  readonly source: string;
  readonly recordDecision: ViewActivities['recordDecision'];
  /** Every declared table. */
  readonly known: () => ReadonlySet<string>;
  /** Why nothing can be repaired now. */
  readonly refusal: () => string | undefined;
}

/** Let an operator write the rows of tables that differ from the database, and no others. Call it before the first await. */
export function repairable({ source, recordDecision, known, refusal }: Repairable): void {
  setHandler(
    repairTablesUpdate,
    async ({ tables, by, reason }) => {
      const { repairDatabaseTable } = proxyActivities<RepairActivities>({
        ...REPAIR,
        taskQueue: queueFor('transfer'),
      });
      const { workflowId: workflow, runId: run } = workflowInfo();
      const id = uuid4();
      const change = { rows: 'those that differ' };
      try {
        const { key } = await recordDecision({
          decision: { id, workflow, run, items: [...tables], action: 'reload', change, reason, by },
        });
        const repaired: Repaired[] = [];
        for (const table of tables) repaired.push(await repairDatabaseTable({ source, table, id }));
        return { tables: repaired, decision: key };
      } catch (error) {
        throw plainly(error);
      }
    },
    {
      description:
        'Compare tables with the database, and write the rows that differ as it has them: {"tables": ["public.customers"], "reason": "…", "by": "…"}',
      validator: (request) => {
        signed(request);
        const refused = refusal() ?? refuseReload(request.tables, known());
        if (refused !== undefined) throw failure('MalformedInput', refused);
      },
    },
  );
}
