import { isUtf8 } from 'node:buffer';
import type { StreamRecord } from './port.ts';

const LINE_FEED = 0x0a;
/** What ends a frame or a field of it, or what read_csv takes for an end. */
const ENDS = [0x00, 0x01, LINE_FEED, 0x0d];

/**
 * Each is UTF-8, is not empty, and can stand in a frame as it is. One look is enough where records lie in one memory,
 * as those of a page do; false where they do not. Other control characters are no JSON, wherever they stand.
 */
export function arePlain(records: readonly StreamRecord[]): boolean {
  const span = spanOf(records);
  return span !== undefined && isUtf8(span) && ENDS.every((byte) => !span.includes(byte));
}

/** Each is UTF-8, by one look; false where they do not lie in one memory. */
export function areUtf8(records: readonly StreamRecord[]): boolean {
  const span = spanOf(records);
  return span !== undefined && isUtf8(span);
}

/** The memory from the first to the last of records that follow upon each other, none of them within a character. */
function spanOf(records: readonly StreamRecord[]): Buffer | undefined {
  const first = records[0]?.data;
  if (!first) return undefined;
  let end = first.byteOffset;
  for (const { data } of records) {
    const isNext = data.buffer === first.buffer && data.byteOffset === end && data.length > 0;
    // A byte 10xxxxxx goes on with a character that another record began.
    if (!isNext || ((data[0] ?? 0) & 0xc0) === 0x80) return undefined;
    end += data.length;
  }
  return Buffer.from(first.buffer, first.byteOffset, end - first.byteOffset);
}
