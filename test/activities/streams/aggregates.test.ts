import { expect, test } from 'vitest';
import { aggregate } from '../../support/aggregate.ts';
import { channel, payment, shard, streamLake } from './stream-lake.ts';

const packed = (...payloads: readonly (string | Uint8Array)[]) =>
  aggregate(payloads.map((payload, n) => ({ partitionKey: `key-${n % 3}`, data: Buffer.from(payload) })));

test('user records become rows of their own, in their order, each with its place in the record that carried it', async () => {
  const lake = await streamLake();
  await lake.open();
  const first = lake.stream.put(shard(0), payment('p1'));
  const second = lake.stream.put(shard(0), packed(payment('p2'), payment('p3'), payment('p4')));
  const third = lake.stream.put(shard(0), payment('p5'));
  expect(await lake.collect()).toMatchObject({ outcome: 'drained', records: 5, rows: 5, rejected: 0 });
  expect(await lake.rows(0, 'id, _row, _channel, _position')).toEqual(
    [
      ['p1', first],
      ['p2', `${second}/0`],
      ['p3', `${second}/1`],
      ['p4', `${second}/2`],
      ['p5', third],
    ].map(([id, _position], n) => ({ id, _row: String(n + 1), _channel: channel(0), _position })),
  );
  const [, entry] = await lake.entries();
  expect(entry?.channels?.[channel(0)]?.through).toBe(third);
});

test('raw keeps the record that carried them as it came', async () => {
  const lake = await streamLake();
  await lake.open();
  const record = packed(payment('p1'), payment('p2'));
  const position = lake.stream.put(shard(0), record);
  await lake.collect();
  const [, entry] = await lake.entries();
  expect(await lake.rawOf(entry)).toEqual([
    {
      arrival: '2026-11-22T12:00:00.000Z',
      channel: channel(0),
      position,
      base64: record.toString('base64'),
    },
  ]);
});

test('a user record hashes as the same payload does that comes alone', async () => {
  const lake = await streamLake();
  await lake.open();
  lake.stream.put(shard(0), payment('p1'));
  lake.stream.put(shard(0), packed(payment('p1')));
  await lake.collect();
  const [alone, carried] = await lake.rows(0, '_hash');
  expect(carried).toEqual(alone);
});

test('a bad user record goes to quarantine alone, with its own bytes and place', async () => {
  const lake = await streamLake();
  await lake.open();
  const bad = Uint8Array.of(0x7b, 0xff);
  const carrier = lake.stream.put(
    shard(0),
    packed(payment('p1'), 'nope', payment('x', { amount: 'much' }), bad, payment('p2')),
  );
  expect(await lake.collect()).toMatchObject({ records: 5, rows: 2, rejected: 3 });
  const [, entry] = await lake.entries();
  const found = await lake.rejectedOf(entry);
  expect(
    Object.fromEntries(
      found.map(({ position, reason, bytes }) => [
        position?.replace(carrier, ''),
        [reason, Buffer.from(bytes, 'base64').toString('latin1')],
      ]),
    ),
  ).toEqual({
    '/1': ['NotJson', 'nope'],
    '/2': ['NotADecimal(18,2)', payment('x', { amount: 'much' })],
    '/3': ['NotUtf8', '{\xff'],
  });
  expect((await lake.rows()).map(({ id }) => id)).toEqual(['p1', 'p2']);
});

test('a broken aggregate goes to quarantine whole, once, and its neighbours through', async () => {
  const lake = await streamLake();
  await lake.open();
  const broken = packed(payment('p2'), payment('p3'));
  broken[10] = (broken[10] ?? 0) ^ 1;
  lake.stream.put(shard(0), packed(payment('p1')));
  const position = lake.stream.put(shard(0), broken);
  const last = lake.stream.put(shard(0), packed(payment('p4')));
  expect(await lake.collect()).toMatchObject({ records: 3, rows: 2, rejected: 1 });
  const [, entry] = await lake.entries();
  expect(await lake.rejectedOf(entry)).toMatchObject([
    {
      channel: channel(0),
      position,
      reason: 'BrokenAggregate',
      message:
        'the record begins as an aggregate and has 16 bytes at its end that are not the MD5 of its message; right would be an AggregatedRecord of user records, and its MD5',
      bytes: broken.toString('base64'),
    },
  ]);
  expect(entry?.rejected).toMatchObject([{ rows: 1, reasons: { BrokenAggregate: 1 } }]);
  expect((await lake.rows()).map(({ id }) => id)).toEqual(['p1', 'p4']);
  expect(entry?.channels?.[channel(0)]?.through).toBe(last);
});

test('commits count user records, and cut between records that carry them, never within one', async () => {
  const lake = await streamLake({
    source: { commit: { rows: 2, bytes: 64_000_000, everyMs: 60_000 } },
    stream: { pageSize: 1 },
  });
  await lake.open();
  const carriers = [0, 1, 2].map((n) =>
    lake.stream.put(shard(0), packed(payment(`${n}a`), payment(`${n}b`), payment(`${n}c`))),
  );
  expect(await lake.collect()).toMatchObject({ rows: 9, entries: 3 });
  const [, ...entries] = await lake.entries();
  expect(entries.map(({ channels }) => channels?.[channel(0)]?.through)).toEqual(carriers);
  expect(entries.map(({ rows }) => rows[0]?.rows)).toEqual([3, 3, 3]);
});

test('user records of one record that a split gave to two shards are rows once each, whichever shard carries them', async () => {
  const lake = await streamLake();
  await lake.open();
  const [left, right] = lake.stream.split(shard(0));
  const ends = [0n, (1n << 128n) - 1n].map((key, n) => ({
    partitionKey: 'a',
    explicitHashKey: key.toString(),
    data: Buffer.from(payment(`p${n}`)),
  }));
  lake.stream.put(left, aggregate(ends));
  lake.stream.put(right, payment('p2'));
  expect(await lake.collect()).toMatchObject({ outcome: 'drained', rows: 3, rejected: 0 });
  expect(new Set((await lake.rows()).map(({ id }) => id))).toEqual(new Set(['p0', 'p1', 'p2']));
});
