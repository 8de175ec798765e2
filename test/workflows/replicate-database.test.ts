import { WorkflowFailedError } from '@temporalio/client';
import { expect } from 'vitest';
import { databasesOf } from '../../cli/runs.ts';
import { LAKE_STATE } from '../../workflows/support/board.ts';
import type { TablesAnswer } from '../../workflows/support/collected-tables.ts';
import { nudgeSignal } from '../../workflows/support/messages.ts';
import { repairTablesUpdate } from '../../workflows/support/repair-update.ts';
import { reloadTablesUpdate, stopUpdate } from '../../workflows/support/replication-updates.ts';
import { eventually } from '../support/eventually.ts';
import { type Lab, test } from '../support/temporal.ts';
import { commandsIn, details, paste, startByHand } from './operator.ts';
import {
  ATTENTIVE,
  type LabOptions,
  type ReplicateLab,
  type Run,
  decide,
  progress,
  replicateLab,
  result,
  start,
  waiting,
} from './replicate-lab.ts';

const ANA = { reason: 'quarter end', by: 'ana' };

/** A run whose task runs and whose tables are collected. */
async function following(
  lab: Lab,
  scenario: (run: Run, own: ReplicateLab) => Promise<void>,
  options: LabOptions = {},
): Promise<void> {
  const own = replicateLab(lab, options);
  await lab.withWorker(
    own.queue,
    own.activities,
    async () => {
      const run = await start(lab, own);
      await eventually(() => own.dms.status(own.task), 'running');
      await eventually(() => own.tables.open, 1);
      await scenario(run, own);
    },
    ATTENTIVE,
  );
}

test('a name is enough: the task is started by a run of its own, and what it lands is collected', async ({
  lab,
}) => {
  const own = replicateLab(lab);
  await lab.withWorker(
    own.queue,
    own.activities,
    async () => {
      const id = await startByHand(lab, 'replicateDatabase', own.queue, { source: own.source });
      expect(await lab.client.workflow.getHandle(id).result()).toEqual({ handedTo: own.runId });
      const run: Run = lab.client.workflow.getHandle(own.runId);
      await eventually(() => own.dms.starts(own.task), ['start-replication']);
      expect(own.connections.tests).toEqual([`${own.task}-source`, `${own.task}-target`]);
      own.tables.land('public.customers', 3);
      await eventually(() => own.tables.rows('public.customers'), 3);
      await run.executeUpdate(stopUpdate, { args: [ANA] });
      expect(await result(run)).toEqual({
        source: own.source,
        outcome: 'stopped',
        landings: 1,
        rows: 3,
        rejected: 0,
        entries: 1,
        waiting: 0,
        parked: [],
      });
      expect(own.dms.status(own.task)).toBe('stopped');
    },
    ATTENTIVE,
  );
});

test('findings about the task wait for a person before anything is started', async ({ lab }) => {
  const own = replicateLab(lab);
  own.tables.finds([
    {
      item: 'CdcInsertsOnly',
      failure: 'DmsRefused',
      message: 'deletes would be lost',
      allowed: ['retry', 'approve'],
    },
  ]);
  await lab.withWorker(
    own.queue,
    own.activities,
    async () => {
      const run = await start(lab, own);
      expect(await waiting(run)).toMatchObject([{ item: 'CdcInsertsOnly' }]);
      expect(own.dms.status(own.task)).toBe('ready');
      await decide(run, ['CdcInsertsOnly'], 'retry');
      await waiting(run);
      expect(own.dms.status(own.task)).toBe('ready');
      await decide(run, ['CdcInsertsOnly'], 'approve');
      await eventually(() => own.dms.status(own.task), 'running');
    },
    ATTENTIVE,
  );
});

test('an endpoint that cannot be reached waits until it is mended', async ({ lab }) => {
  const own = replicateLab(lab);
  own.connections.break(`${own.task}-source`, 'password authentication failed');
  await lab.withWorker(
    own.queue,
    own.activities,
    async () => {
      const run = await start(lab, own);
      expect(await waiting(run)).toEqual([
        {
          item: own.task,
          failure: 'ConnectionFailed',
          message: `${own.task}-source of ${own.task} is failed: password authentication failed`,
          allowed: ['retry', 'abort'],
        },
      ]);
      expect(own.dms.status(own.task)).toBe('ready');
      own.connections.break(`${own.task}-source`, null);
      await decide(run, [own.task], 'retry');
      await eventually(() => own.dms.status(own.task), 'running');
    },
    ATTENTIVE,
  );
});

test('a task that cannot do what is asked waits, and says what would be right', async ({ lab }) => {
  const own = replicateLab(lab, { type: 'full-load' });
  await lab.withWorker(
    own.queue,
    own.activities,
    async () => {
      const run = await start(lab, own);
      expect(await waiting(run)).toMatchObject([
        {
          failure: 'DmsTaskUnfit',
          message: `${own.task} is a task of type full-load; replicate: continuous needs full-load-and-cdc or cdc`,
        },
      ]);
      expect(own.dms.status(own.task)).toBe('ready');
    },
    ATTENTIVE,
  );
});

test('a task that runs already is adopted, and not tested or started again', async ({ lab }) => {
  const own = replicateLab(lab);
  own.dms.becomes(own.task, { status: 'running' });
  await lab.withWorker(
    own.queue,
    own.activities,
    async () => {
      await start(lab, own);
      await eventually(
        async () => (await lab.client.workflow.getHandle(own.taskRunId).describe()).status.name,
        'RUNNING',
      );
      await eventually(() => own.tables.open, 1);
      expect(own.dms.starts(own.task)).toEqual([]);
      expect(own.connections.tests).toEqual([]);
    },
    ATTENTIVE,
  );
});

test('a pause ends the stretch that runs, and what landed meanwhile is collected after the resume', async ({
  lab,
}) => {
  await following(lab, async (run, own) => {
    await run.signal('pause', { reason: 'quarter end' });
    await eventually(() => own.tables.open, 0);
    own.tables.land('public.customers', 2);
    expect(await progress(run)).toMatchObject({ pausedBecause: 'quarter end', stopping: false });
    await expect(
      run.executeUpdate(reloadTablesUpdate, { args: [{ tables: ['public.customers'], ...ANA }] }),
    ).rejects.toMatchObject({ cause: { message: 'the run is paused: quarter end' } });
    expect(own.tables.rows('public.customers')).toBe(0);
    await run.signal('resume');
    await eventually(() => own.tables.rows('public.customers'), 2);
    expect(own.dms.status(own.task)).toBe('running');
  });
});

const BROKEN = {
  failure: 'LandingUnreadable',
  message: 'LOAD2.csv: cut short',
  allowed: ['retry', 'skip', 'reload'],
} as const;

test('a table that needs a person waits alone, and a retry goes on with it', async ({ lab }) => {
  await following(
    lab,
    async (run, own) => {
      own.tables.break('public.bookings', BROKEN);
      own.tables.land('public.bookings', 5);
      expect(await waiting(run)).toEqual([{ item: 'public.bookings', ...BROKEN }]);
      own.tables.land('public.customers', 1);
      await eventually(async () => (await progress(run)).rows, 1);
      const open = {
        workflow: own.runId,
        type: 'replicateDatabase',
        startedAt: '',
        state: null,
        failures: [],
      };
      expect(await databasesOf(lab.client, [open])).toEqual({
        [own.source]: { tables: 2, shown: 2, ready: 1, generation: 1, waiting: 1, rows: 1 },
      });
      own.tables.break('public.bookings', null);
      await decide(run, ['public.bookings'], 'retry');
      await eventually(() => own.tables.rows('public.bookings'), 5);
      expect(await progress(run)).toMatchObject({ waiting: 0 });
    },
    { stretchMs: 100 },
  );
});

test('a landing is skipped on record, by the command that the run shows', async ({ lab }) => {
  await following(
    lab,
    async (run, own) => {
      own.tables.break('public.bookings', BROKEN);
      await waiting(run);
      const command = commandsIn(await details(lab, own.runId)).find((one) => one.includes('"skip"')) ?? '';
      expect(await paste(lab, command)).toMatchObject({ code: 0 });
      await eventually(() => own.tables.decisions.length, 1);
      expect(own.tables.decisions).toMatchObject([
        {
          source: own.source,
          tables: ['public.bookings'],
          action: 'skip',
          decision: expect.stringContaining('audit/'),
        },
      ]);
      await waiting(run, 0);
    },
    { stretchMs: 100 },
  );
});

test('a table is loaded again by decision, and goes on once DMS has begun', async ({ lab }) => {
  await following(
    lab,
    async (run, own) => {
      own.dms.loads(own.task);
      own.tables.break('public.bookings', BROKEN);
      await waiting(run);
      await decide(run, ['public.bookings'], 'reload');
      await eventually(
        () => run.query<TablesAnswer>('tables'),
        expect.objectContaining({ reloading: ['public.bookings'] }),
      );
      // It does not wait for a person again while the reload is on its way.
      await eventually(async () => (await progress(run)).waiting, 0);
      own.tables.reloads('public.bookings');
      own.tables.land('public.bookings', 7);
      await eventually(() => own.tables.rows('public.bookings'), 7);
    },
    { stretchMs: 100 },
  );
});

test('columns that are gone are null once a person approves', async ({ lab }) => {
  await following(
    lab,
    async (run, own) => {
      const gone = {
        failure: 'ColumnsChanged',
        message: 'no column name',
        allowed: ['retry', 'approve'],
        absent: ['name'],
      } as const;
      own.tables.break('public.customers', gone);
      own.tables.land('public.customers', 4);
      await waiting(run);
      await decide(run, ['public.customers'], 'approve');
      await eventually(() => own.tables.rows('public.customers'), 4);
    },
    { stretchMs: 100 },
  );
});

test('a table that is not captured is left alone by a skip', async ({ lab }) => {
  await following(
    lab,
    async (run, own) => {
      own.tables.break('public.bookings', {
        failure: 'TableNotCaptured',
        message: 'no such table',
        allowed: ['retry', 'skip'],
      });
      await waiting(run);
      await decide(run, ['public.bookings'], 'skip');
      await eventually(
        () => run.query<TablesAnswer>('tables'),
        expect.objectContaining({ left: ['public.bookings'], waiting: [] }),
      );
      own.tables.land('public.customers', 1);
      await eventually(() => own.tables.rows('public.customers'), 1);
      expect(await progress(run)).toMatchObject({ waiting: 0 });
    },
    { stretchMs: 100 },
  );
});

test('whatever a table waits for, it is left alone by an abort, and collected again once it is reloaded', async ({
  lab,
}) => {
  await following(
    lab,
    async (run, own) => {
      own.tables.break('public.bookings', {
        failure: 'LandingUnreadable',
        message: 'written again',
        allowed: ['retry', 'reload', 'abort'],
      });
      await waiting(run);
      await decide(run, ['public.bookings'], 'abort');
      const left = (tables: string[]) => expect.objectContaining({ left: tables, waiting: [] });
      await eventually(() => run.query<TablesAnswer>('tables'), left(['public.bookings']));
      await run.executeUpdate(reloadTablesUpdate, { args: [{ tables: ['public.bookings'], ...ANA }] });
      own.tables.reloads('public.bookings');
      own.tables.land('public.bookings', 2);
      await eventually(() => own.tables.rows('public.bookings'), 2);
      await eventually(() => run.query<TablesAnswer>('tables'), left([]));
    },
    { stretchMs: 100 },
  );
});

test('tables that are well are loaded again on request; what is no table is refused', async ({ lab }) => {
  await following(lab, async (run, own) => {
    const ask = (tables: unknown) =>
      run.executeUpdate(reloadTablesUpdate, { args: [{ tables: tables as string[], ...ANA }] });
    await expect(ask([])).rejects.toMatchObject({
      cause: { message: 'tables must list at least one schema.table' },
    });
    await expect(ask(['public.custmers'])).rejects.toMatchObject({
      cause: {
        message: '"public.custmers" is no declared table; there are: public.customers, public.bookings',
      },
    });
    await expect(ask(['public.customers', 'public.customers'])).rejects.toMatchObject({
      cause: { message: 'public.customers stands twice in tables: give it once' },
    });
    own.dms.loads(own.task);
    const asked = await ask(['public.customers']);
    expect(asked).toMatchObject({
      tables: ['public.customers'],
      decision: expect.stringContaining('audit/'),
    });
    const look = await own.dms.tables(own.arn, undefined);
    expect(look.tables.map(({ table, state }) => [table, state])).toEqual([
      ['customers', 'Table is being reloaded'],
      ['bookings', 'Table completed'],
    ]);
    own.dms.becomes(own.task, { status: 'stopped', stopReason: 'Stop Reason NORMAL' });
    await expect(ask(['public.bookings'])).rejects.toMatchObject({
      cause: { message: expect.stringContaining('reloads no table now: it must run') },
    });
  });
});

test('rows that differ from the database are repaired on request, table by table, and who asked is kept', async ({
  lab,
}) => {
  await following(lab, async (run, own) => {
    const ask = (tables: readonly string[]) =>
      run.executeUpdate(repairTablesUpdate, { args: [{ tables, ...ANA }] });
    await expect(ask(['public.custmers'])).rejects.toMatchObject({
      cause: { message: expect.stringContaining('"public.custmers" is no declared table') },
    });
    own.repairs.differs('public.bookings', 2);
    const answer = await ask(['public.customers', 'public.bookings']);
    expect(answer.tables).toMatchObject([
      { table: 'public.customers', outcome: 'equal' },
      { table: 'public.bookings', outcome: 'repaired', rows: 2 },
    ]);
    expect(JSON.parse(own.store.text(answer.decision) ?? '')).toMatchObject({
      items: ['public.customers', 'public.bookings'],
      action: 'reload',
      change: { rows: 'those that differ' },
      by: 'ana',
    });
  });
});

test('a stop stops the task, collects everything that landed, and ends the run, whatever waits', async ({
  lab,
}) => {
  await following(
    lab,
    async (run, own) => {
      own.tables.break('public.bookings', BROKEN);
      await waiting(run);
      await run.signal('pause', { reason: 'quarter end' });
      await eventually(() => own.tables.open, 0);
      own.tables.land('public.customers', 9);
      expect(await run.executeUpdate(stopUpdate, { args: [ANA] })).toMatchObject({ stopping: 'stop' });
      expect(await result(run)).toMatchObject({ outcome: 'stopped', rows: 9, waiting: 1 });
      expect(own.dms.status(own.task)).toBe('stopped');
      const task = lab.client.workflow.getHandle(own.taskRunId);
      await eventually(async () => (await task.describe()).status.name, 'CANCELLED');
    },
    { stretchMs: 100 },
  );
});

test('a stop that detaches ends the run alone', async ({ lab }) => {
  await following(lab, async (run, own) => {
    await run.executeUpdate(stopUpdate, { args: [{ ...ANA, detach: true }] });
    expect(await result(run)).toMatchObject({ outcome: 'detached' });
    expect(own.dms.status(own.task)).toBe('running');
    const task = lab.client.workflow.getHandle(own.taskRunId);
    expect((await task.describe()).status.name).toBe('RUNNING');
    await task.signal('detach');
  });
});

test('a run that is cancelled leaves its task, which the next run adopts', async ({ lab }) => {
  await following(lab, async (run, own) => {
    await run.cancel();
    await expect(run.result()).rejects.toThrow(WorkflowFailedError);
    expect(own.dms.status(own.task)).toBe('running');
    const next = await start(lab, own);
    own.tables.land('public.customers', 1);
    await eventually(() => own.tables.rows('public.customers'), 1);
    expect(own.dms.starts(own.task)).toEqual(['start-replication']);
    await next.executeUpdate(stopUpdate, { args: [ANA] });
    await result(next);
  });
});

test('a task whose run has ended and that stands waits for a person, and a retry resumes it', async ({
  lab,
}) => {
  await following(
    lab,
    async (run, own) => {
      await lab.client.workflow.getHandle(own.taskRunId).cancel();
      expect(await waiting(run)).toMatchObject([
        { item: own.task, failure: 'DmsTaskUnwatched', message: expect.stringContaining(own.taskRunId) },
      ]);
      own.tables.land('public.customers', 1);
      await eventually(() => own.tables.rows('public.customers'), 1);
      await decide(run, [own.task], 'retry');
      await eventually(() => own.dms.starts(own.task), ['start-replication', 'resume-processing']);
    },
    { stretchMs: 100 },
  );
});

test('a source that is declared no more ends its run, and leaves the task', async ({ lab }) => {
  await following(lab, async (run, own) => {
    own.apply(null);
    await run.signal(nudgeSignal);
    expect(await result(run)).toMatchObject({ outcome: 'gone' });
    expect(own.dms.status(own.task)).toBe('running');
  });
});

test('what is not continuous any more is stopped, collected, and left to its schedule', async ({ lab }) => {
  await following(lab, async (run, own) => {
    own.tables.land('public.customers', 3);
    own.apply({ replicate: 'changes' });
    await run.signal(nudgeSignal);
    expect(await result(run)).toMatchObject({ outcome: 'finished' });
    expect(own.tables.rows('public.customers')).toBe(3);
    expect(own.dms.status(own.task)).toBe('stopped');
  });
});

test('a long run goes on as a new one with what it carries, and its task is not started again', async ({
  lab,
}) => {
  await following(
    lab,
    async (run, own) => {
      own.tables.break('public.bookings', BROKEN);
      await waiting(run);
      const first = (await run.describe()).runId;
      await eventually(async () => (await run.describe()).runId === first, false, 100_000);
      await eventually(async () => (await progress(run)).waiting, 1);
      own.tables.land('public.customers', 1);
      await eventually(() => own.tables.rows('public.customers'), 1);
      expect(own.dms.starts(own.task)).toEqual(['start-replication']);
    },
    { stretchMs: 1 },
  );
}, 120_000);

test('every task of a workflow may be a replay', async ({ lab }) => {
  const own = replicateLab(lab, { stretchMs: 100 });
  await lab.withWorker(
    own.queue,
    own.activities,
    async () => {
      const run = await start(lab, own);
      own.tables.break('public.bookings', BROKEN);
      // A query may see what no workflow task has written yet.
      const state = async () => (await run.describe()).typedSearchAttributes.get(LAKE_STATE);
      await eventually(state, 'NeedsOperator');
      own.tables.land('public.customers', 2);
      await decide(run, ['public.bookings'], 'skip');
      await eventually(() => own.tables.rows('public.customers'), 2);
      await run.executeUpdate(stopUpdate, { args: [ANA] });
      expect(await result(run)).toMatchObject({ outcome: 'stopped', rows: 2 });
    },
    { worker: { ...ATTENTIVE.worker, maxCachedWorkflows: 0 } },
  );
});
