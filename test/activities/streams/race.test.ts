import { expect, test } from 'vitest';
import type { MockActivityEnvironment } from '@temporalio/testing';
import { Gate } from '../../support/gate.ts';
import { MemoryObjectStore } from '../../fakes/memory-object-store.ts';
import { channel, payment, shard, streamLake } from './stream-lake.ts';

test('a lost answer, a conflict and a request that never came end in one entry', async () => {
  const lake = await streamLake();
  await lake.open();
  lake.stream.put(shard(0), payment('p1'));
  // Raw and rows first, then the entry.
  lake.store.faultCreates('lost', 'answer lost', 'conflict', 'answer lost', 'answer lost');
  expect(await lake.collect()).toMatchObject({ outcome: 'drained', rows: 1, entries: 1 });
  expect(await lake.rows()).toHaveLength(1);
  expect(await lake.entries()).toHaveLength(2);
});

test('an attempt that meets the entry of a later one ends, and nothing is there twice', async () => {
  const gate = new Gate();
  const held = { on: false };
  const store = new MemoryObjectStore(async () => held.on && gate.pass());
  const lake = await streamLake({ store });
  await lake.open();
  lake.stream.put(shard(0), payment('p1'));
  held.on = true;
  const zombie = lake.collect({ scheduledMs: 10 });
  await gate.waiting(1);
  held.on = false;
  expect(await lake.collect({ scheduledMs: 20 })).toMatchObject({ outcome: 'drained', rows: 1 });
  gate.open();
  expect(await zombie).toMatchObject({ outcome: 'superseded', records: 0, entries: 0 });
  expect(await lake.rows()).toHaveLength(1);
});

test('an attempt that meets the entry of an earlier one goes on from there', async () => {
  const store = new MemoryObjectStore();
  const lake = await streamLake({ store });
  await lake.open();
  lake.stream.put(shard(0), payment('p1'));
  const gate = store.holdCreates();
  const later = lake.collect({ scheduledMs: 20 });
  await gate.waiting(2);
  const zombie = lake.collect({ scheduledMs: 10 });
  await gate.waiting(4);
  gate.open();
  const [first, second] = await Promise.all([later, zombie]);
  expect(first).toMatchObject({ outcome: 'drained' });
  expect(first.rows + second.rows).toBe(1);
  expect(await lake.rows()).toHaveLength(1);
});

test('a cancelled attempt is rethrown as such, commits nothing more and leaves no files', async () => {
  const store = new MemoryObjectStore();
  const lake = await streamLake({ store });
  await lake.open();
  lake.stream.put(shard(0), payment('p1'));
  const gate = store.holdCreates();
  let environment: MockActivityEnvironment | undefined;
  const attempt = lake.collect({
    environment: (made) => {
      environment = made;
    },
  });
  await gate.waiting(1);
  environment?.cancel('CANCELLED');
  gate.open();
  await expect(attempt).rejects.toMatchObject({ name: 'CancelledFailure' });
  expect(await lake.entries()).toHaveLength(1);
  expect(await lake.leftovers()).toEqual([]);
});

test('a failure without progress is thrown; after progress it is an outcome that says what it was', async () => {
  const broken = { after: Infinity };
  const lake = await streamLake({
    stream: { pageSize: 1 },
    source: { commit: { rows: 1, bytes: 64_000_000, everyMs: 1000 } },
    wrap: (stream) => ({
      describe: (...a) => stream.describe(...a),
      shards: (...a) => stream.shards(...a),
      open: (...a) => stream.open(...a),
      read: async (...a) => {
        broken.after -= 1;
        if (broken.after < 0) throw new Error('the line is cut');
        return stream.read(...a);
      },
    }),
  });
  await lake.open();
  lake.stream.put(shard(0), payment('p1'));
  lake.stream.put(shard(0), payment('p2'));
  broken.after = 0;
  await expect(lake.collect()).rejects.toThrow('the line is cut');
  broken.after = 1;
  expect(await lake.collect()).toEqual({
    outcome: 'failed',
    records: 1,
    rows: 1,
    rejected: 0,
    entries: 1,
    parked: [],
    failure: { type: 'Error', message: 'the line is cut' },
  });
  broken.after = Infinity;
  expect(await lake.collect()).toMatchObject({ outcome: 'drained', rows: 1 });
  expect((await lake.entries()).at(-1)?.channels).toHaveProperty(channel(0));
});

test('two that open the lanes at once make each of them once', async () => {
  const lake = await streamLake({ stream: { shards: 90 } });
  const opened = await Promise.all([lake.open(), lake.open()]);
  expect(opened).toEqual([
    { lanes: [0, 1, 2], parked: [] },
    { lanes: [0, 1, 2], parked: [] },
  ]);
  for (const [lane, size] of [40, 40, 10].entries()) {
    const entries = await lake.entries(lane);
    expect(entries).toHaveLength(1);
    expect(Object.keys(entries[0]?.channels ?? {})).toHaveLength(size);
  }
});
