import { WorkflowFailedError } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { expect } from 'vitest';
import { failure } from '../../activities/failure.ts';
import { detachSignal, type runDmsTask } from '../../workflows/run-dms-task.ts';
import { eventually } from '../support/eventually.ts';
import { test } from '../support/temporal.ts';
import { decide, dmsLab, result, running, waiting } from './dms-lab.ts';
import { startByHand } from './operator.ts';

test('a cancelled run stops its task, and ends when it stands', async ({ lab }) => {
  const own = dmsLab(lab);
  await running(lab, own, 'full-load-and-cdc', async (run) => {
    await run.cancel();
    const error = await run.result().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect(error).toMatchObject({ cause: expect.any(CancelledFailure) });
    expect(own.dms.status(own.task)).toBe('stopped');
  });
});

test('whoever waits hears that the run was cancelled', async ({ lab }) => {
  const own = dmsLab(lab);
  const { task, queue, dms } = own;
  dms.create(task, 'cdc');
  await lab.withWorker(queue, own.activities, async () => {
    const id = await startByHand(lab, 'runDmsTask', queue, { task });
    await eventually(() => dms.status(task), 'running');
    const cancelled = await lab.cli('workflow', 'cancel', '--workflow-id', own.runId);
    expect(cancelled).toMatchObject({ code: 0 });
    expect(await lab.client.workflow.getHandle(id).result()).toMatchObject({
      outcome: 'stopped',
      status: 'stopped',
      checkpoint: 'checkpoint:V1#27',
    });
  });
});

test('a run that waits for another and is cancelled leaves the task to the one that has it', async ({
  lab,
}) => {
  const own = dmsLab(lab);
  const { task, queue, dms } = own;
  dms.create(task, 'cdc');
  await lab.withWorker(queue, own.activities, async () => {
    const id = await startByHand(lab, 'runDmsTask', queue, { task });
    await eventually(() => dms.status(task), 'running');
    await lab.client.workflow.getHandle(id).cancel();
    await expect(lab.client.workflow.getHandle(id).result()).rejects.toThrow(WorkflowFailedError);
    const run = lab.client.workflow.getHandle<typeof runDmsTask>(own.runId);
    await run.signal(detachSignal);
    expect(await result(run)).toMatchObject({ outcome: 'detached', status: 'running' });
    expect(dms.status(task)).toBe('running');
  });
});

test('a stop that is denied waits for a person, and the cancelled run ends after it', async ({ lab }) => {
  const own = dmsLab(lab);
  let isDenied = true;
  const { stopDmsTask } = own.activities;
  own.activities.stopDmsTask = async (input) => {
    if (isDenied) throw failure('AccessDenied', 'stop is denied');
    return stopDmsTask(input);
  };
  await running(lab, own, 'cdc', async (run) => {
    await run.cancel();
    expect(await waiting(run)).toMatchObject([{ item: own.task, failure: 'AccessDenied' }]);
    isDenied = false;
    await decide(run, [own.task], 'retry');
    await expect(run.result()).rejects.toThrow(WorkflowFailedError);
    expect(own.dms.status(own.task)).toBe('stopped');
  });
});

test('a run that is told to detach on cancel leaves its task running', async ({ lab }) => {
  const own = dmsLab(lab);
  const leave = { onCancel: 'detach' } as const;
  await running(
    lab,
    own,
    'cdc',
    async (run) => {
      await run.cancel();
      await expect(run.result()).rejects.toThrow(WorkflowFailedError);
      expect(own.dms.status(own.task)).toBe('running');
    },
    leave,
  );
});

test('the signal detach ends the run and leaves the task running', async ({ lab }) => {
  const own = dmsLab(lab);
  await running(lab, own, 'cdc', async (run) => {
    const sent = await lab.cli('workflow', 'signal', '--workflow-id', own.runId, '--name', 'detach');
    expect(sent).toMatchObject({ code: 0 });
    expect(await result(run)).toMatchObject({ outcome: 'detached', status: 'running' });
    expect(own.dms.status(own.task)).toBe('running');
  });
});
