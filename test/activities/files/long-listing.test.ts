import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test, vi } from 'vitest';
import type { FileFolder, Listing } from '../../../activities/files/port.ts';
import { MemoryObjectStore } from '../../fakes/memory-object-store.ts';
import { folderSource } from './folder-source.ts';

vi.setConfig({ testTimeout: 180_000 });

const MILLION = 1_000_000;
setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** What this process holds when everything that nobody needs is gone. */
function heldMb(): number {
  gc();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

test('a listing of 1,000,000 objects holds no more at its end than at its beginning', async () => {
  const held: number[] = [];
  let slices = 0;
  // The slices are counted and dropped: on S3 they are no memory of ours.
  const store = new (class extends MemoryObjectStore {
    override async create(...[key, body, signal]: Parameters<MemoryObjectStore['create']>) {
      if (!key.includes('-list-')) return super.create(key, body, signal);
      slices += 1;
      return 'created' as const;
    }
  })();
  async function* listing(): AsyncIterable<Listing> {
    for (let n = 0; n < MILLION; n += 1) {
      if (n % 200_000 === 100_000) held.push(heldMb());
      const stat = { bytes: 2, modifiedAt: '2026-11-20T10:00:00.000Z', tag: `"${n}"` };
      yield { kind: 'file', item: `2026/11/20/delivery-${String(n).padStart(7, '0')}.csv`, stat };
    }
  }
  const prefix: FileFolder = {
    listsInOrder: true,
    list: listing,
    stat: async () => undefined,
    path: () => undefined,
    async *read() {
      yield Buffer.alloc(0);
    },
  };
  const source = await folderSource({ source: { from: 's3://elsewhere/in' }, prefix, store });
  expect(await source.list()).toMatchObject({ files: MILLION, bytes: 2 * MILLION });
  expect(slices).toBe(100);
  const [first = 0, ...later] = held;
  expect(Math.max(...later) - first).toBeLessThan(16);
});
