import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineFramer } from '../../../activities/files/line-framer.ts';
import { JSON_LINES, fixedLines } from '../../../activities/files/line-rules.ts';
import type { FramedRecord } from '../../../activities/refine/framing.ts';

const FIXED = fixedLines({
  columns: { a: { start: 1, width: 2, trim: 'both' }, b: { start: 3, width: 2, trim: 'both' } },
  nulls: [''],
  skip: 2,
});

function frame(chunks: readonly Buffer[], wanted: readonly number[] = [], rules = JSON_LINES) {
  const framer = new LineFramer(rules, wanted);
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
  const framer = new LineFramer(JSON_LINES, []);
  const chunk = Buffer.from('{"a":1}\n{"a":2}\n{"a"');
  expect(framer.push(chunk)).toEqual({ bytes: chunk, from: 0, to: 16, records: 2, cuts: [], wanted: [] });
  expect(framer.push(Buffer.from(':3}'))).toBeUndefined();
  expect(framer.end()).toMatchObject({ records: 1 });
  expect(framer.isAsRead).toBe(true);
});

test('a line that never ends is refused, with its number', () => {
  const framer = new LineFramer(JSON_LINES, []);
  framer.push(Buffer.from('{}\n'));
  expect(() => framer.push(Buffer.from(`{}\n${' '.repeat(16 * 1024 * 1024 + 1)}`))).toThrow(
    'line 3 is longer than 16777216 bytes; right would be one JSON object a line, each shorter',
  );
});

const LINES = Buffer.concat([
  Buffer.from('\ufeffdelivery 7\r\n\r\nab12\r\n\nüß34\nab1\r\nab123\nab\t4\nab\u00004\n'),
  Buffer.from('ab\xe94\n', 'latin1'),
  Buffer.from('日本🛫4'),
]);

test('lines of a layout are counted in characters, behind those that are no records', () => {
  const found = frame([LINES], [1, 2, 5, 8], FIXED);
  expect(found).toMatchObject({
    count: 8,
    cuts: [
      '3 6 31 TooShort ab1',
      '4 7 36 TooLong ab123',
      '6 9 47 ControlCharacter ab\u00004',
      '7 10 52 NotUtf8 ab\xe94',
    ],
    records: [
      [1, 3, 17, 'ab12'],
      [2, 5, 24, 'üß34'],
      [5, 8, 42, 'ab\t4'],
      [8, 11, 57, '日本🛫4'],
    ],
  });
});

test('where the bytes of a layout are torn apart changes nothing', () => {
  const whole = frame([LINES], [1, 2, 5, 8], FIXED);
  fc.assert(
    fc.property(fc.array(fc.nat(LINES.length)), (places) => {
      const ends = [...new Set(places), LINES.length].sort((a, b) => a - b);
      const chunks = ends.map((end, index) => LINES.subarray(ends[index - 1] ?? 0, end));
      expect(frame(chunks, [1, 2, 5, 8], FIXED)).toEqual(whole);
    }),
  );
});

test.each([
  ['', 0],
  ['delivery 7', 1],
  ['delivery 7\n', 1],
])('%j has fewer lines than stand before the first record', (text, lines) => {
  const framer = new LineFramer(FIXED, []);
  framer.push(Buffer.from(text));
  expect(() => framer.end()).toThrow(
    `it has ${lines} lines; right would be at least 2 before the first record`,
  );
});

test('a file of nothing but the lines before the first record has none', () => {
  expect(frame([Buffer.from('delivery 7\n\n')], [], FIXED)).toEqual({
    count: 0,
    text: '',
    cuts: [],
    records: [],
  });
});
