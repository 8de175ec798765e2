import { array, assert, constant, oneof, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Candidate,
  chunkCount,
  differingChunks,
  isSettled,
  lookedAt,
  verdictOf,
} from '../../lake/compare-tables.ts';
import { databaseLiteral, databaseTable, framedKey, framedTexts } from '../../lake/sql/compare-table.ts';

const sight = (database: string[], lake: string[]) => ({ database, lake, columns: [] });

test('a framed key gives its texts back, whatever stands in them', () => {
  const text = oneof(constant(null), string({ unit: 'binary' }), constant(':'), constant('3:abc'));
  assert(
    property(array(text), (texts) => {
      const framed = texts.map((one) => (one === null ? '-1:' : `${Buffer.byteLength(one)}:${one}`)).join('');
      expect(framedTexts(framed)).toEqual(texts);
      expect(framedKey(texts)).toBe(framed);
    }),
  );
});

test('a chunk differs where one side has other rows, or none', () => {
  const chunks = (...sums: [number, number, string][]) =>
    new Map(sums.map(([chunk, rows, sum]) => [chunk, { rows, sum }]));
  expect(
    differingChunks(
      chunks([9, 1, '5'], [0, 1, '1'], [1, 2, '2'], [2, 2, '3']),
      chunks([0, 1, '1'], [1, 2, '7'], [2, 3, '3'], [10, 1, '1']),
    ),
  ).toEqual([1, 2, 9, 10]);
});

test('chunks have a few hundred rows, and there are never too many to answer with', () => {
  expect([0, 256, 257, 1_000_000, 10_000_000_000].map(chunkCount)).toEqual([1, 1, 2, 4096, 65_536]);
});

describe('a key that differs', () => {
  const first = lookedAt(undefined, sight(['a'], ['b']), 0);
  const after = (from: Candidate | undefined, sighting: ReturnType<typeof sight>, nowMs: number) =>
    lookedAt(from, sighting, nowMs);

  test('is settled once neither side changed for long enough, seen three times at least', () => {
    const second = after(first, sight(['a'], ['b']), 1000);
    const third = after(second, sight(['a'], ['b']), 2000);
    const of = (one: Candidate | undefined, nowMs: number) => one && isSettled(one, nowMs, 1500);
    expect([of(second, 9000), of(third, 1400), of(third, 2000)]).toEqual([false, false, true]);
  });

  test('begins anew when either side changes', () => {
    expect(after(first, sight(['a'], ['c']), 1000)).toMatchObject({ sinceMs: 1000, looks: 1 });
    expect(after(first, sight(['c'], ['b']), 1000)).toMatchObject({ sinceMs: 1000, looks: 1 });
  });

  test('agrees when the lake has the row, has none either, or has what the database had before', () => {
    expect(after(first, sight(['a'], ['a']), 1000)).toBe(undefined);
    expect(after(first, sight([], []), 1000)).toBe(undefined);
    expect(after(first, sight(['c'], ['a']), 1000)).toBe(undefined);
  });

  test('agrees where the lake has one of several rows that the key does not tell apart', () => {
    expect(lookedAt(undefined, sight(['a', 'b'], ['b']), 0)).toBe(undefined);
  });

  test('never agrees while the lake has it twice', () => {
    expect(after(first, sight(['b'], ['b', 'b']), 0)).toMatchObject({ looks: 1 });
  });
});

test('nothing to compare is not called equal', () => {
  expect(verdictOf({ tables: [{ kind: 'not compared', table: 'public.a', reason: 'gone' }] })).toBe('unsure');
});

test('names and texts keep what would end them in Postgres', () => {
  expect(databaseTable('pub"lic.a.b')).toBe('"pub""lic"."a.b"');
  expect(databaseLiteral("it's")).toBe("'it''s'");
  expect(databaseLiteral(String.raw`a\'b`)).toBe(String.raw` E'a\\''b'`);
});
