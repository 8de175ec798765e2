import { expect, test } from 'vitest';
import { keys } from '../../lake/keys.ts';
import type { ViewVersion } from '../../lake/view.ts';
import { FEED, TableLake, customersSpec } from '../support/table-lake.ts';
import { tmpFolder } from '../support/tmp.ts';
import { BOOKS, D1, D2, type WholeLake, event, wholeLake } from './verify/whole-lake.ts';

type Replaced = readonly (readonly [from: string, to: string])[];

/** What the stream brings is declared, and stays when the dataset takes less of it. */
const DECLARED = [
  'format: { json: {} } }',
  "format: { json: {} }, columns: { id: string, paid_at: timestamp, amount: 'decimal(18,2)', revision: bigint } }",
] as const;

const CHANGES: Readonly<Record<string, Replaced>> = {
  'another key': [['key: [id]', 'key: [id, revision]']],
  'months instead of days': [
    ["{ day: paid_at, fixed: true, from: '2026-11-20' }", "{ month: paid_at, fixed: true, from: '2026-11' }"],
  ],
  'buckets instead of days': [["{ day: paid_at, fixed: true, from: '2026-11-20' }", '{ buckets: 3 }']],
  'another merge rule': [
    ['merge: latest\n    key: [id]\n    version: revision', 'merge: append\n    key: [id, revision]'],
  ],
  'a column less': [
    [
      ", amount: 'decimal(18,2)', revision: bigint }\n    feeds: { books: { role: batch, map: { amount: gross } }",
      ', revision: bigint }\n    feeds: { books: { role: batch }',
    ],
    ['compare: [amount], ', ''],
  ],
  'other roles': [
    ['books: { role: batch,', 'books: { role: speed, visible: publish,'],
    ['gate: { compare: [amount], tolerance: { missing: 10, differs: 10 } }', 'gate: {}'],
  ],
  'a feed less': [
    ['feeds: { books: { role: batch, map: { amount: gross } }, events', 'feeds: { events'],
    ['gate: { compare: [amount], tolerance: { missing: 10, differs: 10 } }', 'gate: {}'],
  ],
  'other compared columns': [['compare: [amount]', 'compare: [amount, revision]']],
};

/** Two days of payments, the second still open, with what came late. */
async function collect(lake: WholeLake): Promise<void> {
  const [shard = ''] = lake.stream.openShards;
  lake.stream.put(shard, event('a', `${D1}T10:00:00Z`, '1.00'));
  lake.stream.put(shard, event('b', `${D1}T11:00:00Z`, '2.00'));
  await lake.collect();
  lake.stream.put(shard, event('a', `${D1}T10:00:00Z`, '1.75', 2));
  lake.stream.put(shard, event('c', `${D2}T10:00:00Z`, '3.00'));
  await lake.collect();
  await lake.write('books', `books-${D1}.csv`, [
    BOOKS,
    `a,${D1}T10:00:00Z,1.75,2`,
    `b,${D1}T11:00:00Z,2.00,1`,
  ]);
  await lake.land('books');
}

/** Until nothing is due. */
async function publishAll(lake: WholeLake): Promise<void> {
  while (await lake.publish('payments'));
}

test.each(Object.entries(CHANGES))(
  'with %s a dataset is what it would be had it been collected so from the beginning',
  async (_name, changes) => {
    const replaced = [DECLARED, ...changes];
    const lake = await wholeLake(await tmpFolder());
    await collect(lake);
    expect(await lake.publish('payments')).toMatchObject({ kind: 'published', version: 1 });
    const before = await lake.read('payments', 'settled', '*');
    expect(await lake.apply(...replaced)).toMatchObject({ n: 2, written: true });
    expect(await lake.read('payments', 'settled', '*')).toEqual(before);
    expect((await lake.verify()).findings).toEqual([]);
    expect(await lake.publish('payments')).toMatchObject({ kind: 'published', version: 2, hold: [] });
    expect(view(lake, 2)).toMatchObject({ datasetEpoch: 2, spec: 2 });
    const { findings, datasets } = await lake.verify();
    expect(findings).toEqual([]);
    expect(datasets['payments']).toMatchObject({ version: 2, residue: 0 });

    const other = await wholeLake(await tmpFolder());
    await other.apply(...replaced);
    await collect(other);
    await publishAll(other);
    expect(await lake.read('payments', 'live', '*')).toEqual(await other.read('payments', 'live', '*'));
    await lake.publish('payments', {});
    await other.publish('payments', {});
    expect(await lake.read('payments', 'live', '*')).toEqual(await other.read('payments', 'live', '*'));
    expect((await lake.verify()).findings).toEqual([]);
  },
);

function view(lake: WholeLake, n: number): ViewVersion {
  return JSON.parse(lake.store.text(keys.view('payments', n)) ?? 'null') as ViewVersion;
}

const KEY = [DECLARED, ['key: [id]', 'key: [id, revision]'] as const] as const;
const MONTHS = [
  DECLARED,
  [
    "{ day: paid_at, fixed: true, from: '2026-11-20' }",
    "{ month: paid_at, fixed: true, from: '2026-11' }",
  ] as const,
] as const;

/** A lake whose payments are published, and then have another spec. */
async function changed(replaced: Replaced): Promise<WholeLake> {
  const lake = await wholeLake(await tmpFolder());
  await collect(lake);
  await lake.publish('payments');
  await lake.apply(...replaced);
  return lake;
}

function sides(lake: WholeLake): readonly string[] {
  return lake.store.keys('manifest/').filter((key) => key.includes('-for-'));
}

test('counting again finds the same, and what is counted is not counted again', async () => {
  const lake = await changed(KEY);
  const before = sides(lake).map((key) => [key, lake.store.text(key)]);
  expect(before).toHaveLength(3);
  const [lost = ''] = sides(lake);
  lake.store.delete(lost);
  const payments = { dataset: 'payments' };
  const { measureEntries } = lake.restarted();
  lake.store.faultCreates('answer lost');
  expect(await lake.run(measureEntries, payments)).toMatchObject({ entries: 1 });
  expect(await lake.run(measureEntries, payments)).toMatchObject({ entries: 0 });
  for (const key of sides(lake)) lake.store.delete(key);
  await Promise.all([0, 1].map(() => lake.run(lake.restarted().measureEntries, payments)));
  expect(sides(lake).map((key) => [key, lake.store.text(key)])).toEqual(before);
});

test('rows that the dataset would not hold keep it from changing, and are named', async () => {
  const lake = await wholeLake(await tmpFolder());
  const [shard = ''] = lake.stream.openShards;
  lake.stream.put(shard, JSON.stringify({ id: 'a', paid_at: `${D1}T10:00:00Z`, revision: 1 }));
  await lake.collect();
  const amounts = ['key: [id]', 'key: [id, amount]'] as const;
  await expect(lake.apply(DECLARED, amounts)).rejects.toMatchObject({
    type: 'SpecRefused',
    message: expect.stringMatching(
      /^datasets.payments: ledger\/events\/0\/\d+.json has 1 rows that the dataset cannot hold, such as row 1: Missing, amount is NULL; right would be a value: it is part of the key$/,
    ),
  });
  expect(lake.store.keys('spec/')).toHaveLength(1);
});

test('what comes before the first version of the new epoch is read with it, and by no version before', async () => {
  const lake = await changed(MONTHS);
  const before = await lake.read('payments', 'live', 'id, revision');
  const [shard = ''] = lake.stream.openShards;
  lake.stream.put(shard, event('d', `${D2}T12:00:00Z`, '4.00'));
  await lake.collect();
  expect(await lake.read('payments', 'live', 'id, revision')).toEqual(before);
  expect((await lake.verify()).findings).toEqual([]);
  await lake.publish('payments');
  expect(await lake.read('payments', 'live', 'id')).toEqual([
    ...before.map(({ id }) => ({ id })),
    { id: 'd' },
  ]);
  expect((await lake.verify()).findings).toEqual([]);
});

test('an earlier epoch comes back whole, stays while it is pinned, and is built anew once released', async () => {
  const lake = await changed(MONTHS);
  await lake.publish('payments');
  const back = { dataset: 'payments', to: 1, pin: true, by: 'ana', reason: 'months are wrong', token: 't' };
  await expect(lake.run(lake.views.rollbackDataset, { ...back, partitions: [D1] })).rejects.toThrow(
    /all partitions go back together/,
  );
  await lake.run(lake.views.rollbackDataset, back);
  expect(view(lake, 3)).toMatchObject({ datasetEpoch: 1, spec: 1, pinned: [D1, D2], kind: 'rollback' });
  expect(view(lake, 3).parts).toEqual(view(lake, 1).parts);
  expect((await lake.verify()).findings).toEqual([]);
  expect(await lake.publish('payments')).toBeUndefined();
  const release = {
    dataset: 'payments',
    partitions: view(lake, 3).pinned,
    by: 'ana',
    reason: 'right',
    token: 'r',
  };
  await lake.run(lake.views.releasePins, release);
  expect(await lake.publish('payments')).toMatchObject({ kind: 'published', version: 5 });
  expect(view(lake, 5)).toMatchObject({ datasetEpoch: 2, spec: 2, parts: view(lake, 2).parts });
  expect((await lake.verify()).findings).toEqual([]);
});

test('a plan of the epoch before is never published', async () => {
  const lake = await wholeLake(await tmpFolder());
  await collect(lake);
  const { plan } = await lake.run(lake.views.assessDataset, { dataset: 'payments' });
  const old = { dataset: 'payments', planId: plan ?? '' };
  await lake.run(lake.builds.buildPartitionsBatch, { ...old, from: 0, to: 10 });
  await lake.run(lake.builds.gatePlan, old);
  await lake.apply(...KEY);
  expect(await lake.run(lake.views.publishPlan, old)).toMatchObject({
    kind: 'superseded',
    because: expect.stringContaining('it was made under dataset epoch 1, the applied spec is of 2'),
  });
  expect(lake.store.keys('view/payments/')).toEqual([]);
});

test('rows that were taken back by day keep the days: partitions cannot change, and it is said', async () => {
  const lake = await wholeLake(await tmpFolder());
  const day = `flights-${D1}.csv`;
  await lake.write('flights', day, ['at,delay,origin', `${D1}T08:00:00Z,5,LAX`]);
  await lake.land('flights');
  await lake.write('flights', day, ['at,delay,origin', `${D1}T08:00:00Z,6,LAX`], 5);
  await lake.land('flights');
  await expect(
    lake.apply(["partition: { day: at, from: '2026-11-20' }", 'partition: whole']),
  ).rejects.toMatchObject({
    type: 'SpecRefused',
    message: expect.stringContaining('takes rows back by the partitions that were'),
  });
});

test('verify finds a count that says otherwise than its rows', async () => {
  const lake = await changed(KEY);
  await lake.publish('payments');
  const [key = ''] = sides(lake);
  const text = lake.store.text(key) ?? '';
  lake.store.put(key, text.replace(/"rows":\d+/, '"rows":99'));
  expect((await lake.verify()).findings).toMatchObject([
    { kind: 'wrongCount', message: expect.stringContaining(key) },
  ]);
});

test('a key that moved away with a feed is not held against the builds of the epoch before', async () => {
  const lake = await wholeLake(await tmpFolder());
  const [shard = ''] = lake.stream.openShards;
  lake.stream.put(shard, event('a', `${D2}T10:00:00Z`, '1.00'));
  lake.stream.put(shard, event('z', '2026-11-22T12:00:00Z', '1.00'));
  await lake.collect();
  await lake.write('books', `books-${D1}.csv`, [BOOKS, `a,${D1}T10:00:00Z,1.00,1`]);
  await lake.land('books');
  expect(await lake.publish('payments')).toMatchObject({ version: 1 });
  await lake.apply(DECLARED, ...(CHANGES['a feed less'] ?? []));
  expect(await lake.publish('payments')).toMatchObject({ kind: 'published', version: 2, hold: [] });
  expect(await lake.read('payments', 'settled', 'id')).toEqual([{ id: 'a' }]);
  expect((await lake.verify()).findings).toEqual([]);
});

test('a table that was loaded again is built anew in its current generation, and goes on from there', async () => {
  const table = new TableLake(await tmpFolder());
  await table.reload([
    { id: 'a', amount: 1, _change: 1000 },
    { id: 'b', amount: 2, _change: 1000 },
  ]);
  await table.reconcile();
  await table.reload([{ id: 'a', amount: 3, _change: 2000 }]);
  await table.reconcile();
  await table.change([{ id: 'c', amount: 4, _change: 2500 }]);
  const feeds = { [FEED]: { role: 'speed', visible: 'publish', map: {} } } as const;
  table.lake.apply(customersSpec({ feeds }), { customers: 2 });
  expect((await table.read('live')).rows).toEqual({ a: 3, c: 4 });
  await table.reconcile();
  expect((await table.view()).version).toMatchObject({ n: 3, datasetEpoch: 2, spec: 2 });
  expect((await table.read('settled')).rows).toEqual({ a: 3, c: 4 });
  await table.change([{ id: 'd', amount: 5, _change: 2600 }]);
  expect((await table.read('live')).rows).toEqual({ a: 3, c: 4 });
  await table.reload([{ id: 'd', amount: 6, _change: 3000 }]);
  await table.reconcile();
  expect((await table.read('live')).rows).toEqual({ d: 6 });
  await table.rollback(2);
  expect((await table.view()).version).toMatchObject({ datasetEpoch: 1, spec: 1 });
  expect((await table.read('settled')).rows).toEqual({ a: 3 });
});
