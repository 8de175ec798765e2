import { expect, test } from 'vitest';
import { specChanges } from '../../lake/spec-change.ts';
import type { LakeSpec } from '../../lake/spec.ts';
import { paymentsSpec, streamSource } from '../support/rows-specs.ts';

const LAKE: LakeSpec = { lake: { name: 'travel', bucket: 'travel-lake' }, ...paymentsSpec() };
const { books, events } = LAKE.sources as ReturnType<typeof paymentsSpec>['sources'];
const { payments } = LAKE.datasets as ReturnType<typeof paymentsSpec>['datasets'];

function withSource(change: object): LakeSpec {
  return { ...LAKE, sources: { ...LAKE.sources, events: { ...events, ...change } } };
}

function withDataset(change: object): LakeSpec {
  return { ...LAKE, datasets: { payments: { ...payments, ...change } } };
}

test('the first spec of a lake is compatible with nothing before it', () => {
  expect(specChanges(undefined, LAKE)).toEqual([
    { path: 'lake', class: 'compatible', what: 'the first spec of this lake' },
  ]);
});

test('the same spec, its keys in another order, is no change', () => {
  const turned = Object.fromEntries(Object.entries(payments).toReversed());
  expect(specChanges(LAKE, { ...LAKE, datasets: { payments: turned as typeof payments } })).toEqual([]);
});

test.each([
  [{ commit: { rows: 1, bytes: 1, everyMs: 1 } }, 'sources.events.commit', 'compatible'],
  [{ columns: { id: 'string' } }, 'sources.events.columns', 'rebuild'],
  [{ format: { csv: {} } }, 'sources.events.format', 'rebuild'],
  [{ stream: 'other' }, 'sources.events.stream', 'refused'],
  [{ start: { at: '2026-11-21T00:00:00Z' } }, 'sources.events.start', 'refused'],
  [{ kind: 'files' }, 'sources.events.kind', 'refused'],
])('of a source, %j is %s: %s', (change, path, kind) => {
  expect(specChanges(LAKE, withSource(change))).toMatchObject([{ path, class: kind }]);
});

test.each([
  [{ close: { ...payments.close, graceMs: 1 } }, 'close', 'compatible'],
  [{ rebuild: { lateRatio: 0, lateAfterMs: 0 } }, 'rebuild', 'compatible'],
  [{ gate: { ...payments.gate, settleAfterMs: 1 } }, 'gate', 'compatible'],
  [{ gate: { ...payments.gate, compare: [] } }, 'gate', 'rebuild'],
  [{ merge: 'append' }, 'merge', 'rebuild'],
  [{ key: ['id', 'paid_at'] }, 'key', 'rebuild'],
  [{ version: undefined }, 'version', 'rebuild'],
  [{ partition: { kind: 'whole' } }, 'partition', 'rebuild'],
  [{ columns: { id: 'string' } }, 'columns', 'rebuild'],
  [{ eventTime: 'paid_at' }, 'eventTime', 'rebuild'],
  [{ feeds: { books: payments.feeds['books'] } }, 'feeds', 'rebuild'],
])('of a dataset, %j changes %s: %s', (change, field, kind) => {
  expect(specChanges(LAKE, withDataset(change))).toMatchObject([
    { path: `datasets.payments.${field}`, class: kind },
  ]);
});

test('what is new, and what is no longer declared, is compatible', () => {
  const { events: _, ...sources } = LAKE.sources;
  const next = { ...LAKE, sources: { ...sources, clicks: streamSource({ id: 'string' }) } };
  expect(specChanges(LAKE, next)).toEqual([
    { path: 'sources.clicks', class: 'compatible', what: 'new' },
    {
      path: 'sources.events',
      class: 'compatible',
      what: 'no longer declared; what was collected stays',
    },
  ]);
});

test('another name or bucket is another lake', () => {
  expect(specChanges(LAKE, { ...LAKE, lake: { name: 'trips', bucket: 'travel-lake' } })).toEqual([
    { path: 'lake.name', class: 'refused', what: 'travel cannot become trips: that would be another lake' },
  ]);
});

test('every change is named, in the order of paths, with both values', () => {
  const next = {
    ...withDataset({ key: ['id', 'paid_at'], merge: 'append' }),
    sources: { books: { ...books, quietMs: 5 }, events },
  };
  expect(specChanges(LAKE, next)).toEqual([
    { path: 'sources.books.quietMs', class: 'compatible', what: '0 becomes 5' },
    { path: 'datasets.payments.key', class: 'rebuild', what: '["id"] becomes ["id","paid_at"]' },
    { path: 'datasets.payments.merge', class: 'rebuild', what: '"latest" becomes "append"' },
  ]);
});
