import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { FixedLayout } from '../../../lake/spec.ts';
import { PAYMENTS, folderSource } from './folder-source.ts';

const LAYOUT: FixedLayout = {
  columns: {
    amount: { start: 27, width: 8, trim: 'both' },
    id: { start: 1, width: 4, trim: 'both' },
    at: { start: 5, width: 20, trim: 'both' },
  },
  nulls: [''],
  skip: 0,
};
const withLayout = (layout: Partial<FixedLayout> = {}) => ({
  source: { format: { fixed: { ...LAYOUT, ...layout } } },
});
const AT = '2026-11-20T10:00:00Z';
const GOOD = `n1  ${AT}      1.00\n`;
const base64 = (bytes: string | Uint8Array) => Buffer.from(bytes).toString('base64');
const DECIMAL = 'right would be a decimal with at most 16 digits before the point and 2 after it';

interface BadRecord {
  readonly name: string;
  readonly line: string | Uint8Array;
  readonly reason: string;
  readonly column?: string;
  readonly message: string;
}

const BAD_RECORDS: readonly BadRecord[] = [
  {
    name: 'a line that breaks off',
    line: `p2  ${AT}      1.0`,
    reason: 'TooShort',
    message: 'line 2 has 33 characters; right would be 34, as the layout has',
  },
  {
    name: 'a line that goes on',
    line: `p2  ${AT}      1.00 `,
    reason: 'TooLong',
    message: 'line 2 has 35 characters; right would be 34, as the layout has',
  },
  {
    name: 'as many bytes as the layout has characters',
    line: `pü2 ${AT}      1.0`,
    reason: 'TooShort',
    message: 'line 2 has 33 characters; right would be 34, as the layout has',
  },
  {
    name: 'text where the layout has no column',
    line: `p2  ${AT} x    1.00`,
    reason: 'OutsideLayout',
    message:
      'line 2: the record has " x"; right would be spaces from character 25 to 26, where the layout has no column',
  },
  {
    name: 'invalid UTF-8',
    line: Buffer.from(`p\xe92 ${AT}      1.00`, 'latin1'),
    reason: 'NotUtf8',
    message: 'line 2 is not UTF-8; right would be UTF-8',
  },
  {
    name: 'a control character',
    line: `p\u00012 ${AT}      1.00`,
    reason: 'ControlCharacter',
    message: 'line 2 has the byte 0x01; right would be text without control characters',
  },
  {
    name: 'a lone carriage return',
    line: `p\r2 ${AT}      1.00`,
    reason: 'ControlCharacter',
    message: 'line 2 has the byte 0x0d; right would be text without control characters',
  },
  {
    name: 'a value that is shifted by one',
    line: ` p2 ${AT}     1.00x`,
    reason: 'NotADecimal(18,2)',
    column: 'amount',
    message: `line 2: amount has "1.00x"; ${DECIMAL}`,
  },
  {
    name: 'no key',
    line: `    ${AT}      1.00`,
    reason: 'Missing',
    column: 'id',
    message: 'line 2: id has nothing; right would be a value: it is part of the key',
  },
  {
    name: 'spaces alone',
    line: ' '.repeat(34),
    reason: 'Missing',
    column: 'id',
    message: 'line 2: id has nothing; right would be a value: it is part of the key',
  },
  {
    name: 'an event from 1970',
    line: 'p2  1970-01-01T00:00:00Z      1.00',
    reason: 'EventTimeOutOfRange',
    column: 'at',
    message:
      'line 2: at has "1970-01-01T00:00:00Z"; right would be a time from 2026-11-01T00:00:00.000Z to 2026-11-23T12:00:00.000Z',
  },
];

test.each(BAD_RECORDS)(
  '$name is one record in quarantine, with its place and bytes, and its neighbours go through',
  async ({ line, reason, column, message }) => {
    const source = await folderSource(withLayout());
    const before = `p1  ${AT}\u0020\u0020        \n`;
    const after = `\np3  ${AT}      3.00\n`;
    await source.write('a.txt', Buffer.concat([Buffer.from(before), Buffer.from(line), Buffer.from(after)]));
    await source.write('b.txt', GOOD);
    expect(await source.land()).toMatchObject({ collected: 2, rows: 3, rejected: 1, parked: [] });
    const [entry] = await source.entries();
    expect(entry?.items).toMatchObject([
      {
        item: 'a.txt',
        rows: 2,
        rejected: 1,
        spans: [{ object: 0, firstRow: 1, records: 3, firstRecord: 1 }],
      },
      {
        item: 'b.txt',
        rows: 1,
        rejected: 0,
        spans: [{ object: 0, firstRow: 4, records: 1, firstRecord: 1 }],
      },
    ]);
    expect(await source.rows(entry, 'id, amount, _row')).toEqual([
      { id: 'p1', amount: null, _row: '1' },
      { id: 'p3', amount: '3.00', _row: '3' },
      { id: 'n1', amount: '1.00', _row: '4' },
    ]);
    const [rejected, ...others] = await source.rejected(entry);
    expect(others).toEqual([]);
    expect(rejected).toMatchObject({
      item: 'a.txt',
      version: entry?.items?.[0]?.version,
      record: 2,
      line: 2,
      offset: before.length,
      reason,
      message,
      bytes: base64(line),
      ...(column !== undefined && { column }),
    });
    expect(entry?.rejected).toMatchObject([{ rows: 1, hash: rejected?.hash, reasons: { [reason]: 1 } }]);
  },
);

const whole = gzipSync(GOOD);
const BAD_FILES = [
  {
    name: 'a truncated gzip',
    item: 'a.txt.gz',
    content: whole.subarray(0, -9),
    message: `after ${whole.length - 9} bytes, gunzip says "unexpected end of file"; right would be a whole gzip file`,
  },
  {
    name: 'fewer lines than stand before the first record',
    item: 'a.txt',
    content: '',
    message: 'it has 0 lines; right would be at least 1 before the first record',
  },
  {
    name: 'a line without end',
    item: 'a.txt',
    content: `\n${'x'.repeat(16 * 1024 * 1024 + 1)}`,
    message: 'line 2 is longer than 16777216 bytes; right would be lines of 34 characters, as the layout has',
  },
];

test.each(BAD_FILES)('a file with $name parks alone, once', async ({ item, content, message }) => {
  const source = await folderSource(withLayout({ skip: 1 }));
  await source.write(item, content);
  await source.write('b.txt', `\n${GOOD}`);
  const parked = [{ item, failure: 'BadFile', message, allowed: ['retry', 'skip'] }];
  expect(await source.land()).toMatchObject({ collected: 1, rows: 1, rejected: 0, entries: 1, parked });
  expect(await source.list()).toMatchObject({ manifest: null, parked });
});

test('a file of another layout parks, with the first of its broken records', async () => {
  const source = await folderSource(withLayout());
  await source.write('a.txt', `p1  ${AT} 1.00\n`.repeat(130_000));
  await source.write('b.txt', GOOD);
  const message = expect.stringMatching(
    /^\d+ of its first \d+ records are broken, the first: line 1 has 29 characters; right would be 34, as the layout has$/,
  );
  expect(await source.land()).toMatchObject({ collected: 1, rows: 1, parked: [{ item: 'a.txt', message }] });
});

test('an empty file is a delivery without records', async () => {
  const source = await folderSource(withLayout());
  await source.write('a.txt', '');
  await source.write('b.txt', '\n\r\n');
  await source.write('c.txt.gz', gzipSync(''));
  expect(await source.land()).toMatchObject({ collected: 3, rows: 0, rejected: 0, parked: [] });
});

test('plain and gzipped files, LF and CRLF, with and without a last line end bring the same rows', async () => {
  const source = await folderSource(withLayout({ skip: 2 }));
  const text = `delivery 7\n\np1  ${AT}      1.00\n\n 日2🛫${AT}        -2\n`;
  await source.write('a.txt', text);
  await source.write('b.txt', `\ufeff${text.replaceAll('\n', '\r\n')}`);
  await source.write('c.txt', text.trimEnd());
  await source.write('d.txt.gz', gzipSync(text));
  expect(await source.land()).toMatchObject({ collected: 4, rows: 8, rejected: 0 });
  const [entry] = await source.entries();
  const rows = await source.rows(entry, 'id, epoch_us("at") AS at, amount, _op, _hash, _extra');
  expect(new Set(rows.map((row) => JSON.stringify(row))).size).toBe(2);
  expect(rows.slice(0, 2)).toMatchObject([
    { id: 'p1', at: '1795168800000000', amount: '1.00', _op: 'I', _extra: null },
    { id: '日2🛫', at: '1795168800000000', amount: '-2.00', _op: 'I', _extra: null },
  ]);
});

test('padding is taken off as each column says, and spaces alone: no other blank is', async () => {
  const column = { start: 1, width: 6 } as const;
  const source = await folderSource({
    source: {
      columns: { id: 'string', left: 'string', right: 'string', none: 'string' },
      format: {
        fixed: {
          columns: {
            id: { ...column, trim: 'both' },
            left: { ...column, start: 7, trim: 'left' },
            right: { ...column, start: 13, trim: 'right' },
            none: { ...column, start: 19, trim: 'none' },
          },
          nulls: ['', 'NA'],
          skip: 0,
        },
      },
    },
    dataset: null,
  });
  await source.write('a.txt', `  ab    ab    ab    ab  \n\u00a0 a  \t${'NA'.padEnd(18)}\n`);
  expect(await source.land()).toMatchObject({ rows: 2, rejected: 0 });
  const [entry] = await source.entries();
  expect(await source.rows(entry, 'id, "left", "right", "none"')).toEqual([
    { id: 'ab', left: 'ab  ', right: '  ab', none: '  ab  ' },
    { id: '\u00a0 a  \t', left: 'NA    ', right: null, none: '      ' },
  ]);
});

test('columns of the layout that nobody declared are kept', async () => {
  const source = await folderSource(
    withLayout({ columns: { ...LAYOUT.columns, filler: { start: 25, width: 2, trim: 'both' } } }),
  );
  await source.write('a.txt', `p1  ${AT}x     1.00\np2  ${AT}      1.00\n`);
  await source.land();
  const [entry] = await source.entries();
  expect(await source.rows(entry, '_extra')).toEqual([
    { _extra: '{"filler":"x"}' },
    { _extra: '{"filler":null}' },
  ]);
});

test('the hash of a known line never changes', async () => {
  const source = await folderSource(withLayout());
  await source.write('a.txt', GOOD);
  await source.land();
  const [entry] = await source.entries();
  expect(await source.rows(entry, '_hash')).toEqual([{ _hash: '3991509221453947439' }]);
  expect(entry?.rows[0]).toMatchObject({
    schema: 'eff3a0f59bb11a79a77f9f572b6bb8fe70a61a217fc8a8acf10c3e6d66eccd7d',
  });
});

test('with both roles a row carries the _match that CSV has of the same', async () => {
  const { id, at, amount } = LAYOUT.columns;
  if (!id || !at || !amount) throw new Error('the layout has lost a column');
  const source = await folderSource({
    source: {
      format: { fixed: { ...LAYOUT, columns: { ref: id, at, gross: amount } } },
      columns: { ref: 'string', at: 'timestamp', gross: 'decimal(18,2)' },
    },
    dataset: {
      feeds: {
        payments: { role: 'batch', visible: 'publish', map: { id: 'ref', amount: 'gross' } },
        events: { role: 'speed', visible: 'commit', map: {} },
      },
      gate: { ...PAYMENTS.gate, compare: ['amount', 'at'] },
    },
  });
  await source.write('a.txt', `p1  ${AT}      12.5\n`);
  await source.land();
  const [entry] = await source.entries();
  expect(await source.rows(entry, '_match')).toEqual([{ _match: '6393394952830678729' }]);
});

test('a file larger than what stays in memory, with broken records, keeps every place', async () => {
  const source = await folderSource(withLayout());
  const lines = Array.from({ length: 9000 }, (_, n) => {
    const amount = n === 4998 ? 'x' : '1';
    return `${`${n + 1}`.padEnd(4)}${AT}${amount.padStart(10)}${n === 7000 ? ' ' : ''}\n`;
  });
  const clean = lines.filter((_, n) => n !== 7000);
  await source.write('a.txt', lines.join(''));
  await source.write('b.txt.gz', gzipSync(lines.join('')));
  await source.write('c.txt', clean.join(''));
  expect(await source.land()).toMatchObject({ collected: 3, rows: 26_994, rejected: 5, parked: [] });
  const [entry] = await source.entries();
  expect(entry?.rows).toHaveLength(1);
  const rejected = await source.rejected(entry);
  expect(rejected.map(({ item, record, line, reason }) => [item, record, line, reason])).toEqual([
    ['a.txt', 7001, 7001, 'TooLong'],
    ['b.txt.gz', 7001, 7001, 'TooLong'],
    ['a.txt', 4999, 4999, 'NotADecimal(18,2)'],
    ['b.txt.gz', 4999, 4999, 'NotADecimal(18,2)'],
    ['c.txt', 4999, 4999, 'NotADecimal(18,2)'],
  ]);
  expect(entry?.items?.map(({ spans }) => spans?.[0]?.firstRow)).toEqual([1, 9001, 18_001]);
});
