import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { planParts } from '../../../activities/objects/part-plan.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const TIB = 1024 ** 4;

test.each([
  ['what one PUT just takes', 5 * GIB, { size: 8 * MIB, parts: 640, atOnce: 4 }],
  ['a byte more than one PUT takes', 5 * GIB + 1, { size: 8 * MIB, parts: 641, atOnce: 4 }],
  ['the most in the smallest parts', 80_000 * MIB, { size: 8 * MIB, parts: 10_000, atOnce: 4 }],
  ['a byte more than that', 80_000 * MIB + 1, { size: 8 * MIB + 1, parts: 10_000, atOnce: 4 }],
  ['1 TiB', TIB, { size: 109_951_163, parts: 10_000, atOnce: 2 }],
  ['the largest object', 5 * TIB, { size: 549_755_814, parts: 10_000, atOnce: 1 }],
])('%s is cut into parts that S3 takes', (_, bytes, plan) => {
  expect(planParts(bytes)).toEqual(plan);
});

test('of no object are there more parts, or larger or smaller ones, than S3 takes', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: Math.log2(5 * TIB), noNaN: true }), (power) => {
      const bytes = Math.floor(2 ** power);
      const { size, parts, atOnce } = planParts(bytes);
      expect(parts).toBeLessThanOrEqual(10_000);
      expect(size).toBeGreaterThanOrEqual(5 * MIB);
      expect(size).toBeLessThanOrEqual(5 * GIB);
      const last = bytes - (parts - 1) * size;
      expect(last).toBeGreaterThan(0);
      expect(last).toBeLessThanOrEqual(size);
      expect(atOnce === 1 || atOnce * size <= 256 * MIB).toBe(true);
    }),
  );
});
