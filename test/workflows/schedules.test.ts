import { expect, onTestFinished } from 'vitest';
import { scheduleId, workflowIds } from '../../lake/ids.ts';
import { applyLake } from '../../workflows/apply-lake.ts';
import { decideUpdate } from '../../workflows/support/parking.ts';
import type { TransferProgress } from '../../workflows/transfer-files.ts';
import { eventually, until } from '../support/eventually.ts';
import { type Lab, test } from '../support/temporal.ts';
import { BROKEN, csv, workflowLake } from './lake.ts';

type Lake = Awaited<ReturnType<typeof workflowLake>>;

/** A lake that was never applied, with a schedule that will not fire by itself while a test runs. */
async function scheduledLake(lab: Lab): Promise<Lake> {
  const lake = await workflowLake(lab, { bare: true, source: { schedule: { everyMs: 86_400_000 } } });
  onTestFinished(async () => {
    await lab.client.schedule.getHandle(scheduleId(lake.source)).delete();
    for (const id of [lake.ingestId, lake.reconcileId]) await lab.client.workflow.getHandle(id).terminate();
  });
  return lake;
}

function apply(lab: Lab, lake: Lake) {
  return lab.client.workflow.execute(applyLake, {
    workflowId: workflowIds.applyLake(lake.spec.lake.name),
    taskQueue: lake.queue,
    args: [{ spec: lake.spec, by: 'ana', reason: 'first' }],
  });
}

test('applying a spec sets its schedules and starts its long-lived runs, and once is enough', async ({
  lab,
}) => {
  const lake = await scheduledLake(lab);
  await lab.withWorker(lake.queue, lake.activities, async () => {
    expect(await apply(lab, lake)).toMatchObject({ n: 1, written: true });
    const described = await lab.client.schedule.getHandle(scheduleId(lake.source)).describe();
    expect(described.action).toMatchObject({
      workflowType: 'transferFiles',
      workflowId: `${lake.transferId}/scheduled`,
      args: [{ source: lake.source, wait: false }],
    });
    const runs = async () => [
      (await lab.client.workflow.getHandle(lake.ingestId).describe()).runId,
      (await lab.client.workflow.getHandle(lake.reconcileId).describe()).runId,
    ];
    const before = await runs();
    expect(await apply(lab, lake)).toMatchObject({ n: 1, written: false });
    expect(await runs()).toEqual(before);
  });
});

test('a schedule starts a run that ends at once, and the one that waits for a person takes the request', async ({
  lab,
}) => {
  const lake = await scheduledLake(lab);
  await lake.write('broken.csv', BROKEN);
  await lab.withWorker(lake.queue, lake.activities, async () => {
    await apply(lab, lake);
    const trigger = () => lab.cli('schedule', 'trigger', '--schedule-id', scheduleId(lake.source));
    const run = lab.client.workflow.getHandle(lake.transferId);
    const progress = () => run.query<TransferProgress>('progress');
    expect(await trigger()).toMatchObject({ code: 0 });
    await until(progress, ({ waiting, requests }) => waiting === 1 && requests === 0);
    await lake.write('good.csv', csv('2026-11-21', '1'));
    expect(await trigger()).toMatchObject({ code: 0 });
    await until(progress, ({ collected }) => collected === 1);
    const launched = `WorkflowId STARTS_WITH '${lake.transferId}/scheduled' AND ExecutionStatus = 'Completed'`;
    await eventually(async () => (await lab.client.workflow.count(launched)).count, 2);
    const args: [object] = [{ items: ['broken.csv'], action: 'skip', reason: 'withdrawn', by: 'ana' }];
    await run.executeUpdate(decideUpdate.name, { args });
    expect(await run.result()).toMatchObject({ collected: 1, skipped: 1 });
  });
});

test('a schedule that an operator paused stays paused when the lake is applied again', async ({ lab }) => {
  const lake = await scheduledLake(lab);
  await lab.withWorker(lake.queue, lake.activities, async () => {
    await apply(lab, lake);
    const paused = await lab.cli(
      ...(['schedule', 'toggle', '--pause', '--reason', 'audit'] as const),
      ...(['--schedule-id', scheduleId(lake.source)] as const),
    );
    expect(paused).toMatchObject({ code: 0 });
    await apply(lab, lake);
    const { state } = await lab.client.schedule.getHandle(scheduleId(lake.source)).describe();
    expect(state).toMatchObject({ paused: true, note: 'audit' });
  });
});

test('a second run never applies beside the first: its id is the business id', async ({ lab }) => {
  const lake = await workflowLake(lab, { bare: true });
  await lab.withWorker(lake.queue, lake.activities, async () => {
    const other = lab.client.workflow.execute(applyLake, {
      workflowId: `another-${lake.queue}`,
      taskQueue: lake.queue,
      args: [{ spec: lake.spec, by: 'ana', reason: 'first' }],
    });
    await expect(other).rejects.toMatchObject({
      cause: {
        message: `the id of this run must be apply/${lake.spec.lake.name}, so that two never apply at once`,
      },
    });
  });
  expect(lake.store.keys()).toEqual([]);
});
