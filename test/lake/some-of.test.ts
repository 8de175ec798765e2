import { expect, test } from 'vitest';
import { someOf } from '../../lake/some-of.ts';

test('names beyond the most are counted, not named', () => {
  expect(someOf(['a', 'b', 'c'], 3)).toBe('a, b, c');
  expect(someOf(['a', 'b', 'c'], 2)).toBe('a, b and 1 more');
  expect(someOf([])).toBe('');
});
