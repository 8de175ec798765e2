import { expect, test } from 'vitest';
import { encode } from '../../../activities/objects/json.ts';
import type { GateRule } from '../../../lake/spec.ts';
import { type FeedRow, type PlanOptions, RowsLake } from '../../support/rows-lake.ts';
import { flightsSpec, paymentsSpec } from '../../support/rows-specs.ts';
import { tmpFolder } from '../../support/tmp.ts';

const D1 = '2001-01-01';
const D2 = '2001-01-02';
const D3 = '2001-01-03';

const at = (day: string, hour = '09') => `${day}T${hour}:00:00Z`;
const event = (id: string, paidAt: string, amount = '1.00', revision = 1): FeedRow => ({
  id,
  paid_at: paidAt,
  amount,
  revision,
});
const booked = (id: string, paidAt: string, gross = '1.00', revision = 1): FeedRow => ({
  id,
  paid_at: paidAt,
  gross,
  revision,
});
const windowOf = (from: string, to: string) => ({
  windows: [{ from: `${from}T00:00:00.000Z`, to: `${to}T00:00:00.000Z` }],
});
const until = (books: string | null, events: string | null): Pick<PlanOptions, 'watermarks'> => ({
  watermarks: [
    { feed: 'books', role: 'batch', watermark: books, because: '' },
    { feed: 'events', role: 'speed', watermark: events, because: '' },
  ],
});

async function paymentsLake(gate: Partial<GateRule> = {}) {
  const spec = paymentsSpec();
  const payments = { ...spec.datasets.payments, gate: { ...spec.datasets.payments.gate, ...gate } };
  return new RowsLake({ ...spec, datasets: { payments } }, await tmpFolder());
}

async function gatedPlan(lake: RowsLake, partitions: readonly string[], more: PlanOptions = {}) {
  const plan = await lake.plan('payments', partitions, more);
  await lake.build('payments', plan);
  return { plan, result: await lake.gate('payments', plan) };
}

test('two sides that say the same are published, and no winner is read for it', async () => {
  const lake = await paymentsLake();
  await lake.commit('events', [event('a', at(D1)), event('b', at(D1))]);
  await lake.commit('books', [booked('a', at(D1)), booked('b', at(D1))], windowOf(D1, D2));
  const plan = await lake.plan('payments', [D1], until(`${D2}T00:00:00.000Z`, `${D2}T00:30:00.000Z`));
  await lake.build('payments', plan);
  for (const key of lake.store.keys('build/').filter((one) => one.includes('winners')))
    lake.store.delete(key);
  expect(await lake.gate('payments', plan)).toEqual({
    report: `gate/payments/${plan}.json`,
    publish: 1,
    flagged: 0,
    hold: [],
  });
  expect(lake.gated('payments', plan, D1).comparison).toMatchObject({
    equal: 2,
    missingInBatch: 0,
    differs: 0,
  });
});

test('every key that is not equal is found, counted and kept', async () => {
  const lake = await paymentsLake();
  await lake.commit('events', [
    event('same', at(D1)),
    event('differs', at(D1), '1.00'),
    event('only-in-stream', at(D1)),
    event('moved', at(D2, '00')),
    event('other-day', at(D2)),
  ]);
  await lake.commit(
    'books',
    [
      booked('same', at(D1)),
      booked('differs', at(D1), '1.50'),
      booked('only-in-books', at(D1)),
      booked('moved', at(D1, '23')),
      booked('other-day', at(D2)),
    ],
    windowOf(D1, D3),
  );
  const ends = until(`${D3}T00:00:00.000Z`, `${D3}T00:00:00.000Z`);
  const { plan, result } = await gatedPlan(lake, [D1, D2], ends);
  expect(result.hold.map(({ partition }) => partition)).toEqual([D1, D2]);
  const { comparison, keysIn } = lake.gated('payments', plan, D1);
  expect(comparison).toMatchObject({
    equal: 1,
    late: 0,
    pending: 0,
    missingInStream: 1,
    missingInBatch: 1,
    moved: 1,
    differs: 1,
    differsBy: { amount: 1 },
    asOf: '2001-01-02T23:59:59.999Z',
  });
  expect(
    lake.store
      .text(keysIn?.key ?? '')
      ?.trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual([
    { finding: 'differs', key: 'differs' },
    { finding: 'missingInBatch', key: 'only-in-stream' },
    { finding: 'missingInStream', key: 'only-in-books' },
    { finding: 'moved', key: 'moved' },
  ]);
});

test('what either side may still bring is late or pending, and no finding', async () => {
  const lake = await paymentsLake();
  await lake.commit('events', [event('early', at(D1, '01')), event('evening', at(D1, '22'))]);
  await lake.commit('books', [booked('early', at(D1, '01')), booked('noon', at(D1, '12'))], {
    asOf: `${D1}T20:00:00.000Z`,
  });
  const { plan, result } = await gatedPlan(lake, [D1], until(null, `${D1}T11:00:00.000Z`));
  expect(result).toMatchObject({ publish: 1, flagged: 0, hold: [] });
  expect(lake.gated('payments', plan, D1).comparison).toMatchObject({
    equal: 1,
    late: 1,
    pending: 1,
    examples: { late: ['noon'], pending: ['evening'] },
  });
});

test.each([
  [{ count: 1 }, 0, 1],
  [{ ratio: 0.5 }, 0, 1],
  [{ ratio: 0.4 }, 1, 0],
])('one difference of two keys under tolerance %j', async (differs, holds, flagged) => {
  const none = { count: 0 };
  const tolerance = { missing: none, moved: none, conflicting: none, differs };
  const lake = await paymentsLake({ tolerance });
  await lake.commit('events', [event('a', at(D1)), event('b', at(D1))]);
  await lake.commit('books', [booked('a', at(D1)), booked('b', at(D1), '9.00')]);
  const { result } = await gatedPlan(lake, [D1]);
  expect(result).toMatchObject({ flagged, publish: 0 });
  expect(result.hold).toHaveLength(holds);
});

test('a build that does not account for every row is held with the proof that broke', async () => {
  const lake = await paymentsLake();
  await lake.commit('events', [event('a', at(D1)), event('b', at(D1))]);
  const plan = await lake.plan('payments', [D1]);
  await lake.build('payments', plan);
  const build = lake.manifest('payments', plan, D1);
  const out = { ...build.classes.out, rows: 1 };
  const key = `build/payments/${D1}/${build.buildId}/_build.json`;
  lake.store.put(key, encode({ ...build, classes: { ...build.classes, out } }));
  expect((await lake.gate('payments', plan)).hold).toEqual([
    {
      partition: D1,
      findings: [expect.stringMatching(/^conservation: 2 rows went in and 1 are in classes/)],
    },
  ]);
});

test('statistics that say other rows than the build read are a broken proof', async () => {
  const lake = await paymentsLake();
  await lake.commit('events', [event('a', at(D1))]);
  const plan = await lake.plan('payments', [D1]);
  await lake.build('payments', plan);
  const build = lake.manifest('payments', plan, D1);
  const less = { rows: 0, hash: '0' };
  const key = `build/payments/${D1}/${build.buildId}/_build.json`;
  lake.store.put(key, encode({ ...build, classes: { ...build.classes, in: less, out: less } }));
  expect((await lake.gate('payments', plan)).hold).toMatchObject([
    { findings: [expect.stringMatching(/^completeness: the build read 0 rows, hash 0; its entries say 1/)] },
  ]);
});

test('a gap in a used chain is a broken proof, found up to the coverage of the plan', async () => {
  const lake = await paymentsLake();
  await lake.commit('events', [event('a', at(D1))]);
  await lake.commit('events', [event('b', at(D2))]);
  await lake.commit('events', [event('c', at(D2))]);
  const plan = await lake.plan('payments', [D1]);
  await lake.build('payments', plan);
  const damaged = lake.withoutCaches();
  damaged.store.delete('ledger/events/0/000000000002.json');
  const { hold } = await damaged.gate('payments', plan);
  expect(hold[0]?.findings[0]).toMatch(/^contiguity: ledger\/events\/0\/000000000002.json is missing/);
});

test('a key that two near partitions have is found in both, a serving build included', async () => {
  const lake = await paymentsLake();
  await lake.commit('events', [event('a', at(D1)), event('b', at(D1))]);
  const first = await gatedPlan(lake, [D1]);
  await lake.publish('payments', first.plan);
  await lake.commit('events', [event('a', at(D3))]);
  const { plan, result } = await gatedPlan(lake, [D3]);
  expect(result.hold).toMatchObject([{ partition: D3 }]);
  expect(lake.gated('payments', plan, D3).checks.find(({ check }) => check === 'oneHome')).toMatchObject({
    verdict: 'beyond',
    finding: '1 of 1 keys are in a build near this one too; right would be 0',
    examples: ['a'],
  });
});

test('a partition at its deadline is flagged, or held where the dataset says so', async () => {
  const spec = paymentsSpec();
  for (const ending of ['provisional', 'hold'] as const) {
    // oxlint-disable-next-line unicorn/no-thenable
    const close = { ...spec.datasets.payments.close, then: ending };
    const payments = { ...spec.datasets.payments, close };
    const lake = new RowsLake({ ...spec, datasets: { payments } }, await tmpFolder());
    await lake.commit('events', [event('a', at(D1))]);
    const { result } = await gatedPlan(lake, [D1], { why: 'deadline' });
    expect(result.hold).toHaveLength(ending === 'hold' ? 1 : 0);
    expect(result.flagged).toBe(ending === 'hold' ? 0 : 1);
  }
});

test('what a person rejected is held again, whatever else the gate says', async () => {
  const lake = await paymentsLake();
  await lake.commit('events', [event('a', at(D1))]);
  const first = await gatedPlan(lake, [D1]);
  const { buildId } = lake.manifest('payments', first.plan, D1);
  const hold = { format: 1, dataset: 'payments', partition: D1, at: '' };
  const opened = { ...hold, n: 1, state: 'open', planId: first.plan, buildId, findings: [] };
  lake.store.put(`hold/payments/${D1}/000000000001.json`, encode(opened));
  const closed = { ...hold, n: 2, state: 'closed', action: 'reject', decision: null };
  lake.store.put(`hold/payments/${D1}/000000000002.json`, encode(closed));
  await lake.commit('events', [event('b', at(D1))]);
  const { result } = await gatedPlan(lake, [D1]);
  expect(result.hold).toEqual([
    { partition: D1, findings: [`rejectedBefore: it brings back build ${buildId}, which was rejected`] },
  ]);
});

test('conflicting rows of one role hold an append dataset', async () => {
  const lake = new RowsLake(flightsSpec(['at', 'origin']), await tmpFolder());
  await lake.commit(
    'flights',
    [5, 6].map((delay) => ({ at: at(D1), delay, origin: 'LAX' })),
  );
  const plan = await lake.plan('flights', [D1]);
  await lake.build('flights', plan);
  expect((await lake.gate('flights', plan)).hold).toMatchObject([
    { findings: ['conflicting: 1 keys come with different contents in one role; right would be 0'] },
  ]);
});

test('declared checks count in the build, each by its own rule', async () => {
  const lake = await paymentsLake({
    checks: [
      { kind: 'rows', min: 3 },
      { kind: 'nulls', column: 'amount', max: 0 },
      { kind: 'range', column: 'amount', min: '0', max: '5' },
      { kind: 'nothing', name: 'no-test-payments', sql: "SELECT * FROM payments WHERE id LIKE 'test%';" },
      { kind: 'rows', max: 10 },
    ],
  });
  await lake.commit('events', [
    { id: 'test-1', paid_at: at(D1), amount: null, revision: 1 },
    event('b', at(D1), '9.00'),
  ]);
  const { result } = await gatedPlan(lake, [D1]);
  expect(result.hold[0]?.findings).toEqual([
    'declared: it has 2 rows; right would be 3 to Infinity',
    'declared: 1 of 2 rows have no amount; right would be at most 0',
    'declared: 1 of 2 rows have amount outside of 0 to 5',
    'declared: no-test-payments found 1 rows; right would be none',
  ]);
});

test('the gate looks once: a second look answers what the first one wrote', async () => {
  const lake = await paymentsLake();
  await lake.commit('events', [event('a', at(D1))]);
  const { plan, result } = await gatedPlan(lake, [D1]);
  for (const key of lake.store.keys('build/')) lake.store.delete(key);
  expect(await lake.gate('payments', plan)).toEqual(result);
});
