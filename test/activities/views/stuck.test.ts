import { expect, test } from 'vitest';
import { keys } from '../../../lake/keys.ts';
import { ViewLake } from '../../fakes/view-lake.ts';

const [SERVED, STUCK, NEXT] = ['2026-11-20', '2026-11-21', '2026-11-22'] as const;
const MINUTE = 60_000;

test('a plan that cannot be built keeps its own day, and the day beside it is planned and published', async () => {
  const { lake, stuck } = await stuckDay();
  await closeNext(lake);
  const beside = await lake.assess();
  expect(beside).toMatchObject({ partitions: 1, waiting: [{ partition: STUCK }] });
  expect(daysOf(lake, beside.plan)).toEqual([NEXT]);
  expect(beside.waiting[0]?.because).toBe(`plan ${stuck} has it`);
  lake.build(beside.plan ?? '');
  expect(await lake.publish(beside.plan ?? '')).toMatchObject({ kind: 'published', partitions: [NEXT] });
  // Keys may have moved between the two days: it is compared again, with the build that is there.
  lake.build(stuck);
  expect(await lake.publish(stuck)).toMatchObject({ kind: 'superseded' });
  expect(await lake.reconcile()).toMatchObject({ kind: 'published', partitions: [STUCK] });
  expect(Object.keys((await lake.view()).parts).toSorted()).toEqual([SERVED, STUCK, NEXT]);
});

test('a plan whose worker died as it was made is found again, beside one that cannot be built', async () => {
  const { lake } = await stuckDay();
  await closeNext(lake);
  const { plan } = await lake.assess();
  lake.restart();
  expect((await lake.assess()).plan).toBe(plan);
  expect(lake.store.keys('plan/')).toHaveLength(3);
});

test('plans that stay open take turns at being started, and none is made twice', async () => {
  const { lake, stuck } = await stuckDay();
  await closeNext(lake);
  const { plan } = await lake.assess();
  lake.nowMs += MINUTE;
  const first = await lake.assess();
  lake.nowMs += MINUTE;
  const second = await lake.assess();
  expect(new Set([first.plan, second.plan])).toEqual(new Set([stuck, plan]));
  expect(lake.store.keys('plan/')).toHaveLength(3);
});

test('a plan that waits for a person has its turn beside one that cannot be built', async () => {
  const { lake, stuck } = await stuckDay();
  await closeNext(lake);
  const held = (await lake.assess()).plan ?? '';
  lake.build(held, 'hold');
  await lake.openHolds(held);
  lake.nowMs += MINUTE;
  const looks = [await lake.assess(), await later(lake)];
  expect(new Set(looks.map(({ plan }) => plan))).toEqual(new Set([stuck, held]));
});

test('a plan that uses what was excluded since ends, and its day is planned without', async () => {
  const { lake, stuck } = await stuckDay();
  const bad = { feed: 'books', lane: 0, ordinal: 3 };
  await lake.rollback({ to: 1, pin: false, exclude: [bad], reason: 'a broken file' });
  const { plan } = await lake.assess();
  expect(lake.object(`outcome/payments/${stuck}.json`)).toMatchObject({
    outcome: 'superseded',
    partitions: { [STUCK]: 'superseded' },
    by: 'reconcileDataset',
    reason: `its build of ${STUCK} uses books/0/3, which version 2 excludes`,
  });
  expect(lake.plan(plan ?? '').partitions).toMatchObject([
    { partition: STUCK, inputs: { entries: { 'books/0': [2] } } },
  ]);
  lake.build(stuck);
  expect(await lake.publish(stuck)).toEqual({
    kind: 'superseded',
    because: `its build of ${STUCK} uses books/0/3, which version 2 excludes`,
  });
  lake.build(plan ?? '');
  expect(await lake.publish(plan ?? '')).toMatchObject({ kind: 'published', version: 3 });
});

test('a plan of a day that was pinned since ends, and the day waits for its release', async () => {
  const lake = await servedDay();
  await lake.commit('books', { [SERVED]: 1 });
  const stuck = (await lake.assess()).plan ?? '';
  await lake.rollback({ to: 1 });
  expect(await lake.assess()).toMatchObject({
    plan: null,
    waiting: [{ partition: SERVED, because: 'it is pinned: release it to build it again' }],
  });
  expect(lake.object(`outcome/payments/${stuck}.json`)).toMatchObject({
    outcome: 'superseded',
    reason: `${SERVED} is pinned in version 2`,
  });
});

test('of two held days the one that uses what was excluded since ends, and the other waits on', async () => {
  const lake = await servedDay();
  await lake.books(STUCK, 2);
  await lake.books(NEXT, 2);
  await lake.stream({}, '2026-11-23T01:00:00.000Z');
  const held = (await lake.assess()).plan ?? '';
  lake.build(held, 'hold');
  await lake.openHolds(held);
  const bad = { feed: 'books', lane: 0, ordinal: 2 };
  await lake.rollback({ to: 1, pin: false, exclude: [bad], reason: 'a broken file' });
  const look = await lake.assess();
  expect(look.holds).toMatchObject([{ partition: NEXT, planId: held }]);
  expect(lake.store.keys(`outcome/payments/${held}`)).toEqual([]);
});

test('a plan that was made under another epoch of its dataset ends', async () => {
  const lake = new ViewLake();
  await closeServed(lake);
  const stuck = (await lake.assess()).plan ?? '';
  lake.epoch = 2;
  const { plan } = await lake.assess();
  expect(plan).not.toBe(stuck);
  expect(lake.plan(plan ?? '')).toMatchObject({ datasetEpoch: 2, partitions: [{ partition: SERVED }] });
  expect(lake.object(`outcome/payments/${stuck}.json`)).toMatchObject({
    outcome: 'superseded',
    reason: 'it was made under dataset epoch 1, the applied spec is of 2',
  });
});

test('what a person gives up ends, is never published, and its day is planned anew', async () => {
  const { lake, stuck } = await stuckDay();
  expect(await lake.abandon(stuck)).toEqual({ ended: true });
  const outcome = lake.store.text(`outcome/payments/${stuck}.json`);
  expect(JSON.parse(outcome ?? '')).toMatchObject({
    outcome: 'superseded',
    partitions: { [STUCK]: 'superseded' },
    by: 'ana',
    reason: 'its rows are lost',
  });
  lake.nowMs += 1000;
  lake.restart();
  expect(await lake.abandon(stuck)).toEqual({ ended: true });
  expect(lake.store.text(`outcome/payments/${stuck}.json`)).toBe(outcome);
  lake.build(stuck, { [STUCK]: 'hold' });
  expect(await lake.openHolds(stuck)).toEqual({ holds: [] });
  lake.build(stuck);
  expect(await lake.publish(stuck)).toEqual({ kind: 'superseded', because: 'its rows are lost' });
  const { plan } = await lake.assess();
  expect(plan).not.toBe(stuck);
  expect(daysOf(lake, plan)).toEqual([STUCK]);
});

test('what a plan published before a person gave it up stays published', async () => {
  const lake = new ViewLake();
  await closeServed(lake);
  await lake.books(STUCK, 2);
  await lake.stream({}, '2026-11-22T01:00:00.000Z');
  const { plan } = await lake.assess();
  lake.build(plan ?? '', { [STUCK]: 'hold' });
  await lake.publish(plan ?? '');
  await lake.abandon(plan ?? '');
  expect(lake.object(`outcome/payments/${plan}.json`)).toMatchObject({
    outcome: 'published',
    partitions: { [SERVED]: 'published', [STUCK]: 'superseded' },
  });
  expect(lake.object(keys.hold('payments', STUCK, 2))).toMatchObject({
    action: 'superseded',
    decision: 'audit/d/1.json',
  });
});

test('giving up a plan that there is not writes nothing', async () => {
  const lake = new ViewLake();
  expect(await lake.abandon('nothing')).toEqual({ ended: false });
  expect(lake.store.keys('')).toEqual([]);
});

async function closeServed(lake: ViewLake): Promise<void> {
  await lake.books(SERVED, 3);
  await lake.stream({ [SERVED]: 4 }, '2026-11-21T01:00:00.000Z');
}

async function servedDay(): Promise<ViewLake> {
  const lake = new ViewLake();
  await closeServed(lake);
  await lake.reconcile();
  return lake;
}

/** A day is served; the next one closed with two files, and its plan was never built. */
async function stuckDay(): Promise<{ readonly lake: ViewLake; readonly stuck: string }> {
  const lake = await servedDay();
  await lake.books(STUCK, 2);
  await lake.commit('books', { [STUCK]: 1 });
  await lake.stream({}, '2026-11-22T01:00:00.000Z');
  const { plan } = await lake.assess();
  return { lake, stuck: plan ?? '' };
}

async function closeNext(lake: ViewLake): Promise<void> {
  lake.nowMs += 1000;
  await lake.books(NEXT, 2);
  await lake.stream({}, '2026-11-23T01:00:00.000Z');
}

async function later(lake: ViewLake) {
  lake.nowMs += MINUTE;
  return lake.assess();
}

function daysOf(lake: ViewLake, planId: string | null): readonly string[] {
  return lake.plan(planId ?? '').partitions.map(({ partition }) => partition);
}
