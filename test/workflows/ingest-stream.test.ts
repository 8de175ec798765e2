import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { expect } from 'vitest';
import { failure } from '../../activities/failure.ts';
import { type IngestProgress, drainSignal, ingestStream } from '../../workflows/ingest-stream.ts';
import { decideUpdate, parkedQuery } from '../../workflows/support/parking.ts';
import { eventually, until } from '../support/eventually.ts';
import { type Lab, test } from '../support/temporal.ts';
import { type LakeActivities, inActivity, workflowLake } from './lake.ts';
import { startByHand } from './operator.ts';

type Lake = Awaited<ReturnType<typeof workflowLake>>;
type CollectLane = LakeActivities['collectLane'];

const DAY_MS = 86_400_000;
// An activity hears of a pause when its heartbeat goes through: by default every 16 seconds here.
const ATTENTIVE = { worker: { maxHeartbeatThrottleInterval: '200ms' } } as const;

function start(lab: Lab, lake: Lake): Promise<WorkflowHandle<typeof ingestStream>> {
  return lab.client.workflow.start(ingestStream, {
    workflowId: lake.ingestId,
    taskQueue: lake.queue,
    args: [{ source: lake.stream }],
  });
}

const progress = (run: WorkflowHandle) => run.query<IngestProgress>('progress');

function put({ records }: Lake, shard: number, id: string): void {
  const name = records.openShards[shard] ?? '';
  records.put(name, JSON.stringify({ id, at: '2026-11-22T11:59:00Z', amount: '12.50' }));
}

test('a stream is collected until it is drained, by the one run of its id', async ({ lab }) => {
  const lake = await workflowLake(lab, { shards: 2 });
  put(lake, 0, '1');
  put(lake, 1, '2');
  await lab.withWorker(
    lake.queue,
    lake.activities,
    async () => {
      const id = await startByHand(lab, 'ingestStream', lake.queue, { source: lake.stream });
      expect(await lab.client.workflow.getHandle(id).result()).toEqual({ handedTo: lake.ingestId });
      const run = lab.client.workflow.getHandle<typeof ingestStream>(lake.ingestId);
      await until(
        () => lake.store.keys(`ledger/`),
        (entries) => entries.length >= 2,
      );
      put(lake, 0, '3');
      const drained = await lab.cli('workflow', 'signal', '--workflow-id', lake.ingestId, '--name', 'drain');
      expect(drained).toMatchObject({ code: 0 });
      const { source } = (await run.result()) as { readonly source: string };
      expect(source).toBe(lake.stream);
    },
    ATTENTIVE,
  );
  const heads = await inActivity(lake.activities.openLanes, { source: lake.stream });
  expect(heads).toEqual({ lanes: [0], parked: [] });
});

test('80 shards are two lanes of one run, and a merge across them is read after both its parents', async ({
  lab,
}) => {
  const lake = await workflowLake(lab, { shards: 80 });
  const shards = lake.records.openShards;
  for (let n = 0; n < 80; n += 1) put(lake, n, `before-${n}`);
  const merged = lake.records.merge(shards[39] ?? '', shards[40] ?? '');
  put(lake, lake.records.openShards.indexOf(merged), 'after');
  await lab.withWorker(
    lake.queue,
    lake.activities,
    async () => {
      const run = await start(lab, lake);
      const rows = () => Promise.all([0, 1].map((lane) => lake.rowsIn(lake.stream, lane)));
      // The lower of its parents' lanes reads the merge.
      await eventually(rows, [41, 40]);
      expect(await progress(run)).toMatchObject({ lanes: [0, 1], waiting: 0 });
      await run.signal(drainSignal);
      expect(await run.result()).toMatchObject({ source: lake.stream });
    },
    ATTENTIVE,
  );
});

test('a pause ends the stretch that runs, and a resume goes on, however soon it comes', async ({ lab }) => {
  const lake = await workflowLake(lab);
  await lab.withWorker(
    lake.queue,
    lake.activities,
    async () => {
      const run = await start(lab, lake);
      const collecting = async () =>
        (await run.describe()).raw.pendingActivities?.filter(
          (one) => one.activityType?.name === 'collectLane',
        ).length;
      await eventually(collecting, 1);
      await run.signal('pause', { reason: 'quarter end' });
      await eventually(collecting, 0);
      expect(await progress(run)).toMatchObject({ pausedBecause: 'quarter end', lanes: [0] });
      await run.signal('resume');
      await eventually(collecting, 1);
      // The stretch is still being ended when the resume comes.
      await run.signal('pause', { reason: 'by mistake' });
      await run.signal('resume');
      put(lake, 0, '1');
      await eventually(() => lake.rowsIn(lake.stream), 1);
      await run.signal(drainSignal);
      expect(await run.result()).toMatchObject({ source: lake.stream });
      expect(await lake.rowsIn(lake.stream)).toBe(1);
    },
    ATTENTIVE,
  );
});

test('a shard whose position is lost waits for a person, and skip goes on', async ({ lab }) => {
  const lake = await workflowLake(lab, { pacing: { parkedStretchMs: 100 } });
  await inActivity(lake.activities.openLanes, { source: lake.stream });
  lake.pass(DAY_MS + 60_000);
  put(lake, 0, '1');
  await lab.withWorker(
    lake.queue,
    lake.activities,
    async () => {
      const run = await start(lab, lake);
      const { parked } = await until(
        () => run.query(parkedQuery),
        ({ count }) => count === 1,
      );
      expect(parked).toMatchObject([{ failure: 'PositionLost', allowed: ['skip', 'abort'] }]);
      const skip = { filter: { failure: 'PositionLost' }, action: 'skip', reason: 'known gap', by: 'ana' };
      const decided = await lab.cli(
        ...(['workflow', 'update', 'execute', '--workflow-id', lake.ingestId, '--name', 'decide'] as const),
        ...(['--input', JSON.stringify(skip)] as const),
      );
      expect(decided).toMatchObject({ code: 0 });
      await until(
        () => lake.store.keys('rows/'),
        (rows) => rows.length === 1,
      );
      await run.signal(drainSignal);
      await run.result();
    },
    ATTENTIVE,
  );
});

test('a stretch that fails after progress is followed by the next; without progress Temporal tries it again', async ({
  lab,
}) => {
  const lake = await workflowLake(lab);
  let stretches = 0;
  const collectLane: CollectLane = async (input) => {
    stretches += 1;
    if (stretches === 1) {
      const failed = { type: 'Unreachable', message: 'GetRecords: no answer' };
      return { outcome: 'failed', records: 5, rows: 5, rejected: 0, entries: 1, parked: [], failure: failed };
    }
    if (stretches === 2) throw failure('Unreachable', 'GetRecords: no answer');
    return lake.activities.collectLane({ ...input, drain: true });
  };
  await lab.withWorker(lake.queue, { ...lake.activities, collectLane }, async () => {
    const run = await start(lab, lake);
    expect(await run.result()).toMatchObject({ records: 5, rows: 5 });
    const { events } = await run.fetchHistory();
    const scheduled = events?.filter(
      (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'collectLane',
    );
    expect({ stretches, scheduled: scheduled?.length }).toEqual({ stretches: 3, scheduled: 2 });
  });
});

test('one decision wakes every lane that waits for the same', async ({ lab }) => {
  const lake = await workflowLake(lab);
  let isDenied = true;
  const asked = new Set<number>();
  const collectLane: CollectLane = async ({ lane }) => {
    if (isDenied) {
      asked.add(lane);
      throw ApplicationFailure.nonRetryable('kinesis:GetRecords is denied', 'AccessDenied');
    }
    return { outcome: 'closed', records: 1, rows: 1, rejected: 0, entries: 1, parked: [] };
  };
  const openLanes = async () => ({ lanes: [0, 1], parked: [] });
  await lab.withWorker(lake.queue, { ...lake.activities, openLanes, collectLane }, async () => {
    const run = await start(lab, lake);
    await until(
      () => asked.size,
      (lanes) => lanes === 2,
    );
    await until(
      () => progress(run),
      ({ waiting }) => waiting === 1,
    );
    await until(
      async () => (await run.describe()).raw.pendingActivities?.length ?? 0,
      (pending) => pending === 0,
    );
    isDenied = false;
    const args: [object] = [{ items: [lake.stream], action: 'retry', reason: 'granted', by: 'ana' }];
    await run.executeUpdate(decideUpdate.name, { args });
    expect(await run.result()).toMatchObject({ records: 2 });
  });
});

test('after 200 stretches a run continues as new, with its totals and what a person left', async ({
  lab,
}) => {
  const lake = await workflowLake(lab);
  const lost = {
    item: 'gone',
    failure: 'PositionLost',
    message: 'lost',
    allowed: ['skip', 'abort'],
  } as const;
  let stretches = 0;
  let isLeft = false;
  const collectLane: CollectLane = async () => {
    stretches += 1;
    const one = { records: 1, rows: 1, rejected: 0, entries: 1, parked: [lost] };
    return { outcome: isLeft && stretches > 200 ? 'drained' : 'worked', ...one };
  };
  await lab.withWorker(lake.queue, { ...lake.activities, collectLane }, async () => {
    const run = await start(lab, lake);
    const { runId: first } = await run.describe();
    await until(
      () => progress(run),
      ({ waiting }) => waiting === 1,
    );
    const args: [object] = [{ items: ['gone'], action: 'abort', reason: 'old', by: 'ana' }];
    await run.executeUpdate(decideUpdate.name, { args });
    isLeft = true;
    const { records } = (await run.result()) as { readonly records: number };
    expect(records).toBe(stretches);
    expect(await progress(run)).toMatchObject({ waiting: 0, records: stretches });
    expect((await lab.client.workflow.getHandle(lake.ingestId).describe()).runId).not.toBe(first);
  });
});
