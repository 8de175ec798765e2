import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { CsvFramer, splitFields } from '../../../activities/refine/csv-framer.ts';
import type { FramedRecord } from '../../../activities/refine/framing.ts';

const OPTIONS = { delimiter: ',', quote: '"', emptyIsNull: false };

function frame(chunks: readonly Buffer[], wanted: readonly number[] = []) {
  const framer = new CsvFramer({ ...OPTIONS, wanted });
  const records: FramedRecord[] = [];
  const cuts: string[] = [];
  for (const chunk of [...chunks, undefined]) {
    const block = chunk ? framer.push(chunk) : framer.end();
    records.push(...(block?.wanted ?? []));
    cuts.push(
      ...(block?.cuts ?? []).map(
        ({ cut }) => `${cut.record} ${cut.line} ${cut.offset} ${cut.reason} ${cut.bytes.toString('latin1')}`,
      ),
    );
  }
  return {
    count: framer.records,
    cuts,
    records: records.map(({ record, line, offset, bytes }) => [record, line, offset, bytes.toString()]),
  };
}

const TEXT = Buffer.concat([
  Buffer.from('\ufeffa,b\r\n1,"x\r\ny"\r\n\r\n2\r\n'),
  Buffer.from('3,\xe9\r\n', 'latin1'),
  Buffer.from('4,"é""\r\n"\r\n5,6,7'),
]);

test('records are found with number, line, offset and bytes', () => {
  expect(frame([TEXT], [1, 4])).toEqual({
    count: 5,
    cuts: ['2 5 20 TooFewColumns 2', '3 6 23 NotUtf8 3,\xe9', '5 9 40 TooManyColumns 5,6,7'],
    records: [
      [1, 2, 8, '1,"x\r\ny"'],
      [4, 7, 28, '4,"é""\r\n"'],
    ],
  });
});

test('where the bytes are torn apart changes nothing', () => {
  const whole = frame([TEXT], [1, 4]);
  fc.assert(
    fc.property(fc.array(fc.nat(TEXT.length)), (places) => {
      const ends = [...new Set(places), TEXT.length].sort((a, b) => a - b);
      expect(
        frame(
          ends.map((end, index) => TEXT.subarray(ends[index - 1] ?? 0, end)),
          [1, 4],
        ),
      ).toEqual(whole);
    }),
  );
});

test('what is written as RFC 4180 has it is framed record by record', () => {
  const field = fc.string({ unit: fc.constantFrom('a', 'é', ',', '"', '\n', '\r\n', ' ') });
  const record = fc.tuple(field, field);
  fc.assert(
    fc.property(fc.array(record, { maxLength: 20 }), (records) => {
      const lines = records.map((fields) =>
        fields.map((text) => `"${text.replaceAll('"', '""')}"`).join(','),
      );
      const {
        count,
        cuts,
        records: found,
      } = frame(
        [Buffer.from(['a,b', ...lines].join('\n'))],
        records.map((_, n) => n + 1),
      );
      expect([count, cuts]).toEqual([records.length, []]);
      expect(found.map(([, , , bytes]) => splitFields(String(bytes), OPTIONS))).toEqual(records);
    }),
  );
});

test('an empty line of a one-column file is a record only where it means null', () => {
  const count = (emptyIsNull: boolean) => {
    const framer = new CsvFramer({ ...OPTIONS, emptyIsNull });
    framer.push(Buffer.from('a\n1\n\n2\n'));
    framer.end();
    return framer.records;
  };
  expect([count(false), count(true)]).toEqual([2, 3]);
});
