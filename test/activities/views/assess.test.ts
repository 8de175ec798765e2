import { expect, test } from 'vitest';
import { PAYMENTS, ViewLake } from '../../fakes/view-lake.ts';

test('a dataset of which nothing was collected has nothing to plan', async () => {
  const lake = new ViewLake();
  expect(await lake.assess()).toMatchObject({ plan: null, version: 0, waiting: [], stale: 0 });
});

test('a day is planned once its books and its stream have passed its end', async () => {
  const lake = new ViewLake();
  await lake.books('2026-11-20', 3);
  await lake.stream({ '2026-11-20': 4, '2026-11-21': 1 }, '2026-11-21T00:30:00.000Z');
  const open = await lake.assess();
  expect(open.plan).toBeNull();
  expect(open.waiting[0]).toEqual({
    partition: '2026-11-20',
    because:
      'stream is at 2026-11-21T00:30:00.000Z of 2026-11-21T01:00:00.000Z (channel shard-0 was seen to 2026-11-21T00:30:00.000Z)',
  });

  await lake.stream({ '2026-11-21': 1 }, '2026-11-21T01:00:00.000Z');
  const closed = await lake.assess();
  expect(closed.partitions).toBe(1);
  expect(lake.plan(closed.plan ?? '')).toMatchObject({
    parent: 0,
    coverage: { 'books/0': 1, 'stream/0': 2 },
    partitions: [
      { partition: '2026-11-20', why: 'closed', inputs: { entries: { 'books/0': [1], 'stream/0': [1] } } },
    ],
    watermarks: [
      { feed: 'books', role: 'batch', watermark: '2026-11-21T00:00:00.000Z' },
      { feed: 'stream', role: 'speed', watermark: '2026-11-21T01:00:00.000Z' },
    ],
  });
});

test('a plan that has not ended is found again, by another worker too', async () => {
  const lake = await closedDay();
  const first = await lake.assess();
  await lake.stream({ '2026-11-20': 1 }, '2026-11-21T02:00:00.000Z');
  lake.restart();
  expect((await lake.assess()).plan).toBe(first.plan);
  expect(lake.store.keys('plan/')).toHaveLength(1);
});

test('a plan is published as one version, and then nothing is due', async () => {
  const lake = await closedDay();
  expect(await lake.reconcile()).toMatchObject({
    kind: 'published',
    version: 1,
    partitions: ['2026-11-20'],
    flagged: [],
  });
  expect(await lake.assess()).toMatchObject({ plan: null, version: 1, stale: 0, late: 0 });
  expect(lake.store.keys('outcome/')).toHaveLength(1);
});

test('late rows wait until they are many', async () => {
  const lake = await closedDay();
  await lake.reconcile();
  await lake.stream({ '2026-11-20': 2 }, '2026-11-21T02:00:00.000Z');
  expect(await lake.assess()).toMatchObject({ plan: null, late: 1, stale: 0 });
  await lake.stream({ '2026-11-20': 9 }, '2026-11-21T02:00:00.000Z');
  const { plan } = await lake.assess();
  expect(lake.plan(plan ?? '').partitions).toMatchObject([{ partition: '2026-11-20', why: 'late' }]);
});

test('late rows wait until they are old', async () => {
  const lake = await closedDay();
  await lake.reconcile();
  await lake.stream({ '2026-11-20': 1 }, '2026-11-21T02:00:00.000Z');
  lake.nowMs += 24 * 3_600_000;
  const { plan } = await lake.assess();
  expect(lake.plan(plan ?? '').partitions).toMatchObject([{ why: 'late' }]);
});

test('more books for a built day rebuild it at once', async () => {
  const lake = await closedDay();
  await lake.reconcile();
  await lake.commit('books', { '2026-11-20': 1 });
  const { plan } = await lake.assess();
  expect(lake.plan(plan ?? '').partitions).toMatchObject([
    { why: 'batch', inputs: { entries: { 'books/0': [1, 2] } } },
  ]);
});

test('a retraction rebuilds the days that it touches, and is named by the build', async () => {
  const lake = await closedDay();
  await lake.reconcile();
  const touched = { '2026-11-20': { rows: 3, hash: '1' } };
  const taken = { feed: 'books', lane: 0, item: 'a.csv', version: 'v', ordinal: 1, spans: [] };
  await lake.commit('books', {}, { retracts: [{ ...taken, partitions: touched }] });
  const { plan } = await lake.assess();
  expect(lake.plan(plan ?? '').partitions).toMatchObject([
    {
      why: 'undone',
      inputs: {
        entries: { 'books/0': [1, 2] },
        undone: [{ kind: 'retracted', lane: 'books/0', ordinal: 1, by: 2, item: 'a.csv' }],
      },
    },
  ]);
});

test('a day whose books never come is planned at its deadline, marked provisional', async () => {
  const lake = new ViewLake();
  await lake.stream({ '2026-11-20': 4 }, '2026-11-21T02:00:00.000Z');
  lake.nowMs = Date.parse('2026-11-21T23:59:59.000Z');
  const before = await lake.assess();
  expect(before).toMatchObject({ plan: null, nextLookMs: 1000 });
  expect(before.waiting[0]?.because).toContain('deadline 2026-11-22T00:00:00.000Z');
  lake.nowMs += 1000;
  const { plan } = await lake.assess();
  expect(lake.plan(plan ?? '').partitions).toMatchObject([{ why: 'deadline', provisional: true }]);
});

test('a provisional day is built again when its books say that they are whole, even if they are empty', async () => {
  const lake = new ViewLake();
  await lake.stream({ '2026-11-20': 4 }, '2026-11-21T02:00:00.000Z');
  await lake.reconcile();
  expect((await lake.view()).parts).toMatchObject({ '2026-11-20': { provisional: true } });
  await lake.books('2026-11-20', 0);
  expect(await lake.reconcile()).toMatchObject({ kind: 'published', version: 2 });
  expect((await lake.view()).parts['2026-11-20']?.provisional).toBeUndefined();
});

test('a stream that stands still closes nothing, not even at the deadline', async () => {
  const lake = new ViewLake();
  await lake.stream({ '2026-11-20': 4 }, '2026-11-20T12:00:00.000Z');
  lake.nowMs = Date.parse('2026-11-30T00:00:00.000Z');
  const look = await lake.assess();
  expect(look.plan).toBeNull();
  expect(look.watermarks[1]?.because).toBe(
    'channel shard-0 was seen to 2026-11-20T12:00:00.000Z; nothing committed for 561600 s',
  );
});

test('a dataset without partitions in time is built whenever its files bring something', async () => {
  const lake = new ViewLake({
    ...PAYMENTS,
    partition: { kind: 'whole' },
    feeds: { books: { role: 'batch', visible: 'commit', map: {} } },
    close: { ...PAYMENTS.close, needs: [] },
  });
  await lake.commit('books', { all: 3 });
  expect(await lake.reconcile()).toMatchObject({ version: 1, partitions: ['all'] });
  expect((await lake.assess()).plan).toBeNull();
  await lake.commit('books', { all: 1 });
  expect(await lake.reconcile()).toMatchObject({ version: 2, partitions: ['all'] });
});

test('files that say which days they cover close the days of a dataset that they feed alone', async () => {
  const lake = new ViewLake({
    ...PAYMENTS,
    feeds: { books: { role: 'batch', visible: 'commit', map: {} } },
  });
  await lake.books('2026-11-20', 3);
  await lake.books('2026-11-22', 3);
  const look = await lake.assess();
  expect(lake.plan(look.plan ?? '').partitions).toMatchObject([{ partition: '2026-11-20' }]);
  expect(look.watermarks).toEqual([
    {
      feed: 'books',
      role: 'batch',
      watermark: '2026-11-21T00:00:00.000Z',
      because:
        'windows are unbroken to 2026-11-21T00:00:00.000Z; the window from there is missing, a later one begins 2026-11-22T00:00:00.000Z',
    },
  ]);
});

test('what a person asks to build anew is planned though nothing changed, and runs on its old build', async () => {
  const lake = await closedDay();
  await lake.reconcile();
  const before = (await lake.view()).parts['2026-11-20']?.build;
  const { plan } = await lake.assess({ reason: 'to be sure', by: 'ana' });
  expect(lake.plan(plan ?? '')).toMatchObject({
    by: 'ana',
    reason: 'to be sure',
    partitions: [{ why: 'recompute', buildId: before }],
  });
  lake.build(plan ?? '');
  expect(await lake.publish(plan ?? '')).toMatchObject({ kind: 'published', version: 2 });
});

test('with rows collected under another mapping nothing is planned before they are counted', async () => {
  const lake = new ViewLake();
  const [object] = [{ key: 'rows/x', bytes: 1, checksum: 'sha256:00', rows: 1, hash: '1', schema: 's' }];
  await lake.commit('books', {}, { rows: [{ ...object, mapping: 'other', partitions: {} }] });
  expect(await lake.assess()).toMatchObject({ plan: null, unmeasured: 1 });
});

async function closedDay(): Promise<ViewLake> {
  const lake = new ViewLake();
  await lake.books('2026-11-20', 3);
  await lake.stream({ '2026-11-20': 4, '2026-11-21': 1 }, '2026-11-21T01:00:00.000Z');
  return lake;
}
