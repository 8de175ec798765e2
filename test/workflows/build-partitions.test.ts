import type { WorkflowHandle } from '@temporalio/client';
import { expect } from 'vitest';
import { failure } from '../../activities/failure.ts';
import { canonical } from '../../lake/canonical.ts';
import type { Action } from '../../lake/decisions.ts';
import { workflowIds } from '../../lake/ids.ts';
import { keys } from '../../lake/keys.ts';
import { buildPartitions } from '../../workflows/build-partitions.ts';
import { decideUpdate, parkedQuery } from '../../workflows/support/parking.ts';
import { until } from '../support/eventually.ts';
import { type Lab, test } from '../support/temporal.ts';
import { csv, inActivity, workflowLake } from './lake.ts';

type Lake = Awaited<ReturnType<typeof workflowLake>>;

const THIN = '2026-11-21';
const FULL = '2026-11-22';

/** A lake with a day of two rows and one of a single row, and a gate that lets nothing through with less than two. */
async function lakeWithThinDay(lab: Lab): Promise<Lake> {
  const lake = await workflowLake(lab, {
    dataset: {
      gate: {
        compare: [],
        tolerance: {
          missing: { count: 0 },
          differs: { count: 0 },
          moved: { count: 0 },
          conflicting: { count: 0 },
        },
        settleAfterMs: 0,
        checks: [{ kind: 'rows', min: 2 }],
      },
    },
  });
  await lake.write('thin.csv', csv(THIN, '1'));
  await lake.write('full.csv', csv(FULL, '2', '3'));
  await lake.land();
  return lake;
}

async function plan({ activities, source }: Lake): Promise<string> {
  const { plan: id } = await inActivity(activities.assessDataset, { dataset: source });
  return id ?? 'nothing is due';
}

async function startBuild(lab: Lab, lake: Lake, planId: string) {
  return lab.client.workflow.start(buildPartitions, {
    workflowId: workflowIds.buildPartitions(lake.source, planId),
    taskQueue: lake.queue,
    args: [{ dataset: lake.source, plan: planId }],
  });
}

async function held(run: WorkflowHandle): Promise<readonly string[]> {
  const { parked } = await until(
    () => run.query(parkedQuery),
    ({ count }) => count > 0,
  );
  return parked.map((one) => `${one.item} ${one.failure}`);
}

function decide(run: WorkflowHandle, action: Action, item = THIN) {
  const args: [object] = [{ items: [item], action, reason: 'asked the vendor', by: 'ana' }];
  return run.executeUpdate(decideUpdate.name, { args });
}

test('what the gate holds waits, while its neighbours are published, and approval publishes it', async ({
  lab,
}) => {
  const lake = await lakeWithThinDay(lab);
  const planId = await plan(lake);
  await lab.withWorker(lake.queue, lake.activities, async () => {
    const run = await startBuild(lab, lake, planId);
    expect(await held(run)).toEqual([`${THIN} GateHeld`]);
    expect(lake.store.keys(`view/${lake.source}/`)).toHaveLength(1);
    const query = `LakeState = 'Held' AND LakeDataset = '${lake.source}'`;
    const listed = await until(
      () => lab.cli('workflow', 'list', '--query', query),
      ({ stdout }) => stdout.includes(run.workflowId),
    );
    expect(listed.stdout).toContain('buildPartitions');
    await decide(run, 'approve');
    expect(await run.result()).toEqual({
      dataset: lake.source,
      plan: planId,
      built: 2,
      cached: 0,
      versions: [1, 2],
      flagged: [THIN],
      rejected: [],
      superseded: null,
    });
  });
});

test('a generation of a table is held as one, and one decision on any part of it publishes all', async ({
  lab,
}) => {
  const lake = await lakeWithThinDay(lab);
  const planId = await plan(lake);
  const key = keys.plan(lake.source, planId);
  lake.store.put(key, canonical({ ...(JSON.parse(lake.store.text(key) ?? '{}') as object), whole: true }));
  await lab.withWorker(lake.queue, lake.activities, async () => {
    const run = await startBuild(lab, lake, planId);
    expect(await held(run)).toEqual([`${THIN} GateHeld`, `${FULL} GateHeld`]);
    expect(lake.store.keys(`view/${lake.source}/`)).toEqual([]);
    await decide(run, 'approve', FULL);
    expect(await run.result()).toMatchObject({ versions: [1], rejected: [], superseded: null });
  });
});

test('a rejected build is never published', async ({ lab }) => {
  const lake = await lakeWithThinDay(lab);
  const planId = await plan(lake);
  await lab.withWorker(lake.queue, lake.activities, async () => {
    const run = await startBuild(lab, lake, planId);
    await held(run);
    await decide(run, 'reject');
    expect(await run.result()).toMatchObject({ versions: [1], rejected: [THIN], superseded: null });
  });
  expect(lake.store.keys(`view/${lake.source}/`)).toHaveLength(1);
});

test('recompute ends the hold, and the next plan builds what came since', async ({ lab }) => {
  const lake = await lakeWithThinDay(lab);
  const first = await plan(lake);
  await lab.withWorker(lake.queue, lake.activities, async () => {
    const run = await startBuild(lab, lake, first);
    await held(run);
    await lake.write('more.csv', csv(THIN, '4'));
    await lake.land();
    await decide(run, 'recompute');
    expect(await run.result()).toMatchObject({ versions: [1], rejected: [] });
    const second = await plan(lake);
    expect(second).not.toBe(first);
    const next = await startBuild(lab, lake, second);
    expect(await next.result()).toMatchObject({ built: 1, versions: [2], superseded: null });
  });
});

test('a run that is started again asks only for what is not decided yet', async ({ lab }) => {
  const lake = await lakeWithThinDay(lab);
  const planId = await plan(lake);
  await lab.withWorker(lake.queue, lake.activities, async () => {
    const lost = await startBuild(lab, lake, planId);
    await held(lost);
    await lost.terminate('a person meant another one');
    const run = await startBuild(lab, lake, planId);
    expect(await held(run)).toEqual([`${THIN} GateHeld`]);
    await decide(run, 'reject');
    expect(await run.result()).toMatchObject({ built: 0, cached: 2, versions: [1], rejected: [THIN] });
    const again = await startBuild(lab, lake, planId);
    expect(await again.result()).toMatchObject({ built: 0, cached: 2, versions: [1], rejected: [] });
  });
});

test('a plan that another one overtook ends and says why', async ({ lab }) => {
  const lake = await lakeWithThinDay(lab);
  const planId = await plan(lake);
  const publishPlan = async () =>
    ({ kind: 'superseded', because: `${FULL} was built with entries that this plan lacks` }) as const;
  await lab.withWorker(lake.queue, { ...lake.activities, publishPlan }, async () => {
    const run = await startBuild(lab, lake, planId);
    expect(await run.result()).toMatchObject({
      versions: [],
      superseded: `${FULL} was built with entries that this plan lacks`,
    });
  });
});

test('abort ends a plan that cannot be built, on record before its run ends, and what is due is planned anew', async ({
  lab,
}) => {
  const lake = await lakeWithThinDay(lab);
  const planId = await plan(lake);
  const buildPartitionsBatch = lacksRows;
  await lab.withWorker(lake.queue, { ...lake.activities, buildPartitionsBatch }, async () => {
    const run = await startBuild(lab, lake, planId);
    expect(await held(run)).toEqual([`${planId} ObjectMissing`]);
    await decide(run, 'abort', planId);
    expect(await run.result()).toMatchObject({ built: 0, versions: [], superseded: 'aborted' });
  });
  expect(outcomeOf(lake, planId)).toMatchObject({
    outcome: 'superseded',
    partitions: { [THIN]: 'superseded', [FULL]: 'superseded' },
    by: 'ana',
    reason: 'asked the vendor',
  });
  expect(await plan(lake)).not.toBe(planId);
});

test('an abort that cannot be put on record waits for a person again, and abort is not an end without one', async ({
  lab,
}) => {
  const lake = await lakeWithThinDay(lab);
  const planId = await plan(lake);
  let denials = 2;
  const activities: typeof lake.activities = {
    ...lake.activities,
    buildPartitionsBatch: lacksRows,
    abandonPlan: async (input) => {
      if (denials === 0) return lake.activities.abandonPlan(input);
      denials -= 1;
      throw failure('ProofBroken', 'outcome/: not what it was');
    },
  };
  await lab.withWorker(lake.queue, activities, async () => {
    const run = await startBuild(lab, lake, planId);
    expect(await held(run)).toEqual([`${planId} ObjectMissing`]);
    await decide(run, 'abort', planId);
    expect(await held(run)).toEqual([`${planId} ProofBroken`]);
    await decide(run, 'abort', planId);
    expect(await held(run)).toEqual([`${planId} ProofBroken`]);
    await decide(run, 'retry', planId);
    expect(await run.result()).toMatchObject({ superseded: 'aborted' });
  });
  expect(outcomeOf(lake, planId)).toMatchObject({ outcome: 'superseded', by: 'ana' });
});

test('a plan whose approval cannot be published is ended by abort, with its hold', async ({ lab }) => {
  const lake = await lakeWithThinDay(lab);
  const planId = await plan(lake);
  const activities: typeof lake.activities = {
    ...lake.activities,
    publishPlan: async (input) => {
      if (!input.approved) return lake.activities.publishPlan(input);
      throw failure('ProofBroken', 'view/: not what it was');
    },
  };
  await lab.withWorker(lake.queue, activities, async () => {
    const run = await startBuild(lab, lake, planId);
    expect(await held(run)).toEqual([`${THIN} GateHeld`]);
    await decide(run, 'approve');
    expect(await held(run)).toEqual([`${planId} ProofBroken`]);
    await decide(run, 'abort', planId);
    expect(await run.result()).toMatchObject({ versions: [1], superseded: 'aborted' });
  });
  expect(outcomeOf(lake, planId)).toMatchObject({
    outcome: 'published',
    partitions: { [THIN]: 'superseded', [FULL]: 'published' },
  });
  expect(lake.store.keys(`hold/${lake.source}/`)).toHaveLength(2);
});

async function lacksRows(): Promise<never> {
  throw failure('ObjectMissing', 'rows/a.parquet: nothing is there, but an entry names it');
}

function outcomeOf({ store, source }: Lake, planId: string): unknown {
  return JSON.parse(store.text(keys.outcome(source, planId)) ?? 'null');
}
