import { expect, test } from 'vitest';
import { sha256Hex } from '../../../activities/objects/json.ts';
import { createLedger } from '../../../activities/objects/ledger.ts';
import type { RowsObject } from '../../../lake/entry.ts';
import { keys } from '../../../lake/keys.ts';
import { channelState, emptyDraft, fileItem, filesDraft, streamDraft } from '../../fakes/entries.ts';
import { MemoryObjectStore } from '../../fakes/memory-object-store.ts';

const { signal } = new AbortController();
const T0 = '2026-11-21T07:00:00.000Z';
const T1 = '2026-11-21T07:10:00.000Z';
const opening = channelState('earliest', 'earliest');

test('a feed without entries has no lanes', async () => {
  expect(await createLedger({ store: new MemoryObjectStore() }).lanes('flights', signal)).toEqual([]);
});

test('a lane exists once its first entry does', async () => {
  const ledger = createLedger({ store: new MemoryObjectStore() });
  await ledger.appendSet(filesDraft('c1', ['a.csv']), undefined, signal);
  await ledger.appendSet({ ...filesDraft('c2', ['b.csv']), lane: 1 }, undefined, signal);
  expect(await ledger.lanes('flights', signal)).toEqual([0, 1]);
});

test('entries name the bytes of the one before', async () => {
  const store = new MemoryObjectStore();
  await commitFiles(store, 'c1', ['a.csv']);
  await commitFiles(store, 'c2', ['b.csv']);
  const second = (await createLedger({ store }).head('flights', 0, signal))?.value;
  expect(second).toMatchObject({ format: 1, ordinal: 2, commit: 'c2' });
  expect(second?.prev).toBe(sha256Hex(store.text('ledger/flights/0/000000000001.json') ?? ''));
});

test('a commit whose answer was lost is found to be mine', async () => {
  const store = new MemoryObjectStore();
  store.faultCreates('answer lost');
  expect(await commitFiles(store, 'c1', ['a.csv'])).toMatchObject({ kind: 'committed', link: { n: 1 } });
});

test('a commit that ran twice stands once, wherever others came between', async () => {
  const store = new MemoryObjectStore();
  await commitFiles(store, 'c1', ['a.csv']);
  await commitFiles(store, 'c2', ['b.csv']);
  const again = await createLedger({ store }).appendSet(filesDraft('c1', ['a.csv']), undefined, signal);
  expect(again).toMatchObject({ kind: 'committed', link: { n: 1 } });
  expect(store.keys('ledger/')).toHaveLength(2);
});

test('a commit that ran twice with an old list of items is found among what is held', async () => {
  const store = new MemoryObjectStore();
  await commitFiles(store, 'c1', ['a.csv']);
  const ledger = createLedger({ store });
  const head = await ledger.head('flights', 0, signal);
  expect(await ledger.appendSet(filesDraft('c1', ['a.csv']), head, signal)).toMatchObject({
    kind: 'committed',
    link: { n: 1 },
  });
});

test('files that others did not touch are committed behind theirs', async () => {
  const store = new MemoryObjectStore();
  await commitFiles(store, 'c1', ['a.csv']);
  const late = await createLedger({ store }).appendSet(filesDraft('c2', ['b.csv']), undefined, signal);
  expect(late).toMatchObject({ kind: 'committed', link: { n: 2, value: { commit: 'c2' } } });
});

test('files that another committed meanwhile overlap, and nothing is written', async () => {
  const store = new MemoryObjectStore();
  await commitFiles(store, 'c1', ['a.csv', 'b.csv']);
  const late = await createLedger({ store }).appendSet(
    filesDraft('c2', ['b.csv', 'c.csv']),
    undefined,
    signal,
  );
  expect(late).toMatchObject({ kind: 'overlap', head: { n: 1 }, since: [{ value: { commit: 'c1' } }] });
  expect(store.keys('ledger/')).toHaveLength(1);
});

test('files that the chain held before my head overlap, though the caller forgot to drop them', async () => {
  const store = new MemoryObjectStore();
  await commitFiles(store, 'c1', ['a.csv']);
  const ledger = createLedger({ store });
  const head = await ledger.head('flights', 0, signal);
  expect(await ledger.appendSet(filesDraft('c2', ['a.csv']), head, signal)).toMatchObject({
    kind: 'overlap',
    since: [{ n: 1 }],
  });
});

test('an entry that may not follow is refused, and nothing is written', async () => {
  const store = new MemoryObjectStore();
  const ledger = createLedger({ store });
  const misnumbered = { ...filesDraft('c1', []), items: [fileItem('a.csv', 2)] };
  await expect(ledger.appendSet(misnumbered, undefined, signal)).rejects.toMatchObject({
    type: 'MalformedInput',
    message: expect.stringMatching(/^ledger\/flights\/0\/000000000001\.json refused: item "a\.csv"/),
  });
  await expect(ledger.appendSequence(filesDraft('c1', []), undefined, signal)).rejects.toMatchObject({
    type: 'MalformedInput',
  });
  await commitFiles(store, 'c1', ['a.csv']);
  const head = await ledger.head('flights', 0, signal);
  const stream = { ...streamDraft('c2', T0, { s: opening }), feed: 'flights' };
  await expect(ledger.appendSequence(stream, head, signal)).rejects.toMatchObject({ type: 'MalformedInput' });
  expect(store.keys()).toEqual(['ledger/flights/0/000000000001.json']);
});

test('a long list of items stands beside its entry, and is read as if it stood in it', async () => {
  const store = new MemoryObjectStore();
  const names = Array.from({ length: 101 }, (_, i) => `${i}.csv`);
  await commitFiles(store, 'c1', names);
  const ledger = createLedger({ store });
  const entry = (await ledger.head('flights', 0, signal))?.value;
  expect(entry?.items).toBeUndefined();
  expect(entry?.itemsIn?.key).toBe('manifest/flights/0/c1-items.json');
  expect(entry && (await ledger.items(entry, signal)).map(({ item }) => item)).toEqual(names);
  expect((await ledger.knownItems('flights', 0, signal)).size).toBe(101);
});

test('statistics of many partitions stand beside the entry too', async () => {
  const store = new MemoryObjectStore();
  const rows = [rowsOf(500), rowsOf(501)];
  const ledger = createLedger({ store });
  const appended = await ledger.appendSet({ ...filesDraft('c1', ['a.csv']), rows }, undefined, signal);
  const stored = appended.kind === 'committed' ? appended.link.value.rows : [];
  expect(stored.map(({ partitionsIn }) => partitionsIn?.key)).toEqual([
    undefined,
    'manifest/flights/0/c1-partitions-1.json',
  ]);
  for (const [index, object] of stored.entries()) {
    expect(await ledger.partitions(object, signal)).toEqual(rows[index]?.partitions);
  }
});

test('a list beside its entry that was altered or lost is told, by name', async () => {
  const store = new MemoryObjectStore();
  await commitFiles(
    store,
    'c1',
    Array.from({ length: 101 }, (_, i) => `${i}.csv`),
  );
  const key = keys.manifest('flights', 0, 'c1', 'items');
  store.put(key, store.text(key)?.replace('7.csv', '8.csv') ?? '');
  await expect(createLedger({ store }).knownItems('flights', 0, signal)).rejects.toMatchObject({
    type: 'ChecksumMismatch',
    message: expect.stringMatching(/^manifest\/flights\/0\/c1-items\.json holds sha256/),
  });
  store.delete(key);
  await expect(createLedger({ store }).knownItems('flights', 0, signal)).rejects.toMatchObject({
    type: 'ObjectMissing',
  });
});

test('known items grow with the chain, whoever lengthens it', async () => {
  const store = new MemoryObjectStore();
  const ledger = createLedger({ store });
  await commitFiles(store, 'c1', ['a.csv@1']);
  const before = await ledger.knownItems('flights', 0, signal);
  await commitFiles(store, 'c2', ['a.csv@2', 'b.csv']);
  const after = await ledger.knownItems('flights', 0, signal);
  expect(before.get('a.csv')?.map(({ ordinal }) => ordinal)).toEqual([1]);
  expect(after.get('a.csv')?.map(({ ordinal }) => ordinal)).toEqual([1, 2]);
  expect([...after.keys()]).toEqual(['a.csv', 'b.csv']);
});

test('two readers at once count every item once', async () => {
  const store = new MemoryObjectStore();
  await commitFiles(store, 'c1', ['a.csv']);
  const ledger = createLedger({ store });
  const read = () => ledger.knownItems('flights', 0, signal);
  const [first, second] = await Promise.all([read(), read()]);
  expect(first.get('a.csv')).toHaveLength(1);
  expect(second.get('a.csv')).toHaveLength(1);
});

test('of two collectors of a stream the later goes on from where the earlier stopped, and the earlier ends', async () => {
  const store = new MemoryObjectStore();
  const [earlier, later] = [createLedger({ store }), createLedger({ store })];
  const opened = await earlier.appendSequence(streamDraft('c1', T0, { s: opening }), undefined, signal);
  const since = opened.kind === 'committed' ? opened.link : undefined;
  const advanced = { s: channelState('earliest', '10') };
  await earlier.appendSequence(streamDraft('c2', T0, advanced), since, signal);

  const lost = await later.appendSequence(streamDraft('c3', T1, advanced), since, signal);
  expect(lost).toMatchObject({ kind: 'taken', later: false, head: { n: 2 } });
  const next = streamDraft('c4', T1, { s: channelState('10', '20') });
  const won = await later.appendSequence(next, lost.kind === 'taken' ? lost.head : undefined, signal);
  expect(won).toMatchObject({ kind: 'committed', link: { n: 3 } });

  const zombie = streamDraft('c5', T0, { s: channelState('10', '30') });
  expect(
    await earlier.appendSequence(zombie, lost.kind === 'taken' ? lost.head : undefined, signal),
  ).toMatchObject({ kind: 'taken', later: true, head: { n: 3 } });
  const head = await earlier.head('payments', 0, signal);
  expect(
    await earlier.appendSequence(streamDraft('c6', T0, { s: channelState('20', '30') }), head, signal),
  ).toMatchObject({ kind: 'taken', later: true });
  expect(store.keys('ledger/')).toHaveLength(3);
});

test('a channel that comes back is judged by where it was last, however long ago', async () => {
  const ledger = createLedger({ store: new MemoryObjectStore() });
  const append = async (commit: string, channels: Parameters<typeof streamDraft>[2]) => {
    const head = await ledger.head('payments', 0, signal);
    return ledger.appendSequence(streamDraft(commit, T0, channels), head, signal);
  };
  await append('c1', { s: opening, t: opening });
  await append('c2', { s: channelState('earliest', '5'), t: opening });
  await append('c3', { t: channelState('earliest', '1') });
  await append('c4', { t: channelState('1', '2') });
  await expect(append('c5', { s: opening, t: channelState('2', '3') })).rejects.toMatchObject({
    type: 'MalformedInput',
    message: expect.stringMatching(/channel s: after earliest; its through in entry 2 is 5$/),
  });
  expect(await append('c6', { s: channelState('5', '6'), t: channelState('2', '3') })).toMatchObject({
    kind: 'committed',
  });
  expect((await ledger.knownChannels('payments', 0, signal)).get('s')).toMatchObject({
    through: '6',
    ordinal: 5,
  });
});

/** Commit as a collector in a process of its own would. */
async function commitFiles(store: MemoryObjectStore, commit: string, names: readonly string[]) {
  const ledger = createLedger({ store });
  const head = await ledger.head('flights', 0, signal);
  return ledger.appendSet(
    { ...emptyDraft('flights', commit), items: filesDraft(commit, names).items ?? [] },
    head,
    signal,
  );
}

function rowsOf(partitions: number): RowsObject {
  const statistic = { rows: 1, hash: '7', minTime: null, maxTime: null };
  return {
    key: 'rows/flights/0/c1-a-0.parquet',
    bytes: 9,
    checksum: 'sha256:00',
    rows: partitions,
    hash: '7',
    schema: 's',
    mapping: 'm',
    partitions: Object.fromEntries(Array.from({ length: partitions }, (_, i) => [`p${i}`, statistic])),
  };
}
