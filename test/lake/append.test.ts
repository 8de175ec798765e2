import { expect, test } from 'vitest';
import { type EntryDraft, type Stored, afterLoss, heldBy, isLater } from '../../lake/append.ts';
import type { EntryItem, Release, Retraction } from '../../lake/entry.ts';
import { channelState, emptyDraft, fileItem, filesDraft, streamDraft } from '../fakes/entries.ts';

const T0 = '2026-11-21T07:00:00.000Z';
const T1 = '2026-11-21T07:00:00.001Z';

test('an entry with my commit id is mine, even behind others', () => {
  const since = [stored(filesDraft('theirs', ['b.csv']), 4), stored(filesDraft('mine', ['a.csv']), 5)];
  expect(afterLoss(filesDraft('mine', ['a.csv']), since)).toEqual({ kind: 'committed', ordinal: 5 });
});

test('an entry that only looks like mine is not mine', () => {
  const since = [stored(filesDraft('theirs', ['a.csv']), 4)];
  expect(afterLoss(filesDraft('mine', ['a.csv']), since)).toEqual({ kind: 'overlap' });
});

test('entries that touch nothing of mine let the same body follow', () => {
  const since = [stored(filesDraft('theirs', ['b.csv']), 4), stored(filesDraft('others', ['c.csv']), 5)];
  expect(afterLoss(filesDraft('mine', ['a.csv']), since)).toEqual({ kind: 'again' });
});

test('another version of my item overlaps: it may make mine older, or a restatement', () => {
  const since = [stored(filesDraft('theirs', ['a.csv@2']), 4)];
  expect(afterLoss(filesDraft('mine', ['a.csv@1']), since)).toEqual({ kind: 'overlap' });
});

test.each<[string, EntryItem['state'], EntryItem['state'], string]>([
  ['what they parked, I may collect', 'parked', 'collected', 'again'],
  ['what they parked, I may skip', 'parked', 'skipped', 'again'],
  ['what they parked is not parked again', 'parked', 'parked', 'overlap'],
  ['what they collected is not parked', 'collected', 'parked', 'overlap'],
  ['what they skipped is not collected', 'skipped', 'collected', 'overlap'],
])('%s', (_, theirs, mine, kind) => {
  const draft = { ...emptyDraft('flights', 'mine'), items: [fileItem('a.csv', 1, mine)] };
  const since = [stored({ ...emptyDraft('flights', 'theirs'), items: [fileItem('a.csv', 1, theirs)] }, 4)];
  expect(afterLoss(draft, since)).toMatchObject({ kind });
});

test('what they retracted is not retracted again, nor is an item collected beside its retraction', () => {
  const since = [stored({ ...emptyDraft('flights', 'theirs'), retracts: [retraction('a.csv')] }, 4)];
  const again: EntryDraft = { ...emptyDraft('flights', 'mine'), retracts: [retraction('a.csv')] };
  expect(afterLoss(again, since)).toEqual({ kind: 'overlap' });
  expect(afterLoss(filesDraft('mine', ['a.csv']), since)).toEqual({ kind: 'overlap' });
  expect(afterLoss(filesDraft('mine', ['b.csv']), since)).toEqual({ kind: 'again' });
});

test('a quarantined record is released once', () => {
  const since = [stored({ ...emptyDraft('flights', 'theirs'), releases: [release(1, 2)] }, 4)];
  expect(afterLoss({ ...emptyDraft('flights', 'mine'), releases: [release(2, 3)] }, since)).toEqual({
    kind: 'overlap',
  });
  expect(afterLoss({ ...emptyDraft('flights', 'mine'), releases: [release(3)] }, since)).toEqual({
    kind: 'again',
  });
});

test('who meets a later epoch on a sequence lane ends; who meets an earlier one goes on', () => {
  const since = (scheduledAt: string) => [stored(streamDraft('theirs', scheduledAt, { s: started }), 4)];
  expect(afterLoss(streamDraft('mine', T0, { s: started }), since(T1))).toEqual({
    kind: 'taken',
    later: true,
  });
  expect(afterLoss(streamDraft('mine', T1, { s: started }), since(T0))).toEqual({
    kind: 'taken',
    later: false,
  });
  expect(afterLoss(streamDraft('mine', T1, { s: started }), since(T1))).toEqual({
    kind: 'taken',
    later: false,
  });
});

test('a later epoch counts wherever it stands among the entries since', () => {
  const since = [
    stored(streamDraft('later', T1, { s: started }), 4),
    stored(streamDraft('earlier', T0, { s: started }), 5),
  ];
  expect(afterLoss(streamDraft('mine', T0, { s: started }), since)).toEqual({ kind: 'taken', later: true });
});

test('epochs compare as instants, not as text', () => {
  const at = (scheduledAt: string) => ({ run: 'run-1', scheduledAt });
  expect(isLater(at('2026-11-21T07:00:00.5Z'), at('2026-11-21T07:00:00Z'))).toBe(true);
  expect(isLater(at('2026-11-21T07:00:00Z'), at('2026-11-21T07:00:00.5Z'))).toBe(false);
  expect(isLater({ run: 'run-1' }, at('2026-11-21T07:00:00Z'))).toBe(false);
});

test('an entry that retracted an item holds its retraction', () => {
  const retracted = { ...fileItem('a.csv'), ordinal: 1, retractedBy: 4 };
  const draft = { feed: 'flights', lane: 0, retracts: [retraction('a.csv')] };
  expect(heldBy(draft, new Map([['a.csv', [retracted]]]))).toEqual([4]);
  expect(heldBy({ ...draft, lane: 1 }, new Map([['a.csv', [retracted]]]))).toEqual([]);
});

test('entries that hold an item already are named once, ascending', () => {
  const known = new Map([
    ['a.csv', [{ ...fileItem('a.csv', 1), ordinal: 7 }]],
    ['b.csv', [{ ...fileItem('b.csv', 1), ordinal: 3 }]],
    ['c.csv', [{ ...fileItem('c.csv', 2), ordinal: 3 }]],
    ['d.csv', [{ ...fileItem('d.csv', 2, 'parked'), ordinal: 5 }]],
    ['e.csv', [{ ...fileItem('e.csv@1', 2), ordinal: 6 }]],
  ]);
  const items = ['a.csv', 'b.csv', 'c.csv', 'd.csv', 'e.csv@2', 'f.csv'].map((name) => fileItem(name));
  expect(heldBy({ feed: 'flights', lane: 0, items }, known)).toEqual([3, 7]);
});

const started = channelState('earliest', 'earliest');

function stored(draft: EntryDraft, ordinal: number): Stored {
  const entry = { format: 1, ordinal, prev: 'before', ...draft } as const;
  return { entry, items: draft.items ?? [] };
}

function retraction(name: string): Retraction {
  const { item, version } = fileItem(name);
  return { feed: 'flights', lane: 0, item, version, ordinal: 1, spans: [], partitions: {} };
}

function release(...records: readonly number[]): Release {
  return { rejected: 'rejected/flights/0/c-a-0.ndjson', records };
}
