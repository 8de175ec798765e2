import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { channelId, isBeyond, parseChannelId, parsePosition, positionText } from '../../lake/positions.ts';

const T0 = '2026-11-21T07:00:00.000Z';

test('every position is read back from its text', () => {
  const position = fc.oneof(
    fc.constant({ kind: 'earliest' as const }),
    fc.constantFrom({ kind: 'at' as const, time: T0 }, { kind: 'horizon' as const, time: T0 }),
    fc.bigInt({ min: 0n, max: 10n ** 56n - 1n }).map((number) => ({ kind: 'sequence' as const, number })),
  );
  fc.assert(
    fc.property(position, (one) => {
      expect(parsePosition(positionText(one))).toEqual(one);
    }),
  );
});

test.each(['', 'latest', '-1', '1e5', 'at:', 'at:yesterday', 'horizon:2026-11-21', ' 7'])(
  '%j is no position',
  (text) => {
    expect(parsePosition(text)).toBeUndefined();
  },
);

test('sequence numbers are compared as numbers, however long', () => {
  expect(isBeyond('10', '9')).toBe(true);
  expect(isBeyond('9', '10')).toBe(false);
  expect(isBeyond('9', '9')).toBe(false);
  const long = '49590338271490256608559692538361571095921575989136588898';
  expect(isBeyond(long.replace(/8$/, '9'), long)).toBe(true);
  expect(isBeyond('1', 'earliest')).toBe(true);
  expect(isBeyond('1', `horizon:${T0}`)).toBe(true);
});

test('a channel is a shard of one creation of its stream', () => {
  expect(channelId({ createdAtS: 1763712000, shard: 'shardId-000000000000' })).toBe(
    '1763712000-shardId-000000000000',
  );
  expect(parseChannelId('1763712000-shardId-000000000000')).toEqual({
    createdAtS: 1763712000,
    shard: 'shardId-000000000000',
  });
  expect(parseChannelId('shardId-000000000000')).toBeUndefined();
});
