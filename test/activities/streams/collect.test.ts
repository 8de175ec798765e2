import { expect, test } from 'vitest';
import { channel, payment, shard, streamLake } from './stream-lake.ts';

test('opening records where each shard starts before anything is read', async () => {
  const lake = await streamLake({ stream: { shards: 2 } });
  expect(await lake.open()).toEqual({ lanes: [0], parked: [] });
  const [entry] = await lake.entries();
  const opened = {
    after: 'earliest',
    through: 'earliest',
    generation: 1,
    watermark: null,
    caughtUpAt: null,
  };
  expect(entry).toMatchObject({
    feed: 'payments',
    lane: 0,
    ordinal: 1,
    spec: 3,
    raw: [],
    rows: [],
    rejected: [],
  });
  expect(entry?.channels).toEqual({ [channel(0)]: opened, [channel(1)]: opened });
});

test('records become typed rows with their places, raw objects and one entry', async () => {
  const lake = await streamLake();
  await lake.open();
  const first = lake.stream.put(shard(0), payment('p1', { memo: 'late night', amount: 3.5 }));
  const second = lake.stream.put(shard(0), payment('p2'));
  expect(await lake.collect()).toEqual({
    outcome: 'drained',
    records: 2,
    rows: 2,
    rejected: 0,
    entries: 1,
    parked: [],
  });
  const [, entry] = await lake.entries();
  expect(entry).toMatchObject({
    ordinal: 2,
    channels: {
      [channel(0)]: {
        after: 'earliest',
        through: second,
        generation: 1,
        watermark: '2026-11-22T11:59:00.000Z',
        caughtUpAt: '2026-11-22T12:00:00.000Z',
      },
    },
    rows: [{ rows: 2, partitions: { '2026-11-22': { rows: 2 } } }],
  });
  expect(await lake.rowsOf(entry)).toEqual([
    {
      id: 'p1',
      at: '2026-11-22 11:59:00+00',
      amount: '3.50',
      _row: '1',
      _extra: '{"memo":"late night"}',
      _channel: channel(0),
      _position: first,
    },
    {
      id: 'p2',
      at: '2026-11-22 11:59:00+00',
      amount: '12.50',
      _row: '2',
      _extra: null,
      _channel: channel(0),
      _position: second,
    },
  ]);
  expect(await lake.rawOf(entry)).toEqual([
    {
      arrival: '2026-11-22T12:00:00.000Z',
      channel: channel(0),
      position: first,
      text: '{"id":"p1","at":"2026-11-22T11:59:00Z","amount":3.5,"memo":"late night"}',
    },
    {
      arrival: '2026-11-22T12:00:00.000Z',
      channel: channel(0),
      position: second,
      text: '{"id":"p2","at":"2026-11-22T11:59:00Z","amount":"12.50"}',
    },
  ]);
  expect(await lake.leftovers()).toEqual([]);
});

test('collecting again moves nothing', async () => {
  const lake = await streamLake();
  await lake.open();
  lake.stream.put(shard(0), payment('p1'));
  await lake.collect();
  expect(await lake.collect()).toMatchObject({ outcome: 'drained', records: 0 });
  expect(await lake.rows()).toHaveLength(1);
});

test('a stretch goes on from where the last one committed', async () => {
  const lake = await streamLake({ stream: { shards: 2 } });
  await lake.open();
  lake.stream.put(shard(0), payment('p1'));
  await lake.collect({ drain: false });
  lake.stream.put(shard(0), payment('p2'));
  lake.stream.put(shard(1), payment('p3'));
  await lake.collect({ drain: false });
  expect((await lake.rows()).map(({ id }) => id)).toEqual(['p1', 'p2', 'p3']);
});
