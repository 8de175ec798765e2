import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { PAYMENTS, folderSource } from './folder-source.ts';

const FORMAT = { source: { format: { json: {} } } };
const AT = '"at":"2026-11-20T10:00:00Z"';
const GOOD = `{"id":"n1",${AT},"amount":"1.00"}\n`;
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
    name: 'invalid UTF-8',
    line: Buffer.from(`{"id":"p\xe9",${AT}}`, 'latin1'),
    reason: 'NotUtf8',
    message: 'line 2 is not UTF-8; right would be UTF-8',
  },
  {
    name: 'a line that breaks off',
    line: '{"id":"p2","at',
    reason: 'NotJson',
    message: 'line 2: the record has "{\\"id\\":\\"p2\\",\\"at"; right would be one JSON object',
  },
  {
    name: 'a control character',
    line: `{"id":"p\u00012",${AT}}`,
    reason: 'NotJson',
    message: 'line 2 has the byte 0x01; right would be one JSON object, with it escaped or left out',
  },
  {
    name: 'a lone carriage return',
    line: `{"id":\r"p2",${AT}}`,
    reason: 'NotJson',
    message: 'line 2 has the byte 0x0d; right would be one JSON object, with it escaped or left out',
  },
  {
    name: 'blanks alone',
    line: '   ',
    reason: 'NotJson',
    message: 'line 2: the record has "   "; right would be one JSON object',
  },
  {
    name: 'a list',
    line: '[1]',
    reason: 'NotAnObject',
    message: 'line 2: the record has "[1]"; right would be one JSON object',
  },
  {
    name: 'null',
    line: 'null',
    reason: 'NotAnObject',
    message: 'line 2: the record has "null"; right would be one JSON object',
  },
  {
    name: 'a text',
    line: '"p2"',
    reason: 'NotAnObject',
    message: 'line 2: the record has "\\"p2\\""; right would be one JSON object',
  },
  {
    name: 'no number',
    line: `{"id":"p2",${AT},"amount":"twelve"}`,
    reason: 'NotADecimal(18,2)',
    column: 'amount',
    message: `line 2: amount has "twelve"; ${DECIMAL}`,
  },
  {
    name: 'more digits than a double has',
    line: `{"id":"p2",${AT},"amount":12345678901234.57}`,
    reason: 'NotADecimal(18,2)',
    column: 'amount',
    message:
      'line 2: amount has "12345678901234.57"; right would be a number of at most 15 digits, or a text',
  },
  {
    name: 'a missing key',
    line: `{${AT}}`,
    reason: 'Missing',
    column: 'id',
    message: 'line 2: id has nothing; right would be a value: it is part of the key',
  },
  {
    name: 'an event from 1970',
    line: '{"id":"p2","at":"1970-01-01T00:00:00Z"}',
    reason: 'EventTimeOutOfRange',
    column: 'at',
    message:
      'line 2: at has "1970-01-01T00:00:00Z"; right would be a time from 2026-11-01T00:00:00.000Z to 2026-11-23T12:00:00.000Z',
  },
];

test.each(BAD_RECORDS)(
  '$name is one record in quarantine, with its place and bytes, and its neighbours go through',
  async ({ line, reason, column, message }) => {
    const source = await folderSource(FORMAT);
    const before = `{"id":"p1",${AT}}\n`;
    const after = `\n{"id":"p3",${AT}}\n`;
    await source.write('a.json', Buffer.concat([Buffer.from(before), Buffer.from(line), Buffer.from(after)]));
    await source.write('b.json', GOOD);
    expect(await source.land()).toMatchObject({ collected: 2, rows: 3, rejected: 1, parked: [] });
    const [entry] = await source.entries();
    expect(entry?.items).toMatchObject([
      {
        item: 'a.json',
        rows: 2,
        rejected: 1,
        spans: [{ object: 0, firstRow: 1, records: 3, firstRecord: 1 }],
      },
      {
        item: 'b.json',
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
      item: 'a.json',
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
    item: 'a.json.gz',
    content: whole.subarray(0, -9),
    message: `after ${whole.length - 9} bytes, gunzip says "unexpected end of file"; right would be a whole gzip file`,
  },
  {
    name: '0 bytes called gzip',
    item: 'a.json.gz',
    content: '',
    message: '0 bytes: a gzip file would be right',
  },
  {
    name: 'a line without end',
    item: 'a.json',
    content: `{"id":"${'x'.repeat(16 * 1024 * 1024)}`,
    message: 'line 1 is longer than 16777216 bytes; right would be one JSON object a line, each shorter',
  },
];

test.each(BAD_FILES)('a file with $name parks alone, once', async ({ item, content, message }) => {
  const source = await folderSource(FORMAT);
  await source.write(item, content);
  await source.write('b.json', GOOD);
  const parked = [{ item, failure: 'BadFile', message, allowed: ['retry', 'skip'] }];
  expect(await source.land()).toMatchObject({ collected: 1, rows: 1, rejected: 0, entries: 1, parked });
  expect(await source.list()).toMatchObject({ manifest: null, parked });
});

test('an empty file is a delivery without records', async () => {
  const source = await folderSource(FORMAT);
  await source.write('a.json', '');
  await source.write('b.json', '\n\r\n');
  await source.write('c.json.gz', gzipSync(''));
  expect(await source.land()).toMatchObject({ collected: 3, rows: 0, rejected: 0, parked: [] });
});

test('plain and gzipped files, LF and CRLF, with and without a last line end bring the same rows', async () => {
  const source = await folderSource(FORMAT);
  const text = `{"id":"p1",${AT},"amount":1}\n\n{"id":"p2",${AT},"amount":2.5,"more":{"x":[1,null]}}\n`;
  await source.write('a.json', text);
  await source.write('b.json', `\ufeff${text.replaceAll('\n', '\r\n')}`);
  await source.write('c.json', text.trimEnd());
  await source.write('d.json.gz', gzipSync(text));
  expect(await source.land()).toMatchObject({ collected: 4, rows: 8, rejected: 0 });
  const [entry] = await source.entries();
  const rows = await source.rows(entry, 'id, epoch_us("at") AS at, amount, _op, _hash, _extra');
  expect(new Set(rows.map((row) => JSON.stringify(row))).size).toBe(2);
  expect(rows.slice(0, 2)).toMatchObject([
    { id: 'p1', at: '1795168800000000', amount: '1.00', _op: 'I', _extra: null },
    { id: 'p2', at: '1795168800000000', amount: '2.50', _op: 'I', _extra: '{"more":{"x":[1,null]}}' },
  ]);
});

test('the hash of a known line never changes, and is the one of a record of a stream', async () => {
  const source = await folderSource(FORMAT);
  await source.write('a.json', GOOD);
  await source.land();
  const [entry] = await source.entries();
  expect(await source.rows(entry, '_hash')).toEqual([{ _hash: '2639337430447375969' }]);
  expect(entry?.rows[0]).toMatchObject({
    schema: 'eff3a0f59bb11a79a77f9f572b6bb8fe70a61a217fc8a8acf10c3e6d66eccd7d',
  });
});

test('with both roles a row carries the _match that CSV has of the same', async () => {
  const source = await folderSource({
    source: { format: { json: {} }, columns: { ref: 'string', at: 'timestamp', gross: 'decimal(18,2)' } },
    dataset: {
      feeds: {
        payments: { role: 'batch', visible: 'publish', map: { id: 'ref', amount: 'gross' } },
        events: { role: 'speed', visible: 'commit', map: {} },
      },
      gate: { ...PAYMENTS.gate, compare: ['amount', 'at'] },
    },
  });
  await source.write('a.json', `{"gross":12.5,"ref":"p1",${AT}}\n`);
  await source.land();
  const [entry] = await source.entries();
  expect(await source.rows(entry, '_match')).toEqual([{ _match: '6393394952830678729' }]);
});

test('a file larger than what stays in memory, with broken records, keeps every place', async () => {
  const source = await folderSource(FORMAT);
  const lines = Array.from({ length: 9000 }, (_, n) => {
    const amount = n === 4998 ? '"x"' : '1';
    return `{"id":"p${n + 1}",${AT},"amount":${amount}${n === 7000 ? ',\u0002' : ''}}\n`;
  });
  const clean = lines.filter((_, n) => n !== 7000);
  await source.write('a.json', lines.join(''));
  await source.write('b.json.gz', gzipSync(lines.join('')));
  await source.write('c.json', clean.join(''));
  expect(await source.land()).toMatchObject({ collected: 3, rows: 26_994, rejected: 5, parked: [] });
  const [entry] = await source.entries();
  expect(entry?.rows).toHaveLength(1);
  const rejected = await source.rejected(entry);
  expect(rejected.map(({ item, record, line, reason }) => [item, record, line, reason])).toEqual([
    ['a.json', 7001, 7001, 'NotJson'],
    ['b.json.gz', 7001, 7001, 'NotJson'],
    ['a.json', 4999, 4999, 'NotADecimal(18,2)'],
    ['b.json.gz', 4999, 4999, 'NotADecimal(18,2)'],
    ['c.json', 4999, 4999, 'NotADecimal(18,2)'],
  ]);
  expect(entry?.items?.map(({ spans }) => spans?.[0]?.firstRow)).toEqual([1, 9001, 18_001]);
});

test('a thousand tiny files are one rows object, in the order of their names', async () => {
  const source = await folderSource(FORMAT);
  for (let n = 0; n < 1000; n += 1) {
    const name = String(n).padStart(4, '0');
    await source.write(`${name}.json`, `{"id":"p${name}",${AT}}`);
  }
  expect(await source.land()).toMatchObject({ collected: 1000, rows: 1000, entries: 1 });
  const [entry] = await source.entries();
  expect(entry?.rows).toHaveLength(1);
  expect((await source.rows(entry, 'id')).at(-1)).toEqual({ id: 'p0999' });
});
