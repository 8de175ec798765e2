import { expect, test } from 'vitest';
import type { CreateAnswer } from '../../../activities/objects/port.ts';
import { probeConditionalCreate } from '../../../activities/objects/probe.ts';
import { MemoryObjectStore } from '../../fakes/memory-object-store.ts';

const { signal } = new AbortController();

/** A store as some stand-ins are: every create wins. */
class OverwritingStore extends MemoryObjectStore {
  override async create(key: string, body: Uint8Array): Promise<CreateAnswer> {
    this.put(key, body);
    return 'created';
  }
}

test('a store that creates a key twice is refused', async () => {
  await expect(probeConditionalCreate(new OverwritingStore(), signal)).rejects.toMatchObject({
    type: 'StoreIgnoresConditions',
    message: 'probe/conditional-create was created twice; right would be once, then 412',
  });
});

test('a lost answer or a conflict says nothing about a store, and is asked again', async () => {
  const store = new MemoryObjectStore();
  store.faultCreates('lost', 'conflict', undefined, 'answer lost');
  await probeConditionalCreate(store, signal);
  expect(store.keys()).toEqual(['probe/conditional-create']);
});

test('a store that never gives a clear answer is unreachable', async () => {
  const store = new MemoryObjectStore();
  store.faultCreates('lost', 'lost', 'lost', 'lost', 'lost');
  await expect(probeConditionalCreate(store, signal)).rejects.toMatchObject({ type: 'Unreachable' });
});
