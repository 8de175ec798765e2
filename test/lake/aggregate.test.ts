import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isAggregate, takeApart } from '../../lake/aggregate.ts';
import { aggregate, encoded, md5, sealed } from '../support/aggregate.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const userRecord = fc.record({
  partitionKey: text,
  explicitHashKey: fc.option(
    fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map((key) => key.toString()),
    { nil: undefined },
  ),
  data: fc.uint8Array({ maxLength: 300 }),
  tags: fc.option(
    fc.array(fc.record({ key: text, value: fc.option(text, { nil: undefined }) }), { maxLength: 2 }),
    {
      nil: undefined,
    },
  ),
});
const userRecords = fc.array(userRecord, { minLength: 1, maxLength: 20 });

test('what was packed and is taken apart is what it was, in its order', () => {
  fc.assert(
    fc.property(userRecords, (records) => {
      const packed = aggregate(records);
      expect(isAggregate(packed)).toBe(true);
      const taken = takeApart(packed, md5);
      const data = taken.kind === 'records' ? taken.records.map((one) => Buffer.from(one)) : taken;
      expect(data).toEqual(records.map((one) => Buffer.from(one.data)));
    }),
  );
});

test('a record of which any byte was changed holds nothing', () => {
  fc.assert(
    fc.property(userRecords, fc.nat(), fc.integer({ min: 1, max: 255 }), (records, at, by) => {
      const packed = aggregate(records);
      const place = at % packed.length;
      packed[place] = (packed[place] ?? 0) ^ by;
      expect(isAggregate(packed) && takeApart(packed, md5).kind === 'records').toBe(false);
    }),
  );
});

test('a record that was cut short holds nothing', () => {
  const packed = aggregate([{ partitionKey: 'a', data: Buffer.from('x') }]);
  for (let length = 4; length < packed.length; length += 1)
    expect(takeApart(packed.subarray(0, length), md5).kind).toBe('broken');
});

test('any bytes with the right digest are taken apart or broken, and bring nothing that was not in them', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    // What a message is made of, so that some are nearly one.
    fc
      .array(fc.constantFrom(0, 1, 2, 3, 8, 10, 18, 26, 0x80, 0xff), { maxLength: 30 })
      .map((all) => Uint8Array.from(all)),
  );
  fc.assert(
    fc.property(bytes, (message) => {
      const taken = takeApart(sealed(message), md5);
      const size = taken.kind === 'records' ? taken.records.reduce((sum, one) => sum + one.length, 0) : 0;
      expect(size).toBeLessThanOrEqual(message.length);
    }),
    { numRuns: 2000 },
  );
});

test('a record that was put together by hand and another program holds what was put in', () => {
  // Key "a", hash key "0", the payload {} with a tag "t", and its MD5.
  const bytes = Buffer.from(
    'f3899ac20a01611201301a0d080010001a027b7d22030a0174fe46ab8454f267da615138da26aeb832',
    'hex',
  );
  expect(isAggregate(bytes)).toBe(true);
  expect(takeApart(bytes, md5)).toMatchObject({ kind: 'records', records: [Buffer.from('{}')] });
});

test('text is no aggregate, nor is what begins like one', () => {
  for (const bytes of [
    Buffer.from('{"id":1}'),
    Buffer.from(''),
    Buffer.of(0xf3),
    Buffer.of(0xf3, 0x89, 0x9a),
  ])
    expect(isAggregate(bytes)).toBe(false);
});

test('fields that a later producer adds are passed over, in the message and in a user record', () => {
  const plain = encoded({
    partitionKeyTable: ['a'],
    records: [{ partitionKeyIndex: 0, data: Buffer.from('x') }],
  });
  // A varint, eight bytes, a text and four bytes of the numbers 9 and 10.
  const later = Buffer.from('4896014901020304050607084a027879550a0b0c0d', 'hex');
  expect(takeApart(sealed(Buffer.concat([later, plain])), md5)).toMatchObject({
    records: [Buffer.from('x')],
  });
  const record = Buffer.concat([later, Buffer.from('08001a0178', 'hex')]);
  const message = Buffer.concat([Buffer.from('0a0161', 'hex'), Buffer.of(0x1a, record.length), record]);
  expect(takeApart(sealed(message), md5)).toMatchObject({ records: [Buffer.from('x')] });
});

const x = Buffer.from('x');
const BROKEN: readonly (readonly [string, Uint8Array, string])[] = [
  ['nothing in it', encoded({}), 'no user record'],
  ['keys alone', encoded({ partitionKeyTable: ['a'] }), 'no user record'],
  [
    'a key that is not in the table',
    encoded({ partitionKeyTable: ['a'], records: [{ partitionKeyIndex: 1, data: x }] }),
    'a user record 1 whose key is not in its table',
  ],
  [
    'a hash key that is not in the table',
    encoded({
      partitionKeyTable: ['a'],
      records: [
        { partitionKeyIndex: 0, data: x },
        { partitionKeyIndex: 0, explicitHashKeyIndex: 0, data: x },
      ],
    }),
    'a user record 2 whose key is not in its table',
  ],
  [
    'a user record without data',
    Buffer.from('0a01611a020800', 'hex'),
    'a user record 1 that is no protobuf with a key and data',
  ],
  ['a message that ends within a field', Buffer.from('0a05', 'hex'), 'a message that is no protobuf'],
  ['a group', Buffer.from('0b0c', 'hex'), 'a message that is no protobuf'],
  [
    'a number that never ends',
    Buffer.from('08ffffffffffffffffffffff01', 'hex'),
    'a message that is no protobuf',
  ],
  ['a number where records stand', Buffer.from('1805', 'hex'), 'a field 3 that is no text'],
];

test.each(BROKEN)('a record with %s is broken, and says so', (_, message, found) => {
  expect(takeApart(sealed(message), md5)).toEqual({
    kind: 'broken',
    message: `the record begins as an aggregate and has ${found}; right would be an AggregatedRecord of user records, and its MD5`,
  });
});
