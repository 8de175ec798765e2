import { expect, test } from 'vitest';
import { tmpFolder } from '../support/tmp.ts';
import { LANE, TableLake } from '../support/table-lake.ts';

const loadedAt = (generation: number) => generation * 1000;

test('nobody sees a load before all of it is collected, and then everybody sees all of it', async () => {
  const table = new TableLake(await tmpFolder());
  await table.begin();
  await table.load([{ id: 'a', amount: 1, _change: loadedAt(1) }]);
  await table.change([{ id: 'b', amount: 5, _change: 1500 }]);
  expect((await table.assess()).plan).toBeNull();
  expect(await table.read('live')).toMatchObject({ rows: {}, stamp: { heads: {} } });
  await table.load([{ id: 'b', amount: 2, _change: loadedAt(1) }]);
  await table.ready();
  expect((await table.read('live')).rows).toEqual({ a: 1, b: 5 });
  expect((await table.read('settled')).rows).toEqual({});
  await table.reconcile();
  expect((await table.read('settled')).rows).toEqual({ a: 1, b: 5 });
  expect(await table.chain()).toEqual([]);
});

test('a later load replaces everything, what it does not bring is gone, and changes wait for it', async () => {
  const table = new TableLake(await tmpFolder());
  await table.reload([
    { id: 'a', amount: 1, _change: loadedAt(1) },
    { id: 'b', amount: 2, _change: loadedAt(1) },
    { id: 'c', amount: 3, _change: loadedAt(1) },
  ]);
  await table.reconcile();
  await table.begin();
  await table.change([{ id: 'a', amount: 9, _change: 2500 }]);
  expect((await table.read('live')).rows).toEqual({ a: 1, b: 2, c: 3 });
  await table.load([{ id: 'a', amount: 7, _change: loadedAt(2) }]);
  await table.ready();
  // Whole, but no version has it yet.
  expect((await table.read('live')).rows).toEqual({ a: 1, b: 2, c: 3 });
  const { plan } = await table.assess();
  const planned = table.lake.readPlan('customers', plan ?? '');
  expect(planned.whole).toBe(true);
  expect(planned.partitions.every(({ why }) => why === 'undone')).toBe(true);
  await table.reconcile();
  for (const mode of ['live', 'settled'] as const) {
    expect(await table.read(mode)).toMatchObject({ rows: { a: 9 }, generations: [2] });
  }
  expect((await table.assess()).stale).toBe(0);
});

test('a table that was loaded many times costs a build one load', async () => {
  const table = new TableLake(await tmpFolder());
  for (let night = 1; night <= 4; night += 1) {
    await table.reload([{ id: 'a', amount: night, _change: loadedAt(night) }]);
  }
  const { plan } = await table.assess();
  await table.finish(plan ?? '');
  const [partition] = table.lake.readPlan('customers', plan ?? '').partitions;
  expect(partition?.inputs.entries[LANE]).toHaveLength(2);
  expect(table.lake.manifest('customers', plan ?? '', partition?.partition ?? '').classes.in.rows).toBe(1);
  expect((await table.read('live')).rows).toEqual({ a: 4 });
});

test('a load that never became ready is taken back by the next one', async () => {
  const table = new TableLake(await tmpFolder());
  await table.reload([{ id: 'a', amount: 1, _change: loadedAt(1) }]);
  await table.begin();
  await table.load([{ id: 'b', amount: 2, _change: loadedAt(2) }]);
  await table.reload([{ id: 'c', amount: 3, _change: loadedAt(3) }]);
  expect(await table.chain()).toEqual([]);
  await table.reconcile();
  expect(await table.read('live')).toMatchObject({ rows: { c: 3 }, generations: [3] });
});

test('a generation is held as one, decided as one and published as one', async () => {
  const table = new TableLake(await tmpFolder());
  const letters = Array.from('abcdefgh');
  await table.reload(letters.map((id) => ({ id, amount: 1, _change: loadedAt(1) })));
  await table.reconcile();
  await table.reload(letters.map((id) => ({ id, amount: id === 'a' ? 100 : 2, _change: loadedAt(2) })));
  const { plan } = await table.assess();
  expect(await table.finish(plan ?? '')).toEqual({ kind: 'nothing' });
  const { holds, plan: next } = await table.assess();
  expect(next).toBe(plan);
  expect(holds.length).toBe(3);
  expect(
    holds.flatMap(({ findings }) => findings).filter((one) => one.startsWith('heldAsOne: ')),
  ).toHaveLength(2);
  expect((await table.read('live')).generations).toEqual([1]);
  const closed = await table.decide(plan ?? '', [holds[0]?.partition ?? ''], 'approve');
  expect(closed).toMatchObject({ planEnded: true });
  expect(closed.closed).toHaveLength(3);
  expect((await table.read('settled')).generations).toEqual([2]);
});

test('while a partition is pinned, the generation before goes on, and comes to all when it is released', async () => {
  const table = new TableLake(await tmpFolder());
  await table.reload([
    { id: 'a', amount: 1, _change: loadedAt(1) },
    { id: 'b', amount: 1, _change: loadedAt(1) },
    { id: 'c', amount: 1, _change: loadedAt(1) },
  ]);
  await table.reconcile();
  const { parts } = await table.view();
  await table.rollback(1, { partitions: Object.keys(parts).slice(0, 1) });
  await table.change([
    { id: 'b', amount: 2, _change: 1500 },
    { id: 'c', amount: 2, _change: 1500 },
    { id: 'a', amount: 2, _change: 1500 },
  ]);
  await table.reload([{ id: 'a', amount: 3, _change: loadedAt(2) }]);
  await table.reconcile();
  const waiting = (await table.assess()).waiting.map(({ because }) => because);
  expect(waiting).toContain('it is pinned: release it to build it again');
  expect(await table.read('live')).toMatchObject({ rows: { a: 2, b: 2, c: 2 }, generations: [1] });
  expect((await table.read('settled')).generations).toEqual([1]);
  await table.release();
  await table.reconcile();
  expect(await table.read('settled')).toMatchObject({ rows: { a: 3 }, generations: [2] });
});

test('a rollback over generations takes all partitions, and forward again is the same', async () => {
  const table = new TableLake(await tmpFolder());
  await table.reload([
    { id: 'a', amount: 1, _change: loadedAt(1) },
    { id: 'b', amount: 1, _change: loadedAt(1) },
  ]);
  await table.reconcile();
  const first = await table.read('settled');
  await table.reload([
    { id: 'a', amount: 2, _change: loadedAt(2) },
    { id: 'd', amount: 2, _change: loadedAt(2) },
  ]);
  await table.reconcile();
  const second = await table.read('settled');
  await expect(table.rollback(1, { partitions: ['b0000'] })).rejects.toThrow(
    /another generation of .*name none/,
  );
  await table.rollback(1);
  expect((await table.read('settled')).hash).toBe(first.hash);
  expect((await table.read('live')).hash).toBe(first.hash);
  await table.reconcile();
  expect((await table.read('live')).hash).toBe(first.hash);
  await table.release();
  await table.reconcile();
  expect((await table.read('settled')).hash).toBe(second.hash);
  expect((await table.read('live')).hash).toBe(second.hash);
  await table.rollback(1);
  await table.rollback(2);
  expect((await table.read('live')).hash).toBe(second.hash);
});

test('an excluded ready entry puts the generation before it back, until the next load', async () => {
  const table = new TableLake(await tmpFolder());
  await table.reload([{ id: 'a', amount: 1, _change: loadedAt(1) }]);
  await table.reconcile();
  const ordinal = await table.reload([{ id: 'b', amount: 2, _change: loadedAt(2) }]);
  await table.reconcile();
  const exclude = [{ feed: 'shop.public.customers', lane: 0, ordinal }];
  await expect(table.rollback(2, { exclude, pin: false })).rejects.toThrow(/every build has generation 2/);
  await table.rollback(1, { exclude, pin: false });
  await table.change([{ id: 'b', amount: 3, _change: 2500 }]);
  await table.reconcile();
  expect((await table.read('live')).rows).toEqual({ a: 1 });
  expect((await table.read('settled')).rows).toEqual({ a: 1 });
  await table.reload([{ id: 'c', amount: 4, _change: loadedAt(3) }]);
  await table.reconcile();
  expect((await table.read('settled')).rows).toEqual({ c: 4 });
  expect((await table.read('live')).rows).toEqual({ c: 4 });
});
