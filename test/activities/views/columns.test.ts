import { expect, test } from 'vitest';
import { keys } from '../../../lake/keys.ts';
import { PAYMENTS, ViewLake, withColumn } from '../../fakes/view-lake.ts';

const [D1, D2, D3] = ['2026-11-20', '2026-11-21', '2026-11-22'] as const;

/** Two days built and published, and a row of a third. */
async function twoDays(): Promise<ViewLake> {
  const lake = new ViewLake();
  await lake.books(D1, 3);
  await lake.books(D2, 2);
  await lake.stream({ [D1]: 4, [D2]: 2, [D3]: 1 }, '2026-11-22T02:00:00.000Z');
  await lake.reconcile();
  return lake;
}

test('columns that came are planned for all partitions at once, as one version', async () => {
  const lake = await twoDays();
  const before = (await lake.view()).version;
  await lake.books(D3, 1);
  await lake.stream({ [D3]: 1 }, '2026-11-23T02:00:00.000Z');
  lake.apply(withColumn('note'));
  const { plan: planId } = await lake.assess();
  const plan = lake.plan(planId ?? '');
  // The third day is closed too, and comes with the next plan.
  expect(plan).toMatchObject({ whole: true, spec: 2, datasetEpoch: 1, parent: 1 });
  expect(plan.partitions.map(({ partition, why }) => [partition, why])).toEqual([
    [D1, 'changed'],
    [D2, 'changed'],
  ]);
  lake.build(plan.planId);
  expect(await lake.publish(plan.planId)).toMatchObject({ kind: 'published', version: 2 });
  const { version } = await lake.view();
  expect(version).toMatchObject({ spec: 2, datasetEpoch: 1 });
  expect(version?.contract).not.toBe(before?.contract);
  const next = await lake.assess();
  expect(lake.plan(next.plan ?? '')).toMatchObject({
    spec: 2,
    partitions: [{ partition: D3, why: 'closed' }],
  });
  expect(lake.plan(next.plan ?? '').whole).toBeUndefined();
});

test('of a dataset that nobody changed, nothing is due and every build keeps its name', async () => {
  const lake = await twoDays();
  const { parts } = await lake.view();
  const { sources } = withColumn('note');
  lake.apply({ sources });
  expect(await lake.assess()).toMatchObject({ plan: null, stale: 0 });
  await lake.assess({ reason: 'asked', by: 'ana' });
  expect((await lake.assess()).plan).not.toBeNull();
  await lake.reconcile();
  expect(Object.entries((await lake.view()).parts).map(([day, { build }]) => [day, build])).toEqual(
    Object.entries(parts).map(([day, { build }]) => [day, build]),
  );
});

test('entries of either spec hold for the other one, and those of neither wait to be counted', async () => {
  const lake = await twoDays();
  lake.apply(withColumn('note'));
  await lake.commit('books', { [D1]: 1 });
  const plan = lake.plan((await lake.assess()).plan ?? '');
  expect(plan.partitions[0]?.inputs.entries).toEqual({ 'books/0': [1, 3], 'stream/0': [1] });
  lake.apply(withColumn('other'));
  await lake.commit('stream', { [D1]: 1 }, { spec: 2 });
  lake.apply(withColumn('note'));
  expect(await lake.assess()).toMatchObject({ plan: null, unmeasured: 1 });
});

test('a plan that is under way ends first, and what is due meanwhile goes on as before', async () => {
  const lake = await twoDays();
  await lake.commit('books', { [D1]: 1 });
  const before = await lake.assess();
  lake.apply(withColumn('note'));
  await lake.commit('books', { [D2]: 1 });
  const beside = await lake.assess();
  expect(lake.plan(beside.plan ?? '')).toMatchObject({
    spec: 1,
    partitions: [{ partition: D2, why: 'batch' }],
  });
  expect(beside.waiting).toContainEqual({ partition: D1, because: `plan ${before.plan} has it` });
  lake.build(before.plan ?? '');
  expect(await lake.publish(before.plan ?? '')).toMatchObject({ kind: 'published', version: 2 });
  lake.build(beside.plan ?? '');
  // The day beside it changed: that is compared anew, with the columns.
  expect(await lake.publish(beside.plan ?? '')).toMatchObject({ kind: 'superseded' });
  expect((await lake.view()).version).toMatchObject({ n: 2, spec: 1 });
  await lake.reconcile();
  expect((await lake.view()).version).toMatchObject({ n: 3, spec: 2 });
  expect(await lake.assess()).toMatchObject({ plan: null, stale: 0 });
});

test('while a partition is pinned the others go on as before, and all come when it is released', async () => {
  const lake = await twoDays();
  await lake.rollback({ partitions: [D1] });
  lake.apply(withColumn('note'));
  await lake.commit('books', { [D1]: 1, [D2]: 1 });
  const { plan, waiting } = await lake.assess();
  expect(lake.plan(plan ?? '')).toMatchObject({ spec: 1, partitions: [{ partition: D2 }] });
  expect(waiting).toContainEqual({
    partition: D1,
    because: 'it is pinned: release it to build it again',
  });
  lake.build(plan ?? '');
  await lake.publish(plan ?? '');
  await lake.release([D1], 't2');
  const whole = lake.plan((await lake.assess()).plan ?? '');
  expect(whole).toMatchObject({ spec: 2, whole: true });
  expect(whole.partitions).toHaveLength(2);
});

test('held columns are held for all partitions, and nothing overtakes them', async () => {
  const lake = await twoDays();
  lake.apply(withColumn('note'));
  const { plan: planId } = await lake.assess();
  lake.build(planId ?? '', { [D1]: 'hold', [D2]: 'publish' });
  await lake.openHolds(planId ?? '');
  expect(await lake.publish(planId ?? '')).toEqual({ kind: 'nothing' });
  await lake.books(D3, 1);
  await lake.stream({ [D3]: 1 }, '2026-11-23T02:00:00.000Z');
  const held = await lake.assess();
  expect(held.holds).toHaveLength(2);
  expect(held.plan).toBe(planId);
  expect(held.waiting).toContainEqual({ partition: D2, because: `plan ${planId} has it` });
  expect(lake.store.keys('plan/')).toHaveLength(2);

  await lake.close(planId ?? '', [D1], 'reject');
  // What was rejected waits for other rows: till then it goes on under the spec before.
  const after = await lake.assess();
  expect(lake.plan(after.plan ?? '')).toMatchObject({ spec: 1, partitions: [{ partition: D3 }] });
  expect(after.waiting[0]?.because).toMatch(/was rejected/);
});

test('what was rejected does not come back with columns', async () => {
  const lake = await twoDays();
  await lake.commit('books', { [D1]: 1 });
  const { plan: bad } = await lake.assess();
  lake.build(bad ?? '', 'hold');
  await lake.openHolds(bad ?? '');
  await lake.close(bad ?? '', [D1], 'reject');
  lake.apply(withColumn('note'));
  const { plan: planId } = await lake.assess();
  lake.build(planId ?? '');
  expect(await lake.publish(planId ?? '')).toEqual({ kind: 'nothing' });
  const { holds } = await lake.assess();
  expect(holds.flatMap(({ findings }) => findings).join()).toContain('rejectedBefore: it brings back build');
  expect((await lake.view()).version).toMatchObject({ n: 1, spec: 1 });
});

test('a plan of the contract before that is written late cannot be published, and is ended', async () => {
  const lake = await twoDays();
  await lake.books(D3, 1);
  await lake.stream({ [D3]: 1 }, '2026-11-23T02:00:00.000Z');
  const { plan } = await lake.assess();
  const [late, key] = [plan ?? '', keys.plan('payments', plan ?? '')];
  lake.build(late);
  const body = lake.store.text(key) ?? '';
  lake.store.delete(key);
  lake.apply(withColumn('note'));
  expect(await lake.reconcile()).toMatchObject({ kind: 'published', version: 2 });
  lake.store.put(key, body);
  expect(await lake.publish(late)).toMatchObject({
    kind: 'superseded',
    because: expect.stringContaining('version 2 has another contract than the build of 2026-11-22'),
  });

  const zombie = `${late.slice(0, -1)}z`;
  lake.store.put(keys.plan('payments', zombie), JSON.stringify({ ...JSON.parse(body), planId: zombie }));
  await lake.assess();
  expect(lake.object(keys.outcome('payments', zombie))).toMatchObject({
    outcome: 'superseded',
    reason: expect.stringContaining('whose contract is neither that of version 2 nor the applied one'),
  });
});

test('a rollback over columns takes all partitions with the spec of then, and forward again is the same', async () => {
  const lake = await twoDays();
  const first = await lake.view();
  lake.apply(withColumn('note'));
  await lake.reconcile();
  const second = await lake.view();
  await expect(lake.rollback({ to: 1, partitions: [D1] })).rejects.toThrow(/another contract .*name none/);
  await lake.rollback({ to: 1 });
  const back = await lake.view();
  expect(back.version).toMatchObject({
    n: 3,
    spec: 1,
    contract: first.version?.contract,
    pinned: [D1, D2, D3],
  });
  expect(back.parts[D1]?.build).toBe(first.parts[D1]?.build);
  expect((await lake.assess()).plan).toBeNull();
  await lake.release([D1, D2, D3], 't2');
  await lake.reconcile();
  const forward = await lake.view();
  expect(forward.version).toMatchObject({ spec: 2, contract: second.version?.contract });
  expect(forward.parts[D1]?.build).toBe(second.parts[D1]?.build);
  await lake.rollback({ to: 1, token: 't3' });
  await lake.rollback({ to: 2, token: 't4' });
  expect((await lake.view()).version).toMatchObject({ spec: 2, contract: second.version?.contract });
});

test('a column that a feed begins to serve is built again as one version, under the same contract', async () => {
  const lake = await twoDays();
  const { sources, datasets } = withColumn('note');
  const { stream } = sources;
  if (stream?.kind !== 'kinesis') throw new Error('no stream');
  const { note: _, ...without } = stream.columns;
  lake.apply({ sources: { ...sources, stream: { ...stream, columns: without } }, datasets });
  await lake.reconcile();
  const before = await lake.view();
  lake.apply({ sources, datasets });
  const { plan: planId } = await lake.assess();
  expect(lake.plan(planId ?? '')).toMatchObject({ whole: true, spec: 3 });
  lake.build(planId ?? '');
  await lake.publish(planId ?? '');
  const after = await lake.view();
  expect(after.version).toMatchObject({ n: 3, contract: before.version?.contract });
  expect(after.parts[D1]?.build).not.toBe(before.parts[D1]?.build);
  await expect(lake.rollback({ to: 2, partitions: [D1] })).rejects.toThrow(/contract or mapping .*name none/);
});

test('another key or type is no column that came', async () => {
  const { sources, datasets } = withColumn('note');
  const payments = datasets['payments'] ?? PAYMENTS;
  const changes = [
    { ...payments, columns: { ...payments.columns, revision: 'string' as const } },
    { ...payments, merge: 'append' as const },
  ];
  for (const changed of changes) {
    const lake = await twoDays();
    lake.apply({ sources, datasets: { payments: changed } });
    await expect(lake.assess()).rejects.toThrow(/another contract than the applied spec/);
  }
});
