import { expect, test } from 'vitest';
import { createLedger } from '../../../activities/objects/ledger.ts';
import { takenBack } from '../../../activities/objects/taken-back.ts';
import type { EntryDraft } from '../../../lake/append.ts';
import type { PartitionStatistics, RowsObject } from '../../../lake/entry.ts';
import { loadItem } from '../../../lake/table-lane.ts';
import { emptyDraft, fileItem } from '../../fakes/entries.ts';
import { MemoryObjectStore } from '../../fakes/memory-object-store.ts';

const FEED = 'shop.public.customers';
const AT = '2026-11-21T03:00:00.000Z';
const signal = AbortSignal.timeout(60_000);

test('what a load takes back is summed over the entries below it, and read again from where it was moved to', async () => {
  const { store, append } = tableOf();
  await append(1, 'earliest');
  await append(1, `1@${AT}/begin/`);
  await append(1, `1@${AT}/load/a`, {
    items: [fileItem(loadItem(1, 'a'))],
    rows: [rowsOf('a', buckets(600))],
  });
  await append(1, `1@${AT}/ready/`, { ready: ['log'] });
  await append(1, `1@${AT}/cdc/c`, { items: [fileItem('c')], rows: [rowsOf('c', buckets(2))] });
  await append(2, `2@${AT}/begin/`);
  await append(2, `2@${AT}/load/a`, { items: [fileItem(loadItem(2, 'a'))], rows: [rowsOf('b', buckets(1))] });
  await append(3, `3@${AT}/begin/`);
  const ledger = createLedger({ store });
  const head = await ledger.head(FEED, 0, signal);
  const taken = head && (await takenBack(ledger, head, 3, signal));
  expect(Object.keys(taken?.partitions ?? {})).toHaveLength(600);
  expect(taken?.partitions['b0000']).toEqual({ rows: 3, hash: '21' });
  expect(taken?.partitions['b0001']).toEqual({ rows: 2, hash: '14' });

  const link = await append(3, `3@${AT}/ready/`, { ready: ['log'], ...(taken && { retracts: [taken] }) });
  expect(link.value.retracts).toMatchObject([{ partitions: {}, partitionsIn: { key: /lost-0/ } }]);
  expect(await createLedger({ store }).retracts(link.value, signal)).toEqual([taken]);

  // Of what was taken back before, nothing is taken back again.
  await append(4, `4@${AT}/begin/`);
  const last = await ledger.head(FEED, 0, signal);
  expect(last && (await takenBack(ledger, last, 4, signal)).partitions).toEqual({});
});

test('a landing that was collected is refused, and an entry that another writer made is taken', async () => {
  const { store, append, draft } = tableOf();
  await append(1, 'earliest');
  await append(1, `1@${AT}/begin/`);
  const begun = await append(1, `1@${AT}/cdc/c`, { items: [fileItem('c@1')] });
  await expect(append(1, `1@${AT}/cdc/d`, { items: [fileItem('c@2')] })).rejects.toThrow(/collected already/);
  const ledger = createLedger({ store });
  expect((await ledger.knownItems(FEED, 0, signal)).get('c')).toMatchObject([
    { state: 'collected', ordinal: 3 },
  ]);
  const mine = draft(1, `1@${AT}/cdc/e`, { items: [fileItem('e')] });
  await append(1, `1@${AT}/ready/`, { ready: ['log'] });
  expect(await ledger.appendSequence(mine, begun, signal)).toMatchObject({ kind: 'taken', head: { n: 4 } });
});

/** A lane of a table, and what writes it: each entry goes on where the one before ended. */
function tableOf() {
  const store = new MemoryObjectStore();
  const ledger = createLedger({ store });
  let through = 'earliest';
  let commits = 0;
  function draft(generation: number, to: string, more: Partial<EntryDraft> = {}): EntryDraft {
    const state = { after: through, through: to, generation, watermark: null, caughtUpAt: null };
    return { ...emptyDraft(FEED, `c${(commits += 1)}`), items: [], channels: { log: state }, ...more };
  }
  async function append(generation: number, to: string, more: Partial<EntryDraft> = {}) {
    const head = await ledger.head(FEED, 0, signal);
    const appended = await ledger.appendSequence(draft(generation, to, more), head, signal);
    if (appended.kind !== 'committed') throw new Error(appended.kind);
    through = to;
    return appended.link;
  }
  return { store, append, draft };
}

function buckets(n: number): PartitionStatistics {
  const one = (rows: number) => ({ rows, hash: String(rows * 7), minTime: null, maxTime: null });
  return Object.fromEntries(Array.from({ length: n }, (_, k) => [`b${String(k).padStart(4, '0')}`, one(1)]));
}

function rowsOf(key: string, partitions: PartitionStatistics): RowsObject {
  const rows = Object.keys(partitions).length;
  return { key, bytes: 1, checksum: 'sha256:00', rows, hash: '0', schema: 's', mapping: 'm', partitions };
}
