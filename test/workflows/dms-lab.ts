import { randomUUID } from 'node:crypto';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { createDmsActivities } from '../../activities/dms/activities.ts';
import type { ReplicationTasks } from '../../activities/dms/port.ts';
import { createLedger } from '../../activities/objects/ledger.ts';
import { createRunActivities } from '../../activities/runs/activities.ts';
import { TemporalRuns } from '../../activities/runs/temporal.ts';
import { createSpecReader } from '../../activities/spec/store.ts';
import { createViewActivities } from '../../activities/views/activities.ts';
import type { DmsTask } from '../../lake/dms.ts';
import { workflowIds } from '../../lake/ids.ts';
import type {
  DmsProgress,
  RunDmsTaskInput,
  RunDmsTaskResult,
  runDmsTask,
} from '../../workflows/run-dms-task.ts';
import { decideUpdate, parkedQuery } from '../../workflows/support/parking.ts';
import { MemoryDms } from '../fakes/memory-dms.ts';
import { MemoryObjectStore } from '../fakes/memory-object-store.ts';
import { eventually, until } from '../support/eventually.ts';
import type { Lab } from '../support/temporal.ts';

export type DmsLab = ReturnType<typeof dmsLab>;

interface Pacing {
  readonly watchMs?: number;
}

/** A DMS in memory and a lake for decisions, with the real activities. Its names are its own: tests share one server. */
export function dmsLab(lab: { readonly client: Client }, pacing: Pacing = {}) {
  const dms = new MemoryDms();
  return { dms, ...labOver(lab, dms, `shop-${randomUUID().slice(0, 8)}`, pacing) };
}

/** The same over any DMS that has the task. */
export function labOver(
  { client }: { readonly client: Client },
  tasks: ReplicationTasks,
  task: string,
  pacing: Pacing = {},
) {
  const queue = `test-${task}`;
  const store = new MemoryObjectStore();
  const clock = { now: () => Date.now() };
  const activities = {
    ...createRunActivities({ runs: new TemporalRuns(() => client, queue) }),
    ...createDmsActivities({
      tasks,
      clock,
      pacing: { lookEveryMs: 20, gapMs: 1, changeGapMs: 1, ...pacing },
    }),
    ...createViewActivities({
      store,
      ledger: createLedger({ store }),
      spec: createSpecReader({ store }),
      clock,
    }),
  };
  return { task, queue, store, activities, runId: workflowIds.runDmsTask(task) };
}

export type Run = WorkflowHandle<typeof runDmsTask>;

export function start(
  lab: Lab,
  { task, queue, runId }: Pick<DmsLab, 'task' | 'queue' | 'runId'>,
  more: Partial<RunDmsTaskInput> = {},
): Promise<Run> {
  return lab.client.workflow.start<typeof runDmsTask>('runDmsTask', {
    workflowId: runId,
    taskQueue: queue,
    args: [{ task, ...more }],
  });
}

export const progress = (run: WorkflowHandle) => run.query<DmsProgress>('progress');
export const result = async (run: Run) => (await run.result()) as RunDmsTaskResult;
export const ends = (reason: string): Partial<DmsTask> => ({
  status: 'stopped',
  stopReason: `Stop Reason ${reason}`,
});

export async function waiting(run: WorkflowHandle, count = 1) {
  const { parked } = await until(
    () => run.query(parkedQuery),
    (answer) => answer.count === count,
  );
  return parked;
}

export function decide(
  run: WorkflowHandle,
  items: readonly string[],
  action: 'retry' | 'reload' | 'skip' | 'abort',
) {
  return run.executeUpdate(decideUpdate, { args: [{ items, action, reason: 'mended', by: 'ana' }] });
}

/** A run of a task that runs. */
export async function running(
  lab: Lab,
  own: DmsLab,
  type: 'full-load' | 'cdc' | 'full-load-and-cdc',
  scenario: (run: Run) => Promise<void>,
  more: Partial<RunDmsTaskInput> = {},
): Promise<void> {
  own.dms.create(own.task, type);
  await lab.withWorker(own.queue, own.activities, async () => {
    const run = await start(lab, own, more);
    await eventually(async () => (await progress(run)).look?.status, 'running');
    await scenario(run);
  });
}
