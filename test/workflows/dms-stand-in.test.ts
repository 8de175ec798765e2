import { WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { createDmsClient } from '../../activities/dms/clients.ts';
import { DmsTasks } from '../../activities/dms/dms.ts';
import { type DmsLab, arm, describe, makeDatabase, makeTask, openDmsLab } from '../stack/dms-lab.ts';
import { eventually } from '../support/eventually.ts';
import { STACK_REGION } from '../support/stack.ts';
import { type Lab, test } from '../support/temporal.ts';
import { decide, labOver, progress, result, start, waiting } from './dms-lab.ts';
import { startByHand } from './operator.ts';

let dms: DmsLab;
beforeAll(async () => {
  dms = await openDmsLab();
});
afterAll(() => dms.close());

/** A task of two tables of a real Postgres, and the activities over the stand-in. */
async function shop(lab: Lab, type: 'full-load' | 'full-load-and-cdc') {
  const database = await makeDatabase(dms);
  onTestFinished(() => database.end());
  for (const table of ['customers', 'bookings']) {
    await database.query(`CREATE TABLE ${table} (id int PRIMARY KEY, name text)`);
    await database.query(`INSERT INTO ${table} VALUES (1, 'one'), (2, 'two')`);
  }
  const { id, arn } = await makeTask(dms, database.name, { type });
  const where = { endpoint: dms.stack.url, region: STACK_REGION };
  const client = createDmsClient({ ...where, maxAttempts: 3 });
  const tasks = new DmsTasks({ client, once: createDmsClient({ ...where, maxAttempts: 1 }) });
  const status = async () => (await describe(dms, arn)).Status;
  return { arn, status, ...labOver(lab, tasks, id) };
}

test('a load from Postgres whose start is not answered is done once', async ({ lab }) => {
  const own = await shop(lab, 'full-load');
  const match = { service: 'dms', operation: 'StartReplicationTask' };
  await arm(dms, [{ match, action: { kind: 'apply-then-lose' }, times: 1 }]);
  await lab.withWorker(own.queue, own.activities, async () => {
    const id = await startByHand(lab, 'runDmsTask', own.queue, { task: own.task });
    expect(await lab.client.workflow.getHandle(id).result()).toMatchObject({
      outcome: 'finished',
      because: 'FULL_LOAD_ONLY_FINISHED',
      tables: { total: 2, completed: 2 },
      rows: 4,
    });
    const rules: unknown = await (await fetch(`${dms.stack.url}/_stack/faults`)).json();
    expect(rules).toMatchObject([{ seen: 1, hits: 1 }]);
  });
});

test('replication is resumed when DMS recycles it, and stopped when its run is cancelled', async ({
  lab,
}) => {
  const own = await shop(lab, 'full-load-and-cdc');
  await arm(dms, []);
  await lab.withWorker(own.queue, own.activities, async () => {
    const run = await start(lab, own);
    await eventually(own.status, 'running');
    await eventually(async () => (await progress(run)).look?.status, 'running');
    const stop = { kind: 'error', code: 'RECYCLE_TASK' };
    await arm(dms, [{ match: { service: 'dms', operation: 'StopTask' }, action: stop, times: 1 }]);
    await eventually(async () => (await progress(run)).starts, 2);
    await eventually(own.status, 'running');
    await run.cancel();
    await expect(run.result()).rejects.toThrow(WorkflowFailedError);
    expect(await own.status()).toBe('stopped');
  });
});

test('a table that Postgres cannot give waits beside its task, and a reload brings it', async ({ lab }) => {
  const own = await shop(lab, 'full-load-and-cdc');
  const match = { service: 'dms', operation: 'LoadTable', key: 'bookings' };
  await arm(dms, [{ match, action: { kind: 'error', message: 'a value that is no date' }, times: 1 }]);
  await lab.withWorker(own.queue, own.activities, async () => {
    const run = await start(lab, own);
    expect(await waiting(run)).toMatchObject([{ item: 'public.bookings', failure: 'DmsTableError' }]);
    await decide(run, ['public.bookings'], 'reload');
    await eventually(async () => (await progress(run)).look?.tables.completed, 2);
    expect(await progress(run)).toMatchObject({ waiting: 0, starts: 1 });
    await run.signal('detach');
    expect(await result(run)).toMatchObject({ outcome: 'detached', tables: { completed: 2, skipped: [] } });
  });
});
