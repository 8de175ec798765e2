import { expect, test } from 'vitest';
import { verifyLake } from '../../reading/verify/verify.ts';
import { tmpFolder } from '../support/tmp.ts';
import { TableLake } from '../support/table-lake.ts';

/** Three customers, published, and changes since: one under the columns of then, one that brings a city. */
async function grownTable(): Promise<TableLake> {
  const table = new TableLake(await tmpFolder());
  await table.reload([
    { id: 'a', amount: 1, _change: 1000 },
    { id: 'b', amount: 2, _change: 1000 },
    { id: 'c', amount: 3, _change: 1000 },
  ]);
  await table.reconcile();
  await table.change([{ id: 'a', amount: 4, _change: 1500 }]);
  table.addCity();
  await table.change([{ id: 'b', amount: 5, city: 'Oslo', _change: 1600 }]);
  return table;
}

async function proved(table: TableLake) {
  const { store, scratch } = table.lake;
  const report = await verifyLake({ store, scratch, memoryMb: 256, signal: AbortSignal.timeout(60_000) });
  return { findings: report.findings, residue: report.datasets['customers']?.residue };
}

const WHOLE = { findings: [], residue: 0 };

test('until its version is there readers see the columns of before, with all rows; then the new one', async () => {
  const table = await grownTable();
  const rows = { a: 4, b: 5, c: 3 };
  expect(await table.read('live')).toMatchObject({ rows, cities: undefined });
  expect(await table.read('settled')).toMatchObject({ rows: { a: 1, b: 2, c: 3 }, cities: undefined });
  expect(await proved(table)).toEqual(WHOLE);
  await table.reconcile();
  expect((await table.view()).version).toMatchObject({ n: 2, spec: 2, datasetEpoch: 1 });
  for (const mode of ['live', 'settled'] as const) {
    const cities = { a: null, b: 'Oslo', c: null };
    expect(await table.read(mode)).toMatchObject({ rows, cities });
  }
  expect(await proved(table)).toEqual(WHOLE);
  expect((await table.assess()).stale).toBe(0);
});

test('a live read says of every key what the build of the same entries says', async () => {
  const table = await grownTable();
  await table.reconcile();
  await table.change([{ id: 'c', amount: 6, city: 'Rome', _change: 1700 }]);
  const live = await table.read('live');
  const plan = await table.assess({ reason: 'asked', by: 'ana' });
  await table.finish(plan.plan ?? '');
  expect((await table.read('settled')).hash).toBe(live.hash);
  expect(await proved(table)).toEqual(WHOLE);
});

test('a table that is loaded again has the values of rows from before the column', async () => {
  const table = await grownTable();
  await table.reconcile();
  await table.reload([
    { id: 'a', amount: 4, city: 'Bern', _change: 2000 },
    { id: 'b', amount: 5, city: 'Oslo', _change: 2000 },
  ]);
  await table.reconcile();
  for (const mode of ['live', 'settled'] as const) {
    expect(await table.read(mode)).toMatchObject({
      rows: { a: 4, b: 5 },
      cities: { a: 'Bern', b: 'Oslo' },
      generations: [2],
    });
  }
  expect(await proved(table)).toEqual(WHOLE);
});

test('a column and a load that come together come as one version', async () => {
  const table = await grownTable();
  await table.reload([{ id: 'a', amount: 7, city: 'Bern', _change: 2000 }]);
  const { plan } = await table.assess();
  const planned = table.lake.readPlan('customers', plan ?? '');
  expect(planned).toMatchObject({ whole: true, spec: 2 });
  await table.reconcile();
  expect(await table.read('settled')).toMatchObject({ rows: { a: 7 }, cities: { a: 'Bern' } });
  expect((await table.view()).version?.n).toBe(2);
  expect(await proved(table)).toEqual(WHOLE);
});

test('back before the column readers read by the spec of then, and forward again is the same', async () => {
  const table = await grownTable();
  const first = await table.read('settled');
  await table.reconcile();
  const second = await table.read('settled');
  await table.rollback(1);
  const back = await table.read('settled');
  expect(back).toMatchObject({ hash: first.hash, cities: undefined });
  // What was collected since is there, under the columns of then.
  expect(await table.read('live')).toMatchObject({ rows: { a: 4, b: 5, c: 3 }, cities: undefined });
  expect(await proved(table)).toEqual(WHOLE);
  await table.change([{ id: 'c', amount: 8, city: 'Rome', _change: 1700 }]);
  await table.reconcile();
  expect(await table.read('live')).toMatchObject({ rows: { a: 4, b: 5, c: 8 }, cities: undefined });
  expect(await proved(table)).toEqual(WHOLE);
  await table.rollback(2);
  expect((await table.read('settled')).hash).toBe(second.hash);
  expect((await table.read('live')).rows).toEqual({ a: 4, b: 5, c: 8 });
  await table.release();
  await table.reconcile();
  expect(await table.read('live')).toMatchObject({ cities: { a: null, b: 'Oslo', c: 'Rome' } });
  expect(await proved(table)).toEqual(WHOLE);
});

test('a build that a person held back keeps the column from all, until it is decided', async () => {
  const table = await grownTable();
  await table.change([{ id: 'b', amount: 100, city: 'Oslo', _change: 1800 }]);
  const { plan } = await table.assess();
  expect(await table.finish(plan ?? '')).toEqual({ kind: 'nothing' });
  expect((await table.assess()).holds).toHaveLength(2);
  expect(await table.read('settled')).toMatchObject({ rows: { a: 1, b: 2, c: 3 }, cities: undefined });
  expect(await proved(table)).toEqual(WHOLE);
  const [held] = (await table.assess()).holds;
  await table.decide(plan ?? '', [held?.partition ?? ''], 'approve');
  expect(await table.read('settled')).toMatchObject({ cities: { a: null, b: 'Oslo', c: null } });
  expect(await proved(table)).toEqual(WHOLE);
});
