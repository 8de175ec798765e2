import { expect, test } from 'vitest';
import { packed } from './side-by-side.ts';
import { channel, payment, shard, streamLake } from './stream-lake.ts';

const BAD: readonly (readonly [string, string | Uint8Array, object])[] = [
  [
    'text that is not JSON',
    'nope',
    { reason: 'NotJson', message: 'the record has "nope"; right would be one JSON object' },
  ],
  [
    'an empty record',
    '',
    { reason: 'NotJson', message: 'the record has ""; right would be one JSON object' },
  ],
  [
    'a list',
    '[1]',
    { reason: 'NotAnObject', message: 'the record has "[1]"; right would be one JSON object' },
  ],
  ['a number', '12', { reason: 'NotAnObject' }],
  ['null', 'null', { reason: 'NotAnObject' }],
  [
    'bytes that are not UTF-8',
    Uint8Array.of(0x7b, 0xff, 0x7d),
    {
      reason: 'NotUtf8',
      message: 'the record has 3 bytes that are not UTF-8; right would be one JSON object',
    },
  ],
  ['a raw line feed within a text', '{"id":"a\nb"}', { reason: 'NotJson' }],
  ['a raw separator of ours', '{"id":"a"}\u0001{"id":"b"}', { reason: 'NotJson' }],
  ['a raw control character within a text', '{"id":"a\u0002b"}', { reason: 'NotJson' }],
  ['a raw carriage return within a text', '{"id":"a\rb"}', { reason: 'NotJson' }],
  ['a lone surrogate', '{"id":"\\ud800"}', { reason: 'NotJson' }],
  ['a record without its key', payment('x', { id: undefined }), { reason: 'Missing', column: 'id' }],
  ['a key that is null', payment('x', { id: null }), { reason: 'Missing', column: 'id' }],
  ['a record without its partition', payment('x', { at: undefined }), { reason: 'Missing', column: 'at' }],
  ['a time that is none', payment('x', { at: 'noon' }), { reason: 'NotATimestamp', column: 'at' }],
  [
    'an event from 2099',
    payment('x', { at: '2099-01-01T00:00:00Z' }),
    { reason: 'EventTimeOutOfRange', column: 'at' },
  ],
  [
    'an event from 1970',
    payment('x', { at: '1970-01-01T00:00:00Z' }),
    { reason: 'EventTimeOutOfRange', column: 'at' },
  ],
  [
    'an amount with too many places',
    payment('x', { amount: '1.005' }),
    { reason: 'NotADecimal(18,2)', column: 'amount' },
  ],
  [
    'an amount that a double cannot hold',
    payment('x').replace('"12.50"', '1234567890123456.78'),
    { reason: 'NotADecimal(18,2)' },
  ],
  ['an amount in words', payment('x', { amount: 'twelve' }), { reason: 'NotADecimal(18,2)' }],
];

const PAGES = { apart: {}, 'side by side': { wrap: packed } };
const CASES = Object.entries(PAGES).flatMap(([how, options]) =>
  BAD.map(([what, bad, expected]) => [`${what}, records ${how},`, bad, expected, options] as const),
);

test.each(CASES)(
  '%s goes to quarantine with its bytes, place and reason, its neighbours through',
  async (_, bad, expected, options) => {
    const lake = await streamLake(options);
    await lake.open();
    lake.stream.put(shard(0), payment('before'));
    const position = lake.stream.put(shard(0), bad);
    const last = lake.stream.put(shard(0), payment('after'));
    expect(await lake.collect()).toMatchObject({ outcome: 'drained', records: 3, rows: 2, rejected: 1 });
    const [, entry] = await lake.entries();
    const [found, ...more] = await lake.rejectedOf(entry);
    expect(more).toEqual([]);
    expect(found).toMatchObject({ channel: channel(0), position, ...expected });
    expect(Buffer.from(found?.bytes ?? '', 'base64')).toEqual(Buffer.from(bad));
    expect(entry?.rejected).toMatchObject([
      { rows: 1, hash: found?.hash, reasons: { [found?.reason ?? '']: 1 } },
    ]);
    expect((await lake.rows()).map(({ id }) => id)).toEqual(['before', 'after']);
    expect(entry?.channels?.[channel(0)]?.through).toBe(last);
  },
);

test('line breaks between values are JSON: the row keeps the hash of the bytes that came', async () => {
  const lake = await streamLake();
  await lake.open();
  lake.stream.put(shard(0), '{\r\n  "id": "p1",\n\t"at": "2026-11-22T11:00:00Z", "amount": "1"\r\n}');
  lake.stream.put(shard(0), '{\r\n  "id": 7');
  expect(await lake.collect()).toMatchObject({ rows: 1, rejected: 1 });
  const [, entry] = await lake.entries();
  // Computed by another program: md5 of these bytes, its last eight read from the least, shifted right by one.
  expect(await lake.rowsOf(entry, 'id, amount, _hash')).toEqual([
    { id: 'p1', amount: '1.00', _hash: '6406107610414854526' },
  ]);
});

test('a batch of nothing but bad records leaves quarantine and no rows', async () => {
  const lake = await streamLake();
  await lake.open();
  for (let n = 0; n < 3; n += 1) lake.stream.put(shard(0), 'nope');
  lake.stream.put(shard(0), Uint8Array.of(0xff));
  expect(await lake.collect()).toMatchObject({ records: 4, rows: 0, rejected: 4, entries: 1 });
  const [, entry] = await lake.entries();
  expect(entry).toMatchObject({ rows: [], rejected: [{ rows: 4, reasons: { NotJson: 3, NotUtf8: 1 } }] });
  expect(await lake.rawOf(entry)).toMatchObject([
    { text: 'nope' },
    { text: 'nope' },
    { text: 'nope' },
    { base64: '/w==' },
  ]);
});

test('a source without a dataset is typed, and asks nothing of its times', async () => {
  const lake = await streamLake({ dataset: null });
  await lake.open();
  lake.stream.put(shard(0), payment('p1', { at: '1970-01-01T00:00:00Z' }));
  lake.stream.put(shard(0), payment('p2', { amount: 'much' }));
  expect(await lake.collect()).toMatchObject({ rows: 1, rejected: 1 });
  const [, entry] = await lake.entries();
  expect(entry?.rows).toMatchObject([{ rows: 1, mapping: null, partitions: {} }]);
  expect(entry?.channels?.[channel(0)]?.watermark).toBe('2026-11-22T12:00:00.000Z');
});

test('a payload of a megabyte, quotes, delimiters and all, arrives whole', async () => {
  const lake = await streamLake();
  await lake.open();
  const memo = `"',;|\\ \u2028 ключ ${'x'.repeat(1_000_000)}`;
  lake.stream.put(shard(0), payment('p1', { memo }));
  lake.stream.put(shard(0), payment(`it's "p2", \\ and \u2028`));
  expect(await lake.collect()).toMatchObject({ rows: 2, rejected: 0 });
  const [first, second] = await lake.rows(0, 'id, _extra');
  expect(JSON.parse(String(first?.['_extra']))).toEqual({ memo });
  expect(second?.['id']).toBe(`it's "p2", \\ and \u2028`);
});

test('rows of a dataset with both roles carry what batch and stream are matched by', async () => {
  const lake = await streamLake({
    dataset: {
      feeds: {
        payments: { role: 'speed', visible: 'commit', map: {} },
        settlements: { role: 'batch', visible: 'publish', map: {} },
      },
    },
  });
  await lake.open();
  lake.stream.put(shard(0), payment('p1', { amount: 12.5 }));
  lake.stream.put(shard(0), payment('p1', { amount: '12.50' }));
  await lake.collect();
  const [one, other] = await lake.rows(0, '_match, _hash');
  expect(one?.['_match']).toBe(other?.['_match']);
  expect(one?.['_hash']).not.toBe(other?.['_hash']);
});

test('pages side by side give the rows, hashes and raw lines that records apart give', async () => {
  const found = [];
  for (const options of Object.values(PAGES)) {
    const lake = await streamLake(options);
    await lake.open();
    for (let n = 0; n < 5; n += 1) lake.stream.put(shard(0), payment(`pé${n}`, { memo: '"\\ €\t' }));
    await lake.collect();
    const [, entry] = await lake.entries();
    found.push([await lake.rowsOf(entry, '*'), await lake.rawOf(entry), entry?.channels]);
  }
  expect(found[0]?.[0]).toHaveLength(5);
  expect(found[1]).toEqual(found[0]);
});

test('what is not declared is kept, though declared fields are missing, null or there twice', async () => {
  const lake = await streamLake();
  await lake.open();
  const at = '"at":"2026-11-22T11:59:00Z"';
  lake.stream.put(shard(0), `{"id":"all",${at},"amount":"1"}`);
  lake.stream.put(shard(0), `{"id":"missing",${at},"memo":1}`);
  lake.stream.put(shard(0), `{"id":"null",${at},"amount":null,"memo":{"a":null}}`);
  lake.stream.put(shard(0), `{"id":"null alone",${at},"amount":null}`);
  lake.stream.put(shard(0), `{"id":"twice","id":"twice",${at}}`);
  lake.stream.put(shard(0), ` {"id":"case",${at},"Amount":"1"}`);
  await lake.collect();
  expect(await lake.rows(0, 'id, amount, _extra')).toEqual([
    { id: 'all', amount: '1.00', _extra: null },
    { id: 'missing', amount: null, _extra: '{"memo":1}' },
    { id: 'null', amount: null, _extra: '{"memo":{"a":null}}' },
    { id: 'null alone', amount: null, _extra: null },
    { id: 'twice', amount: null, _extra: null },
    { id: 'case', amount: null, _extra: '{"Amount":"1"}' },
  ]);
});
