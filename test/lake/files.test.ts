import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { fileMatcher, headerProblem, windowOf, windowsOf } from '../../lake/files.ts';

test.each([
  ['*.csv', 'a.csv', true],
  ['*.csv', 'deep/a.csv', false],
  ['*.csv', 'a.csv.gz', false],
  ['*.csv', 'a\nb.csv', true],
  ['**/*.csv', 'a.csv', true],
  ['**/*.csv', 'very/deep/a.csv', true],
  ['in/**', 'in/deep/a.csv', true],
  ['in/**', 'inner/a.csv', false],
  ['a?.csv', 'a1.csv', true],
  ['a?.csv', 'a/.csv', false],
  ['a[1].csv', 'a[1].csv', true],
  ['a[1].csv', 'a1.csv', false],
  ['a.csv', 'aXcsv', false],
  ['ü*.csv', 'über.csv', true],
])('%s and %j: %s', (pattern, item, fits) => {
  expect(fileMatcher({ include: [pattern], exclude: [] })(item)).toBe(fits);
});

test('an exclude outweighs every include', () => {
  const isOurs = fileMatcher({ include: ['*.csv', 'a*'], exclude: ['*.part', 'tmp/**'] });
  expect(['a.csv', 'a.part', 'tmp/a.csv'].map(isOurs)).toEqual([true, false, false]);
});

test('a name without wildcards fits itself alone', () => {
  const name = fc.string({ unit: 'grapheme' }).filter((text) => !/[*?]/.test(text));
  fc.assert(
    fc.property(name, name, (a, b) => {
      expect(fileMatcher({ include: [a], exclude: [] })(b)).toBe(a === b);
    }),
  );
});

const daily = { fromName: 'settled-{day}', coversMs: 86_400_000 };

test.each(['settled-2026-11-21.csv.gz', 'settled-2026-11-21', 'eu/settled-2026-11-21_v2.csv'])(
  '%s covers its day',
  (item) => {
    expect(windowOf(item, daily)).toEqual({
      kind: 'window',
      window: { from: '2026-11-21T00:00:00.000Z', to: '2026-11-22T00:00:00.000Z' },
    });
  },
);

test.each([
  'settled.csv',
  'settled-2026-02-30.csv',
  'settled-2026-11-211.csv',
  'x-settled-2026-11-21.csv',
  'settled-2026-11-21b.csv',
])('%s says no period', (item) => {
  expect(windowOf(item, daily)).toEqual({
    kind: 'unreadable',
    message: 'the name says no period: right would be settled-{day}, as in settled-2026-11-21',
  });
});

test('a pattern with folders is held against the whole path', () => {
  const window = { fromName: 'eu/{day}/part', coversMs: 3_600_000 };
  expect(windowOf('eu/2026-11-21/part-1.csv', window)).toMatchObject({
    window: { to: '2026-11-21T01:00:00.000Z' },
  });
  expect(windowOf('us/2026-11-21/part-1.csv', window).kind).toBe('unreadable');
  expect(windowOf('anything', undefined)).toEqual({ kind: 'none' });
});

test('a delivery lists each window once, ascending, and speaks as of the end of the last', () => {
  const day = (n: number) => ({
    window: { from: `2026-11-${n}T00:00:00.000Z`, to: `2026-11-${n + 1}T00:00:00.000Z` },
  });
  expect(windowsOf([day(21), {}, day(20), day(21)])).toEqual({
    windows: [day(20).window, day(21).window],
    asOf: '2026-11-22T00:00:00.000Z',
  });
  expect(windowsOf([{}])).toEqual({});
});

test.each([
  [['id', 'at'], undefined],
  [['more', 'at', 'id'], undefined],
  [['id'], 'the header has no column at: it is id; right would be id, at'],
  [['ID', 'at'], 'the header has no column id: it is ID, at; right would be id, at'],
  [['id', 'at', 'x', 'x'], 'the header has the column "x" twice; right would be id, at'],
  [['id', 'at', ''], 'column 3 of the header has no name; right would be id, at'],
])('of the header %j it is said: %s', (header, problem) => {
  expect(headerProblem(header, { id: 'string', at: 'timestamp' })).toBe(problem);
});
