import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Place, compareOrder } from '../../lake/order.ts';

const place: Place = {
  version: 5n,
  role: 'speed',
  generation: 1,
  ordinal: 3,
  object: 0,
  row: 7,
  feed: 'b',
  lane: 1,
};

test.each<[string, Partial<Place>]>([
  ['a greater version', { version: 6n, role: 'speed', ordinal: 1 }],
  ['the batch at the same version', { role: 'batch', ordinal: 1 }],
  ['a later generation', { generation: 2, ordinal: 1 }],
  ['a later entry', { ordinal: 4, row: 1 }],
  ['a later object of an entry', { object: 1, row: 1 }],
  ['a later row of an object', { row: 8, feed: 'a' }],
  ['the feed that sorts last', { feed: 'c', lane: 0 }],
  ['the greater lane', { lane: 2 }],
])('under latest %s wins', (_, change) => {
  expect(compareOrder('latest', { ...place, ...change }, place)).toBeGreaterThan(0);
});

test('under latest any version beats none', () => {
  const none = { ...place, version: null, role: 'batch', ordinal: 9 } as const;
  expect(compareOrder('latest', none, { ...place, version: -1n })).toBeLessThan(0);
});

test.each<[string, Partial<Place>]>([
  ['the batch', { role: 'batch', ordinal: 9 }],
  ['the earlier entry, whatever its version', { ordinal: 2, version: 1n }],
  ['the earlier row', { row: 6 }],
])('under append %s wins', (_, change) => {
  expect(compareOrder('append', { ...place, ...change }, place)).toBeGreaterThan(0);
});

const small = fc.record({
  version: fc.option(fc.bigInt(0n, 2n), { nil: null }),
  role: fc.constantFrom('batch' as const, 'speed' as const),
  generation: fc.nat(1),
  ordinal: fc.nat(2),
  object: fc.nat(1),
  row: fc.nat(2),
  feed: fc.constantFrom('a', 'b'),
  lane: fc.nat(1),
});

test.each(['append', 'latest'] as const)('%s orders all rows: no ties between places, no circles', (rule) => {
  fc.assert(
    fc.property(small, small, small, (a, b, c) => {
      const [ab, bc, ac] = [compareOrder(rule, a, b), compareOrder(rule, b, c), compareOrder(rule, a, c)];
      expect(Math.sign(compareOrder(rule, b, a)) + Math.sign(ab)).toBe(0);
      expect(ab > 0 && bc > 0 && ac <= 0).toBe(false);
    }),
  );
});
