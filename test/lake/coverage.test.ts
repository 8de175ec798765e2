import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { completeWithin, covers, join, sameCoverage } from '../../lake/coverage.ts';

const coverage = fc.dictionary(fc.constantFrom('a/0', 'a/1', 'b/0'), fc.nat(5), { noNullPrototype: true });

test('an absent lane means no entries', () => {
  expect(covers({}, { 'a/0': 0 })).toBe(true);
  expect(covers({}, { 'a/0': 1 })).toBe(false);
  expect(sameCoverage({ 'a/0': 0 }, {})).toBe(true);
});

test('joining holds both, and nothing that one of them does not', () => {
  fc.assert(
    fc.property(coverage, coverage, coverage, (a, b, other) => {
      expect(covers(join(a, b), a) && covers(join(a, b), b)).toBe(true);
      expect(covers(other, join(a, b))).toBe(covers(other, a) && covers(other, b));
      expect(sameCoverage(join(a, b), join(b, a))).toBe(true);
    }),
  );
});

test('an entry whose needs are not collected waits, and so does what needs it', () => {
  const child = { feed: 'a', lane: 0, ordinal: 3, needs: { 'a/1': 7 } };
  const other = { feed: 'b', lane: 0, ordinal: 2, needs: { 'a/0': 3 } };
  expect(completeWithin({ 'a/0': 4, 'a/1': 6, 'b/0': 2 }, [other, child])).toEqual({
    'a/0': 2,
    'a/1': 6,
    'b/0': 1,
  });
  expect(completeWithin({ 'a/0': 4, 'a/1': 7, 'b/0': 2 }, [other, child])).toEqual({
    'a/0': 4,
    'a/1': 7,
    'b/0': 2,
  });
});
