import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FramedRecord } from '../../../activities/refine/framing.ts';
import { JsonFramer } from '../../../activities/files/json-framer.ts';

function frame(chunks: readonly Buffer[], wanted: readonly number[] = []) {
  const framer = new JsonFramer(wanted);
  const records: FramedRecord[] = [];
  const cuts: string[] = [];
  const lines: string[] = [];
  for (const chunk of [...chunks, undefined]) {
    const block = chunk ? framer.push(chunk) : framer.end();
    if (!block) continue;
    records.push(...block.wanted);
    lines.push(block.bytes.toString('latin1', block.from, block.to).replace(/\n?$/, '\n'));
    for (const { cut, at } of block.cuts) {
      expect(block.bytes.subarray(...at)).toEqual(cut.bytes);
      cuts.push(`${cut.record} ${cut.line} ${cut.offset} ${cut.reason} ${cut.bytes.toString('latin1')}`);
    }
  }
  return {
    count: framer.records,
    text: lines.join(''),
    cuts,
    records: records.map(({ record, line, offset, bytes }) => [record, line, offset, bytes.toString()]),
  };
}

const TEXT = Buffer.concat([
  Buffer.from('\ufeff{"a":1}\n\n{"a":2}\r\n'),
  Buffer.from('{"a":"\xe9"}\n', 'latin1'),
  Buffer.from('{"a":\t"é"}\r\n\r\n{"a":\u0001}\n{\r}\n{"a":5}'),
]);

test('records are found with number, line, offset and bytes, and empty lines are none', () => {
  const found = frame([TEXT], [2, 4, 7]);
  expect(found).toMatchObject({
    count: 7,
    cuts: ['3 4 21 NotUtf8 {"a":"\xe9"}', '5 7 46 NotJson {"a":\u0001}', '6 8 54 NotJson {\r}'],
    records: [
      [2, 3, 12, '{"a":2}'],
      [4, 5, 31, '{"a":\t"é"}'],
      [7, 9, 58, '{"a":5}'],
    ],
  });
  expect(Buffer.from(found.text, 'latin1').toString('utf8').split('\n')).toHaveLength(8);
});

test('where the bytes are torn apart changes nothing', () => {
  const whole = frame([TEXT], [2, 4, 7]);
  fc.assert(
    fc.property(fc.array(fc.nat(TEXT.length)), (places) => {
      const ends = [...new Set(places), TEXT.length].sort((a, b) => a - b);
      const chunks = ends.map((end, index) => TEXT.subarray(ends[index - 1] ?? 0, end));
      expect(frame(chunks, [2, 4, 7])).toEqual(whole);
    }),
  );
});

test('plain lines are given as they were read', () => {
  const framer = new JsonFramer([]);
  const chunk = Buffer.from('{"a":1}\n{"a":2}\n{"a"');
  expect(framer.push(chunk)).toEqual({ bytes: chunk, from: 0, to: 16, records: 2, cuts: [], wanted: [] });
  expect(framer.push(Buffer.from(':3}'))).toBeUndefined();
  expect(framer.end()).toMatchObject({ records: 1 });
  expect(framer.isAsRead).toBe(true);
});

test('a line that never ends is refused, with its number', () => {
  const framer = new JsonFramer([]);
  framer.push(Buffer.from('{}\n'));
  expect(() => framer.push(Buffer.from(`{}\n${' '.repeat(16 * 1024 * 1024 + 1)}`))).toThrow(
    'line 3 is longer than 16777216 bytes; right would be one JSON object a line, each shorter',
  );
});
