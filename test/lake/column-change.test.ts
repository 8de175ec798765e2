import { expect, test } from 'vitest';
import { specChanges } from '../../lake/spec-change.ts';
import type { DatasetSpec, LakeSpec } from '../../lake/spec.ts';
import { paymentsSpec } from '../support/rows-specs.ts';

const { books, events } = paymentsSpec().sources;
const { payments } = paymentsSpec().datasets;
const LAKE: LakeSpec = { lake: { name: 'travel', bucket: 'travel-lake' }, ...paymentsSpec() };

interface Columns {
  readonly books?: object;
  readonly events?: object;
  readonly payments?: object;
  readonly more?: Partial<DatasetSpec>;
}

/** The lake with these columns more. */
function lakeWith(added: Columns, base: LakeSpec = LAKE): LakeSpec {
  const { payments: dataset = payments } = base.datasets;
  return {
    lake: LAKE.lake,
    sources: {
      books: { ...books, columns: { ...books.columns, ...added.books } },
      events: { ...events, columns: { ...events.columns, ...added.events } },
    },
    datasets: {
      payments: { ...dataset, columns: { ...dataset.columns, ...added.payments }, ...added.more },
    },
  };
}

function classes(before: LakeSpec, next: LakeSpec) {
  return specChanges(before, next).map(({ path, class: kind }) => [path, kind]);
}

test('a column of a dataset and of its feeds comes, and says what it does', () => {
  const note = { note: 'string' };
  const changes = specChanges(LAKE, lakeWith({ books: note, events: note, payments: note }));
  expect(changes).toMatchObject([
    { path: 'sources.books.columns.note', class: 'compatible', what: 'new: "string"' },
    { path: 'sources.events.columns.note', class: 'compatible' },
    { path: 'datasets.payments.columns.note', class: 'compatible', what: 'new: "string"' },
  ]);
  expect(changes.map(({ effect }) => effect)).toEqual([
    expect.stringContaining('stays in _extra. What is built of its rows is built again'),
    expect.stringContaining('stays in _extra. What is built of its rows is built again'),
    expect.stringContaining('all partitions are built again and published as one version'),
  ]);
});

test('a column of a feed that no dataset takes comes alone', () => {
  expect(specChanges(LAKE, lakeWith({ events: { note: 'string' } }))).toMatchObject([
    {
      path: 'sources.events.columns.note',
      class: 'compatible',
      effect: expect.stringContaining('No dataset'),
    },
  ]);
});

test('a column that one feed serves may be served by the other one later', () => {
  const one = lakeWith({ events: { note: 'string' }, payments: { note: 'string' } });
  const both = lakeWith({ books: { note: 'string' } }, one);
  expect(
    classes(one, { ...both, sources: { ...both.sources, events: one.sources['events'] ?? events } }),
  ).toEqual([['sources.books.columns.note', 'compatible']]);
});

test('a feed may serve a new column under another name', () => {
  const feeds = {
    ...payments.feeds,
    books: { role: 'batch', visible: 'publish', map: { amount: 'gross', note: 'remark' } },
  };
  const added = { books: { remark: 'string' }, payments: { note: 'string' } };
  expect(classes(LAKE, lakeWith({ ...added, more: { feeds } as Partial<DatasetSpec> }))).toEqual([
    ['sources.books.columns.remark', 'compatible'],
    ['datasets.payments.columns.note', 'compatible'],
    ['datasets.payments.feeds.books.map.note', 'compatible'],
  ]);
  const first = { ...payments.feeds, events: { role: 'speed', visible: 'commit', map: { note: 'remark' } } };
  const more = { feeds: first } as Partial<DatasetSpec>;
  expect(
    classes(LAKE, lakeWith({ events: { remark: 'string' }, payments: { note: 'string' }, more })),
  ).toEqual([
    ['sources.events.columns.remark', 'compatible'],
    ['datasets.payments.columns.note', 'compatible'],
    ['datasets.payments.feeds.events.map', 'compatible'],
  ]);
});

test.each([
  ['the key', { key: ['id', 'note'] }, 'datasets.payments.key'],
  ['the version', { version: 'note' }, 'datasets.payments.version'],
  [
    'the compared columns',
    { gate: { ...payments.gate, compare: ['amount', 'note'] } },
    'datasets.payments.gate.compare',
  ],
])('a new column may not become part of %s', (_what, more, path) => {
  const note = { note: 'string' };
  const next = lakeWith({ books: note, events: note, payments: note, more: more });
  const refused = specChanges(LAKE, next).filter(({ class: kind }) => kind === 'rebuild');
  expect(refused.map((one) => one.path).toSorted()).toEqual(
    ['datasets.payments.columns.note', path].toSorted(),
  );
});

test('values that nobody held against a type are counted before they are taken under it', () => {
  const before = lakeWith({ events: { note: 'string' } });
  const taken = lakeWith({ payments: { note: 'bigint' } }, before);
  const next = { ...taken, sources: before.sources };
  expect(specChanges(before, next)).toMatchObject([
    {
      path: 'datasets.payments.columns.note',
      class: 'rebuild',
      effect: expect.stringContaining('nothing is applied where some do not fit'),
    },
  ]);
  const same = { ...lakeWith({ payments: { note: 'string' } }, before), sources: before.sources };
  expect(classes(before, same)).toEqual([['datasets.payments.columns.note', 'compatible']]);
  // What the feed lacked is held against the type when it comes.
  expect(classes(LAKE, lakeWith({ events: { note: 'string' }, payments: { note: 'bigint' } }))).toEqual([
    ['sources.events.columns.note', 'compatible'],
    ['datasets.payments.columns.note', 'compatible'],
  ]);
});

test('a feed cannot begin to serve a version or a key that its rows had none of', () => {
  const { revision: _, ...columns } = books.columns;
  const before = { ...LAKE, sources: { ...LAKE.sources, books: { ...books, columns } } };
  expect(specChanges(before, LAKE)).toMatchObject([
    {
      path: 'sources.books.columns.revision',
      class: 'refused',
      effect: expect.stringContaining('datasets.payments takes it as revision'),
    },
  ]);
});

test('columns that go from a source are refused, and those that go from a dataset build it anew', () => {
  const note = { note: 'string' };
  const before = lakeWith({ books: note, events: note, payments: note });
  expect(classes(before, LAKE)).toEqual([
    ['sources.books.columns.note', 'refused'],
    ['sources.events.columns.note', 'refused'],
    ['datasets.payments.columns.note', 'rebuild'],
  ]);
});
