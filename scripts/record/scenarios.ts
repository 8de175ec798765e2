import { setTimeout as wait } from 'node:timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { LakeSpec } from '../../lake/spec.ts';
import { workflowIds } from '../../lake/ids.ts';
import type { ParkedAnswer } from '../../workflows/support/parking.ts';

export interface Stage {
  readonly client: Client;
  readonly taskQueue: string;
}

/** One workflow of each type, and what its histories are called. */
export interface Scenario {
  readonly play: (stage: Stage) => Promise<Readonly<Record<string, WorkflowHandle>>>;
}

const SIGNED = { reason: 'asked the vendor', by: 'ana' };
const WITHIN_MS = 30_000;

/** Requests, a pause, a parked file and its decision; and a run that handed its request over. */
async function transferFiles(stage: Stage) {
  const asker = await start(stage, 'transferFiles', 'by-hand', { source: 'flights' });
  const run = stage.client.workflow.getHandle(workflowIds.transferFiles('flights'));
  await asker.result();
  await run.signal('pause', { reason: 'quarter end' });
  await run.signal('request', {});
  await run.signal('resume');
  await decide(run, 'skip');
  await run.result();
  return { 'transfer-files-handed-over': asker, 'transfer-files-parked': run };
}

/** A lost shard and its decision, a pause that ends a stretch, and a drain. */
async function ingestStream(stage: Stage) {
  const run = await start(stage, 'ingestStream', workflowIds.ingestStream('events'), { source: 'events' });
  await decide(run, 'skip');
  await run.signal('pause', { reason: 'quarter end' });
  await run.signal('resume');
  await run.signal('drain');
  await run.result();
  return { 'ingest-stream-drained': run };
}

/** A plan, a nudge, a recompute, a rollback and a release; it never ends. And the plan's run, with its hold. */
async function reconcileDataset(stage: Stage) {
  const id = workflowIds.reconcileDataset('flights');
  const run = await start(stage, 'reconcileDataset', id, { dataset: 'flights' });
  const build = stage.client.workflow.getHandle(workflowIds.buildPartitions('flights', 'p1'));
  await decide(build, 'approve');
  await build.result();
  await run.executeUpdate('recompute', { args: [{ partitions: ['2026-11-21'], ...SIGNED }] });
  await run.executeUpdate('rollback', { args: [{ to: 1, ...SIGNED }] });
  await run.executeUpdate('release', { args: [{ partitions: ['2026-11-21'], ...SIGNED }] });
  return { 'reconcile-dataset-asked': run, 'build-partitions-held': build };
}

async function applyLake(stage: Stage) {
  const spec: LakeSpec = { lake: { name: 'sample', bucket: 'sample' }, sources: {}, datasets: {} };
  const run = await start(stage, 'applyLake', workflowIds.applyLake('sample'), { spec, ...SIGNED });
  await run.result();
  return { 'apply-lake-applied': run };
}

/** A start, a table in error and its reload, a resume; and a cancel that stops the task. */
async function runDmsTask(stage: Stage) {
  const asker = await start(stage, 'runDmsTask', 'dms-by-hand', { task: 'shop-cdc' });
  const run = stage.client.workflow.getHandle(workflowIds.runDmsTask('shop-cdc'));
  await decide(run, 'reload');
  await decide(run, 'retry');
  await run.cancel();
  await asker.result();
  return { 'run-dms-task-handed-over': asker, 'run-dms-task-cancelled': run };
}

/** A table that waits and its decision, a reload and a repair; and a stop that ends the run of the task too. */
async function replicateDatabase(stage: Stage) {
  const asker = await start(stage, 'replicateDatabase', 'replicate-by-hand', { source: 'shop', wait: true });
  const run = stage.client.workflow.getHandle(workflowIds.replicateDatabase('shop'));
  await decide(run, 'approve');
  await run.executeUpdate('reloadTables', { args: [{ tables: ['public.bookings'], ...SIGNED }] });
  await run.executeUpdate('repairTables', { args: [{ tables: ['public.customers'], ...SIGNED }] });
  await run.signal('pause', { reason: 'quarter end' });
  await run.signal('resume');
  await run.executeUpdate('stop', { args: [SIGNED] });
  await asker.result();
  return { 'replicate-database-handed-over': asker, 'replicate-database-stopped': run };
}

export const SCENARIOS: readonly Scenario[] = [
  transferFiles,
  ingestStream,
  reconcileDataset,
  applyLake,
  runDmsTask,
  // Its task is the one that the scenario before has loaded.
  replicateDatabase,
].map((play) => ({ play }));

function start({ client, taskQueue }: Stage, type: string, workflowId: string, input: object) {
  return client.workflow.start(type, { workflowId, taskQueue, args: [input] });
}

/** Decide the one thing that waits, once it does. */
async function decide(run: WorkflowHandle, action: string): Promise<void> {
  for (const until = Date.now() + WITHIN_MS; ;) {
    const parked = await run.query<ParkedAnswer>('parked').catch(() => undefined);
    const [one] = parked?.parked ?? [];
    if (one) {
      await run.executeUpdate('decide', { args: [{ items: [one.item], action, ...SIGNED }] });
      return;
    }
    if (Date.now() > until) throw new Error(`nothing waits in ${run.workflowId} after ${WITHIN_MS} ms`);
    await wait(50);
  }
}
