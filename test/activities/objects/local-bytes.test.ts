import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { openFront } from '../../../activities/objects/local-bytes.ts';

const { signal } = new AbortController();

/** As a prefix gives an object: in ranges, whatever the parts are that it goes on in. */
async function* ranges(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test('what comes in ranges of one size goes on in parts of any other, whole and in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 500 }),
      fc.integer({ min: 1, max: 90 }),
      fc.integer({ min: 1, max: 90 }),
      async (content, range, part) => {
        const bytes = Buffer.from(content);
        const expected = { bytes: bytes.length, sha256: 'any' };
        const file = { path: 'in/a', expect: expected, read: () => ranges(bytes, range) };
        const front = await openFront(file, signal);
        const parts: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += part) {
          parts.push(Buffer.from(await front.fill(Buffer.alloc(part))));
        }
        await front.close();
        expect(parts.slice(0, -1).every(({ length }) => length === part)).toBe(true);
        expect(Buffer.concat(parts).equals(bytes)).toBe(true);
      },
    ),
  );
});
