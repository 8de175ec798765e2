import { expect, test } from 'vitest';
import { channel, payment, shard, streamLake } from './stream-lake.ts';

test('a split shard ends in the entry with its last records, and its children go on in the next', async () => {
  const lake = await streamLake();
  await lake.open();
  const last = lake.stream.put(shard(0), payment('p1'));
  const [left, right] = lake.stream.split(shard(0));
  lake.stream.put(left, payment('p2'));
  lake.stream.put(right, payment('p3'));
  expect(await lake.collect()).toMatchObject({ outcome: 'drained', records: 3, entries: 3 });
  const [, closing, opening, both] = await lake.entries();
  expect(closing?.channels).toMatchObject({
    [channel(0)]: { through: last, closed: { children: [channel(1), channel(2)] } },
  });
  expect(closing?.rows).toMatchObject([{ rows: 1 }]);
  const child = { after: 'earliest', through: 'earliest', generation: 2, watermark: null, caughtUpAt: null };
  expect(opening?.channels).toEqual({ [channel(1)]: child, [channel(2)]: child });
  expect(opening?.rows).toEqual([]);
  expect(Object.keys(both?.channels ?? {})).toEqual([channel(1), channel(2)]);
  expect((await lake.rows()).map(({ id }) => id)).toEqual(['p1', 'p2', 'p3']);
});

test('the child of a merge opens once both parents are closed, a generation after the later one', async () => {
  const lake = await streamLake({ stream: { shards: 2 } });
  await lake.open();
  const [left] = lake.stream.split(shard(0));
  const merged = lake.stream.merge(left, shard(1));
  lake.stream.put(merged, payment('p1'));
  expect(await lake.collect()).toMatchObject({ outcome: 'drained', records: 1 });
  const opened = (await lake.entries()).find(({ channels }) => channels?.[channel(4)]);
  expect(opened?.channels?.[channel(4)]).toMatchObject({ after: 'earliest', generation: 3 });
  expect(opened?.needs).toBeUndefined();
});

test('parents in two lanes: the lower one opens the child, once the other has closed, and says what it needs', async () => {
  const lake = await streamLake({ stream: { shards: 41 } });
  expect(await lake.open()).toEqual({ lanes: [0, 1], parked: [] });
  lake.stream.put(shard(0), payment('p1'));
  lake.stream.put(shard(40), payment('p2'));
  const merged = lake.stream.merge(shard(0), shard(40));
  lake.stream.put(merged, payment('p3'));
  expect(await lake.collect({ lane: 0, drain: false })).toMatchObject({ outcome: 'worked', records: 1 });
  expect(await lake.collect({ lane: 1, drain: false })).toMatchObject({ outcome: 'closed', records: 1 });
  const [, closing] = await lake.entries(1);
  expect(closing).toMatchObject({
    ordinal: 2,
    channels: { [channel(40)]: { closed: { children: [channel(41)] } } },
  });
  expect(await lake.collect({ lane: 0 })).toMatchObject({ outcome: 'drained', records: 1 });
  const opened = (await lake.entries(0)).find(({ channels }) => channels?.[channel(41)]);
  expect(opened).toMatchObject({
    needs: { 'payments/1': 2 },
    channels: { [channel(41)]: { generation: 2 } },
  });
  expect(await lake.rows(0, 'id')).toEqual([{ id: 'p1' }, { id: 'p3' }]);
});

test('a feed with a start time reads nothing older, not even from children', async () => {
  const lake = await streamLake({ source: { start: { at: '2026-11-22T12:00:10.000Z' } } });
  lake.stream.put(shard(0), payment('old'));
  const [left] = lake.stream.split(shard(0));
  lake.stream.put(left, payment('old too'));
  lake.clock.pass(20_000);
  lake.stream.put(left, payment('new'));
  await lake.open();
  await lake.collect();
  expect((await lake.rows()).map(({ id }) => id)).toEqual(['new']);
  const opened = (await lake.entries()).find(({ channels }) => channels?.[channel(1)]);
  expect(opened?.channels?.[channel(1)]?.after).toBe('at:2026-11-22T12:00:10.000Z');
});

test('a child whose parent is not listed any more opens with the feed', async () => {
  const lake = await streamLake();
  lake.stream.put(shard(0), payment('lost before anybody came'));
  const [left] = lake.stream.split(shard(0));
  lake.clock.pass(86_400_001);
  lake.stream.put(left, payment('p1'));
  await lake.open();
  expect(Object.keys((await lake.entries())[0]?.channels ?? {})).toEqual([channel(1), channel(2)]);
  await lake.collect();
  expect((await lake.rows()).map(({ id }) => id)).toEqual(['p1']);
});

test('empty pages are followed, throttled shards wait alone, and old iterators are renewed', async () => {
  const lake = await streamLake({
    stream: { shards: 2, pageSize: 2, iteratorLifeMs: 500 },
    pacing: { stretchMs: 30_000 },
  });
  await lake.open();
  for (let n = 0; n < 5; n += 1) lake.stream.put(shard(0), payment(`a${n}`));
  for (let n = 0; n < 5; n += 1) lake.stream.put(shard(1), payment(`b${n}`));
  lake.stream.emptyPages(2);
  lake.stream.throttle(shard(1), 3);
  expect(await lake.collect()).toMatchObject({ outcome: 'drained', records: 10, rows: 10 });
  const ids = (await lake.rows()).map(({ id }) => String(id));
  expect(ids.filter((id) => id.startsWith('a'))).toEqual(['a0', 'a1', 'a2', 'a3', 'a4']);
  expect(ids.filter((id) => id.startsWith('b'))).toEqual(['b0', 'b1', 'b2', 'b3', 'b4']);
});

test('a stretch commits at its rows, its bytes or its interval, whichever comes first', async () => {
  const few = await streamLake({
    source: { commit: { rows: 2, bytes: 64_000_000, everyMs: 60_000 } },
    stream: { pageSize: 2 },
  });
  await few.open();
  for (let n = 0; n < 6; n += 1) few.stream.put(shard(0), payment(`p${n}`));
  expect(await few.collect()).toMatchObject({ rows: 6, entries: 3 });
  const small = await streamLake({
    source: { commit: { rows: 1000, bytes: 100, everyMs: 60_000 } },
    stream: { pageSize: 2 },
  });
  await small.open();
  for (let n = 0; n < 6; n += 1) small.stream.put(shard(0), payment(`p${n}`));
  expect(await small.collect()).toMatchObject({ rows: 6, entries: 3 });
  const soon = await streamLake({
    source: { commit: { rows: 1000, bytes: 64_000_000, everyMs: 400 } },
    stream: { pageSize: 2 },
  });
  await soon.open();
  for (let n = 0; n < 6; n += 1) soon.stream.put(shard(0), payment(`p${n}`));
  expect(await soon.collect()).toMatchObject({ rows: 6, entries: 2 });
});

test('no data, no entry: an idle stream leaves hints, and an entry only when its evidence moves', async () => {
  const lake = await streamLake({ pacing: { stretchMs: 150_000 } });
  await lake.open();
  expect(await lake.collect({ drain: false })).toMatchObject({ outcome: 'worked', records: 0, entries: 3 });
  expect((await lake.entries()).map(({ channels }) => channels?.[channel(0)]?.caughtUpAt)).toEqual([
    null,
    '2026-11-22T12:00:00.000Z',
    '2026-11-22T12:01:00.000Z',
    '2026-11-22T12:02:00.000Z',
  ]);
  const hint = JSON.parse(lake.store.text('hint/payments.json') ?? '');
  expect(Date.parse(hint.channels[channel(0)].caughtUpAt)).toBeGreaterThan(
    Date.parse('2026-11-22T12:02:15Z'),
  );
});
