import { expect, test } from 'vitest';
import { gapsOf, layoutWidth, placedColumns } from '../../lake/layout.ts';

const trim = 'both';
const LAYOUT = {
  columns: {
    c: { start: 20, width: 1, trim },
    a: { start: 3, width: 5, trim },
    b: { start: 8, width: 2, trim },
  },
} as const;

test('columns stand from left to right, whatever the order of their names', () => {
  expect(placedColumns(LAYOUT).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
});

test('a line is as long as its last column reaches', () => {
  expect(layoutWidth(LAYOUT)).toBe(20);
});

test('what no column has is known, before the first and between two', () => {
  expect(gapsOf(LAYOUT)).toEqual([
    { start: 1, width: 2 },
    { start: 10, width: 10 },
  ]);
});
