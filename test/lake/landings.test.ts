import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ListedLanding,
  type NamedLanding,
  isBefore,
  itemName,
  landingText,
  listingBound,
  loadChange,
  parseLanding,
  sortLandings,
} from '../../lake/landings.ts';
import { parseTablePosition, tablePositionText } from '../../lake/table-position.ts';

function listed(landing: string, modifiedAt = '2026-11-24T20:15:00.000Z', bytes = 10): ListedLanding {
  return { landing, bytes, modifiedAt, tag: `"${landing} ${modifiedAt}"` };
}

function named(landing: string, modifiedAt?: string): NamedLanding {
  const name = parseLanding(landing);
  if (!name) throw new Error(`${landing} is no landing`);
  return { ...listed(landing, modifiedAt), name };
}

const sorted = (...landings: ListedLanding[]) => {
  const { loads, changes, others } = sortLandings(landings);
  return [loads, changes, others].map((list) => list.map(({ landing }) => landing));
};

test('every kind of name that DMS writes is read', () => {
  expect(parseLanding('LOAD0000000A.csv')).toEqual({
    kind: 'load',
    folder: '',
    segment: 0,
    counter: 10,
    format: 'csv',
  });
  expect(parseLanding('p_2024/LOAD00000010.parquet')).toMatchObject({ folder: 'p_2024', counter: 16 });
  expect(parseLanding('SEGMENT12_LOAD00000001.csv.gz')).toMatchObject({ segment: 12, format: 'csv.gz' });
  expect(parseLanding('20141029-1134010000.csv')).toEqual({
    kind: 'changes',
    folder: '',
    moment: '20141029-1134010000',
    format: 'csv',
  });
  expect(parseLanding('2014/10/29/20141029-113401000.parquet')).toMatchObject({ folder: '2014/10/29' });
  for (const folder of ['20141029', '2014-10-29', '2014_10_29_11', '10/2014/29'])
    expect(parseLanding(`${folder}/20141029-113401000.csv`)).toMatchObject({ kind: 'changes', folder });
});

test('what DMS does not write is no landing', () => {
  for (const name of [
    '_SUCCESS',
    'LOAD1.csv',
    'LOAD00000001.json',
    'LOAD0000000G.csv',
    '20141029-1134.csv',
    'copy/20141029-113401000.csv',
    'LOAD00000001.csv.bak',
    'CDC_TXN-20201117153046033.csv',
  ])
    expect(parseLanding(name), name).toBeUndefined();
});

const folders = fc.constantFrom('', 'p1', '2026/11/24', 'by=name');
const anyName = fc.oneof(
  fc.record({
    kind: fc.constant('load' as const),
    folder: folders,
    segment: fc.nat(30),
    counter: fc.integer({ min: 1, max: 0xffffffff }),
    format: fc.constantFrom('csv' as const, 'csv.gz' as const, 'parquet' as const),
  }),
  fc.record({
    kind: fc.constant('changes' as const),
    folder: fc.constantFrom('', '2026/11/24', '20261124', '2026-11-24', '2026_11'),
    moment: fc
      .tuple(fc.stringMatching(/^\d{8}$/), fc.stringMatching(/^\d{9,12}$/))
      .map(([day, time]) => `${day}-${time}`),
    format: fc.constantFrom('csv' as const, 'csv.gz' as const, 'parquet' as const),
  }),
);

test('a name that is written is read as it was', () => {
  fc.assert(
    fc.property(anyName, (name) => {
      expect(parseLanding(landingText(name))).toEqual(name);
    }),
  );
});

test('a listing in any order has one order, and nothing of it is left out', () => {
  const landing = fc
    .tuple(anyName, fc.integer({ min: 0, max: 3 }))
    .map(([name, second]) => listed(landingText(name), `2026-11-24T20:15:0${second}.000Z`));
  const other = fc.string().map((text) => listed(`other ${text}`));
  const listing = fc.uniqueArray(fc.oneof(landing, other), { selector: (one) => one.landing });
  fc.assert(
    fc.property(listing, fc.array(fc.nat()), (landings, keys) => {
      const shuffled = landings
        .map((one, at) => [keys[at] ?? 0, one] as const)
        .toSorted(([a], [b]) => a - b)
        .map(([, one]) => one);
      const [once, again] = [sortLandings(landings), sortLandings(shuffled)];
      expect(again.loads).toEqual(once.loads);
      expect(again.changes).toEqual(once.changes);
      const all = [...once.loads, ...once.changes, ...once.others].map((one) => one.landing);
      expect(all.toSorted()).toEqual(landings.map((one) => one.landing).toSorted());
    }),
  );
});

test('files of a load follow their hexadecimal counters, range by range', () => {
  expect(
    sorted(
      listed('SEGMENT2_LOAD00000001.csv'),
      listed('LOAD00000010.csv'),
      listed('LOAD0000000A.csv'),
      listed('LOAD00000009.csv'),
      listed('SEGMENT10_LOAD00000001.csv'),
    )[0],
  ).toEqual([
    'LOAD00000009.csv',
    'LOAD0000000A.csv',
    'LOAD00000010.csv',
    'SEGMENT2_LOAD00000001.csv',
    'SEGMENT10_LOAD00000001.csv',
  ]);
});

describe('changes follow the second in which they were written', () => {
  test('over midnight, where a commit of the day before lands in the folder of its own day', () => {
    expect(
      sorted(
        listed('2026/11/25/20261125-000000400.csv', '2026-11-25T00:00:00.000Z'),
        listed('2026/11/24/20261125-000000900.csv', '2026-11-25T00:00:00.000Z'),
        listed('2026/11/24/20261124-235959900.csv', '2026-11-24T23:59:59.000Z'),
        listed('2026/11/24/20261125-000002100.csv', '2026-11-25T00:00:02.000Z'),
        listed('2026/11/25/20261125-000001500.csv', '2026-11-25T00:00:01.000Z'),
      )[1],
    ).toEqual([
      '2026/11/24/20261124-235959900.csv',
      '2026/11/25/20261125-000000400.csv',
      '2026/11/24/20261125-000000900.csv',
      '2026/11/25/20261125-000001500.csv',
      '2026/11/24/20261125-000002100.csv',
    ]);
  });

  test('in the hour that a clock gives twice', () => {
    expect(
      sorted(
        listed('20261025-020000000.csv', '2026-10-25T01:00:00.000Z'),
        listed('20261025-025900000.csv', '2026-10-25T00:59:00.000Z'),
        listed('20261025-021500000.csv', '2026-10-25T01:15:00.000Z'),
        listed('20261025-023000000.csv', '2026-10-25T00:30:00.000Z'),
      )[1],
    ).toEqual([
      '20261025-023000000.csv',
      '20261025-025900000.csv',
      '20261025-020000000.csv',
      '20261025-021500000.csv',
    ]);
  });
});

describe('a landing is of before a load', () => {
  const began = '2026-11-24T20:15:30.500Z';

  test('by the second in which it was written', () => {
    expect(isBefore(named('LOAD00000001.csv', '2026-11-24T20:15:29.000Z'), began)).toBe(true);
    expect(isBefore(named('LOAD00000001.csv', '2026-11-24T20:15:30.000Z'), began)).toBe(false);
    expect(isBefore(named('20261124-201529900.csv', '2026-11-24T20:15:29.000Z'), began)).toBe(true);
    expect(isBefore(named('20261124-201529900.csv', '2026-11-24T20:15:31.000Z'), began)).toBe(false);
  });

  test('within that second by the seconds of its name, which no time zone shifts', () => {
    expect(isBefore(named('20261124-201530499.csv', '2026-11-24T20:15:30.000Z'), began)).toBe(true);
    expect(isBefore(named('20261124-201530500.csv', '2026-11-24T20:15:30.000Z'), began)).toBe(false);
    expect(isBefore(named('20261124-211530600.csv', '2026-11-24T20:15:30.000Z'), began)).toBe(false);
    expect(isBefore(named('20261124-211529999.csv', '2026-11-24T20:15:30.000Z'), began)).toBe(true);
  });

  test('and one that is named of the second after is not, whatever the clock of S3 says', () => {
    expect(isBefore(named('20261124-201531010.csv', '2026-11-24T20:15:30.000Z'), began)).toBe(false);
    const atTheMinute = '2026-11-24T20:15:59.900Z';
    expect(isBefore(named('20261124-201600010.csv', '2026-11-24T20:15:59.000Z'), atTheMinute)).toBe(false);
    expect(isBefore(named('20261124-201458900.csv', '2026-11-24T20:15:59.000Z'), atTheMinute)).toBe(true);
  });
});

test('an item of a load is of its generation, one of changes is itself', () => {
  expect(itemName(3, named('LOAD00000001.csv'))).toBe('3/LOAD00000001.csv');
  expect(itemName(3, named('2026/11/24/20261124-201530499.csv'))).toBe('2026/11/24/20261124-201530499.csv');
});

test('the moment of a load has the digits of a change sequence, and is less than every change after it', () => {
  expect(loadChange('2026-11-24T20:15:30.567Z')).toBe(`2026112420153056${'0'.repeat(19)}`);
  expect(loadChange('2026-11-24T20:15:30.567Z') < `2026112420153056${'0'.repeat(18)}1`).toBe(true);
});

describe('what is listed begins some 26 hours before the newest changes', () => {
  test('where names alone follow time', () => {
    expect(listingBound(undefined, '20261124-201500123.csv')).toBe('20261123-1815');
    expect(listingBound(undefined, undefined)).toBeUndefined();
    expect(listingBound(undefined, '2026/11/24/20261124-201500123.csv')).toBeUndefined();
  });

  test('where folders do', () => {
    const day = { sequence: 'YYYYMMDD', delimiter: '/' };
    expect(listingBound(day, '2026/11/24/20261124-201500123.csv')).toBe('2026/11/22');
    const hour = { sequence: 'YYYYMMDDHH', delimiter: '-' };
    expect(listingBound(hour, '2026-11-24-20/20261124-201500123.csv')).toBe('2026-11-23-18');
    const month = { sequence: 'YYYYMM', delimiter: '_' };
    expect(listingBound(month, '2026_11/20261101-001500123.csv')).toBe('2026_10');
    const none = { sequence: 'YYYYMMDD', delimiter: '' };
    expect(listingBound(none, '20261124/20261124-201500123.csv')).toBe('20261122');
  });

  test('and everywhere where they do not', () => {
    const dates = { sequence: 'DDMMYYYY', delimiter: '/' };
    expect(listingBound(dates, '24/11/2026/20261124-201500123.csv')).toBeUndefined();
  });

  test('whatever lands later, up to 25 hours back by its name, stands behind it, and so do loads', () => {
    const moment = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2030, 0) });
    const text = (ms: number) => {
      const digits = new Date(ms).toISOString().replaceAll(/\D/g, '');
      return `${digits.slice(0, 8)}-${digits.slice(8)}.csv`;
    };
    fc.assert(
      fc.property(moment, fc.integer({ min: -25 * 3_600_000, max: 100 * 3_600_000 }), (ms, after) => {
        const bound = listingBound(undefined, text(ms)) ?? '';
        expect(text(ms + after) > bound).toBe(true);
        expect('LOAD00000001.csv' > bound).toBe(true);
      }),
    );
  });
});

test('a position is read as it was written', () => {
  const place = {
    generation: 2,
    loadStartedAt: '2026-11-24T20:15:30.567Z',
    phase: 'cdc',
    landing: '2026/11/24/20261124-201530499.csv',
  } as const;
  expect(parseTablePosition(tablePositionText(place))).toEqual(place);
});
