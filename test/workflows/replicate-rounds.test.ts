import { expect } from 'vitest';
import { stopUpdate } from '../../workflows/support/replication-updates.ts';
import { eventually } from '../support/eventually.ts';
import { type Lab, test } from '../support/temporal.ts';
import { startByHand } from './operator.ts';
import {
  ATTENTIVE,
  type LabOptions,
  type ReplicateLab,
  decide,
  progress,
  replicateLab,
  result,
  start,
  waiting,
} from './replicate-lab.ts';

const ANA = { reason: 'quarter end', by: 'ana' };
const LOADED = { status: 'stopped', stopReason: 'Stop Reason FULL_LOAD_ONLY_FINISHED' };
const AT_COMMIT = { status: 'stopped', stopReason: 'Stop Reason STOPPED_AT_COMMIT_TIME' };

async function within(
  lab: Lab,
  options: LabOptions,
  scenario: (own: ReplicateLab) => Promise<void>,
): Promise<void> {
  const own = replicateLab(lab, options);
  await lab.withWorker(own.queue, own.activities, () => scenario(own), ATTENTIVE);
}

const LOADS: LabOptions = { type: 'full-load', source: { replicate: 'load' } };
const CHANGES: LabOptions = { type: 'cdc', source: { replicate: 'changes' } };

function loaded({ dms, task }: ReplicateLab): void {
  dms.loads(task);
  dms.becomes(task, LOADED);
}

test('each run loads anew, and ends once what was loaded is collected', async ({ lab }) => {
  await within(lab, LOADS, async (own) => {
    const first = await start(lab, own);
    await eventually(() => own.dms.status(own.task), 'running');
    own.tables.land('public.customers', 5);
    loaded(own);
    expect(await result(first)).toMatchObject({ outcome: 'finished', landings: 1, rows: 5, waiting: 0 });
    const id = await startByHand(lab, 'replicateDatabase', own.queue, { source: own.source, wait: true });
    await eventually(() => own.dms.starts(own.task), ['start-replication', 'reload-target']);
    await eventually(() => own.dms.status(own.task), 'running');
    own.tables.land('public.bookings', 2);
    loaded(own);
    expect(await lab.client.workflow.getHandle(id).result()).toMatchObject({
      outcome: 'finished',
      rows: 2,
      handedTo: own.runId,
    });
    expect(own.connections.tests).toHaveLength(4);
  });
});

test('what is asked while a load runs is served by one more, however often it is asked', async ({ lab }) => {
  await within(lab, LOADS, async (own) => {
    const run = await start(lab, own);
    await eventually(() => own.dms.status(own.task), 'running');
    for (const input of [{ wait: false }, {}, { wait: false }]) {
      const id = await startByHand(lab, 'replicateDatabase', own.queue, { source: own.source, ...input });
      expect(await lab.client.workflow.getHandle(id).result()).toEqual({ handedTo: own.runId });
    }
    expect(await progress(run)).toMatchObject({ requests: 4 });
    loaded(own);
    await eventually(() => own.dms.starts(own.task), ['start-replication', 'reload-target']);
    await eventually(() => own.dms.status(own.task), 'running');
    loaded(own);
    expect(await result(run)).toMatchObject({ outcome: 'finished' });
    expect(own.dms.starts(own.task)).toHaveLength(2);
  });
});

test('a load that somebody began is waited for, and then one is begun', async ({ lab }) => {
  await within(lab, LOADS, async (own) => {
    own.dms.becomes(own.task, { status: 'running' });
    const run = await start(lab, own);
    await eventually(
      async () =>
        (await lab.client.workflow.getHandle(own.taskRunId).query<{ took: string }>('progress')).took,
      'adopted',
    );
    expect(own.dms.starts(own.task)).toEqual([]);
    loaded(own);
    await eventually(() => own.dms.starts(own.task), ['reload-target']);
    await eventually(() => own.dms.status(own.task), 'running');
    loaded(own);
    expect(await result(run)).toMatchObject({ outcome: 'finished' });
  });
});

test('a run of the task that is open is waited for, and then one is begun', async ({ lab }) => {
  await within(lab, LOADS, async (own) => {
    await startByHand(lab, 'runDmsTask', own.queue, { task: own.task }, own.taskRunId);
    await eventually(() => own.dms.status(own.task), 'running');
    const run = await start(lab, own);
    await eventually(async () => (await progress(run)).task, own.taskRunId);
    loaded(own);
    await eventually(() => own.dms.starts(own.task), ['start-replication', 'reload-target']);
    await eventually(() => own.dms.status(own.task), 'running');
    loaded(own);
    expect(await result(run)).toMatchObject({ outcome: 'finished' });
  });
});

test('a table that needs a person holds its run open after the load', async ({ lab }) => {
  await within(lab, LOADS, async (own) => {
    own.tables.break('public.bookings', {
      failure: 'LoadIncomplete',
      message: '5 of 6 rows',
      allowed: ['retry', 'reload', 'approve'],
    });
    const run = await start(lab, own);
    await eventually(() => own.dms.status(own.task), 'running');
    loaded(own);
    expect(await waiting(run)).toMatchObject([{ item: 'public.bookings', failure: 'LoadIncomplete' }]);
    await decide(run, ['public.bookings'], 'reload');
    // A task that stands reloads no table.
    expect(await waiting(run)).toMatchObject([
      {
        message:
          '5 of 6 rows; DMS reloads tables of a running task that loads them, and this one does not run, or is of type cdc',
      },
    ]);
    own.tables.break('public.bookings', null);
    await decide(run, ['public.bookings'], 'retry');
    expect(await result(run)).toMatchObject({ outcome: 'finished', waiting: 0 });
  });
});

test('a load that is given up in its own run ends this one with what landed', async ({ lab }) => {
  await within(lab, LOADS, async (own) => {
    const run = await start(lab, own);
    await eventually(() => own.dms.status(own.task), 'running');
    own.tables.land('public.customers', 1);
    await lab.client.workflow.getHandle(own.taskRunId).terminate('by hand');
    expect(await waiting(run)).toMatchObject([{ item: own.task, failure: 'DmsTaskUnwatched' }]);
    await decide(run, [own.task], 'abort');
    expect(await result(run)).toMatchObject({ outcome: 'aborted', rows: 1 });
  });
});

test('changes are taken up to the moment that the run is for', async ({ lab }) => {
  await within(lab, CHANGES, async (own) => {
    const run = await start(lab, own);
    const { startTime } = await run.describe();
    await eventually(() => own.dms.status(own.task), 'running');
    expect(own.dms.stopPositions(own.task)).toEqual([`commit_time:${startTime.toISOString().slice(0, 19)}`]);
    own.tables.land('public.customers', 4);
    own.dms.becomes(own.task, AT_COMMIT);
    expect(await result(run)).toMatchObject({ outcome: 'finished', rows: 4 });
    const next = await start(lab, own);
    await eventually(() => own.dms.starts(own.task), ['start-replication', 'resume-processing']);
    await eventually(() => own.dms.status(own.task), 'running');
    own.dms.becomes(own.task, AT_COMMIT);
    expect(await result(next)).toMatchObject({ outcome: 'finished', rows: 0 });
  });
});

test('a database in which nothing more is committed keeps its task no longer than a stretch', async ({
  lab,
}) => {
  await within(lab, { ...CHANGES, stretchMs: 300 }, async (own) => {
    const run = await start(lab, own);
    expect(await result(run)).toMatchObject({ outcome: 'finished' });
    expect(own.dms.status(own.task)).toBe('stopped');
  });
});

test('a schedule asks for the changes up to its own time', async ({ lab }) => {
  await within(lab, CHANGES, async (own) => {
    const scheduleId = `schedule/${own.source}`;
    const schedule = await lab.client.schedule.create({
      scheduleId,
      spec: { intervals: [{ every: '1 day' }] },
      action: {
        type: 'startWorkflow',
        workflowType: 'replicateDatabase',
        workflowId: `${own.runId}/scheduled`,
        taskQueue: own.queue,
        args: [{ source: own.source, wait: false }],
      },
      policies: { catchupWindow: '3650 days' },
    });
    try {
      await schedule.backfill({
        start: new Date('2026-11-20T23:30:00Z'),
        end: new Date('2026-11-21T00:30:00Z'),
        overlap: 'ALLOW_ALL',
      });
      await eventually(() => own.dms.status(own.task), 'running');
      expect(own.dms.stopPositions(own.task)).toEqual(['commit_time:2026-11-21T00:00:00']);
      const run = lab.client.workflow.getHandle(own.runId);
      own.dms.becomes(own.task, AT_COMMIT);
      expect(await run.result()).toMatchObject({ outcome: 'finished' });
    } finally {
      await schedule.delete();
    }
  });
});

test('a stop during a load stops the task and collects what landed', async ({ lab }) => {
  await within(lab, LOADS, async (own) => {
    const run = await start(lab, own);
    await eventually(() => own.dms.status(own.task), 'running');
    await eventually(() => own.tables.open, 1);
    await run.signal('pause', { reason: 'quarter end' });
    await eventually(() => own.tables.open, 0);
    own.tables.land('public.customers', 3);
    await run.executeUpdate(stopUpdate, { args: [ANA] });
    expect(await result(run)).toMatchObject({ outcome: 'stopped', rows: 3 });
    expect(own.dms.status(own.task)).toBe('stopped');
  });
});

test('what becomes continuous while it loads goes on so', async ({ lab }) => {
  await within(lab, { type: 'full-load-and-cdc', source: { replicate: 'changes' } }, async (own) => {
    const run = await start(lab, own);
    await eventually(() => own.dms.status(own.task), 'running');
    own.apply({});
    await run.signal('nudge');
    own.dms.loads(own.task);
    own.dms.becomes(own.task, AT_COMMIT);
    await eventually(() => own.dms.starts(own.task), ['start-replication', 'resume-processing']);
    expect(await progress(run)).toMatchObject({ replicate: 'continuous' });
    await run.executeUpdate(stopUpdate, { args: [ANA] });
    await result(run);
  });
});
