import { expect, test } from 'vitest';
import { LaneHistory, checkFollows, needsHistory } from '../../lake/chain.ts';
import type { EntryDraft } from '../../lake/append.ts';
import type { ChannelState, Entry, EntryItem } from '../../lake/entry.ts';
import { channelState, emptyDraft, fileItem, filesDraft, streamDraft } from '../fakes/entries.ts';

const T0 = '2026-11-21T07:00:00.000Z';
const opening = channelState('earliest', 'earliest');

test('a first entry stands at 1, and names none before it', () => {
  expect(verdict([filesDraft('c1', ['a.csv'])])).toBe('ok');
  expect(checkFollows(undefined, entry(filesDraft('c1', ['a.csv']), 2))).toEqual({
    kind: 'broken',
    reason: 'ordinal 2; right would be 1',
  });
  expect(checkFollows(undefined, { ...entry(filesDraft('c1', []), 1), prev: 'aa' })).toEqual({
    kind: 'broken',
    reason: 'prev is aa; right would be null',
  });
});

test('a later entry follows the ordinal before, in the same lane', () => {
  const [first, second] = [entry(filesDraft('c1', []), 1), entry(filesDraft('c2', []), 2)];
  expect(checkFollows(first, second)).toEqual({ kind: 'ok' });
  expect(checkFollows(first, { ...second, ordinal: 3 })).toMatchObject({
    reason: 'ordinal 3; right would be 2',
  });
  expect(checkFollows(first, { ...second, prev: null })).toMatchObject({
    reason: 'prev is null; right would be the hash of the entry before',
  });
  expect(checkFollows(first, { ...second, lane: 1 })).toMatchObject({
    reason: 'it is of flights/1; right would be flights/0',
  });
});

test('a lane stays of its kind', () => {
  expect(verdict([filesDraft('c1', []), { ...emptyDraft('flights', 'c2'), channels: { s: opening } }])).toBe(
    'it is of a sequence lane; the entry before is of a set lane',
  );
});

test('items are numbered from 1 within their entry', () => {
  const items = [fileItem('a.csv', 1), fileItem('b.csv', 3)];
  expect(verdict([{ ...emptyDraft('flights', 'c1'), items }])).toMatch(
    /^item "b.csv", version .{64} has no 3; right/,
  );
});

test('an item version stands once in an entry', () => {
  const items = [fileItem('a.csv', 1), fileItem('a.csv', 2)];
  expect(verdict([{ ...emptyDraft('flights', 'c1'), items }])).toMatch(/stands in it twice$/);
});

test('an item points at rows that its entry has', () => {
  const spans = [{ object: 1, firstRow: 1, records: 2, firstRecord: 1 }];
  const items = [{ ...fileItem('a.csv'), spans }];
  expect(verdict([{ ...emptyDraft('flights', 'c1'), items }])).toMatch(/has rows in object 1 of 0$/);
});

test.each<[string, ReadonlyArray<EntryItem['state']>, RegExp]>([
  ['an item version is collected once', ['collected', 'collected'], /is collected; entry 1 has it collected/],
  ['what was skipped is not collected', ['skipped', 'collected'], /is collected; entry 1 has it skipped/],
  ['what was collected is not parked', ['collected', 'parked'], /is parked; entry 1 has it collected/],
  ['one parked stands before', ['parked', 'parked'], /is parked; entry 1 has it parked/],
  ['what was parked may be collected', ['parked', 'collected'], /^ok$/],
  ['what was parked may be skipped', ['parked', 'skipped'], /^ok$/],
  ['after that it is done', ['parked', 'collected', 'skipped'], /is skipped; entry 2 has it collected/],
])('%s', (_, states, expected) => {
  const drafts = states.map((state, i) => ({
    ...emptyDraft('flights', `c${i}`),
    items: [fileItem('a.csv', 1, state)],
  }));
  expect(verdict(drafts)).toMatch(expected);
});

test('another version of an item is another item version', () => {
  expect(verdict([filesDraft('c1', ['a.csv@1']), filesDraft('c2', ['a.csv@2'])])).toBe('ok');
});

test('only what was collected is retracted, and once', () => {
  const retracts = (name: string, ordinal: number) => {
    const { item, version } = fileItem(name);
    return [{ feed: 'flights', lane: 0, item, version, ordinal, spans: [], partitions: {} }];
  };
  const collected = filesDraft('c1', ['a.csv']);
  const retracting = { ...emptyDraft('flights', 'c2'), retracts: retracts('a.csv', 1) };
  expect(verdict([collected, retracting])).toBe('ok');
  expect(verdict([collected, retracting, { ...retracting, commit: 'c3' }])).toMatch(
    /which entry 2 retracted$/,
  );
  expect(verdict([collected, { ...retracting, retracts: retracts('b.csv', 1) }])).toMatch(
    /of entry 1, which has it not; right would be collected$/,
  );
});

test('a channel goes on where it stopped', () => {
  expect(stream({ s: opening }, { s: channelState('earliest', '10') }, { s: channelState('10', '20') })).toBe(
    'ok',
  );
  expect(stream({ s: opening }, { s: channelState('earliest', '10') }, { s: channelState('11', '20') })).toBe(
    'channel s: after 11; its through in entry 2 is 10',
  );
});

test('a channel starts at a place that is committed before the first read', () => {
  expect(stream({ s: channelState('at:2026-11-21T00:00:00Z', 'at:2026-11-21T00:00:00Z') })).toBe('ok');
  expect(stream({ s: channelState('10', '10') })).toBe(
    'channel s: after 10; right for its first entry would be earliest or at:<time>',
  );
  expect(stream({ s: channelState('earliest', '10') })).toBe(
    'channel s: through 10 in its first entry; right would be its after, earliest',
  );
});

test('a channel in error is left out, and comes back where it was last', () => {
  const others = { t: opening };
  const away = [
    { s: opening, t: opening },
    { s: channelState('earliest', '5'), ...others },
    others,
    others,
  ] as const;
  expect(stream(...away, { ...others, s: channelState('5', '9') })).toBe('ok');
  expect(stream(...away, { ...others, s: channelState('6', '9') })).toBe(
    'channel s: after 6; its through in entry 2 is 5',
  );
  expect(stream(...away, { ...others, s: opening })).toBe(
    'channel s: after earliest; its through in entry 2 is 5',
  );
});

test('children open after their parent closed, one generation later', () => {
  const closing = { ...channelState('earliest', '10'), closed: { children: ['a', 'b'] } };
  const child = channelState('earliest', 'earliest', 2);
  expect(stream({ s: opening }, { s: closing }, { a: child, b: child })).toBe('ok');
  expect(stream({ s: opening }, { s: closing, a: child, b: child })).toBe(
    'channel a: it opened before its parent s closed',
  );
  expect(stream({ s: opening, a: opening }, { s: closing })).toBe(
    'channel a: it opened before its parent s closed',
  );
  expect(stream({ s: opening }, { s: closing }, { a: { ...child, generation: 3 } })).toBe(
    'channel a: generation 3; right would be 2',
  );
});

test('a merged child opens after both parents closed, one generation after the later of them', () => {
  const close = (children: readonly string[], generation: number) => ({
    ...channelState('earliest', '10', generation),
    closed: { children },
  });
  const split = [
    { s: opening, z: opening },
    { s: close(['a'], 1), z: opening },
  ] as const;
  const a = channelState('earliest', 'earliest', 2);
  expect(
    stream(
      ...split,
      { a, z: opening },
      { a: close(['m'], 2), z: opening },
      { z: close(['m'], 1) },
      { m: channelState('earliest', 'earliest', 3) },
    ),
  ).toBe('ok');
  expect(
    stream(
      ...split,
      { a, z: opening },
      { a: close(['m'], 2), z: opening },
      { m: channelState('earliest', 'earliest', 3), z: opening },
      { m: channelState('earliest', 'earliest', 3), z: close(['m'], 1) },
    ),
  ).toBe('channel m: it opened before its parent z closed');
});

test('a child of parents in other lanes may be of a later generation, and names what it needs', () => {
  const first = streamDraft('c1', T0, { m: channelState('earliest', 'earliest', 4) });
  expect(verdict([first])).toBe('channel m: generation 4; right would be 1');
  expect(verdict([{ ...first, needs: { 'payments/1': 7 } }])).toBe('ok');
});

test('a closed channel stays closed', () => {
  const closing = { ...channelState('earliest', '10'), closed: { children: [] } };
  expect(stream({ s: opening }, { s: closing }, { s: channelState('10', '11') })).toBe(
    'channel s: it was closed in entry 2; right would be to leave it out',
  );
});

test('a generation stays, and watermarks never decrease', () => {
  const marked = (watermark: string | null) => ({ ...opening, watermark });
  expect(stream({ s: marked(null) }, { s: marked(T0) }, { s: marked(T0) })).toBe('ok');
  expect(stream({ s: marked(T0) }, { s: marked(null) })).toBe(
    `channel s: watermark null; in entry 1 it is ${T0}, and it never decreases`,
  );
  expect(stream({ s: opening }, { s: { ...opening, generation: 2 } })).toBe(
    'channel s: generation 2; in entry 1 it is 1',
  );
});

test('only a channel that comes, comes back or closes takes more than the entry before', () => {
  const draft = (channels: Readonly<Record<string, ChannelState>>) =>
    entry(streamDraft('c', T0, channels), 2);
  const before = draft({ s: opening, t: opening });
  expect(needsHistory(before, draft({ s: opening, t: opening }))).toBe(false);
  expect(needsHistory(before, draft({ s: opening }))).toBe(false);
  expect(needsHistory(before, draft({ s: opening, u: opening }))).toBe(true);
  expect(needsHistory(before, draft({ s: { ...opening, closed: { children: [] } } }))).toBe(true);
});

test('a history knows who retracted what', () => {
  const { item, version } = fileItem('a.csv@1');
  const retract = { feed: 'flights', lane: 0, item, version, ordinal: 1, spans: [], partitions: {} };
  const history = historyOf([
    filesDraft('c1', ['a.csv@1']),
    { ...filesDraft('c2', ['a.csv@2']), retracts: [retract] },
  ]);
  expect(history.items.get('a.csv')?.map(({ ordinal, retractedBy }) => [ordinal, retractedBy])).toEqual([
    [1, 2],
    [2, undefined],
  ]);
});

/** What the last of them is told, by whoever knows all before. */
function verdict(drafts: readonly EntryDraft[]): string {
  const entries = drafts.map((draft, index) => entry(draft, index + 1));
  const [last] = entries.slice(-1);
  if (!last) throw new Error('no drafts');
  const known = historyOf(drafts.slice(0, -1));
  const follows = checkFollows(entries.at(-2), last, { known, items: last.items ?? [] });
  return follows.kind === 'ok' ? 'ok' : follows.reason;
}

/** The same for the channels of successive entries of a stream. */
function stream(...states: ReadonlyArray<Readonly<Record<string, ChannelState>>>): string {
  return verdict(states.map((channels, i) => streamDraft(`c${i}`, T0, channels)));
}

function historyOf(drafts: readonly EntryDraft[]): LaneHistory {
  const history = new LaneHistory();
  for (const [index, draft] of drafts.entries()) history.add(entry(draft, index + 1), draft.items ?? []);
  return history;
}

function entry(draft: EntryDraft, ordinal: number): Entry {
  return { format: 1, ordinal, prev: ordinal === 1 ? null : `hash of ${ordinal - 1}`, ...draft };
}
