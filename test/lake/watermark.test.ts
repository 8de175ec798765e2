import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ChannelState } from '../../lake/entry.ts';
import type { EntryFacts } from '../../lake/entry-facts.ts';
import { isoInstant } from '../../lake/instant.ts';
import { type WatermarkInput, watermark } from '../../lake/watermark.ts';
import { factsOf } from '../fakes/facts.ts';

const HOUR = 3_600_000;

test('a stream is known as far as its slowest shard, less the lateness', () => {
  const entries = [shards(1, { a: shard(9), b: shard(7) })];
  expect(stream(entries, { latenessMs: HOUR }).ms).toBe(6 * HOUR);
});

test('a shard whose source said that is all counts to that moment', () => {
  const idle = { ...shard(3), caughtUpAt: isoInstant(8 * HOUR) };
  expect(stream([shards(1, { a: shard(9), b: idle })]).ms).toBe(8 * HOUR);
});

test('a shard that never said anything stops the watermark, by name', () => {
  expect(stream([shards(1, { a: shard(9), b: shard(null) })])).toMatchObject({
    ms: null,
    because: 'channel b has no evidence yet',
  });
});

test('a shard that was left out without being closed is parked, and holds the watermark where it stood', () => {
  const entries = [shards(1, { a: shard(4), b: shard(4) }), shards(2, { a: shard(9) })];
  expect(stream(entries)).toMatchObject({
    ms: 4 * HOUR,
    because: 'channel b was seen to 1970-01-01T04:00:00.000Z and is parked',
  });
});

test('a table whose channel says no time holds nothing up; one that does counts like a shard', () => {
  const table = { generation: 1, ready: true };
  const silent = { ...shards(1, { log: { ...shard(null), caughtUpAt: isoInstant(HOUR) } }), table };
  expect(stream([silent])).toMatchObject({ ms: null, speaks: false, timeless: true });
  expect(stream([silent, { ...shards(2, { log: shard(9) }), table }])).toMatchObject({
    ms: 9 * HOUR,
    speaks: true,
  });
});

test('a closed shard counts until all its children have opened, and they go on where it ended', () => {
  const closed = { ...shard(5), closed: { children: ['b', 'c'] } };
  const first = shards(1, { a: closed, d: shard(9) });
  expect(stream([first]).because).toContain('it closed, and not all of b, c have opened');
  const opened = shards(2, { b: shard(null), c: shard(null), d: shard(9) });
  expect(stream([first, opened]).ms).toBe(5 * HOUR);
  const moved = shards(3, { b: shard(7), c: shard(8), d: shard(9) });
  expect(stream([first, opened, moved]).ms).toBe(7 * HOUR);
});

test('a stream that commits nothing for three intervals is named as silent', () => {
  const entries = [shards(1, { a: shard(4) })];
  expect(stream(entries, { nowMs: 40_000, silentAfterMs: 30_000 }).because).toBe(
    'channel a was seen to 1970-01-01T04:00:00.000Z; nothing committed for 40 s',
  );
});

test('deliveries count to the end of the last unbroken window, from the declared beginning', () => {
  const days = [window(2), window(1), window(4)];
  expect(books(days, { fromMs: 24 * HOUR }).ms).toBe(72 * HOUR);
  expect(books(days, { fromMs: 0 })).toMatchObject({ ms: 0 });
});

test('without a declared beginning the first delivery sets it, and an older one lowers nothing', () => {
  expect(books([window(3), window(4)]).ms).toBe(120 * HOUR);
  expect(books([window(3), window(4), window(1)]).ms).toBe(120 * HOUR);
});

test('a delivery without a window speaks for everything up to its asOf', () => {
  expect(books([{ windows: [], asOf: isoInstant(7 * HOUR) }]).ms).toBe(7 * HOUR);
});

test('more entries of a stream never lower its watermark, however it splits and parks', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(9), fc.nat(3), fc.nat(5)), { maxLength: 30 }), (steps) => {
      const open = new Map<string, ChannelState>([
        ['s0', shard(null)],
        ['s1', shard(null)],
      ]);
      const entries = [shards(1, Object.fromEntries(open))];
      const parked = new Map<string, ChannelState>();
      let made = 2;
      let last = -1;
      for (const [which, advance, what] of steps) {
        const name = [...open.keys()][which % open.size] ?? 's0';
        const state = open.get(name) ?? shard(null);
        const seen = (state.watermark === null ? 0 : Date.parse(state.watermark) / HOUR) + advance;
        if (what === 0) {
          const children = [`s${made}`, `s${made + 1}`];
          made += 2;
          open.set(name, { ...shard(seen), closed: { children } });
          entries.push(shards(entries.length + 1, Object.fromEntries(open)));
          open.delete(name);
          for (const child of children) open.set(child, shard(null));
        } else if (what === 1 && open.size > 1) {
          parked.set(name, state);
          open.delete(name);
        } else {
          open.set(name, shard(seen));
          for (const [back, at] of parked) open.set(back, at);
          parked.clear();
        }
        entries.push(shards(entries.length + 1, Object.fromEntries(open)));
        const { ms } = stream(entries);
        expect(ms ?? -1).toBeGreaterThanOrEqual(last);
        last = ms ?? last;
      }
    }),
  );
});

test('more deliveries never lower a watermark, in whatever order they come', () => {
  const deliveries = fc.array(fc.nat(9).map(window), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(deliveries, fc.option(fc.constant(0), { nil: undefined }), (days, fromMs) => {
      const reached = days.map((_, index) => books(days.slice(0, index + 1), { fromMs }).ms ?? -1);
      expect(reached).toEqual([...reached].sort((a, b) => a - b));
    }),
  );
});

function shard(hour: number | null): ChannelState {
  const seen = hour === null ? null : isoInstant(hour * HOUR);
  return { after: '1', through: '1', generation: 1, watermark: seen, caughtUpAt: null };
}

function shards(ordinal: number, channels: Readonly<Record<string, ChannelState>>): EntryFacts {
  return factsOf('stream', ordinal, [], { channels });
}

function window(day: number): Partial<EntryFacts> {
  const to = isoInstant((day + 1) * 24 * HOUR);
  return { windows: [{ from: isoInstant(day * 24 * HOUR), to }], asOf: to };
}

function stream(entries: readonly EntryFacts[], extra: Partial<WatermarkInput> = {}) {
  return watermark({ ...BASE, feed: 'stream', role: 'speed', entries, ...extra });
}

function books(deliveries: readonly Partial<EntryFacts>[], extra: Partial<WatermarkInput> = {}) {
  const entries = deliveries.map((delivery, index) => factsOf('books', index + 1, [], delivery));
  return watermark({ ...BASE, feed: 'books', role: 'batch', entries, ...extra });
}

const BASE = { latenessMs: 0, fromMs: undefined, nowMs: 0, silentAfterMs: undefined } as const;
