import { expect, test } from 'vitest';
import { createLedger } from '../../../activities/objects/ledger.ts';
import type { DatabaseContext } from '../../../activities/tables/context.ts';
import { TableLane } from '../../../activities/tables/lane.ts';
import { MemoryObjectStore } from '../../fakes/memory-object-store.ts';

const FEED = { feed: 'shop.public.items', name: 'public.items' };

function contextOf(ledger: DatabaseContext['ledger']): DatabaseContext {
  const epoch = { run: 'r', scheduledAt: '2026-11-24T20:00:00.000Z' };
  const clock = { now: () => Date.parse('2026-11-24T20:00:01.000Z') };
  return { ledger, epoch, clock, specNumber: 1, signal: new AbortController().signal } as DatabaseContext;
}

test('an entry that is made counts as made, though a stretch that ends keeps it from being read back', async () => {
  const ledger = createLedger({ store: new MemoryObjectStore() });
  const lane = new TableLane(FEED);
  const cut = new Error('the stretch is over');
  expect(await lane.append(contextOf({ ...ledger, head: () => Promise.reject(cut) }), 'earliest')).toBe(
    'committed',
  );
  expect(await lane.append(contextOf(ledger), 'earliest')).toBe('taken');
  expect(lane.story.ordinal).toBe(1);
});
