import { expect } from 'vitest';
import { detachSignal, type runDmsTask } from '../../workflows/run-dms-task.ts';
import { parkedQuery } from '../../workflows/support/parking.ts';
import { eventually, until } from '../support/eventually.ts';
import { test } from '../support/temporal.ts';
import { decide, dmsLab, ends, progress, result, running, start, waiting } from './dms-lab.ts';
import { commandsIn, details, paste } from './operator.ts';

test('a table in error waits beside the task that runs, and the command in the details decides it', async ({
  lab,
}) => {
  const own = dmsLab(lab);
  const { dms, task, runId } = own;
  await running(lab, own, 'full-load-and-cdc', async (run) => {
    dms.loads(task);
    dms.setTable(task, 'public.bookings', 'Table error');
    expect(await waiting(run)).toMatchObject([
      { item: 'public.bookings', failure: 'DmsTableError', allowed: ['retry', 'reload', 'skip'] },
    ]);
    const query = `LakeState = 'NeedsOperator' AND LakeSource = '${task}' AND LakeFailure = 'DmsTableError'`;
    await until(
      () => lab.cli('workflow', 'list', '--query', query),
      ({ stdout }) => stdout.includes(runId),
    );
    const shown = await details(lab, runId);
    expect(shown).toContain('1 of 2 tables complete, 1 in trouble');
    expect(shown).toContain('### public.bookings');
    const command = commandsIn(shown).find((one) => one.includes('"action": "reload"'));
    expect(await paste(lab, command ?? '')).toMatchObject({ code: 0 });
    await waiting(run, 0);
    await eventually(
      async () => (await progress(run)).look?.tables.leftOver[0]?.state,
      'Table is being reloaded',
    );
    expect(own.store.keys('audit/')).toHaveLength(1);
    dms.loads(task);
    dms.becomes(task, { tablesErrored: 0 });
    await run.signal(detachSignal);
    expect(await result(run)).toMatchObject({ outcome: 'detached' });
  });
});

test('a table that comes right by itself waits no longer', async ({ lab }) => {
  const own = dmsLab(lab);
  await running(lab, own, 'full-load-and-cdc', async (run) => {
    own.dms.setTable(own.task, 'public.bookings', 'Table error');
    await waiting(run);
    own.dms.setTable(own.task, 'public.bookings', 'Table completed');
    await waiting(run, 0);
    await run.signal(detachSignal);
    await result(run);
  });
});

test('a load that ended with a table in error is no success until a person leaves the table out', async ({
  lab,
}) => {
  const own = dmsLab(lab);
  const { dms, task } = own;
  await running(lab, own, 'full-load', async (run) => {
    dms.setTable(task, 'public.bookings', 'Table error');
    dms.loads(task);
    dms.becomes(task, ends('FULL_LOAD_ONLY_FINISHED'));
    await eventually(
      async () => (await run.query(parkedQuery)).parked.map(({ allowed }) => allowed),
      [['retry', 'skip']],
    );
    await decide(run, ['public.bookings'], 'skip');
    expect(await result(run)).toMatchObject({
      outcome: 'finished',
      tables: { total: 2, completed: 1, skipped: ['public.bookings'] },
    });
  });
});

test('zero tables are no success; a retry resumes the task', async ({ lab }) => {
  const own = dmsLab(lab);
  const { dms, task } = own;
  dms.create(task, 'full-load', [], true);
  await lab.withWorker(own.queue, own.activities, async () => {
    const run = await start(lab, own);
    expect(await waiting(run)).toMatchObject([
      { item: task, failure: 'DmsNoTables', allowed: ['retry', 'reload', 'abort'] },
    ]);
    await decide(run, [task], 'retry');
    await eventually(() => dms.starts(task), ['start-replication', 'resume-processing']);
    await waiting(run);
    await decide(run, [task], 'abort');
    expect(await result(run)).toMatchObject({ outcome: 'aborted', because: 'mended' });
  });
});

test('a status that nobody knows is looked at on and on', async ({ lab }) => {
  const own = dmsLab(lab);
  const { dms, task } = own;
  await running(lab, own, 'cdc', async (run) => {
    dms.becomes(task, { status: 'hibernating' });
    await eventually(async () => (await progress(run)).says, 'unknown status "hibernating"');
    dms.becomes(task, { status: 'running' });
    await eventually(async () => (await progress(run)).says, 'running');
    expect((await progress(run)).waiting).toBe(0);
    await run.signal(detachSignal);
    await result(run);
  });
});

const STANDS: readonly (readonly [string, string])[] = [
  ['NORMAL', 'DmsTaskStopped'],
  ['STOPPED_AFTER_DDL_APPLY', 'DmsTaskStopped'],
  ['STOPPED_DUE_TO_LOW_MEMORY', 'DmsOutOfCapacity'],
  ['STOPPED_DUE_TO_LOW_DISK', 'DmsOutOfCapacity'],
  ['FATAL_ERROR', 'DmsTaskFailed'],
  ['EXPRESS_LICENSE_LIMITS_REACHED', 'DmsTaskFailed'],
  ['SOMETHING_NEW', 'DmsTaskStopped'],
];

test('replication that stops for what a person is to see waits, and a retry resumes it', async ({ lab }) => {
  const own = dmsLab(lab);
  const { dms, task } = own;
  await running(lab, own, 'full-load-and-cdc', async (run) => {
    dms.loads(task);
    for (const [reason, name] of STANDS) {
      dms.becomes(task, { ...ends(reason), lastFailure: `${reason}: the source` });
      const [parked] = await waiting(run);
      expect(parked).toMatchObject({ item: task, failure: name, allowed: ['retry', 'reload', 'abort'] });
      expect(parked?.message).toContain(`${reason}: the source`);
      await decide(run, [task], 'retry');
      await eventually(async () => (await progress(run)).look?.status, 'running');
    }
    expect(dms.starts(task)).toEqual(['start-replication', ...STANDS.map(() => 'resume-processing')]);
    await run.signal(detachSignal);
    await result(run);
  });
});

test('replication that pauses by itself is resumed without a person', async ({ lab }) => {
  const own = dmsLab(lab);
  const { dms, task } = own;
  const reasons = ['STOPPED_AFTER_FULL_LOAD', 'STOPPED_AFTER_CACHED_EVENTS', 'RECYCLE_TASK'];
  await running(lab, own, 'full-load-and-cdc', async (run) => {
    dms.loads(task);
    for (const [n, reason] of reasons.entries()) {
      dms.becomes(task, ends(reason));
      await eventually(() => dms.starts(task).length, n + 2);
      await eventually(async () => (await progress(run)).look?.status, 'running');
    }
    expect(dms.starts(task).slice(1)).toEqual(reasons.map(() => 'resume-processing'));
    expect(await progress(run)).toMatchObject({ waiting: 0, starts: 4 });
    await run.signal(detachSignal);
    await result(run);
  });
});

test('a window of changes that reached its stop position is finished, with its checkpoint', async ({
  lab,
}) => {
  const own = dmsLab(lab);
  const window = { cdcStopPosition: 'server_time:2026-11-22T12:00:00' };
  await running(
    lab,
    own,
    'cdc',
    async (run) => {
      own.dms.becomes(own.task, ends('STOPPED_AT_SERVER_TIME'));
      expect(await result(run)).toMatchObject({
        outcome: 'finished',
        because: 'STOPPED_AT_SERVER_TIME',
        checkpoint: 'checkpoint:V1#27',
      });
    },
    window,
  );
});

test('a task that failed is loaded anew when a person says reload', async ({ lab }) => {
  const own = dmsLab(lab);
  const { dms, task } = own;
  await running(lab, own, 'full-load', async (run) => {
    dms.becomes(task, { status: 'failed', lastFailure: 'Last Error Task error notification' });
    await waiting(run);
    await decide(run, [task], 'reload');
    await eventually(() => dms.starts(task), ['start-replication', 'reload-target']);
    dms.loads(task);
    dms.becomes(task, ends('FULL_LOAD_ONLY_FINISHED'));
    expect(await result(run)).toMatchObject({ outcome: 'finished', starts: 2 });
  });
});

test('a task that somebody starts again in the console waits no longer', async ({ lab }) => {
  const own = dmsLab(lab);
  const { dms, task } = own;
  await running(lab, own, 'cdc', async (run) => {
    dms.becomes(task, ends('NORMAL'));
    await waiting(run);
    dms.becomes(task, { status: 'running' });
    await waiting(run, 0);
    expect(dms.starts(task)).toHaveLength(1);
    await run.signal(detachSignal);
    await result(run);
  });
});

test('until loaded: a run ends when the load is complete, and its task runs on', async ({ lab }) => {
  const own = dmsLab(lab);
  await running(
    lab,
    own,
    'full-load-and-cdc',
    async (run) => {
      own.dms.loads(own.task);
      expect(await result(run)).toMatchObject({ outcome: 'finished', status: 'running' });
      expect(own.dms.status(own.task)).toBe('running');
    },
    { until: 'loaded' },
  );
});

test('a task that is not there waits for a person, and is run once it was made', async ({ lab }) => {
  const own = dmsLab(lab);
  const { dms, task } = own;
  await lab.withWorker(own.queue, own.activities, async () => {
    const run = await start(lab, own);
    expect(await waiting(run)).toMatchObject([{ item: task, failure: 'DmsTaskMissing' }]);
    dms.create(task, 'full-load', ['public.customers'], true);
    await decide(run, [task], 'retry');
    expect(await result(run)).toMatchObject({ outcome: 'finished' });
  });
});

test(
  'after 100 watches a run continues as new, with what a person left out',
  { timeout: 150_000 },
  async ({ lab }) => {
    const own = dmsLab(lab, { watchMs: 1 });
    const { dms, task } = own;
    dms.create(task, 'full-load-and-cdc');
    dms.becomes(task, { status: 'running' });
    dms.setTable(task, 'public.bookings', 'Table error');
    await lab.withWorker(own.queue, own.activities, async () => {
      const run = await start(lab, own);
      const { runId: first } = await run.describe();
      await waiting(run);
      await decide(run, ['public.bookings'], 'skip');
      await until(
        () => lab.client.workflow.getHandle(own.runId).describe(),
        ({ runId }) => runId !== first,
        120_000,
      );
      const next = lab.client.workflow.getHandle<typeof runDmsTask>(own.runId);
      await eventually(async () => (await progress(next)).says, 'running');
      expect(await progress(next)).toMatchObject({
        waiting: 0,
        took: 'adopted',
        skipped: ['public.bookings'],
      });
      await next.signal(detachSignal);
      expect(await next.result()).toMatchObject({ outcome: 'detached', starts: 0 });
    });
  },
);

test('a run that a worker has to replay at every step decides alike', async ({ lab }) => {
  const own = dmsLab(lab);
  const { dms, task } = own;
  dms.create(task, 'full-load-and-cdc');
  await lab.withWorker(
    own.queue,
    own.activities,
    async () => {
      const run = await start(lab, own);
      await eventually(() => dms.status(task), 'running');
      dms.setTable(task, 'public.bookings', 'Table error');
      await waiting(run);
      await decide(run, ['public.bookings'], 'reload');
      dms.becomes(task, ends('RECYCLE_TASK'));
      await eventually(() => dms.starts(task), ['start-replication', 'resume-processing']);
      await run.signal(detachSignal);
      expect(await result(run)).toMatchObject({ outcome: 'detached', starts: 2 });
    },
    { worker: { maxCachedWorkflows: 0 } },
  );
});
