import { expect, test } from 'vitest';
import { RowsLake, span } from '../../support/rows-lake.ts';
import { flightsSpec, paymentsSpec } from '../../support/rows-specs.ts';
import { tmpFolder } from '../../support/tmp.ts';

const D1 = '2001-01-01';
const D2 = '2001-01-02';

const flight = (at: string, delay: number, origin = 'LAX') => ({ at, delay, origin });

test('a dataset that only a stream feeds is built', async () => {
  const feeds = { events: { role: 'speed', visible: 'commit', map: {} } } as const;
  const gate = { ...paymentsSpec().datasets.payments.gate, compare: [] };
  const lake = new RowsLake(paymentsSpec({ feeds, gate }), await tmpFolder());
  const channels = { c: { after: '0', through: '1', generation: 1, watermark: null, caughtUpAt: null } };
  const row = { id: 'a', paid_at: `${D1}T09:00:00Z`, amount: '1.00', revision: 1 };
  await lake.commit('events', [row, row, { ...row, amount: '2.00' }], { channels });
  const plan = await lake.plan('payments', [D1]);
  expect(await lake.build('payments', plan)).toMatchObject({ built: 1, rows: 1 });
  expect(lake.manifest('payments', plan, D1).lost).toEqual({ identical: 0, superseded: 2 });
});

test('one day of one file becomes one build, and exact copies are counted as identical', async () => {
  const lake = new RowsLake(flightsSpec(), await tmpFolder());
  await lake.commit('flights', [
    flight(`${D1}T00:01:00Z`, 5),
    flight(`${D1}T00:01:00Z`, 5),
    flight(`${D1}T23:59:59.999999Z`, -3),
    flight(`${D2}T00:00:00Z`, 7),
  ]);
  const plan = await lake.plan('flights', [D1, D2]);
  expect(await lake.build('flights', plan)).toMatchObject({ built: 2, cached: 0, rows: 3 });
  const first = lake.manifest('flights', plan, D1);
  expect(first).toMatchObject({
    classes: { in: { rows: 3 }, out: { rows: 2 }, lost: { rows: 1 }, deleted: { rows: 0, hash: '0' } },
    lost: { identical: 1, superseded: 0 },
    conflicting: { keys: 0 },
    minTime: '2001-01-01T00:01:00.000Z',
    maxTime: '2001-01-01T23:59:59.999Z',
    tombstones: null,
    winners: null,
  });
  expect(
    await lake.rows(first, '"at", delay, origin, _source, _lane, _generation, _ordinal, _object, _row, _op'),
  ).toEqual([
    {
      at: '2001-01-01 00:01:00+00',
      delay: '5',
      origin: 'LAX',
      _source: 'flights',
      _lane: 0,
      _generation: 0,
      _ordinal: '1',
      _object: 0,
      _row: '1',
      _op: 'I',
    },
    expect.objectContaining({ delay: '-3', _row: '3' }),
  ]);
  const { in: given, out, lost } = first.classes;
  expect(BigInt(out.hash) + BigInt(lost.hash)).toBe(BigInt(given.hash));
});

test('building again does nothing, and of a batch only what is missing is built', async () => {
  const lake = new RowsLake(flightsSpec(), await tmpFolder());
  await lake.commit('flights', [flight(`${D1}T00:01:00Z`, 5), flight(`${D2}T00:01:00Z`, 5)]);
  await lake.build('flights', await lake.plan('flights', [D1]));
  const plan = await lake.plan('flights', [D1, D2]);
  expect(await lake.build('flights', plan)).toMatchObject({ built: 1, cached: 1, rows: 1 });
  const before = lake.store.keys();
  expect(await lake.build('flights', plan)).toEqual({ built: 0, cached: 2, rows: 0, bytes: 0 });
  expect(lake.store.keys()).toEqual(before);
});

test('a partition without rows is a build without files', async () => {
  const lake = new RowsLake(flightsSpec(), await tmpFolder());
  await lake.commit('flights', [flight(`${D1}T00:01:00Z`, 5)]);
  const plan = await lake.plan('flights', [D2]);
  expect(await lake.build('flights', plan)).toMatchObject({ built: 1, rows: 0, bytes: 0 });
  expect(lake.manifest('flights', plan, D2)).toMatchObject({
    files: [],
    minTime: null,
    classes: { in: { rows: 0 } },
  });
});

test('under append the first row of a key stands, and other content of its role is a conflict', async () => {
  const lake = new RowsLake(flightsSpec(['at', 'origin']), await tmpFolder());
  await lake.commit('flights', [flight(`${D1}T08:00:00Z`, 5), flight(`${D1}T08:00:00Z`, 5, 'SFO')]);
  await lake.commit('flights', [flight(`${D1}T08:00:00Z`, 6), flight(`${D1}T08:00:00Z`, 5, 'SFO')]);
  const plan = await lake.plan('flights', [D1]);
  await lake.build('flights', plan);
  const build = lake.manifest('flights', plan, D1);
  expect(build.conflicting).toEqual({ keys: 1, examples: ['["2001-01-01 08:00:00+00","LAX"]'] });
  expect(build.lost).toEqual({ identical: 1, superseded: 1 });
  expect(await lake.rows(build, 'origin, delay, _ordinal')).toEqual([
    { origin: 'LAX', delay: '5', _ordinal: '1' },
    { origin: 'SFO', delay: '5', _ordinal: '1' },
  ]);
});

test('rows taken back and excluded entries are counted apart and are not in the build', async () => {
  const lake = new RowsLake(flightsSpec(), await tmpFolder());
  await lake.commit(
    'flights',
    [1, 2, 3].map((n) => flight(`${D1}T00:0${n}:00Z`, n)),
  );
  await lake.commit(
    'flights',
    [4, 5].map((n) => flight(`${D1}T00:0${n}:00Z`, n)),
  );
  await lake.commit('flights', [flight(`${D1}T00:06:00Z`, 6)], {
    retracts: [
      {
        feed: 'flights',
        lane: 0,
        item: 'a.csv',
        version: 'v1',
        ordinal: 1,
        spans: [span(2, 3)],
        partitions: { [D1]: { rows: 2, hash: '0' } },
      },
    ],
  });
  const plan = await lake.plan('flights', [D1], {
    undone: {
      [D1]: [
        { kind: 'retracted', lane: 'flights/0', ordinal: 1, by: 3, item: 'a.csv' },
        { kind: 'excluded', lane: 'flights/0', ordinal: 2 },
      ],
    },
  });
  await lake.build('flights', plan);
  const build = lake.manifest('flights', plan, D1);
  expect(build.classes).toMatchObject({
    in: { rows: 6 },
    out: { rows: 2 },
    lost: { rows: 0 },
    retracted: { rows: 2 },
    excluded: { rows: 2 },
  });
  expect(await lake.rows(build, 'delay')).toEqual([{ delay: '1' }, { delay: '6' }]);
});

test('the greatest version wins, the batch at the same one, and a delete leaves a tombstone', async () => {
  const lake = new RowsLake(paymentsSpec(), await tmpFolder());
  const at = `${D1}T09:00:00Z`;
  const channels = { c: { after: '0', through: '1', generation: 2, watermark: null, caughtUpAt: null } };
  await lake.commit(
    'events',
    [
      { id: 'a', paid_at: at, amount: '1.00', revision: 1 },
      { id: 'b', paid_at: at, amount: '2.00', revision: 1 },
      { id: 'b', paid_at: at, amount: '2.50', revision: 2 },
      { id: 'c', paid_at: at, amount: '3.00', revision: 1 },
      { id: 'c', paid_at: at, amount: null, revision: 2, _op: 'D' },
    ],
    { channels },
  );
  await lake.commit('books', [
    { id: 'a', paid_at: at, gross: '1.10', revision: 1 },
    { id: 'b', paid_at: at, gross: '2.00', revision: 1 },
  ]);
  const plan = await lake.plan('payments', [D1]);
  await lake.build('payments', plan);
  const build = lake.manifest('payments', plan, D1);
  expect(await lake.rows(build, 'id, amount, _source, _generation')).toEqual([
    { id: 'a', amount: '1.10', _source: 'books', _generation: 0 },
    { id: 'b', amount: '2.50', _source: 'events', _generation: 2 },
  ]);
  expect(await lake.rows(build, 'id, _op, revision, _row', 'tombstones.parquet')).toEqual([
    { id: 'c', _op: 'D', revision: '2', _row: '5' },
  ]);
  expect(build.classes).toMatchObject({
    in: { rows: 7 },
    out: { rows: 2 },
    deleted: { rows: 1 },
    lost: { rows: 4 },
  });
  expect(await lake.rows(build, 'id, amount', 'winners-speed.parquet')).toEqual([
    { id: 'a', amount: '1.00' },
    { id: 'b', amount: '2.50' },
  ]);
  expect(await lake.rows(build, 'id, amount', 'winners-batch.parquet')).toEqual([
    { id: 'a', amount: '1.10' },
    { id: 'b', amount: '2.00' },
  ]);
  const buckets = Object.values(build.winners?.batch?.buckets ?? {});
  expect(buckets.reduce((sum, { rows }) => sum + rows, 0)).toBe(2);
});

test('a batch without a version column speaks as of one microsecond before the end of its window', async () => {
  const spec = paymentsSpec({
    version: 'seen_at',
    columns: { id: 'string', paid_at: 'timestamp', seen_at: 'timestamp' },
    gate: { ...paymentsSpec().datasets.payments.gate, compare: [] },
  });
  const lake = new RowsLake(spec, await tmpFolder());
  await lake.commit('books', [{ id: 'a', paid_at: `${D1}T09:00:00Z` }], {
    windows: [{ from: `${D1}T00:00:00Z`, to: `${D2}T00:00:00Z` }],
    items: [
      {
        no: 1,
        item: 'a.csv',
        version: 'v',
        checksum: 'sha256:0',
        bytes: 1,
        modifiedAt: `${D2}T00:00:00Z`,
        state: 'collected',
        spans: [span(1, 1)],
      },
    ],
  });
  const plan = await lake.plan('payments', [D1]);
  await lake.build('payments', plan);
  expect(await lake.rows(lake.manifest('payments', plan, D1), 'seen_at')).toEqual([
    { seen_at: '2001-01-01 23:59:59.999999+00' },
  ]);
});

test.each([
  ['ObjectMissing', (lake: RowsLake, key: string) => lake.store.delete(key)],
  ['ChecksumMismatch', (lake: RowsLake, key: string) => lake.store.put(key, 'other bytes')],
])('a damaged rows object fails the build by name as %s', async (name, damage) => {
  const lake = new RowsLake(flightsSpec(), await tmpFolder());
  await lake.commit('flights', [flight(`${D1}T00:01:00Z`, 5)]);
  const plan = await lake.plan('flights', [D1]);
  damage(lake, 'rows/flights/0/c1-a-0.parquet');
  await expect(lake.build('flights', plan)).rejects.toMatchObject({
    type: name,
    message: expect.stringContaining('rows/flights/0/c1-a-0.parquet'),
  });
  expect(lake.store.keys('build/')).toEqual([]);
});

test('of two attempts one build stands, with files of its own', async () => {
  const lake = new RowsLake(flightsSpec(), await tmpFolder());
  await lake.commit('flights', [flight(`${D1}T00:01:00Z`, 5)]);
  const plan = await lake.plan('flights', [D1]);
  await Promise.all([lake.build('flights', plan), lake.build('flights', plan)]);
  const build = lake.manifest('flights', plan, D1);
  expect(await lake.rows(build, 'delay')).toEqual([{ delay: '5' }]);
});
