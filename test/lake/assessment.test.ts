import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Situation, assess } from '../../lake/assessment.ts';
import { join } from '../../lake/coverage.ts';
import type { EntryFacts } from '../../lake/entry-facts.ts';
import { EMPTY_VIEW, advance } from '../../lake/parts.ts';
import { type BuildContext, buildContext, planIdOf } from '../../lake/planning.ts';
import type { Coverage, EntryRef } from '../../lake/view.ts';
import type { FeedWatermark } from '../../lake/watermark.ts';
import { factsOf, sha256 } from '../fakes/facts.ts';
import { PAYMENTS } from '../fakes/view-lake.ts';

const DAYS = ['2026-11-20', '2026-11-21', '2026-11-22'] as const;

const commits = fc.array(
  fc.record({
    feed: fc.constantFrom('stream', 'books'),
    partitions: fc.subarray([...DAYS]),
    retracts: fc.option(fc.nat(5), { nil: undefined, freq: 4 }),
    excluded: fc.boolean(),
  }),
  { maxLength: 6 },
);

test('once everything due is published, nothing is due, and each build is named by what it uses', () => {
  fc.assert(
    fc.property(fc.array(commits, { maxLength: 6 }), (rounds) => {
      let view = EMPTY_VIEW;
      const entries: EntryFacts[] = [];
      const exclude: EntryRef[] = [];
      for (const round of rounds) {
        for (const { feed, partitions, retracts, excluded } of round) {
          const entry = commit(entries, feed, partitions, retracts);
          // Only what no build has used yet may be excluded.
          if (excluded) exclude.push(entry);
        }
        const now = situation({ view, entries, exclude, recompute: null });
        const { due } = assess(context(), now);
        view = advance({ view, builds: due, coverage: now.coverage, entries, exclude }, sha256);
        expect(assess(context(), { ...now, view, recompute: undefined })).toMatchObject({
          due: [],
          stale: 0,
          late: 0,
        });
      }
    }),
    { numRuns: 200 },
  );
});

test('a change of the contract makes every build stale', () => {
  const entries: EntryFacts[] = [];
  commit(entries, 'books', [DAYS[0]]);
  const before = situation({ entries });
  const { due } = assess(context(), before);
  const view = advance({ ...before, builds: due, coverage: before.coverage }, sha256);
  const wider = { ...PAYMENTS, columns: { ...PAYMENTS.columns, note: 'string' } as const };
  expect(assess(context(wider), { ...before, view }).due).toMatchObject([{ why: 'changed' }]);
});

test('pinned and busy partitions are not planned, and say why', () => {
  const entries: EntryFacts[] = [];
  commit(entries, 'books', DAYS);
  const now = situation({ entries, pinned: [DAYS[0]], busy: new Map([[DAYS[1], 'p1']]) });
  const { due, waiting, stale } = assess(context(), now);
  expect(stale).toBe(3);
  expect(due.map(({ partition }) => partition)).toEqual([DAYS[2]]);
  expect(waiting).toEqual([
    { partition: DAYS[0], because: 'it is pinned: release it to build it again' },
    { partition: DAYS[1], because: 'plan p1 has it' },
  ]);
});

test('a plan is named by what it builds against which version', () => {
  const entries: EntryFacts[] = [];
  commit(entries, 'books', [DAYS[0]]);
  const { due: partitions } = assess(context(), situation({ entries }));
  const plan = { dataset: 'payments', parent: 1, epoch: 1, partitions, again: 0 };
  const id = planIdOf(plan, sha256);
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  expect(planIdOf({ ...plan }, sha256)).toBe(id);
  expect(planIdOf({ ...plan, parent: 2 }, sha256)).not.toBe(id);
  expect(planIdOf({ ...plan, again: 1 }, sha256)).not.toBe(id);
  expect(planIdOf({ ...plan, force: { by: 'ana', reason: 'r' } }, sha256)).not.toBe(id);
});

test('another generation of a table comes to all of its partitions at once, complete or not', () => {
  const entries = [
    ...generation(1, 1, [DAYS[0]]),
    ...generation(2, 4, [DAYS[0], DAYS[1]], { [DAYS[0]]: 0 }),
    ...generation(3, 7, [DAYS[2]]).slice(0, 2),
  ];
  const behind: FeedWatermark = { feed: 'stream', role: 'speed', ms: 0, because: 'why', speaks: true };
  const first = situation({ entries: entries.slice(0, 3), watermarks: [behind] });
  const { due, whole } = assess(context(), first);
  expect(whole).toBe(true);
  expect(due).toMatchObject([{ partition: DAYS[0], why: 'undone', provisional: true }]);
  const view = advance({ ...first, builds: due, coverage: first.coverage }, sha256);
  const coverage = { 'stream/0': 6 };
  const second = { ...first, view, entries: entries.slice(0, 6), coverage };
  expect(assess(context(), second)).toMatchObject({
    whole: true,
    coverage,
    due: [
      { partition: DAYS[0], inputs: { entries: { 'stream/0': [5, 6] }, undone: [] } },
      { partition: DAYS[1], inputs: { entries: { 'stream/0': [5] } } },
    ],
  });
});

test('while one of its partitions may not be planned, nothing of the other generation is', () => {
  const entries = [...generation(1, 1, [DAYS[0]]), ...generation(2, 4, [DAYS[0], DAYS[1]])];
  const first = situation({ entries: entries.slice(0, 3) });
  const { due } = assess(context(), first);
  const view = advance({ ...first, builds: due, coverage: first.coverage }, sha256);
  const busy = new Map([[DAYS[1], 'p1']]);
  const held = assess(context(), { ...first, view, entries, coverage: { 'stream/0': 6 }, busy });
  expect(held).toMatchObject({
    due: [],
    whole: false,
    coverage: { 'stream/0': 3 },
    waiting: [{ partition: DAYS[1], because: 'plan p1 has it' }],
  });
});

function generation(
  n: number,
  from: number,
  partitions: readonly string[],
  lost: EntryFacts['partitions'] = {},
): EntryFacts[] {
  const of = (at: number, days: readonly string[], more: Partial<EntryFacts>) =>
    factsOf('stream', from + at, days, { table: { generation: n, ready: at === 2 }, ...more });
  return [of(0, [], {}), of(1, partitions, {}), of(2, [], { partitions: lost, retracts: n > 1 })];
}

function commit(
  entries: EntryFacts[],
  feed: string,
  partitions: readonly string[],
  retracts?: number,
): EntryFacts {
  const ordinal = entries.filter((entry) => entry.feed === feed).length + 1;
  const old = retracts === undefined ? undefined : entries[retracts];
  const undone = old?.feed === feed ? old : undefined;
  const touched = undone ? Object.keys(undone.partitions) : [];
  const entry = factsOf(feed, ordinal, [...new Set([...partitions, ...touched])], {
    retracts: undone !== undefined,
    undoes: Object.fromEntries(
      touched.map((day) => [day, [{ feed, lane: 0, ordinal: undone?.ordinal ?? 0, item: 'a.csv' }]]),
    ),
  });
  entries.push(entry);
  return entry;
}

function situation(
  given: Partial<Situation> & { readonly entries: readonly EntryFacts[] },
): Situation & { readonly coverage: Coverage } {
  const coverage = given.entries.reduce<Coverage>(
    (heads, { feed, ordinal }) => join(heads, { [`${feed}/0`]: ordinal }),
    {},
  );
  return {
    view: EMPTY_VIEW,
    exclude: [],
    pinned: [],
    coverage,
    watermarks: CLOSED,
    busy: new Map(),
    rejected: new Map(),
    recompute: undefined,
    grown: false,
    nowMs: 0,
    ...given,
  };
}

function context(dataset = PAYMENTS): BuildContext {
  return buildContext({ sources: {} }, 'payments', dataset, sha256);
}

const FAR = { ms: 9e12, because: 'all is seen', speaks: true };
const CLOSED: readonly FeedWatermark[] = [
  { feed: 'books', role: 'batch', ...FAR },
  { feed: 'stream', role: 'speed', ...FAR },
];
