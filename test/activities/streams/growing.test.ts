import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Growing } from '../../../activities/streams/growing.ts';

test('all that was added is there, in order, however little was expected', () => {
  const part = fc.oneof(fc.string({ unit: 'binary', maxLength: 3000 }), fc.uint8Array({ maxLength: 3000 }));
  fc.assert(
    fc.property(fc.array(part), fc.nat(5000), (parts, expected) => {
      const growing = new Growing(expected);
      for (const one of parts) {
        if (typeof one === 'string') growing.addText(one);
        else growing.addBytes(one);
      }
      const whole = Buffer.concat(parts.map((one) => Buffer.from(one as Uint8Array)));
      expect(growing.bytes().equals(whole)).toBe(true);
    }),
  );
});
