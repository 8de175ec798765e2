import { isAscii } from 'node:buffer';
import { layoutWidth } from '../../lake/layout.ts';
import type { FixedLayout } from '../../lake/spec.ts';
import type { LineRules } from './line-framer.ts';

/** Whether a line is JSON is for DuckDB to say. */
export const JSON_LINES: LineRules = {
  skip: 0,
  lines: 'one JSON object a line, each shorter',
  control: { reason: 'NotJson', right: 'one JSON object, with it escaped or left out' },
};

/** Lines of a layout are as long as it is: a shorter one may have lost what stood before its end. */
export function fixedLines(layout: FixedLayout): LineRules {
  const width = layoutWidth(layout);
  return {
    skip: layout.skip,
    lines: `lines of ${width} characters, as the layout has`,
    control: { reason: 'ControlCharacter', right: 'text without control characters' },
    problem: (bytes, line) => {
      const length = characters(bytes);
      if (length === width) return undefined;
      return {
        reason: length < width ? 'TooShort' : 'TooLong',
        message: `line ${line} has ${length} characters; right would be ${width}, as the layout has`,
      };
    },
  };
}

/** How many code points these bytes of UTF-8 are. */
function characters(bytes: Buffer): number {
  if (isAscii(bytes)) return bytes.length;
  let count = 0;
  for (const byte of bytes) if ((byte & 0xc0) !== 0x80) count += 1;
  return count;
}
