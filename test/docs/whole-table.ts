import path from 'node:path';
import { mkdir } from 'node:fs/promises';
import { createLedger } from '../../activities/objects/ledger.ts';
import type { EntryDraft } from '../../lake/append.ts';
import type { MemoryObjectStore } from '../fakes/memory-object-store.ts';
import { FEED, TableLake } from '../support/table-lake.ts';

/** A lake of a table that was loaded, changed and loaded again, the last time by an entry whose lists are moved out. */
export async function filledTable(home: string): Promise<MemoryObjectStore> {
  const scratch = path.join(home, 'table');
  await mkdir(scratch);
  const table = new TableLake(scratch);
  const rows = ['a', 'b'].map((id) => ({ id, amount: 1, _change: 1000 }));
  await table.reload(rows);
  await table.change([{ id: 'a', amount: 2, _change: 1500 }]);
  await table.reconcile();
  await table.reload(rows);
  await table.reconcile();
  await table.read('live');
  await table.begin();
  await makeReady(table.lake.store);
  return table.lake.store;
}

async function makeReady(store: MemoryObjectStore): Promise<void> {
  const signal = AbortSignal.timeout(60_000);
  const ledger = createLedger({ store });
  const head = await ledger.head(FEED, 0, signal);
  const log = head?.value.channels?.['log'];
  if (!head || !log) throw new Error('no table');
  const { format: _, ordinal: __, prev: ___, ...before } = head.value;
  const lost = Array.from(
    { length: 501 },
    (_all, n) => [`b${String(n).padStart(4, '0')}`, { rows: 1, hash: '7' }] as const,
  );
  const draft: EntryDraft = {
    ...before,
    commit: 'ready',
    ready: ['log'],
    channels: { log: { ...log, after: log.through, through: log.through.replace('/begin/', '/ready/') } },
    retracts: [
      { feed: FEED, lane: 0, belowGeneration: log.generation, partitions: Object.fromEntries(lost) },
    ],
  };
  await ledger.appendSequence(draft, head, signal);
}
