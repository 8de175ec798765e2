import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SeenChannel } from '../../lake/chain.ts';
import type { ChannelState } from '../../lake/entry.ts';
import {
  LANE_WIDTH,
  type ShardFacts,
  cutLanes,
  evidenceMs,
  isIdleEntryDue,
  isLost,
  nextChannels,
  openedAt,
  openings,
  skipped,
  strays,
  unclaimedChannels,
} from '../../lake/stream.ts';
import { channelState } from '../fakes/entries.ts';

const T0 = '2026-11-21T07:00:00.000Z';
const T1 = '2026-11-21T08:00:00.000Z';

test('lanes are cut in the order of names, none wider than the bound', () => {
  const names = Array.from({ length: 85 }, (_, n) => `1-shardId-${String(n).padStart(12, '0')}`);
  const lanes = cutLanes(names.toReversed());
  expect(lanes.map(({ length }) => length)).toEqual([LANE_WIDTH, LANE_WIDTH, 5]);
  expect(lanes.flat()).toEqual(names);
  expect(cutLanes([])).toEqual([]);
});

test('what a lane knows, and what follows from it, begins no lane', () => {
  const shards = [listed('a'), listed('b', 'a'), listed('c', 'b'), listed('d'), listed('e', 'gone')];
  expect(unclaimedChannels(shards, [])).toEqual(['a', 'd', 'e']);
  expect(unclaimedChannels(shards, [lane({ a: open('9') })])).toEqual(['d', 'e']);
  expect(unclaimedChannels(shards, [lane({ z: closed('d'), a: open('9') })])).toEqual(['e']);
});

test('while an open channel is not listed any more, strays are its descendants and begin no lane', () => {
  const shards = [listed('c', 'gone')];
  const lanes = [lane({ a: open('9') })];
  expect(unclaimedChannels(shards, lanes)).toEqual([]);
  expect(strays(shards, lanes)).toEqual(['c']);
});

test('a child opens once its parent is closed, one generation on', () => {
  const shards = [listed('a'), listed('b', 'a'), listed('c', 'a')];
  expect(openings('f', 0, [lane({ a: open('9') })], shards).channels).toEqual({});
  expect(openings('f', 0, [lane({ a: closed('b', 'c') })], shards)).toEqual({
    channels: { b: openedAt('earliest', 2), c: openedAt('earliest', 2) },
    needs: {},
    waiting: [],
  });
});

test('the child of a merge waits for both parents, and is a generation after the later one', () => {
  const shards = [listed('a'), listed('b'), listed('c', 'a', 'b')];
  const half = openings('f', 0, [lane({ a: closed('c'), b: open('9') })], shards);
  expect(half).toEqual({ channels: {}, needs: {}, waiting: [{ channel: 'c', parents: ['b'] }] });
  const late = { ...closed('c'), generation: 4 };
  expect(openings('f', 0, [lane({ a: closed('c'), b: late })], shards).channels).toEqual({
    c: openedAt('earliest', 5),
  });
});

test('the child of a merge waits for a parent that has not opened either, as long as it will', () => {
  const shards = [listed('a'), listed('b'), listed('d', 'a'), listed('e', 'd'), listed('c', 'b', 'e')];
  const lanes = [lane({ a: open('9'), b: closed('c') })];
  expect(openings('f', 0, lanes, shards)).toEqual({
    channels: {},
    needs: {},
    waiting: [{ channel: 'c', parents: ['e'] }],
  });
  // Of shards that ended before the stream was first collected, nothing will come.
  expect(openings('f', 0, [lane({ b: closed('c') })], shards).channels).toEqual({
    c: openedAt('earliest', 2),
  });
});

test('parents in several lanes: the lowest opens the child and names what it needs, the other does not', () => {
  const shards = [listed('a'), listed('b'), listed('c', 'a', 'b')];
  const lanes = [lane({ b: closed('c') }), lane({ a: { ...closed('c'), ordinal: 17 } })];
  expect(openings('f', 0, lanes, shards)).toEqual({
    channels: { c: openedAt('earliest', 2) },
    needs: { 'f/1': 17 },
    waiting: [],
  });
  expect(openings('f', 1, lanes, shards).channels).toEqual({});
});

test('what is open already is not opened again, in whichever lane it is', () => {
  const shards = [listed('a'), listed('c', 'a')];
  expect(openings('f', 0, [lane({ a: closed('c') }), lane({ c: open('1') })], shards).channels).toEqual({});
});

test('a parent that was never read and is no longer listed counts as closed', () => {
  const shards = [listed('a'), listed('c', 'a', 'gone')];
  expect(openings('f', 0, [lane({ a: closed('c') })], shards).channels).toEqual({
    c: openedAt('earliest', 2),
  });
});

test('a parent that ended before the start of the feed leaves the start to its child', () => {
  const ended = { ...closed('b'), through: `at:${T0}` };
  const { channels } = openings('f', 0, [lane({ a: ended })], [listed('a'), listed('b', 'a')]);
  expect(channels['b']).toMatchObject({ after: `at:${T0}`, through: `at:${T0}`, generation: 2 });
});

test('the next entry lists every open channel, advanced or not, and none that is closed or left out', () => {
  const standing = {
    a: channelState('1', '5'),
    b: channelState('2', '2'),
    c: { ...channelState('1', '9'), closed: { children: [] } },
    d: channelState('1', '4'),
  };
  const advances = new Map([['a', { through: '7', watermark: T0, caughtUpAt: T1, children: ['x'] }]]);
  expect(nextChannels(standing, advances, new Set(['d']))).toEqual({
    a: {
      after: '5',
      through: '7',
      generation: 1,
      watermark: T0,
      caughtUpAt: T1,
      closed: { children: ['x'] },
    },
    b: { after: '2', through: '2', generation: 1, watermark: null, caughtUpAt: null },
  });
});

test('what was seen never decreases', () => {
  const times = fc.constantFrom(null, T0, T1);
  fc.assert(
    fc.property(times, times, times, times, (watermark, caughtUpAt, seen, said) => {
      const state = { ...channelState('1', '2'), watermark, caughtUpAt };
      const advances = new Map([['a', { watermark: seen, caughtUpAt: said }]]);
      const next = nextChannels({ a: state }, advances, new Set())['a'];
      expect([null, T0, T1].indexOf(next?.watermark ?? null)).toBe(
        Math.max([null, T0, T1].indexOf(watermark), [null, T0, T1].indexOf(seen)),
      );
      expect([null, T0, T1].indexOf(next?.caughtUpAt ?? null)).toBe(
        Math.max([null, T0, T1].indexOf(caughtUpAt), [null, T0, T1].indexOf(said)),
      );
    }),
  );
});

test('a skipped channel keeps its lost position on record', () => {
  expect(skipped(channelState('1', '7', 3), T1)).toEqual({
    after: '7',
    through: `horizon:${T1}`,
    generation: 3,
    watermark: null,
    caughtUpAt: null,
  });
  expect(skipped(channelState('1', '7'), T1, ['x']).closed).toEqual({ children: ['x'] });
});

test.each([
  ['a record that is gone, and never caught up', '7', null, T1, true],
  ['a record that is gone, caught up within what is kept', '7', T1, T1, false],
  ['a record that is gone, caught up before what is kept', '7', T0, T1, true],
  ['a start on record within what is kept', 'earliest', null, T1, false],
  ['a start on record before what is kept', 'earliest', null, T0, true],
  ['a start at the horizon before what is kept', `horizon:${T0}`, null, T0, true],
  ['a start long ago, caught up since', 'earliest', T1, T0, false],
])('%s', (_, through, caughtUpAt, committedAt, lost) => {
  const horizonMs = Date.parse('2026-11-21T07:30:00Z');
  expect(isLost({ through, caughtUpAt, committedAt, horizonMs })).toBe(lost);
});

test('a lane is as far as the least of its open channels, and unknown while one was never seen', () => {
  const seen = (watermark: string | null, caughtUpAt: string | null): ChannelState => ({
    ...channelState('1', '2'),
    watermark,
    caughtUpAt,
  });
  expect(evidenceMs({ a: seen(T0, null), b: seen(T0, T1) })).toBe(Date.parse(T0));
  expect(evidenceMs({ a: seen(T0, null), b: seen(null, null) })).toBeUndefined();
  expect(evidenceMs({})).toBeUndefined();
  expect(isIdleEntryDue({ a: seen(T0, null) }, { a: seen(T0, T1) }, 3_600_000)).toBe(true);
  expect(isIdleEntryDue({ a: seen(T0, null) }, { a: seen(T0, T1) }, 3_600_001)).toBe(false);
  expect(isIdleEntryDue({ a: seen(null, null) }, { a: seen(null, T0) }, 3_600_000)).toBe(true);
});

function listed(channel: string, ...parents: string[]): ShardFacts {
  return { channel, parents, isOpen: true };
}

function open(through: string): SeenChannel {
  return { ...channelState(through, through), ordinal: 1 };
}

function closed(...children: string[]): SeenChannel {
  return { ...channelState('1', '9'), closed: { children }, ordinal: 2 };
}

function lane(channels: Record<string, SeenChannel>): ReadonlyMap<string, SeenChannel> {
  return new Map(Object.entries(channels));
}
