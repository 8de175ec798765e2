import { expect, test } from 'vitest';
import { ViewLake } from '../../fakes/view-lake.ts';

const DAY = '2026-11-20';

test('a rollback serves the old build with the coverage it had, and the base stays', async () => {
  const lake = await rebuiltDay();
  const before = await lake.view();
  expect(await lake.rollback({ to: 1 })).toEqual({ version: 3 });
  const { version, base, parts, coverages } = await lake.view();
  expect(version).toMatchObject({ n: 3, kind: 'rollback', gate: null, pinned: [DAY], reason: 'bad code' });
  expect(base).toEqual(before.base);
  expect(parts[DAY]?.build).not.toBe(before.parts[DAY]?.build);
  expect(coverages[parts[DAY]?.at ?? '']).toEqual({ 'books/0': 1, 'stream/0': 1 });
});

test('what was rolled back stays so until a person releases it', async () => {
  const lake = await rebuiltDay();
  await lake.rollback({ to: 1 });
  await lake.commit('books', { [DAY]: 5 });
  lake.restart();
  const look = await lake.assess();
  expect(look).toMatchObject({ plan: null, stale: 1 });
  expect(look.waiting).toEqual([{ partition: DAY, because: 'it is pinned: release it to build it again' }]);
  expect(await lake.release([DAY], 'r1')).toEqual({ version: 4 });
  expect(await lake.reconcile()).toMatchObject({ kind: 'published', version: 5 });
});

test('a rollback or a release that runs twice makes one version', async () => {
  const lake = await rebuiltDay();
  await lake.rollback({ to: 1, token: 'once' });
  lake.restart();
  expect(await lake.rollback({ to: 1, token: 'once' })).toEqual({ version: 3 });
  await lake.release([DAY], 'r1');
  expect(await lake.release([DAY], 'r1')).toEqual({ version: 4 });
  expect(lake.store.keys('view/')).toHaveLength(4);
});

test('bad data goes with the entry that brought it, and the next build is made without it', async () => {
  const lake = await rebuiltDay();
  const bad = { feed: 'books', lane: 0, ordinal: 2 };
  await lake.rollback({ to: 1, pin: false, exclude: [bad], reason: 'wrong file' });
  const { plan } = await lake.assess();
  expect(lake.plan(plan ?? '').partitions).toMatchObject([
    {
      why: 'undone',
      inputs: {
        entries: { 'books/0': [1], 'stream/0': [1] },
        undone: [{ kind: 'excluded', lane: 'books/0', ordinal: 2 }],
      },
    },
  ]);
  lake.build(plan ?? '');
  expect(await lake.publish(plan ?? '')).toMatchObject({ version: 4 });
  expect((await lake.view()).parts[DAY]?.late).toEqual([]);
  expect((await lake.assess()).plan).toBeNull();
});

test('an entry that a build of the version used is not excluded from it', async () => {
  const lake = await rebuiltDay();
  const used = { feed: 'books', lane: 0, ordinal: 1 };
  await expect(lake.rollback({ to: 1, exclude: [used] })).rejects.toMatchObject({
    type: 'MalformedInput',
    message:
      'the build of 2026-11-20 used books/0/1: roll these partitions back to a version whose builds did not',
  });
});

test('a rollback does not bring back what was excluded since', async () => {
  const lake = await rebuiltDay();
  const bad = { feed: 'books', lane: 0, ordinal: 2 };
  await lake.rollback({ to: 1, exclude: [bad] });
  await expect(lake.rollback({ to: 2, token: 't2' })).rejects.toMatchObject({ type: 'MalformedInput' });
});

test('a rollback that would be undone by the next plan is refused', async () => {
  const lake = await rebuiltDay();
  await expect(lake.rollback({ to: 1, pin: false })).rejects.toMatchObject({ type: 'MalformedInput' });
});

test('a rollback to a version that there is not, or of an unknown partition, names what there is', async () => {
  const lake = await rebuiltDay();
  await expect(lake.rollback({ to: 9 })).rejects.toMatchObject({
    message: 'payments has no version 9: the newest is 2',
  });
  await expect(lake.rollback({ partitions: ['2026-01-01'] })).rejects.toMatchObject({
    message: '2026-01-01 is in neither version 2 nor version 1',
  });
  await expect(lake.release([DAY], 'r1')).rejects.toMatchObject({
    message: '2026-11-20: pinned in payments are none',
  });
});

test('a partition that the old version lacked is empty there, and accounts for as much', async () => {
  const lake = await rebuiltDay();
  await lake.books('2026-11-21', 2);
  await lake.stream({}, '2026-11-22T01:00:00.000Z');
  await lake.reconcile();
  await lake.rollback({ to: 2, partitions: ['2026-11-21'] });
  const { parts, coverages } = await lake.view();
  expect(parts['2026-11-21']?.build).toBeUndefined();
  expect(coverages[parts['2026-11-21']?.at ?? '']).toEqual({ 'books/0': 2, 'stream/0': 1 });
});

test('a decision is kept once, also when it is recorded again after midnight', async () => {
  const lake = new ViewLake();
  lake.nowMs = Date.parse('2026-11-23T23:59:59.000Z');
  const decision = {
    id: 'd1',
    workflow: 'w',
    run: 'r',
    items: [DAY],
    action: 'approve' as const,
    reason: 'fine',
    by: 'ana',
  };
  expect(await lake.record(decision)).toEqual({ key: 'audit/2026-11-23/d1.json' });
  lake.nowMs += 2000;
  expect(await lake.record(decision)).toEqual({ key: 'audit/2026-11-23/d1.json' });
  await expect(lake.record({ ...decision, by: 'bo' })).rejects.toMatchObject({ type: 'MalformedInput' });
});

/** Version 1 without, version 2 with the second file of books. */
async function rebuiltDay(): Promise<ViewLake> {
  const lake = new ViewLake();
  await lake.books(DAY, 3);
  await lake.stream({ [DAY]: 4 }, '2026-11-21T01:00:00.000Z');
  await lake.reconcile();
  await lake.commit('books', { [DAY]: 1 });
  await lake.reconcile();
  return lake;
}
