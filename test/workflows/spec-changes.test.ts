import { expect } from 'vitest';
import { encode } from '../../activities/objects/json.ts';
import { workflowIds } from '../../lake/ids.ts';
import { keys } from '../../lake/keys.ts';
import type { LakeSpec } from '../../lake/spec.ts';
import type { ViewVersion } from '../../lake/view.ts';
import { applyLake } from '../../workflows/apply-lake.ts';
import { ingestStream } from '../../workflows/ingest-stream.ts';
import { type ReconcileProgress, reconcileDataset } from '../../workflows/reconcile-dataset.ts';
import { decideUpdate, parkedQuery } from '../../workflows/support/parking.ts';
import { eventually, until } from '../support/eventually.ts';
import { type Lab, test } from '../support/temporal.ts';
import { csv, inActivity, workflowLake } from './lake.ts';

type Lake = Awaited<ReturnType<typeof workflowLake>>;

const ATTENTIVE = { worker: { maxHeartbeatThrottleInterval: '200ms' } } as const;

/** Make it the newest spec, whether or not `apply` would. */
function force({ store, source }: Lake, n: number, spec: LakeSpec): void {
  const object = { format: 1, n, prev: null, ...spec, epochs: { [source]: 1 } };
  store.put(keys.spec(n), encode({ ...object, by: 'ana', reason: 'next', at: '2026-11-02T00:00:00.000Z' }));
}

function reconcile(lab: Lab, lake: Lake) {
  return lab.client.workflow.start(reconcileDataset, {
    workflowId: lake.reconcileId,
    taskQueue: lake.queue,
    args: [{ dataset: lake.source }],
  });
}

test('rows that the dataset cannot hold park the reconciliation, and it goes on once the spec is mended', async ({
  lab,
}) => {
  const lake = await workflowLake(lab);
  await lake.write('a.csv', csv('2026-11-21', '1').replace('5.00', ''));
  await lake.land();
  const [name = ''] = Object.keys(lake.spec.datasets);
  const dataset = lake.spec.datasets[name];
  if (!dataset) throw new Error('there is one');
  force(lake, 2, { ...lake.spec, datasets: { [name]: { ...dataset, key: ['id', 'amount'] } } });
  await lab.withWorker(lake.queue, lake.activities, async () => {
    const run = await reconcile(lab, lake);
    try {
      const { parked } = await until(
        () => run.query(parkedQuery),
        ({ count }) => count === 1,
      );
      expect(parked).toMatchObject([
        {
          item: name,
          failure: 'NotBuilt',
          message: expect.stringContaining('has 1 rows that the dataset cannot hold, such as row 1: Missing'),
          allowed: ['retry', 'abort'],
        },
      ]);
      force(lake, 3, lake.spec);
      const retry = { items: [name], action: 'retry', reason: 'the key is back', by: 'ana' } as const;
      await run.executeUpdate(decideUpdate, { args: [retry] });
      await until(
        () => run.query<ReconcileProgress>('progress'),
        ({ version }) => version === 1,
      );
    } finally {
      await run.terminate('the test is over');
    }
  });
});

test('another key is applied, built and published as one version of the next epoch', async ({ lab }) => {
  const lake = await workflowLake(lab);
  await lake.write('a.csv', csv('2026-11-21', '1', '2'));
  await lake.land();
  const { [lake.source]: dataset } = lake.spec.datasets;
  if (!dataset) throw new Error('there is one');
  await lab.withWorker(lake.queue, lake.activities, async () => {
    const run = await reconcile(lab, lake);
    try {
      const published = (n: number) =>
        until(
          () => run.query<ReconcileProgress>('progress'),
          ({ version }) => version === n,
        );
      await published(1);
      const next = { ...lake.spec, datasets: { [lake.source]: { ...dataset, key: ['id', 'amount'] } } };
      const applied = await lab.client.workflow.execute(applyLake, {
        workflowId: workflowIds.applyLake(lake.spec.lake.name),
        taskQueue: lake.queue,
        args: [{ spec: next, by: 'ana', reason: 'amounts differ' }],
      });
      expect(applied).toMatchObject({ n: 2, written: true });
      await published(2);
      const version = JSON.parse(lake.store.text(keys.view(lake.source, 2)) ?? 'null') as ViewVersion;
      expect(version).toMatchObject({ datasetEpoch: 2, spec: 2 });
    } finally {
      await run.terminate('the test is over');
    }
  });
});

test('a dataset under another name is built from what its feeds brought to the other', async ({ lab }) => {
  const lake = await workflowLake(lab);
  await lake.write('a.csv', csv('2026-11-21', '1'));
  await lake.land();
  const { [lake.source]: dataset } = lake.spec.datasets;
  if (!dataset) throw new Error('there is one');
  const renamed = `trips-of-${lake.source}`;
  const apply = (spec: LakeSpec) =>
    inActivity(lake.activities.writeSpec, { spec, by: 'ana', reason: 'renamed' });
  const otherwise = { ...dataset, key: ['id', 'amount'] };
  expect(await apply({ ...lake.spec, datasets: { [renamed]: otherwise } })).toMatchObject({
    written: false,
    measure: [renamed],
  });
  expect(await apply({ ...lake.spec, datasets: { [renamed]: dataset } })).toMatchObject({
    n: 2,
    changes: [
      { path: `datasets.${lake.source}`, what: 'no longer declared; what was collected stays' },
      { path: `datasets.${renamed}`, class: 'compatible', what: 'new' },
    ],
  });
  await lab.withWorker(lake.queue, lake.activities, async () => {
    const run = await lab.client.workflow.start(reconcileDataset, {
      workflowId: `reconcile/${renamed}`,
      taskQueue: lake.queue,
      args: [{ dataset: renamed }],
    });
    await until(
      () => run.query<ReconcileProgress>('progress'),
      ({ version }) => version === 1,
    );
    await run.terminate('the test is over');
  });
});

test('the run of a dataset that is no longer declared ends, once it is nudged', async ({ lab }) => {
  const lake = await workflowLake(lab);
  await lab.withWorker(lake.queue, lake.activities, async () => {
    const run = await reconcile(lab, lake);
    await eventually(async () => (await run.query<ReconcileProgress>('progress')).watermarks.length, 1);
    force(lake, 2, { ...lake.spec, datasets: {} });
    await run.signal('nudge');
    expect(await run.result()).toEqual({ dataset: lake.source });
  });
});

test('the run of a stream that is no longer declared ends, once it is nudged, with what it collected', async ({
  lab,
}) => {
  const lake = await workflowLake(lab);
  const [shard = ''] = lake.records.openShards;
  lake.records.put(shard, JSON.stringify({ id: '1', at: '2026-11-22T11:59:00Z', amount: '12.50' }));
  await lab.withWorker(
    lake.queue,
    lake.activities,
    async () => {
      const run = await lab.client.workflow.start(ingestStream, {
        workflowId: lake.ingestId,
        taskQueue: lake.queue,
        args: [{ source: lake.stream }],
      });
      await eventually(() => lake.rowsIn(lake.stream), 1);
      const { [lake.stream]: _, ...sources } = lake.spec.sources;
      force(lake, 2, { ...lake.spec, sources });
      await run.signal('nudge');
      expect(await run.result()).toMatchObject({ source: lake.stream });
      expect(await lake.rowsIn(lake.stream)).toBe(1);
    },
    ATTENTIVE,
  );
});

test('a stream takes the newest spec when it is nudged, and loses nothing by it', async ({ lab }) => {
  const lake = await workflowLake(lab);
  const [shard = ''] = lake.records.openShards;
  const put = (id: string) =>
    lake.records.put(shard, JSON.stringify({ id, at: '2026-11-22T11:59:00Z', amount: '12.50' }));
  await lab.withWorker(
    lake.queue,
    lake.activities,
    async () => {
      const run = await lab.client.workflow.start(ingestStream, {
        workflowId: lake.ingestId,
        taskQueue: lake.queue,
        args: [{ source: lake.stream }],
      });
      put('1');
      await eventually(() => lake.rowsIn(lake.stream), 1);
      const [name = ''] = Object.keys(lake.spec.datasets);
      const { [name]: dataset } = lake.spec.datasets;
      if (!dataset) throw new Error('there is one');
      const another = { ...dataset, feeds: { [lake.stream]: { role: 'speed', visible: 'commit', map: {} } } };
      force(lake, 2, {
        ...lake.spec,
        datasets: { ...lake.spec.datasets, [lake.stream]: another } as LakeSpec['datasets'],
      });
      await run.signal('nudge');
      put('2');
      put('3');
      await eventually(() => lake.rowsIn(lake.stream), 3);
      await run.signal('drain');
      await run.result();
      expect(await lake.rowsIn(lake.stream)).toBe(3);
    },
    ATTENTIVE,
  );
});
