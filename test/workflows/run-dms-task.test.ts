import { WorkflowFailedError } from '@temporalio/client';
import { expect } from 'vitest';
import { detachSignal } from '../../workflows/run-dms-task.ts';
import { eventually, until } from '../support/eventually.ts';
import { test } from '../support/temporal.ts';
import { dmsLab, ends, progress, result, running, start } from './dms-lab.ts';
import { startByHand } from './operator.ts';

test('a name is enough: the task is started once, and its end is told to whoever asked', async ({ lab }) => {
  const own = dmsLab(lab);
  const { task, queue, dms } = own;
  const arn = dms.create(task, 'full-load');
  await lab.withWorker(queue, own.activities, async () => {
    const id = await startByHand(lab, 'runDmsTask', queue, { task });
    await eventually(() => dms.status(task), 'running');
    dms.loads(task);
    dms.becomes(task, ends('FULL_LOAD_ONLY_FINISHED'));
    expect(await lab.client.workflow.getHandle(id).result()).toEqual({
      task,
      arn,
      outcome: 'finished',
      because: 'FULL_LOAD_ONLY_FINISHED',
      took: 'started',
      starts: 1,
      status: 'stopped',
      stopReason: 'Stop Reason FULL_LOAD_ONLY_FINISHED',
      tables: { total: 2, completed: 2, skipped: [] },
      rows: 10,
      checkpoint: 'checkpoint:V1#27',
      handedTo: own.runId,
    });
    expect(dms.starts(task)).toEqual(['start-replication']);
  });
});

test('two requests at once, by identifier and by ARN, start the task once and hear the same', async ({
  lab,
}) => {
  const own = dmsLab(lab);
  const { task, queue, dms } = own;
  const arn = dms.create(task, 'full-load');
  await lab.withWorker(queue, own.activities, async () => {
    const ids = await Promise.all([
      startByHand(lab, 'runDmsTask', queue, { task }),
      startByHand(lab, 'runDmsTask', queue, { task: arn }),
    ]);
    await eventually(() => dms.status(task), 'running');
    await until(
      async () => (await lab.client.workflow.getHandle(own.runId).fetchHistory()).events ?? [],
      (events) => events.filter((event) => event.workflowExecutionSignaledEventAttributes).length === 2,
    );
    dms.loads(task);
    dms.becomes(task, ends('FULL_LOAD_ONLY_FINISHED'));
    for (const id of ids) {
      expect(await lab.client.workflow.getHandle(id).result()).toMatchObject({
        outcome: 'finished',
        handedTo: own.runId,
      });
    }
    expect(dms.starts(task)).toEqual(['start-replication']);
  });
});

test('two runs of two namespaces start the task once', async ({ lab }) => {
  const own = dmsLab(lab);
  const other = dmsLab(lab);
  const { task, dms } = own;
  dms.create(task, 'full-load');
  // The other run knows the same task by another name, and the same DMS.
  const activities = {
    ...own.activities,
    describeDmsTask: () => own.activities.describeDmsTask({ task }),
  };
  await lab.withWorker(own.queue, own.activities, () =>
    lab.withWorker(other.queue, activities, async () => {
      const runs = await Promise.all([start(lab, own), start(lab, other)]);
      await eventually(() => dms.status(task), 'running');
      await eventually(
        async () => (await Promise.all(runs.map(progress))).map(({ look }) => look?.status),
        ['running', 'running'],
      );
      dms.loads(task);
      dms.becomes(task, ends('FULL_LOAD_ONLY_FINISHED'));
      const outcomes = await Promise.all(runs.map(result));
      expect(outcomes.map(({ took }) => took).sort()).toEqual(['adopted', 'started']);
      expect(dms.starts(task)).toEqual(['start-replication']);
    }),
  );
});

test('a task that runs already is adopted', async ({ lab }) => {
  const own = dmsLab(lab);
  const { task, queue, dms } = own;
  dms.create(task, 'full-load');
  dms.becomes(task, { status: 'running' });
  await lab.withWorker(queue, own.activities, async () => {
    const run = await start(lab, own);
    await eventually(async () => (await progress(run)).took, 'adopted');
    dms.loads(task);
    dms.becomes(task, ends('NORMAL'));
    expect(await result(run)).toMatchObject({ outcome: 'finished', took: 'adopted', starts: 0 });
    expect(dms.starts(task)).toEqual([]);
  });
});

test('a start whose answer is lost is carried out once', async ({ lab }) => {
  const own = dmsLab(lab);
  own.dms.fail('start', 'Unreachable', true);
  await running(lab, own, 'full-load-and-cdc', async (run) => {
    expect(own.dms.starts(own.task)).toEqual(['start-replication']);
    await run.signal(detachSignal);
    expect(await result(run)).toMatchObject({ outcome: 'detached', took: 'adopted' });
  });
});

test('a load that ended before its lost answer was looked up is not done again', async ({ lab }) => {
  const own = dmsLab(lab);
  own.dms.create(own.task, 'full-load', ['public.customers'], true);
  own.dms.fail('start', 'Unreachable', true);
  await lab.withWorker(own.queue, own.activities, async () => {
    expect(await result(await start(lab, own))).toMatchObject({ outcome: 'finished', rows: 5 });
    expect(own.dms.starts(own.task)).toEqual(['start-replication']);
  });
});

test('a describe that is late is not taken for the end of the start before', async ({ lab }) => {
  const own = dmsLab(lab);
  const { task, dms } = own;
  dms.create(task, 'full-load');
  dms.becomes(task, { ...ends('FULL_LOAD_ONLY_FINISHED'), startedAt: '2026-11-01T00:00:00.000Z' });
  dms.loads(task);
  // The first look, the one before the start, and ten that show the task as it stood.
  dms.late(task, 12);
  await lab.withWorker(own.queue, own.activities, async () => {
    const run = await start(lab, own, { startType: 'reload-target' });
    await eventually(async () => (await progress(run)).look?.status, 'running');
    dms.becomes(task, ends('FULL_LOAD_ONLY_FINISHED'));
    expect(await result(run)).toMatchObject({ outcome: 'finished', starts: 1 });
    expect(dms.starts(task)).toEqual(['reload-target']);
  });
});

test('a load that is complete is not done again', async ({ lab }) => {
  const own = dmsLab(lab);
  const { task, dms } = own;
  dms.create(task, 'full-load');
  dms.becomes(task, { ...ends('FULL_LOAD_ONLY_FINISHED'), startedAt: '2026-11-01T00:00:00.000Z' });
  dms.loads(task);
  await lab.withWorker(own.queue, own.activities, async () => {
    expect(await result(await start(lab, own))).toMatchObject({ outcome: 'finished', took: 'asItWas' });
    expect(dms.starts(task)).toEqual([]);
  });
});

test('a start type that can never be right is refused in words, to the one who asked', async ({ lab }) => {
  const own = dmsLab(lab);
  const { task, queue, dms } = own;
  dms.create(task, 'full-load');
  await lab.withWorker(queue, own.activities, async () => {
    const inputs = [{ task, startType: 'resume-processing' }, { task, startType: 'begin' }, {}];
    const told: unknown[] = [];
    for (const input of inputs) {
      const id = await startByHand(lab, 'runDmsTask', queue, input);
      const error: unknown = await lab.client.workflow
        .getHandle(id)
        .result()
        .catch((reason: unknown) => reason);
      told.push(error instanceof WorkflowFailedError ? error.cause?.message : error);
    }
    expect(told).toEqual([
      `${task} (full-load) is ready and never ran: resume-processing would damage its data; startType must be start-replication`,
      'startType is "begin": it must be one of start-replication, resume-processing, reload-target',
      'task is missing: {"task": "<identifier or ARN of a replication task>"}',
    ]);
    expect(dms.starts(task)).toEqual([]);
  });
});
