import { expect, test } from 'vitest';
import { GOOD, problems, read } from './good-lake.ts';

const AT = 'at: { start: 1, width: 20 }';
const DELAY = 'delay: { start: 21, width: 5, trim: left }';
const ORIGIN = 'origin: { start: 30, width: 3 }';
const fixed = (...columns: string[]) => `fixed: { columns: { ${columns.join(', ')} } }`;

function formatOf(text: string) {
  const reading = read(GOOD.replace('csv: {}', text));
  if (reading.kind === 'refused') throw new Error(JSON.stringify(reading.problems));
  const source = reading.spec.sources['flights'];
  return source?.kind === 'files' ? source.format : undefined;
}

test('of a layout every default is written in', () => {
  expect(formatOf(fixed(AT, DELAY, ORIGIN))).toEqual({
    fixed: {
      columns: {
        at: { start: 1, width: 20, trim: 'both' },
        delay: { start: 21, width: 5, trim: 'left' },
        origin: { start: 30, width: 3, trim: 'both' },
      },
      nulls: [''],
      skip: 0,
    },
  });
});

test('a trim beside the columns holds for those that say nothing of their own', () => {
  const columns = `columns: { ${AT}, ${DELAY}, ${ORIGIN}, filler: { start: 33, width: 8 } }`;
  expect(formatOf(`fixed: { ${columns}, trim: none, nulls: [], skip: 2 }`)).toMatchObject({
    fixed: {
      columns: { at: { trim: 'none' }, delay: { trim: 'left' }, filler: { start: 33, trim: 'none' } },
      nulls: [],
      skip: 2,
    },
  });
});

test.each([
  [
    'a column without a place',
    fixed(AT),
    ['6:24: the layout has no delay, origin: give each column its place'],
  ],
  [
    'columns that overlap',
    fixed(AT, 'delay: { start: 20, width: 5 }', ORIGIN),
    ['6:64: delay begins at character 20, and at ends at 20: no two columns may share one'],
  ],
  ['no columns', fixed(), ['6:24: columns is {}: it must place at least one column']],
  ['nothing', 'fixed: {}', ['6:15: columns is missing: it must be a map of names']],
  [
    'a place before the first',
    fixed('at: { start: 0, width: 20 }', DELAY, ORIGIN),
    ['6:41: start is 0: it must be at least 1'],
  ],
  [
    'a width that is no whole number',
    fixed('at: { start: 1, width: 20.5 }', DELAY, ORIGIN),
    ['6:51: width is 20.5: it must be a whole number'],
  ],
  [
    'a place beyond all lines',
    fixed('at: { start: 1000001, width: 1 }', DELAY, ORIGIN),
    ['6:41: start is 1000001: it must be at most 1000000'],
  ],
  [
    'a trim that is none',
    fixed('at: { start: 1, width: 20, trim: all }', DELAY, ORIGIN),
    ['6:62: trim is "all": it must be both, left, right or none'],
  ],
  [
    'lines before the beginning',
    `fixed: { columns: { ${AT}, ${DELAY}, ${ORIGIN} }, skip: -1 }`,
    ['6:143: skip is -1: it must be at least 0'],
  ],
])('a layout with %s is refused', (_what, to, found) => {
  expect(problems('csv: {}', to)).toEqual(found);
});
