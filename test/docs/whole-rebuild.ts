import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { MemoryObjectStore } from '../fakes/memory-object-store.ts';
import { D1, event, wholeLake } from '../reading/verify/whole-lake.ts';

/** A lake one of whose datasets was counted for another key, one row of which has none, and then built anew by hour. */
export async function filledRebuild(home: string): Promise<MemoryObjectStore> {
  const folder = path.join(home, 'rebuilt');
  await mkdir(folder);
  const lake = await wholeLake(folder);
  const [shard = ''] = lake.stream.openShards;
  lake.stream.put(shard, event('a', `${D1}T10:00:00Z`, '1.00'));
  lake.stream.put(shard, JSON.stringify({ id: 'b', paid_at: `${D1}T11:00:00Z`, revision: 1 }));
  await lake.collect();
  await lake.publish('payments');
  // What does not fit is an object too, and keeps the spec from being applied.
  await lake.apply(['key: [id]', 'key: [id, amount]']).catch(() => undefined);
  await lake.apply(["{ day: paid_at, fixed: true, from: '2026-11-20' }", '{ hour: paid_at, fixed: true }']);
  await lake.publish('payments', {});
  return lake.store;
}
