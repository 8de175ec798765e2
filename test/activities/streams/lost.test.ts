import { expect, test } from 'vitest';
import { channel, payment, shard, streamLake } from './stream-lake.ts';

const DAY_MS = 86_400_000;

test('a shard whose position is lost is left out and parked with the missing range, and the others go on', async () => {
  const lake = await streamLake({ stream: { shards: 2 } });
  await lake.open();
  const before = lake.stream.put(shard(0), payment('p1'));
  await lake.collect();
  lake.stream.put(shard(0), payment('nobody will know'));
  lake.clock.pass(DAY_MS - 60_000);
  lake.stream.throttle(shard(0), 1000);
  await lake.collect({ drain: false });
  lake.stream.throttle(shard(0), 0);
  lake.clock.pass(117_000);
  const after = lake.stream.put(shard(0), payment('p2', { at: '2026-11-23T12:00:00Z' }));
  lake.stream.put(shard(1), payment('p3'));
  const { parked, ...rest } = await lake.collect({ drain: false });
  expect(rest).toMatchObject({ outcome: 'worked', records: 1 });
  expect(parked).toEqual([
    {
      item: channel(0),
      failure: 'PositionLost',
      message: `${channel(0)} stands at ${before} and was last caught up 2026-11-22T12:00:00.000Z; the oldest record still held is ${after}, which arrived 2026-11-23T12:01:00.000Z: what lay between is lost`,
      allowed: ['skip', 'abort'],
    },
  ]);
  expect(Object.keys((await lake.entries()).at(-1)?.channels ?? {})).toEqual([channel(1)]);

  lake.stream.put(shard(1), payment('p4'));
  expect(await lake.collect()).toMatchObject({
    outcome: 'drained',
    rows: 1,
    parked: [{ item: channel(0), failure: 'PositionLost' }],
  });
  expect(await lake.open()).toMatchObject({ lanes: [0], parked: [{ item: channel(0) }] });
});

test('skip lets a lost shard go on at its oldest record, with the gap on record, once', async () => {
  const lake = await streamLake({ stream: { shards: 2 } });
  await lake.open();
  const before = lake.stream.put(shard(0), payment('p1'));
  await lake.collect();
  lake.clock.pass(DAY_MS + 60_000);
  const after = lake.stream.put(shard(0), payment('p2', { at: '2026-11-23T12:00:00Z' }));
  expect(await lake.collect()).toMatchObject({ parked: [{ item: channel(0) }, { item: channel(1) }] });
  expect(await lake.decide('skip', channel(1))).toEqual({ entries: 1 });
  expect(await lake.decide('skip', channel(0))).toEqual({ entries: 1 });
  expect(await lake.decide('skip', channel(0))).toEqual({ entries: 0 });
  expect(await lake.collect()).toMatchObject({ outcome: 'drained', rows: 1, parked: [] });
  const states = (await lake.entries()).map(({ channels }) => channels?.[channel(0)]);
  expect(states.slice(2)).toMatchObject([
    undefined,
    undefined,
    { after: before, through: 'horizon:2026-11-23T12:01:00.000Z' },
    { after: 'horizon:2026-11-23T12:01:00.000Z', through: after },
  ]);
});

test('a decision to retry leaves nothing on record', async () => {
  const lake = await streamLake();
  await lake.open();
  expect(await lake.decide('retry', channel(0))).toEqual({ entries: 0 });
  expect(await lake.entries()).toHaveLength(1);
});

test('an idle shard loses nothing: its last record may be forgotten as long as it was seen caught up', async () => {
  const lake = await streamLake();
  await lake.open();
  lake.stream.put(shard(0), payment('p1'));
  await lake.collect();
  for (let hours = 0; hours < 60; hours += 20) {
    lake.clock.pass(20 * 3_600_000);
    expect(await lake.collect({ drain: false })).toMatchObject({ outcome: 'worked', parked: [] });
  }
  lake.stream.put(shard(0), payment('p2', { at: '2026-11-24T12:00:00Z' }));
  expect(await lake.collect()).toMatchObject({ outcome: 'drained', rows: 1, parked: [] });
  expect((await lake.rows()).map(({ id }) => id)).toEqual(['p1', 'p2']);
});

test('what an idle shard said last is known from the hint when no entry has it', async () => {
  const lake = await streamLake({ pacing: { idleEntryMs: 10 * DAY_MS } });
  await lake.open();
  lake.stream.put(shard(0), payment('p1'));
  await lake.collect({ drain: false });
  const entries = (await lake.entries()).length;
  for (let hours = 0; hours < 60; hours += 20) {
    lake.clock.pass(20 * 3_600_000);
    expect(await lake.collect({ drain: false })).toMatchObject({ entries: 0, parked: [] });
  }
  expect(await lake.entries()).toHaveLength(entries);
});

test('a shard that was never read while its stream forgot is parked too', async () => {
  const lake = await streamLake();
  await lake.open();
  lake.clock.pass(DAY_MS + 60_000);
  lake.stream.put(shard(0), payment('p1'));
  expect(await lake.collect({ drain: false })).toMatchObject({
    parked: [{ item: channel(0), failure: 'PositionLost' }],
  });
});

test('a shard that is gone before its end is parked, and skip goes on with what came after it', async () => {
  const lake = await streamLake();
  await lake.open();
  const before = lake.stream.put(shard(0), payment('p1'));
  await lake.collect();
  const [left] = lake.stream.split(shard(0));
  const [inner] = lake.stream.split(left);
  lake.stream.put(shard(2), payment('lost'));
  lake.clock.pass(DAY_MS + 60_000);
  lake.stream.put(inner, payment('p2', { at: '2026-11-23T12:00:00Z' }));
  const { parked } = await lake.collect({ drain: false });
  expect(parked).toMatchObject([{ item: channel(0), failure: 'PositionLost' }]);
  expect(parked[0]?.message).toContain('lists the shard no more');
  // Its descendants are not new shards: a second look gives them no lane.
  expect(await lake.open()).toMatchObject({ lanes: [0] });
  await lake.decide('skip', channel(0));
  expect((await lake.entries()).at(-1)?.channels).toMatchObject({
    [channel(0)]: {
      after: before,
      through: 'horizon:2026-11-23T12:01:00.000Z',
      closed: { children: [channel(1), channel(2)] },
    },
  });
  expect(await lake.collect()).toMatchObject({ outcome: 'drained', rows: 1, parked: [] });
  expect((await lake.rows()).map(({ id }) => id)).toEqual(['p1', 'p2']);
});

test('a stream that is missing, deleted, or made again under its name fails by name', async () => {
  const lake = await streamLake();
  lake.stream.delete();
  await expect(lake.open()).rejects.toMatchObject({ type: 'SourceMissing' });
  lake.stream.recreate(1_795_348_800, 1);
  await lake.open();
  lake.stream.delete();
  await expect(lake.open()).rejects.toMatchObject({ type: 'StreamDeleted' });
  await expect(lake.collect()).rejects.toMatchObject({ type: 'StreamDeleted' });
  lake.stream.recreate(1_795_350_000, 1);
  await expect(lake.open()).rejects.toMatchObject({ type: 'StreamDeleted' });
  await expect(lake.collect()).rejects.toMatchObject({ type: 'StreamDeleted' });
});
