import { expect } from 'vitest';
import {
  type TransferFilesResult,
  type TransferProgress,
  transferFiles,
} from '../../workflows/transfer-files.ts';
import { eventually } from '../support/eventually.ts';
import { Gate } from '../support/gate.ts';
import { test } from '../support/temporal.ts';
import { csv, workflowLake } from './lake.ts';
import { startByHand } from './operator.ts';

test('a run without the business id hands its request over, waits and returns the outcome', async ({
  lab,
}) => {
  const lake = await workflowLake(lab);
  await lake.write('a.csv', csv('2026-11-21', '1', '2'));
  await lab.withWorker(lake.queue, lake.activities, async () => {
    const id = await startByHand(lab, 'transferFiles', lake.queue, { source: lake.source });
    expect(id).not.toBe(lake.transferId);
    expect(await lab.client.workflow.getHandle(id).result()).toEqual({
      source: lake.source,
      collected: 1,
      skipped: 0,
      rows: 2,
      rejected: 0,
      bytes: 69,
      entries: 1,
      notYet: 0,
      waiting: 0,
      parked: [],
      handedTo: lake.transferId,
    });
    const shown = await lab.cli('workflow', 'result', '--workflow-id', lake.transferId);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toContain('COMPLETED');
  });
});

test('without waiting it ends at once, though the one run is held up', async ({ lab }) => {
  const lake = await workflowLake(lab);
  await lake.write('a.csv', csv('2026-11-21', '1'));
  const gate = lake.store.holdCreates();
  await lab.withWorker(lake.queue, lake.activities, async () => {
    const id = await startByHand(lab, 'transferFiles', lake.queue, { source: lake.source, wait: false });
    expect(await lab.client.workflow.getHandle(id).result()).toEqual({ handedTo: lake.transferId });
    await gate.waiting(1);
    gate.open();
    expect(await lab.client.workflow.getHandle(lake.transferId).result()).toMatchObject({ collected: 1 });
  });
});

test('two requests at once are served by one run, and each is answered', async ({ lab }) => {
  const lake = await workflowLake(lab);
  await lake.write('a.csv', csv('2026-11-21', '1'));
  const gate = new Gate();
  const activities = {
    ...lake.activities,
    listFiles: async (input: { readonly source: string }) => {
      await gate.pass();
      return lake.activities.listFiles(input);
    },
  };
  await lab.withWorker(lake.queue, activities, async () => {
    const start = () => startByHand(lab, 'transferFiles', lake.queue, { source: lake.source });
    const [one, two] = await Promise.all([start(), start()]);
    const run = lab.client.workflow.getHandle(lake.transferId);
    const requests = async () => (await run.query<TransferProgress>('progress')).requests;
    await eventually(requests, 2);
    gate.open();
    expect(await run.result()).toMatchObject({ collected: 1 });
    const outcome = (id: string) =>
      lab.client.workflow.getHandle<typeof transferFiles>(id).result() as Promise<TransferFilesResult>;
    const answers = [await outcome(one), await outcome(two)];
    expect(answers.reduce((sum, { collected }) => sum + collected, 0)).toBe(1);
  });
  expect(lake.store.keys('ledger/')).toHaveLength(1);
});

test('running again moves nothing', async ({ lab }) => {
  const lake = await workflowLake(lab);
  await lake.write('a.csv', csv('2026-11-21', '1'));
  await lab.withWorker(lake.queue, lake.activities, async () => {
    const transfer = () =>
      lab.client.workflow.execute(transferFiles, {
        workflowId: lake.transferId,
        taskQueue: lake.queue,
        args: [{ source: lake.source }],
      });
    expect(await transfer()).toMatchObject({ collected: 1, entries: 1 });
    expect(await transfer()).toMatchObject({ collected: 0, entries: 0, rows: 0 });
  });
});

test('a run without a source fails at once and says what to type', async ({ lab }) => {
  const lake = await workflowLake(lab);
  await lab.withWorker(lake.queue, lake.activities, async () => {
    const id = await startByHand(lab, 'transferFiles', lake.queue, {});
    const shown = await lab.cli('workflow', 'result', '--workflow-id', id);
    expect(shown.code).toBe(1);
    expect(shown.stdout + shown.stderr).toContain('source is missing: {"source": "<name in lake.yaml>"}');
  });
});

test('a run for a source that no spec has fails at once, and names those there are', async ({ lab }) => {
  const lake = await workflowLake(lab);
  await lab.withWorker(lake.queue, lake.activities, async () => {
    const id = await startByHand(lab, 'transferFiles', lake.queue, { source: 'flihgts' });
    const shown = await lab.cli('workflow', 'result', '--workflow-id', id);
    expect(shown.code).toBe(1);
    expect(shown.stdout + shown.stderr).toContain(
      `flihgts is no source of spec 1; of kind files are: ${lake.source}`,
    );
  });
});
