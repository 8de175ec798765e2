import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { folderSource } from './folder-source.ts';

const HEADER = 'id,at,amount\n';
const GOOD = `${HEADER}n1,2026-11-20T10:00:00Z,1.00\n`;
const base64 = (bytes: string | Uint8Array) => Buffer.from(bytes).toString('base64');

interface BadRecord {
  readonly name: string;
  readonly line: string | Uint8Array;
  readonly reason: string;
  readonly column?: string;
  readonly message: string;
}

const BAD_RECORDS: readonly BadRecord[] = [
  {
    name: 'too many columns',
    line: 'p2,2026-11-20T10:00:00Z,2.00,x',
    reason: 'TooManyColumns',
    message: 'line 3 has 4 fields; right would be 3, as the header has',
  },
  {
    name: 'too few columns',
    line: 'p2,2026-11-20T10:00:00Z',
    reason: 'TooFewColumns',
    message: 'line 3 has 2 fields; right would be 3, as the header has',
  },
  {
    name: 'invalid UTF-8',
    line: Buffer.from('p\xe9,2026-11-20T10:00:00Z,2.00', 'latin1'),
    reason: 'NotUtf8',
    message: 'line 3 is not UTF-8; right would be UTF-8',
  },
  {
    name: 'a third decimal',
    line: 'p2,2026-11-20T10:00:00Z,1.005',
    reason: 'NotADecimal(18,2)',
    column: 'amount',
    message:
      'line 3: amount has "1.005"; right would be a decimal with at most 16 digits before the point and 2 after it',
  },
  {
    name: 'no number',
    line: 'p2,2026-11-20T10:00:00Z,twelve',
    reason: 'NotADecimal(18,2)',
    column: 'amount',
    message:
      'line 3: amount has "twelve"; right would be a decimal with at most 16 digits before the point and 2 after it',
  },
  {
    name: 'nanoseconds',
    line: 'p2,2026-11-20T10:00:00.123456789Z,2.00',
    reason: 'NotATimestamp',
    column: 'at',
    message:
      'line 3: at has "2026-11-20T10:00:00.123456789Z"; right would be an instant such as 2026-11-21T07:00:00Z, to the microsecond',
  },
  {
    name: 'an hour 24',
    line: 'p2,2026-11-20 24:00:00,2.00',
    reason: 'NotATimestamp',
    column: 'at',
    message:
      'line 3: at has "2026-11-20 24:00:00"; right would be an instant such as 2026-11-21T07:00:00Z, to the microsecond',
  },
  {
    name: 'a missing key',
    line: ',2026-11-20T10:00:00Z,2.00',
    reason: 'Missing',
    column: 'id',
    message: 'line 3: id has nothing; right would be a value: it is part of the key',
  },
  {
    name: 'a missing event time',
    line: 'p2,,2.00',
    reason: 'Missing',
    column: 'at',
    message: "line 3: at has nothing; right would be a value: it is the partition's column",
  },
  {
    name: 'an event from 2099',
    line: 'p2,2099-01-01T00:00:00Z,2.00',
    reason: 'EventTimeOutOfRange',
    column: 'at',
    message:
      'line 3: at has "2099-01-01T00:00:00Z"; right would be a time from 2026-11-01T00:00:00.000Z to 2026-11-23T12:00:00.000Z',
  },
  {
    name: 'an event from 1970',
    line: 'p2,1970-01-01T00:00:00Z,2.00',
    reason: 'EventTimeOutOfRange',
    column: 'at',
    message:
      'line 3: at has "1970-01-01T00:00:00Z"; right would be a time from 2026-11-01T00:00:00.000Z to 2026-11-23T12:00:00.000Z',
  },
];

test.each(BAD_RECORDS)(
  '$name is one record in quarantine, with its place and bytes, and its neighbours go through',
  async ({ line, reason, column, message }) => {
    const source = await folderSource();
    const before = `${HEADER}p1,2026-11-20T10:00:00Z,1.00\n`;
    await source.write(
      'a.csv',
      Buffer.concat([
        Buffer.from(before),
        Buffer.from(line),
        Buffer.from('\np3,2026-11-21T10:00:00Z,3.00\n'),
      ]),
    );
    await source.write('b.csv', GOOD);
    expect(await source.land()).toMatchObject({ collected: 2, rows: 3, rejected: 1, parked: [] });
    const [entry] = await source.entries();
    expect(entry?.items).toMatchObject([
      {
        item: 'a.csv',
        rows: 2,
        rejected: 1,
        spans: [{ object: 0, firstRow: 1, records: 3, firstRecord: 1 }],
      },
      {
        item: 'b.csv',
        rows: 1,
        rejected: 0,
        spans: [{ object: 0, firstRow: 4, records: 1, firstRecord: 1 }],
      },
    ]);
    expect(await source.rows(entry, 'id, _row')).toEqual([
      { id: 'p1', _row: '1' },
      { id: 'p3', _row: '3' },
      { id: 'n1', _row: '4' },
    ]);
    const [rejected, ...others] = await source.rejected(entry);
    expect(others).toEqual([]);
    expect(rejected).toMatchObject({
      item: 'a.csv',
      version: entry?.items?.[0]?.version,
      record: 2,
      line: 3,
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
    name: 'an open quote',
    item: 'a.csv',
    content: `${HEADER}p1,2026-11-20T10:00:00Z,1.00\n"p2,2026-11-20T10:00:00Z,1.00\n`,
    message: 'the quote that opens in line 3 never closes; right would be a closing quote',
  },
  {
    name: 'a quote in the middle of a field',
    item: 'a.csv',
    content: `${HEADER}p"1,2026-11-20T10:00:00Z,1.00\n`,
    message:
      'line 2 has a quote within an unquoted field; right would be the whole field in quotes, with its quotes doubled',
  },
  {
    name: 'text after a closing quote',
    item: 'a.csv',
    content: `${HEADER}"p"1,2026-11-20T10:00:00Z,1.00\n`,
    message: 'line 2 goes on after a closing quote; right would be a delimiter or the end of the line',
  },
  {
    name: 'mixed line endings',
    item: 'a.csv',
    content: `${HEADER}p1,2026-11-20T10:00:00Z,1.00\r\n`,
    message: 'line 2 ends with CRLF, the lines before with LF; right would be one of the two',
  },
  {
    name: 'a lone CR',
    item: 'a.csv',
    content: `${HEADER}p1,2026-11-20T10:00:00Z\r,1.00\n`,
    message:
      'line 2 has a CR that no LF follows; right would be lines that all end with LF, or all with CRLF',
  },
  { name: '0 bytes', item: 'a.csv', content: '', message: '0 bytes: a header line would be right' },
  {
    name: 'a truncated gzip',
    item: 'a.csv.gz',
    content: whole.subarray(0, -9),
    message: `after ${whole.length - 9} bytes, gunzip says "unexpected end of file"; right would be a whole gzip file`,
  },
  {
    name: 'text called gzip',
    item: 'a.csv.gz',
    content: GOOD,
    message: 'after 42 bytes, gunzip says "incorrect header check"; right would be a whole gzip file',
  },
  {
    name: 'zeros after a gzip',
    item: 'a.csv.gz',
    content: Buffer.concat([whole, Buffer.alloc(4)]),
    message: '4 bytes follow the end of its gzip data; right would be none',
  },
  {
    name: 'bytes after a gzip',
    item: 'a.csv.gz',
    content: Buffer.concat([whole, Buffer.from('tail')]),
    message: 'after 63 bytes, gunzip says "incorrect header check"; right would be a whole gzip file',
  },
  {
    name: 'a missing column',
    item: 'a.csv',
    content: 'id,at\np1,2026-11-20T10:00:00Z\n',
    message: 'the header has no column amount: it is id, at; right would be id, at, amount',
  },
  {
    name: 'a column twice',
    item: 'a.csv',
    content: 'id,at,amount,id\n',
    message: 'the header has the column "id" twice; right would be id, at, amount',
  },
  {
    name: 'a header that is not UTF-8',
    item: 'a.csv',
    content: Buffer.from('id,at,amount,\xe9\n', 'latin1'),
    message: 'line 1, the header, is not UTF-8; right would be UTF-8',
  },
];

test.each(BAD_FILES)('a file with $name parks alone, once', async ({ item, content, message }) => {
  const source = await folderSource();
  await source.write(item, content);
  await source.write('b.csv', GOOD);
  const parked = [{ item, failure: 'BadFile', message, allowed: ['retry', 'skip'] }];
  expect(await source.land()).toMatchObject({ collected: 1, rows: 1, rejected: 0, entries: 1, parked });
  const [entry] = await source.entries();
  expect(entry?.items).toMatchObject([
    { item: 'b.csv', state: 'collected' },
    { item, state: 'parked', reason: `BadFile: ${message}` },
  ]);
  expect(entry?.rejected).toEqual([]);
  expect(await source.list()).toMatchObject({ manifest: null, parked });
  expect(await source.entries()).toHaveLength(1);
});

test('names with spaces, newlines, unicode, dots and 250 bytes are items, and stand in no key', async () => {
  const source = await folderSource();
  const deep = Array.from({ length: 4 }, () => 'd'.repeat(240)).join('/');
  const names = [
    'a b.csv',
    'a\nb.csv',
    'ü/日本.csv',
    '..x..csv',
    "it's [1]*?.csv",
    `${deep}/${'n'.repeat(30)}.csv`,
  ];
  for (const name of names) await source.write(name, GOOD);
  expect(await source.land()).toMatchObject({ collected: 6, rows: 6, parked: [] });
  const [entry] = await source.entries();
  expect(entry?.items?.map(({ item }) => item).toSorted()).toEqual(names.toSorted());
  expect(source.store.keys().filter((key) => !/^[a-z0-9/._-]+$/.test(key))).toEqual([]);
});
