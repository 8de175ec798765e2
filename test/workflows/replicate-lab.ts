import { randomUUID } from 'node:crypto';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { createDmsActivities } from '../../activities/dms/activities.ts';
import { createConnectionActivities } from '../../activities/dms/connections.ts';
import { encode, sha256Hex } from '../../activities/objects/json.ts';
import { createLedger } from '../../activities/objects/ledger.ts';
import { createRunActivities } from '../../activities/runs/activities.ts';
import { TemporalRuns } from '../../activities/runs/temporal.ts';
import { createSpecActivities } from '../../activities/spec/activities.ts';
import { createSpecReader } from '../../activities/spec/store.ts';
import { createViewActivities } from '../../activities/views/activities.ts';
import type { Action } from '../../lake/decisions.ts';
import { workflowIds } from '../../lake/ids.ts';
import { keys } from '../../lake/keys.ts';
import type { DatabaseSource, LakeSpec } from '../../lake/spec.ts';
import {
  type ReplicateDatabaseInput,
  type ReplicateDatabaseResult,
  type ReplicateProgress,
  type replicateDatabase,
} from '../../workflows/replicate-database.ts';
import { decideUpdate, parkedQuery } from '../../workflows/support/parking.ts';
import { MemoryConnections } from '../fakes/memory-connections.ts';
import { MemoryDms, type MigrationType } from '../fakes/memory-dms.ts';
import { MemoryObjectStore } from '../fakes/memory-object-store.ts';
import { MemoryRepairs } from '../fakes/memory-repairs.ts';
import { MemoryTables } from '../fakes/memory-tables.ts';
import { shopSpec } from '../support/shop-spec.ts';
import { until } from '../support/eventually.ts';
import type { Lab } from '../support/temporal.ts';

export type ReplicateLab = ReturnType<typeof replicateLab>;
export type Run = WorkflowHandle<typeof replicateDatabase>;

export interface LabOptions {
  readonly type?: MigrationType;
  readonly source?: Partial<DatabaseSource>;
  readonly tables?: readonly string[];
  readonly stretchMs?: number;
}

// An activity hears that its stretch is over when its heartbeat goes through.
export const ATTENTIVE = { worker: { maxHeartbeatThrottleInterval: '200ms' } } as const;

/** A database, its task and a lake in memory, all of one test, with the real activities but for its tables. */
export function replicateLab(
  { client }: { readonly client: Client },
  { type = 'full-load-and-cdc', source: more, tables: names, stretchMs }: LabOptions = {},
) {
  const own = randomUUID().slice(0, 8);
  const [source, task, queue] = [`shop-${own}`, `task-${own}`, `test-${own}`];
  const store = new MemoryObjectStore();
  const clock = { now: () => Date.now() };
  const dms = new MemoryDms();
  const arn = dms.create(task, type, names ?? ['public.customers', 'public.bookings']);
  const connections = new MemoryConnections();
  connections.create(task);
  const tables = new MemoryTables(
    { task, migrationType: type, findings: [] },
    { ...(names && { tables: [...names] }), ...(stretchMs !== undefined && { stretchMs }) },
  );
  const repairs = new MemoryRepairs();
  let n = 0;
  let prev: string | null = null;
  const apply = (change: Partial<DatabaseSource> | null) => {
    n += 1;
    const { sources, datasets } = shopSpec({ dms: { task }, ...change });
    const spec: LakeSpec = {
      lake: { name: `lake-${own}`, bucket: 'test-lake' },
      sources: change === null ? {} : { [source]: sources.shop },
      datasets: change === null ? {} : datasets,
    };
    const bytes = encode({
      format: 1,
      n,
      prev,
      ...spec,
      epochs: {},
      by: 'ana',
      reason: 'x',
      at: '2026-11-01T00:00:00.000Z',
    });
    prev = sha256Hex(bytes);
    store.put(keys.spec(n), bytes);
  };
  apply(more ?? {});
  const runs = new TemporalRuns(() => client, queue);
  const pacing = { lookEveryMs: 20, testEveryMs: 20, gapMs: 1 };
  const activities = {
    ...createRunActivities({ runs }),
    ...createSpecActivities({ store, runs, clock }),
    ...createDmsActivities({ tasks: dms, clock, pacing }),
    ...createConnectionActivities({ connections, clock, pacing }),
    ...createViewActivities({
      store,
      ledger: createLedger({ store }),
      spec: createSpecReader({ store }),
      clock,
    }),
    ...tables.activities,
    ...repairs.activities,
  };
  return {
    source,
    task,
    arn,
    queue,
    store,
    dms,
    connections,
    tables,
    repairs,
    activities,
    apply,
    runId: workflowIds.replicateDatabase(source),
    taskRunId: workflowIds.runDmsTask(task),
  };
}

export function start(
  lab: Lab,
  { source, queue, runId }: ReplicateLab,
  more: Partial<ReplicateDatabaseInput> = {},
): Promise<Run> {
  return lab.client.workflow.start<typeof replicateDatabase>('replicateDatabase', {
    workflowId: runId,
    taskQueue: queue,
    args: [{ source, ...more }],
  });
}

export const progress = (run: WorkflowHandle) => run.query<ReplicateProgress>('progress');
export const result = async (run: Run) => (await run.result()) as ReplicateDatabaseResult;

export async function waiting(run: WorkflowHandle, count = 1) {
  const { parked } = await until(
    () => run.query(parkedQuery),
    (answer) => answer.count === count,
  );
  return parked;
}

export function decide(run: WorkflowHandle, items: readonly string[], action: Action) {
  return run.executeUpdate(decideUpdate, { args: [{ items, action, reason: 'mended', by: 'ana' }] });
}
