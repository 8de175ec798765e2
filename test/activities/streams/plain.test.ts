import { isUtf8 } from 'node:buffer';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { arePlain, areUtf8 } from '../../../activities/streams/plain.ts';
import { sideBySide } from './side-by-side.ts';

// Halves of characters, ends of frames, and what is harmless.
const byte = fc.constantFrom(0x61, 0x22, 0x09, 0x0a, 0x0d, 0x00, 0x01, 0xc3, 0xa9, 0xe2, 0x82, 0xac);
const text = fc.constantFrom('a', '{"id":"é"}', '€', '\t');
const data = fc.oneof(
  { weight: 4, arbitrary: text.map((one) => Buffer.from(one)) },
  { weight: 1, arbitrary: fc.array(byte, { maxLength: 3 }).map((bytes) => Buffer.from(bytes)) },
);
const page = fc
  .array(data, { minLength: 1, maxLength: 5 })
  .map((all) => all.map((one, n) => ({ sequence: String(n), arrivedAtMs: 0, data: one })));

test('records side by side are plain when each of them is', () => {
  fc.assert(
    fc.property(page, (records) => {
      const each = (is: (bytes: Buffer) => boolean) =>
        records.every(({ data: bytes }) => bytes.length > 0 && is(bytes));
      const together = sideBySide(records);
      expect(areUtf8(together)).toBe(each((bytes) => isUtf8(bytes)));
      const ends = [0x00, 0x01, 0x0a, 0x0d];
      expect(arePlain(together)).toBe(
        each((bytes) => isUtf8(bytes) && !ends.some((end) => bytes.includes(end))),
      );
    }),
    { numRuns: 1000 },
  );
});

test('records that lie apart are looked at one by one', () => {
  const apart = ['a', 'b'].map((one) => ({
    sequence: '1',
    arrivedAtMs: 0,
    data: new Uint8Array(Buffer.from(one)),
  }));
  expect(arePlain(apart)).toBe(false);
  expect(arePlain(sideBySide(apart))).toBe(true);
  expect(arePlain([])).toBe(false);
});
