import { randomUUID } from 'node:crypto';
import { cancelled } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { expect } from 'vitest';
import { failure } from '../../activities/failure.ts';
import type { DecideRequest } from '../../lake/decisions.ts';
import { type DecideAnswer, decideUpdate } from '../../workflows/support/parking.ts';
import {
  type TransferFilesInput,
  type TransferProgress,
  transferFiles,
} from '../../workflows/transfer-files.ts';
import { eventually, until } from '../support/eventually.ts';
import { Gate } from '../support/gate.ts';
import { type Lab, test } from '../support/temporal.ts';
import { BROKEN, type LakeActivities, csv, workflowLake } from './lake.ts';
import { details } from './operator.ts';

type Lake = Awaited<ReturnType<typeof workflowLake>>;
type LandFiles = LakeActivities['landFiles'];

function start(
  lab: Lab,
  lake: Lake,
  input: Partial<TransferFilesInput> = {},
): Promise<WorkflowHandle<typeof transferFiles>> {
  return lab.client.workflow.start(transferFiles, {
    workflowId: lake.transferId,
    taskQueue: lake.queue,
    args: [{ source: lake.source, ...input }],
  });
}

function decide(run: WorkflowHandle, request: DecideRequest): Promise<DecideAnswer> {
  return run.executeUpdate(decideUpdate, { args: [request] });
}

/** The activity of this type that the run waits for. */
async function pending(run: WorkflowHandle, type: string) {
  const { raw } = await run.describe();
  const found = raw.pendingActivities?.find((one) => one.activityType?.name === type);
  return (
    found && { id: found.activityId ?? '', attempt: found.attempt ?? 0, cause: found.lastFailure?.message }
  );
}

test('a paused run finishes what it does and starts nothing new until it is resumed', async ({ lab }) => {
  const lake = await workflowLake(lab);
  await lake.write('a.csv', csv('2026-11-21', '1'));
  const gate = new Gate();
  const landFiles: LandFiles = async (input) => {
    await gate.pass();
    return lake.activities.landFiles(input);
  };
  await lab.withWorker(lake.queue, { ...lake.activities, landFiles }, async () => {
    const run = await start(lab, lake);
    await gate.waiting(1);
    const signal = (name: string, ...more: readonly string[]) =>
      lab.cli('workflow', 'signal', '--workflow-id', lake.transferId, '--name', name, ...more);
    await signal('pause', '--input', '{"reason":"quarter end"}');
    await signal('request', '--input', '{}');
    gate.open();
    const progress = async () => {
      const { collected, requests, pausedBecause } = await run.query<TransferProgress>('progress');
      return { collected, requests, pausedBecause };
    };
    await eventually(progress, { collected: 1, requests: 1, pausedBecause: 'quarter end' });
    const query = `LakeState = 'Paused' AND LakeSource = '${lake.source}'`;
    await until(
      () => lab.client.workflow.count(query),
      ({ count }) => count === 1,
    );
    expect(await details(lab, lake.transferId)).toContain(
      `Paused: quarter end. Resume: \`temporal workflow signal --workflow-id '${lake.transferId}' --name resume\``,
    );
    await signal('resume');
    expect(await run.result()).toMatchObject({ collected: 1 });
  });
});

test('a source that may not be read waits for a person, and a retry goes on where it was', async ({
  lab,
}) => {
  const lake = await workflowLake(lab);
  await lake.write('a.csv', csv('2026-11-21', '1'));
  let isDenied = true;
  const landFiles: LandFiles = async (input) => {
    if (isDenied) throw failure('AccessDenied', 's3:PutObject on test-lake is denied');
    return lake.activities.landFiles(input);
  };
  await lab.withWorker(lake.queue, { ...lake.activities, landFiles }, async () => {
    const run = await start(lab, lake);
    await eventually(async () => (await pending(run, 'landFiles'))?.attempt, 4);
    await eventually(async () => (await run.query<TransferProgress>('progress')).waiting, 1);
    expect(await run.query('parked')).toEqual({
      count: 1,
      parked: [
        {
          item: lake.source,
          failure: 'AccessDenied',
          message: 's3:PutObject on test-lake is denied',
          allowed: ['retry', 'abort'],
        },
      ],
    });
    isDenied = false;
    await decide(run, { items: [lake.source], action: 'retry', reason: 'granted', by: 'ana' });
    expect(await run.result()).toMatchObject({ collected: 1, waiting: 0 });
  });
});

test('whoever waits is answered when the run they wait for is aborted', async ({ lab }) => {
  const lake = await workflowLake(lab);
  const describeSource = () => {
    throw ApplicationFailure.nonRetryable('s3:GetObject on test-lake is denied', 'AccessDenied');
  };
  await lab.withWorker(lake.queue, { ...lake.activities, describeSource }, async () => {
    const asker = await lab.client.workflow.start(transferFiles, {
      workflowId: randomUUID(),
      taskQueue: lake.queue,
      args: [{ source: lake.source }],
    });
    const run = lab.client.workflow.getHandle(lake.transferId);
    const asks = async () => (await run.query<TransferProgress>('progress')).waiting;
    await until(asks, (waiting) => waiting === 1);
    await decide(run, { items: [lake.source], action: 'abort', reason: 'not ours', by: 'ana' });
    expect(await asker.result()).toMatchObject({ collected: 0, handedTo: lake.transferId });
  });
});

test('a fault that passes stays a pending activity, which an operator changes and retries at once', async ({
  lab,
}) => {
  const lake = await workflowLake(lab);
  await lake.write('a.csv', csv('2026-11-21', '1'));
  let isDown = true;
  const landFiles: LandFiles = async (input) => {
    if (isDown) throw failure('Unreachable', 'PutObject on test-lake: no answer');
    return lake.activities.landFiles(input);
  };
  await lab.withWorker(lake.queue, { ...lake.activities, landFiles }, async () => {
    const run = await start(lab, lake);
    const first = await until(
      () => pending(run, 'landFiles'),
      (one) => (one?.attempt ?? 0) > 1,
    );
    expect(first).toMatchObject({ cause: 'PutObject on test-lake: no answer' });
    const verb = (name: string, ...more: readonly string[]) =>
      lab.cli('activity', name, '--workflow-id', lake.transferId, '--activity-id', first?.id ?? '', ...more);
    const slow = ['--retry-initial-interval', '600s', '--retry-maximum-interval', '600s'];
    const changed = await verb('update-options', ...slow);
    expect(changed).toMatchObject({ code: 0 });
    expect((await verb('reset')).code).toBe(0);
    // It was tried again at once, and waits ten minutes now.
    const again = await until(
      async () => (await run.describe()).raw.pendingActivities?.[0],
      (one) => Number(one?.currentRetryInterval?.seconds ?? 0) === 600,
    );
    expect(again?.activityType?.name).toBe('landFiles');
    isDown = false;
    expect((await verb('reset')).code).toBe(0);
    expect(await run.result()).toMatchObject({ collected: 1 });
  });
});

test('a worker that is replaced midway changes nothing in the lake', async ({ lab }) => {
  const lake = await workflowLake(lab);
  await lake.write('a.csv', csv('2026-11-21', '1'));
  await lake.write('broken.csv', BROKEN);
  const gate = new Gate();
  const landFiles: LandFiles = async (input) => {
    const landed = await lake.activities.landFiles(input);

    await Promise.race([gate.pass(), cancelled()]);
    return landed;
  };
  const run = await lab.withWorker(lake.queue, { ...lake.activities, landFiles }, async () => {
    const started = await start(lab, lake);
    // Everything is in the lake, and the server does not know it.
    await gate.waiting(1);
    return started;
  });
  await run.signal('request', {});
  await lab.withWorker(lake.queue, lake.activities, async () => {
    await eventually(async () => (await run.query<TransferProgress>('progress')).waiting, 1);
  });
  // The next worker knows the run from its history alone.
  await lab.withWorker(lake.queue, lake.activities, async () => {
    await decide(run, { items: ['broken.csv'], action: 'skip', reason: 'withdrawn', by: 'ana' });
    expect(await run.result()).toMatchObject({ collected: 1, rows: 1, skipped: 1 });
  });
  expect(lake.store.keys('ledger/')).toHaveLength(2);
});

test('a run that continues another one serves its requests, finds what waits, and stays paused', async ({
  lab,
}) => {
  const lake = await workflowLake(lab);
  await lake.write('broken.csv', BROKEN);
  const totals = { collected: 7, skipped: 0, rows: 70, rejected: 0, bytes: 700, entries: 1 };
  await lab.withWorker(lake.queue, lake.activities, async () => {
    const state = { requests: [{ id: 'asked' }], totals, paused: 'quarter end' };
    const run = await start(lab, lake, { state });
    const progress = () => run.query<TransferProgress>('progress');
    await eventually(progress, { ...totals, requests: 1, waiting: 0, pausedBecause: 'quarter end' });
    await run.signal('resume');
    await eventually(async () => (await progress()).waiting, 1);
    await decide(run, { items: ['broken.csv'], action: 'skip', reason: 'withdrawn', by: 'ana' });
    expect(await run.result()).toMatchObject({ collected: 7, rows: 70, skipped: 1 });
  });
});

test('a listing that was made before a decision does not ask for it again', async ({ lab }) => {
  const lake = await workflowLake(lab);
  await lake.write('broken.csv', BROKEN);
  const gate = new Gate();
  let isHeld = false;
  const listFiles: LakeActivities['listFiles'] = async (input) => {
    const listed = await lake.activities.listFiles(input);
    if (isHeld) await gate.pass();
    return listed;
  };
  await lab.withWorker(lake.queue, { ...lake.activities, listFiles }, async () => {
    const run = await start(lab, lake);
    const progress = () => run.query<TransferProgress>('progress');
    await until(progress, ({ requests, waiting }) => requests === 0 && waiting === 1);
    isHeld = true;
    await run.signal('request', {});
    await gate.waiting(1);
    await decide(run, { items: ['broken.csv'], action: 'skip', reason: 'withdrawn', by: 'ana' });
    gate.open();
    expect(await run.result()).toMatchObject({ skipped: 1, waiting: 0 });
  });
});
