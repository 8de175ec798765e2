import * as fc from 'fast-check';
import type { MergeRow } from '../../lake/merge.ts';
import type { MergeRule } from '../../lake/spec.ts';
import type { FeedRow, RowsLake } from './rows-lake.ts';
import { paymentsSpec } from './rows-specs.ts';

/** Each key stays in its day. */
export const DAYS: Readonly<Record<string, string>> = Object.fromEntries(
  Array.from('abcdefghijkl', (key, n) => [key, n < 8 ? '2001-01-01' : '2001-01-02']),
);

/** A row of a random history: few versions and values, so that everything collides, in each key anew. */
export interface HistoryRow {
  readonly key: string;
  readonly version: number | null;
  readonly amount: number;
  readonly op: 'I' | 'U' | 'D';
  readonly channel: 'c1' | 'c2';
}

/** One commit: its objects, of the stream's first or second lane or of the books. */
export interface HistoryCommit {
  readonly feed: 'events' | 'books';
  readonly lane: 0 | 1;
  readonly objects: readonly (readonly HistoryRow[])[];
}

const row: fc.Arbitrary<HistoryRow> = fc.record({
  key: fc.constantFrom(...Object.keys(DAYS)),
  version: fc.option(fc.integer({ min: 1, max: 2 }), { nil: null }),
  amount: fc.integer({ min: 1, max: 2 }),
  op: fc.constantFrom('I' as const, 'U' as const, 'I' as const, 'D' as const),
  channel: fc.constantFrom('c1' as const, 'c2' as const),
});

const commit: fc.Arbitrary<HistoryCommit> = fc.record({
  feed: fc.constantFrom('events' as const, 'events' as const, 'books' as const),
  lane: fc.constantFrom(0 as const, 1 as const),
  objects: fc.array(fc.array(row, { minLength: 1, maxLength: 20, size: 'max' }), {
    minLength: 1,
    maxLength: 2,
  }),
});

export const history: fc.Arbitrary<HistoryCommit[]> = fc.array(commit, {
  minLength: 1,
  maxLength: 6,
  size: 'max',
});

/** Generations are the channels' own: the second one is a child. */
const GENERATIONS = { c1: 1, c2: 2 } as const;

export function historySpec(merge: MergeRule, booksVisible: 'commit' | 'publish' = 'publish') {
  const spec = paymentsSpec({ merge });
  const { payments } = spec.datasets;
  const books = {
    ...payments.feeds['books'],
    role: 'batch',
    visible: booksVisible,
    map: { amount: 'gross' },
  } as const;
  return { ...spec, datasets: { payments: { ...payments, feeds: { ...payments.feeds, books } } } };
}

/** Commit it to a lake; resolves the same rows as `lake/merge.ts` sees them. */
export async function commitHistory(lake: RowsLake, commits: readonly HistoryCommit[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { feed, lane, objects } of commits) {
    const onLane = feed === 'books' ? 0 : lane;
    const ordinal = await lake.commit(feed, [], {
      lane: onLane,
      objects: objects.map((some) => some.map((one) => feedRow(feed, one))),
      ...(feed === 'events' && { channels: { c1: channel(1), c2: channel(2) } }),
    });
    for (const [object, some] of objects.entries()) {
      for (const [index, one] of some.entries()) {
        rows.push({
          ...one,
          version: one.version === null ? null : BigInt(one.version),
          role: feed === 'books' ? 'batch' : 'speed',
          generation: feed === 'books' ? 0 : GENERATIONS[one.channel],
          ordinal,
          object,
          row: index + 1,
          feed,
          lane: onLane,
        });
      }
    }
  }
  return rows;
}

export interface Row extends MergeRow {
  readonly amount: number;
}

/** Names the very row that won. */
export function placeText({ key, feed, lane, ordinal, object, row: number }: Row): string {
  return [key, feed, lane, ordinal, object, number].join(' ');
}

/** The same of a row of a build or view, in DuckDB's SQL. */
export const PLACE_SQL = "concat_ws(' ', id, _source, _lane, _ordinal, _object, _row) AS place";

function feedRow(feed: string, { key, version, amount, op, channel: name }: HistoryRow): FeedRow {
  const own = { id: key, paid_at: `${DAYS[key]}T12:00:00Z`, revision: version, _op: op };
  return feed === 'books' ? { ...own, gross: amount } : { ...own, amount, _channel: name };
}

function channel(generation: number) {
  return { after: 'a', through: 'b', generation, watermark: null, caughtUpAt: null };
}
