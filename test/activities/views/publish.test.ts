import { expect, test } from 'vitest';
import { keys } from '../../../lake/keys.ts';
import { ViewLake } from '../../fakes/view-lake.ts';

const DAY_1 = '2026-11-20';
const DAY_2 = '2026-11-21';
const ANA = { by: 'ana', reason: 'looked at it', decision: 'audit/2026-11-23/d1.json' };

test('a version names its parts, what they account for, and who published it', async () => {
  const lake = await twoClosedDays();
  await lake.reconcile();
  const { version, base, parts } = await lake.view();
  expect(version).toMatchObject({ n: 1, prev: null, kind: 'publish', pinned: [], by: 'reconcileDataset' });
  expect(base).toEqual({ 'books/0': 2, 'stream/0': 1 });
  expect(Object.keys(parts).sort()).toEqual([DAY_1, DAY_2]);
  expect(parts[DAY_1]).toMatchObject({ late: [] });
  expect(parts[DAY_1]?.at).toBeUndefined();
});

test('rows of other days up to the new base are late there', async () => {
  const lake = await twoClosedDays();
  await lake.stream({ [DAY_1]: 1, '2026-11-22': 5 }, '2026-11-22T02:00:00.000Z');
  await lake.reconcile();
  expect((await lake.view()).parts['2026-11-22']).toEqual({
    late: [{ feed: 'stream', lane: 0, ordinal: 2 }],
  });
});

test('a publish that runs twice makes one version', async () => {
  const lake = await twoClosedDays();
  const planId = await built(lake);
  const first = await lake.publish(planId);
  lake.restart();
  expect(await lake.publish(planId)).toEqual(first);
  expect(lake.store.keys('view/')).toHaveLength(1);
});

test('a publish whose answer was lost finds its version', async () => {
  const lake = await twoClosedDays();
  const planId = await built(lake);
  lake.store.faultCreates('answer lost', 'answer lost', 'answer lost', 'answer lost');
  expect(await lake.publish(planId)).toMatchObject({ kind: 'published', version: 1 });
  expect(lake.store.keys('view/')).toHaveLength(1);
});

test('two publishes of a plan at once make one version', async () => {
  const lake = await twoClosedDays();
  const planId = await built(lake);
  const results = await Promise.all([lake.publish(planId), lake.publish(planId)]);
  expect(results).toMatchObject([{ version: 1 }, { version: 1 }]);
  expect(lake.store.keys('view/')).toHaveLength(1);
});

test('a version is not published while a file of a build is missing, or has another length', async () => {
  const lake = await twoClosedDays();
  const planId = await built(lake);
  const { partition, buildId } = lake.plan(planId).partitions[0] ?? { partition: '', buildId: '' };
  const file = keys.buildFile('payments', partition, buildId, 'a', '0.parquet');
  lake.store.put(file, 'abcd');
  await expect(lake.publish(planId)).rejects.toMatchObject({ type: 'ChecksumMismatch' });
  lake.store.delete(file);
  await expect(lake.publish(planId)).rejects.toMatchObject({ type: 'ObjectMissing' });
  expect(lake.store.keys('view/')).toEqual([]);
});

test('the pointer for outsiders names the newest version', async () => {
  const lake = await twoClosedDays();
  await lake.reconcile();
  expect(lake.object(keys.projection('payments'))).toMatchObject({
    dataset: 'payments',
    version: 1,
    key: 'view/payments/000000000001.json',
  });
});

test('what the gate holds stays out while the rest is published, and the plan stays open', async () => {
  const lake = await twoClosedDays();
  const planId = await built(lake, { [DAY_1]: 'hold' });
  expect(await lake.openHolds(planId)).toEqual({
    holds: [{ partition: DAY_1, findings: ['declared: odd'] }],
  });
  expect(await lake.publish(planId)).toMatchObject({ partitions: [DAY_2] });
  expect((await lake.view()).parts[DAY_1]?.build).toBeUndefined();
  expect(lake.store.keys('outcome/')).toEqual([]);
  const look = await lake.assess();
  expect(look.holds).toEqual([{ partition: DAY_1, planId, findings: ['declared: odd'] }]);
  expect(look.waiting).toContainEqual({ partition: DAY_1, because: `plan ${planId} has it` });
});

test('while a partition is held, others are planned', async () => {
  const lake = await heldDay();
  await lake.books('2026-11-22', 1);
  await lake.stream({}, '2026-11-23T02:00:00.000Z');
  const { plan } = await lake.assess();
  expect(lake.plan(plan ?? '').partitions.map(({ partition }) => partition)).toEqual(['2026-11-22']);
});

test('an approval publishes exactly the held build; what came later is late', async () => {
  const lake = await heldDay();
  const planId = lake.plan1;
  const held = lake.plan(planId).partitions[0];
  await lake.stream({ [DAY_1]: 2 }, '2026-11-22T02:00:00.000Z');
  await lake.stream({ '2026-11-22': 1 }, '2026-11-22T03:00:00.000Z');
  await lake.commit('books', { [DAY_2]: 1 });
  await lake.reconcile();
  expect((await lake.view()).base).toEqual({ 'books/0': 3, 'stream/0': 3 });

  const published = await lake.publish(planId, { partitions: [DAY_1], ...ANA });
  expect(published).toMatchObject({ kind: 'published', version: 3, flagged: [DAY_1] });
  const { version, parts } = await lake.view();
  expect(version).toMatchObject({ by: 'ana', reason: 'looked at it' });
  expect(parts[DAY_1]).toEqual({
    build: held?.buildId,
    late: [{ feed: 'stream', lane: 0, ordinal: 2 }],
  });
  expect(lake.object(keys.outcome('payments', planId))).toMatchObject({
    outcome: 'published',
    partitions: { [DAY_1]: 'published', [DAY_2]: 'published' },
  });
  expect(lake.object(keys.hold('payments', DAY_1, 2))).toMatchObject({
    state: 'closed',
    action: 'approve',
    decision: 'audit/2026-11-23/d1.json',
  });
});

test('an approval that runs twice makes one version', async () => {
  const lake = await heldDay();
  const first = await lake.publish(lake.plan1, { partitions: [DAY_1], ...ANA });
  lake.restart();
  expect(await lake.publish(lake.plan1, { partitions: [DAY_1], ...ANA })).toEqual(first);
  expect(lake.store.keys('view/')).toHaveLength(2);
});

test('what was rejected is not planned again while nothing has changed', async () => {
  const lake = await heldDay();
  expect(await lake.close(lake.plan1, [DAY_1], 'reject')).toEqual({
    closed: [{ partition: DAY_1, action: 'reject' }],
    planEnded: true,
  });
  expect(lake.object(keys.outcome('payments', lake.plan1))).toMatchObject({
    partitions: { [DAY_1]: 'rejected', [DAY_2]: 'published' },
  });
  lake.restart();
  const look = await lake.assess();
  expect(look).toMatchObject({ plan: null, holds: [] });
  expect(look.waiting[0]?.because).toContain('was rejected, and nothing has changed since');
});

test('a later plan with the rejected entries is held whatever its gate says, until it is approved', async () => {
  const lake = await heldDay();
  await lake.close(lake.plan1, [DAY_1], 'reject');
  await lake.stream({ [DAY_1]: 9 }, '2026-11-22T02:00:00.000Z');
  lake.restart();
  const planId = await built(lake, 'publish');
  expect(await lake.publish(planId)).toEqual({ kind: 'nothing' });
  const { holds } = await lake.openHolds(planId);
  expect(holds).toMatchObject([{ partition: DAY_1 }]);
  expect(holds[0]?.findings[0]).toMatch(/^rejectedBefore: it brings back build [0-9a-f]{40}, which was/);

  const approved = await lake.publish(planId, { partitions: [DAY_1], ...ANA });
  expect(approved).toMatchObject({ kind: 'published' });
  await lake.commit('books', { [DAY_1]: 1 });
  expect(await lake.reconcile()).toMatchObject({ kind: 'published', partitions: [DAY_1] });
});

test('a recompute ends the hold and plans the partition anew, under another id', async () => {
  const lake = await heldDay();
  await lake.close(lake.plan1, [DAY_1], 'recompute');
  expect(lake.object(keys.outcome('payments', lake.plan1))).toMatchObject({
    partitions: { [DAY_1]: 'superseded' },
  });
  const { plan } = await lake.assess();
  expect(plan).not.toBe(lake.plan1);
  expect(lake.plan(plan ?? '').partitions).toMatchObject([{ partition: DAY_1 }]);
});

test('an approval without its publish closes nothing', async () => {
  const lake = await heldDay();
  expect(await lake.close(lake.plan1, [DAY_1], 'approve')).toEqual({ closed: [], planEnded: false });
  expect((await lake.assess()).holds).toHaveLength(1);
});

test('a late approval of what was rejected publishes nothing', async () => {
  const lake = await heldDay();
  await lake.close(lake.plan1, [DAY_1], 'reject');
  expect(await lake.publish(lake.plan1, { partitions: [DAY_1], ...ANA })).toEqual({
    kind: 'superseded',
    because: '2026-11-20 is no longer held by this plan',
  });
  expect(lake.store.keys('view/')).toHaveLength(1);
});

test('a plan that another version overtook is superseded, ends, and is planned anew', async () => {
  const lake = await twoClosedDays();
  await lake.reconcile();
  await lake.commit('books', { [DAY_1]: 1 });
  const planId = await built(lake);
  await lake.rollback({ to: 1, partitions: [DAY_1], token: 't' });
  expect(await lake.publish(planId)).toEqual({
    kind: 'superseded',
    because: '2026-11-20 is pinned in version 2',
  });
  expect(lake.object(keys.outcome('payments', planId))).toMatchObject({ outcome: 'superseded' });
});

async function twoClosedDays(): Promise<ViewLake> {
  const lake = new ViewLake();
  await lake.books(DAY_1, 3);
  await lake.books(DAY_2, 2);
  await lake.stream({ [DAY_1]: 4, [DAY_2]: 1 }, '2026-11-22T01:00:00.000Z');
  return lake;
}

async function built(lake: ViewLake, verdict: Parameters<ViewLake['build']>[1] = 'publish'): Promise<string> {
  const { plan } = await lake.assess();
  return lake.build(plan ?? '', verdict).planId;
}

/** The first day is held by `plan1`, the second is published. */
async function heldDay(): Promise<ViewLake & { readonly plan1: string }> {
  const lake = await twoClosedDays();
  const plan1 = await built(lake, { [DAY_1]: 'hold' });
  await lake.openHolds(plan1);
  await lake.publish(plan1);
  return Object.assign(lake, { plan1 });
}
