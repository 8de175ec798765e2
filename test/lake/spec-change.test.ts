import { expect, test } from 'vitest';
import { type SpecPast, specChanges } from '../../lake/spec-change.ts';
import type { LakeSpec } from '../../lake/spec.ts';
import { paymentsSpec, streamSource } from '../support/rows-specs.ts';
import { shopSpec } from '../support/shop-spec.ts';

const LAKE: LakeSpec = { lake: { name: 'travel', bucket: 'travel-lake' }, ...paymentsSpec() };
const { books, events } = LAKE.sources as ReturnType<typeof paymentsSpec>['sources'];
const { payments } = LAKE.datasets as ReturnType<typeof paymentsSpec>['datasets'];

const NOTHING: SpecPast = {
  earlier: { sources: {}, datasets: {} },
  collectedOtherwise: new Set(),
  tables: {},
  collectedDatabases: new Set(),
};

function withSource(change: object): LakeSpec {
  return { ...LAKE, sources: { ...LAKE.sources, events: { ...events, ...change } } };
}

function withDataset(change: object): LakeSpec {
  return { ...LAKE, datasets: { payments: { ...payments, ...change } } };
}

test('the first spec of a lake is compatible with nothing before it', () => {
  expect(specChanges(undefined, LAKE)).toEqual([
    {
      path: 'lake',
      class: 'compatible',
      what: 'the first spec of this lake',
      effect: 'everything in it is new',
    },
  ]);
});

test('the same spec, its keys in another order, is no change', () => {
  const turned = Object.fromEntries(Object.entries(payments).toReversed());
  expect(specChanges(LAKE, { ...LAKE, datasets: { payments: turned as typeof payments } })).toEqual([]);
});

test.each([
  [{ commit: { ...events.commit, everyMs: 1 } }, 'sources.events.commit.every', 'compatible'],
  [{ columns: { ...events.columns, note: 'string' } }, 'sources.events.columns.note', 'compatible'],
  [{ columns: { ...events.columns, amount: 'string' } }, 'sources.events.columns.amount', 'refused'],
  [{ format: { csv: {} } }, 'sources.events.format', 'refused'],
  [{ stream: 'other' }, 'sources.events.stream', 'refused'],
  [{ start: { at: '2026-11-21T00:00:00Z' } }, 'sources.events.start', 'refused'],
  [{ kind: 'files' }, 'sources.events.kind', 'refused'],
])('of a source, %j is %s: %s', (change, path, kind) => {
  expect(specChanges(LAKE, withSource(change))).toMatchObject([{ path, class: kind }]);
});

test.each([
  [{ close: { ...payments.close, graceMs: 1 } }, 'close.grace', 'compatible'],
  [{ rebuild: { ...payments.rebuild, lateRatio: 0 } }, 'rebuild.late', 'compatible'],
  [{ gate: { ...payments.gate, settleAfterMs: 1 } }, 'gate.settleAfter', 'compatible'],
  [{ gate: { ...payments.gate, compare: [] } }, 'gate.compare', 'rebuild'],
  [{ merge: 'append' }, 'merge', 'rebuild'],
  [{ key: ['id', 'paid_at'] }, 'key', 'rebuild'],
  [{ version: undefined }, 'version', 'rebuild'],
  [{ partition: { kind: 'whole' } }, 'partition', 'rebuild'],
  [{ columns: { ...payments.columns, note: 'string' } }, 'columns.note', 'compatible'],
  [{ columns: { ...payments.columns, revision: 'string' } }, 'columns.revision', 'rebuild'],
  [{ eventTime: 'paid_at' }, 'eventTime', 'rebuild'],
  [{ feeds: { books: payments.feeds['books'] } }, 'feeds.events', 'rebuild'],
])('of a dataset, %j changes %s: %s', (change, field, kind) => {
  expect(specChanges(LAKE, withDataset(change))).toMatchObject([
    { path: `datasets.payments.${field}`, class: kind },
  ]);
});

test('what is new, and what is no longer declared, is compatible', () => {
  const { events: _, ...sources } = LAKE.sources;
  const next = { ...LAKE, sources: { ...sources, clicks: streamSource({ id: 'string' }) } };
  expect(specChanges(LAKE, next)).toEqual([
    {
      path: 'sources.clicks',
      class: 'compatible',
      what: 'new',
      effect: 'it is collected from its beginning',
    },
    {
      path: 'sources.events',
      class: 'compatible',
      what: 'no longer declared; what was collected stays',
      effect: 'nothing more is collected; what was collected stays',
    },
  ]);
});

test('another name or bucket is another lake', () => {
  expect(specChanges(LAKE, { ...LAKE, lake: { name: 'trips', bucket: 'travel-lake' } })).toEqual([
    {
      path: 'lake.name',
      class: 'refused',
      what: 'travel cannot become trips: that would be another lake',
      effect: 'refused: apply it where the other lake is to be',
    },
  ]);
});

test('every change is named, in the order of paths, with both values', () => {
  const next = {
    ...withDataset({ key: ['id', 'paid_at'], merge: 'append' }),
    sources: { books: { ...books, quietMs: 5 }, events },
  };
  expect(specChanges(LAKE, next)).toMatchObject([
    { path: 'sources.books.quiet', class: 'compatible', what: '0ms becomes 5ms' },
    { path: 'datasets.payments.key', class: 'rebuild', what: '["id"] becomes ["id","paid_at"]' },
    { path: 'datasets.payments.merge', class: 'rebuild', what: '"latest" becomes "append"' },
  ]);
});

const { feeds } = payments;
const another = { role: 'speed', visible: 'commit', map: {} } as const;

test('a feed more of a role that is there is compatible; one that makes batch and stream meet is not', () => {
  const withMore = withDataset({ feeds: { ...feeds, more: another } });
  expect(specChanges(LAKE, withMore)).toMatchObject([
    { path: 'datasets.payments.feeds.more', class: 'compatible' },
  ]);
  const alone = withDataset({ feeds: { books: feeds['books'] } });
  expect(specChanges(alone, LAKE)).toMatchObject([
    { path: 'datasets.payments.feeds.events', class: 'rebuild' },
  ]);
});

test('a feed that becomes another one, or is used otherwise, is a rebuild', () => {
  const renamed = withDataset({ feeds: { books: feeds['books'], more: another } });
  expect(specChanges(LAKE, renamed)).toMatchObject([
    { path: 'datasets.payments.feeds.events', class: 'rebuild' },
    { path: 'datasets.payments.feeds.more', class: 'compatible' },
  ]);
  const all = withDataset({ feeds: { one: another, two: { ...another, role: 'batch' } } });
  expect(specChanges(LAKE, all)).toMatchObject([{ path: 'datasets.payments.feeds', class: 'rebuild' }]);
  for (const use of [{ visible: 'publish' }, { map: { amount: 'sum' } }]) {
    const [field] = Object.keys(use);
    const next = withDataset({ feeds: { ...feeds, events: { ...feeds['events'], ...use } } });
    expect(specChanges(LAKE, next)).toMatchObject([
      { path: `datasets.payments.feeds.events.${field}`, class: 'rebuild' },
    ]);
  }
});

test('compared columns change nothing where there is no batch and stream to compare', () => {
  const alone = withDataset({ feeds: { books: feeds['books'] } });
  const { payments: before = payments } = alone.datasets;
  const next = { ...alone, datasets: { payments: { ...before, gate: { ...before.gate, compare: [] } } } };
  expect(specChanges(alone, next)).toMatchObject([
    { path: 'datasets.payments.gate.compare', class: 'compatible' },
  ]);
});

test('a source of another kind differs in that alone', () => {
  const next = { ...LAKE, sources: { ...LAKE.sources, events: books } };
  expect(specChanges(LAKE, next)).toMatchObject([
    { path: 'sources.events.kind', class: 'refused', what: '"kinesis" becomes "files"' },
  ]);
});

test('a name that was declared before is held against what it was', () => {
  const without = { ...LAKE, sources: { books }, datasets: {} };
  const past = { ...NOTHING, earlier: LAKE };
  expect(specChanges(without, LAKE, past)).toMatchObject([
    { path: 'sources.events', class: 'compatible', what: 'declared again' },
    { path: 'datasets.payments', class: 'compatible', what: 'declared again' },
  ]);
  const other = { ...withSource({ stream: 'other' }), datasets: withDataset({ key: ['amount'] }).datasets };
  expect(specChanges(without, other, past)).toMatchObject([
    { path: 'sources.events' },
    { path: 'sources.events.stream', class: 'refused' },
    { path: 'datasets.payments' },
    { path: 'datasets.payments.key', class: 'rebuild' },
  ]);
});

test('rows of a feed that were collected for no dataset are counted before one is built of them', () => {
  const bare = { ...LAKE, datasets: {} };
  const past = { ...NOTHING, collectedOtherwise: new Set(['events']) };
  expect(specChanges(bare, LAKE, past)).toMatchObject([
    { path: 'datasets.payments', class: 'compatible', what: 'new' },
    { path: 'datasets.payments.feeds.events', class: 'rebuild' },
  ]);
});

test('values are written as lake.yaml has them', () => {
  const next = withDataset({
    close: { ...payments.close, graceMs: 1_800_000, deadlineMs: 86_400_000, latenessMs: 1500 },
    rebuild: { lateRatio: 0.07, lateAfterMs: 3_600_000 },
    partition: { kind: 'time', column: 'paid_at', unit: 'month', fixed: false, from: '2026-01' },
    gate: { ...payments.gate, tolerance: { ...payments.gate.tolerance, missing: { ratio: 0.001 } } },
  });
  expect(specChanges(LAKE, next).map(({ path, what }) => `${path}: ${what}`)).toEqual([
    'datasets.payments.close.deadline: new: 1d',
    'datasets.payments.close.grace: 0ms becomes 30m',
    'datasets.payments.close.lateness: 0ms becomes 1500ms',
    'datasets.payments.gate.tolerance.missing: 0 becomes 0.1%',
    'datasets.payments.partition: {day: paid_at, fixed: true} becomes {month: paid_at, from: 2026-01}',
    'datasets.payments.rebuild.after: 1d becomes 1h',
    'datasets.payments.rebuild.late: 50% becomes 7%',
  ]);
});

const { shop } = shopSpec().sources;
const SHOP: LakeSpec = { lake: LAKE.lake, ...shopSpec() };

function withShop(change: object): LakeSpec {
  return { ...SHOP, sources: { shop: { ...shop, ...change } } };
}

test.each([
  [{ everyMs: 1 }, 'every', 'compatible'],
  [{ schedule: { everyMs: 1 } }, 'schedule', 'compatible'],
  [{ replicate: 'load' }, 'replicate', 'compatible'],
  [
    { tables: { ...shop.tables, 'public.refunds': { feed: 'shop.public.refunds', columns: {} } } },
    'tables.public.refunds',
    'compatible',
  ],
  [
    { tables: { 'public.customers': shop.tables['public.customers'] } },
    'tables.public.bookings',
    'compatible',
  ],
  [
    {
      tables: {
        ...shop.tables,
        'public.customers': {
          ...shop.tables['public.customers'],
          columns: { id: 'bigint', _change: 'decimal(38,0)', name: 'string', city: 'string' },
        },
      },
    },
    'tables.public.customers.columns.city',
    'compatible',
  ],
  [
    {
      tables: {
        ...shop.tables,
        'public.customers': {
          ...shop.tables['public.customers'],
          columns: { id: 'string', _change: 'decimal(38,0)', name: 'string' },
        },
      },
    },
    'tables.public.customers.columns.id',
    'refused',
  ],
])('of a database, %j is %s: %s', (change, path, kind) => {
  expect(specChanges(SHOP, withShop(change))).toMatchObject([{ path: `sources.shop.${path}`, class: kind }]);
});

test('another task may come as long as nothing of the database is collected', () => {
  const next = withShop({ dms: { task: 'shop-new' } });
  expect(specChanges(SHOP, next)).toMatchObject([{ path: 'sources.shop.dms.task', class: 'compatible' }]);
  const past = { ...NOTHING, collectedDatabases: new Set(['shop']) };
  expect(specChanges(SHOP, next, past)).toMatchObject([
    {
      path: 'sources.shop.dms.task',
      class: 'refused',
      what: '"shop-cdc" becomes "shop-new"',
      effect: expect.stringContaining('declare a source of another name'),
    },
  ]);
});

test('a table that comes again is held against how it last stood', () => {
  const { 'public.bookings': bookings, ...others } = shop.tables;
  const without = withShop({ tables: others });
  const past = { ...NOTHING, tables: { shop: shop.tables } };
  expect(specChanges(without, SHOP, past)).toMatchObject([
    { path: 'sources.shop.tables.public.bookings', class: 'compatible', what: 'declared again' },
  ]);
  const other = { ...bookings, columns: { id: 'string' } };
  expect(
    specChanges(without, withShop({ tables: { ...others, 'public.bookings': other } }), past),
  ).toMatchObject([
    { path: 'sources.shop.tables.public.bookings' },
    { path: 'sources.shop.tables.public.bookings.columns._change', class: 'refused' },
    { path: 'sources.shop.tables.public.bookings.columns.id', class: 'refused' },
  ]);
});
