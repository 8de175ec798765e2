import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareText } from '../../lake/canonical.ts';
import { type MergeRow, merge, visible } from '../../lake/merge.ts';

const rows = fc.uniqueArray(
  fc.record({
    key: fc.constantFrom('x', 'y', 'z'),
    op: fc.constantFrom('I' as const, 'U' as const, 'D' as const),
    version: fc.option(fc.bigInt(0n, 3n), { nil: null }),
    role: fc.constantFrom('batch' as const, 'speed' as const),
    generation: fc.nat(1),
    ordinal: fc.nat(3),
    object: fc.nat(1),
    row: fc.nat(3),
    feed: fc.constantFrom('a', 'b'),
    lane: fc.nat(1),
  }),
  {
    // A feed has one role, so a place has one too.
    selector: ({ generation, ordinal, object, row, feed, lane }) =>
      JSON.stringify([generation, ordinal, object, row, feed, lane]),
    maxLength: 12,
  },
);

const sorted = (some: readonly MergeRow[]) => some.toSorted((a, b) => compareText(a.key, b.key));

test.each(['append', 'latest'] as const)('%s: merging twice is merging once', (rule) => {
  fc.assert(
    fc.property(rows, (some) => {
      const once = merge(rule, some);
      expect(merge(rule, once)).toEqual(once);
      expect(sorted(merge(rule, once, some))).toEqual(sorted(once));
    }),
  );
});

test.each(['append', 'latest'] as const)(
  '%s: neither the order of rows nor how they are split matters',
  (rule) => {
    fc.assert(
      fc.property(rows, fc.nat(12), fc.nat(12), (some, i, j) => {
        const [low, high] = [Math.min(i, j), Math.max(i, j)];
        const [a, b, c] = [some.slice(0, low), some.slice(low, high), some.slice(high)];
        const whole = sorted(merge(rule, some));
        expect(sorted(merge(rule, merge(rule, a, b), c))).toEqual(whole);
        expect(sorted(merge(rule, a, merge(rule, c, b)))).toEqual(whole);
        expect(sorted(merge(rule, some.toReversed()))).toEqual(whole);
      }),
    );
  },
);

test('a deleted key stays deleted when an older row comes late', () => {
  const row = {
    key: 'x',
    version: null,
    role: 'speed',
    generation: 1,
    object: 0,
    row: 1,
    feed: 'a',
    lane: 0,
  } as const;
  const old: MergeRow = { ...row, op: 'I', ordinal: 1 };
  const gone: MergeRow = { ...row, op: 'D', ordinal: 2 };
  expect(visible(merge('latest', merge('latest', [gone]), [old]))).toEqual([]);
});
