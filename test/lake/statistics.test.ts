import { assert, constantFrom, dictionary, property, stringMatching } from 'fast-check';
import { expect, test } from 'vitest';
import { mappingHash, statisticsColumns, statisticsHash } from '../../lake/mapping.ts';
import type { DatasetSpec, LakeSpec } from '../../lake/spec.ts';
import { statisticsHold, valuesFit } from '../../lake/statistics.ts';
import { sha256 } from '../fakes/facts.ts';
import { paymentsSpec } from '../support/rows-specs.ts';

const SPEC = paymentsSpec();
const { payments } = SPEC.datasets;
const FEED = 'events';
const USE = { role: 'speed', visible: 'commit', map: {} } as const;
const { columns } = SPEC.sources.events;

type Spec = Pick<LakeSpec, 'sources' | 'datasets'>;

function specWith(more: object, dataset: Partial<DatasetSpec> = {}): Spec {
  const { sources } = SPEC;
  const own = {
    ...payments,
    columns: { ...payments.columns, ...more } as DatasetSpec['columns'],
    ...dataset,
  };
  const events = { ...sources.events, columns: { ...columns, ...more } as DatasetSpec['columns'] };
  return { sources: { ...sources, events }, datasets: { payments: own } };
}

function hashOf({ sources, datasets }: Spec): string {
  const { payments: dataset = payments } = datasets;
  const { events } = sources;
  return mappingHash(dataset, USE, events && 'columns' in events ? events.columns : {}, sha256);
}

function hold(then: Spec, now: Spec, mapping: string | null = hashOf(then)): boolean {
  const { payments: dataset = payments } = now.datasets;
  return statisticsHold({ feed: FEED, mapping, spec: then }, { lake: now, dataset }, sha256);
}

test('a mapping hash is what it always was', () => {
  expect(mappingHash(payments, USE, columns, sha256)).toBe(
    '7e472d9c1c0e96a9975e5a97eb76cdbd2d88353dbc8cca07708c21005ea7c1d1',
  );
});

test('columns that come change the mapping, and nothing that statistics are made of', () => {
  const name = stringMatching(/^x[a-z]{0,4}$/);
  const type = constantFrom('string', 'bigint', 'timestamp', 'decimal(18,2)');
  assert(
    property(dictionary(name, type, { minKeys: 1, maxKeys: 4 }), (more) => {
      const next = specWith(more);
      expect(hashOf(next)).not.toBe(hashOf(SPEC));
      expect(hold(SPEC, next)).toBe(true);
      expect(hold(next, SPEC)).toBe(true);
    }),
  );
});

test.each([
  ['the key', { key: ['id', 'revision'] }],
  ['the partition', { partition: { kind: 'whole' } }],
  ['compared columns', { gate: { ...payments.gate, compare: [] } }],
  ['event time', { partition: { kind: 'bucket', buckets: 2 }, eventTime: 'paid_at' }],
])('with another %s they hold no more', (_what, dataset) => {
  const next = specWith({}, dataset as Partial<DatasetSpec>);
  expect(hold(SPEC, next)).toBe(false);
  expect(hold(next, SPEC)).toBe(false);
});

test('a column of theirs under another type or from another column is another statistic', () => {
  expect(hold(SPEC, specWith({ amount: 'string' }))).toBe(false);
  const feeds = { ...payments.feeds, events: { ...USE, map: { amount: 'revision' } } };
  const { payments: renamed = payments } = specWith({}, { feeds }).datasets;
  expect(statisticsHash(renamed, feeds.events, columns, sha256)).not.toBe(
    statisticsHash(payments, USE, columns, sha256),
  );
  expect([...statisticsColumns(payments)].toSorted()).toEqual(['amount', 'id', 'paid_at']);
});

test('rows that name no mapping, or another than that of their spec, have statistics of something else', () => {
  const next = specWith({ note: 'string' });
  expect(hold(SPEC, next, null)).toBe(false);
  expect(hold(SPEC, next, 'another')).toBe(false);
  expect(hold(next, next, hashOf(SPEC))).toBe(false);
});

test('values fit where they were held against the type, have it, or are not there', () => {
  const fit = (then: Spec, now: Spec) => {
    const { payments: dataset = payments } = now.datasets;
    const rows = { feed: FEED, mapping: hashOf(then), spec: then };
    return valuesFit(rows, { lake: now, dataset }, sha256);
  };
  const columnsOf = (more: object) => ({ ...payments.columns, ...more }) as DatasetSpec['columns'];
  const feedAlone = specWith({ note: 'string' }, { columns: payments.columns });
  const asNumber = specWith({ note: 'string' }, { columns: columnsOf({ note: 'bigint' }) });
  expect(fit(SPEC, feedAlone)).toBe(true);
  expect(fit(feedAlone, specWith({ note: 'string' }))).toBe(true);
  expect(fit(SPEC, asNumber)).toBe(true);
  expect(fit(feedAlone, asNumber)).toBe(false);
  expect(fit(asNumber, asNumber)).toBe(true);
});
