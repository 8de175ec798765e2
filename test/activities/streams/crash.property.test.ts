import type { MockActivityEnvironment } from '@temporalio/testing';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CreateFault } from '../../fakes/memory-object-store.ts';
import { MemoryObjectStore } from '../../fakes/memory-object-store.ts';
import { aggregate } from '../../support/aggregate.ts';
import { type StreamLake, payment, streamLake } from './stream-lake.ts';

const KEYS = ['k0', 'k1', 'k2', 'k3', 'k4', 'k5'];

type Step =
  | { readonly kind: 'put'; readonly records: number; readonly bad: boolean; readonly packed: boolean }
  | { readonly kind: 'split' | 'merge'; readonly pick: number }
  | { readonly kind: 'collect' }
  /** Killed after so many requests to the store and the stream. */
  | { readonly kind: 'killed'; readonly after: number }
  /** Two attempts at once, the one of which was scheduled first. */
  | { readonly kind: 'zombie'; readonly firstIsLater: boolean; readonly killAfter: number }
  | { readonly kind: 'faults'; readonly faults: readonly (CreateFault | undefined)[] }
  | { readonly kind: 'restless'; readonly emptyEvery: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      records: fc.integer({ min: 1, max: 8 }),
      bad: fc.boolean(),
      packed: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('split' as const, 'merge' as const), pick: fc.nat(9) }),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'collect' }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('killed' as const), after: fc.integer({ min: 1, max: 60 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('zombie' as const),
      firstIsLater: fc.boolean(),
      killAfter: fc.integer({ min: 1, max: 200 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('faults' as const),
      faults: fc.array(
        fc.constantFrom<CreateFault | undefined>('lost', 'answer lost', 'late', 'conflict', undefined),
        {
          minLength: 1,
          maxLength: 8,
        },
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('restless' as const),
      emptyEvery: fc.integer({ min: 0, max: 3 }),
    }),
  },
);

/** Cancels an attempt when so many requests are done. */
interface Fuse {
  left: number;
  environment: MockActivityEnvironment | undefined;
}

/** A lake, a producer that sends each key to the shard that has it, and somebody who pulls plugs. */
class World {
  readonly lake: StreamLake;
  readonly #fuse: Fuse;
  /** Open shard → its keys. */
  readonly #shards = new Map<string, readonly string[]>();
  readonly #sent = new Map<string, number>();
  #next = 0;
  #scheduled = 0;

  static async open(): Promise<World> {
    const fuse: Fuse = { left: 0, environment: undefined };
    const turn = async () => {
      fuse.left -= 1;
      if (fuse.left === 0) fuse.environment?.cancel('CANCELLED');
      await new Promise(setImmediate);
    };
    const lake = await streamLake({
      store: new MemoryObjectStore(turn),
      stream: { shards: 2, pageSize: 3, iteratorLifeMs: 1500, turn },
      source: { commit: { rows: 7, bytes: 64_000_000, everyMs: 500 } },
      pacing: { stretchMs: 20_000, width: 3 },
    });
    await lake.open({ scheduledMs: 1 });
    return new World(lake, fuse);
  }

  private constructor(lake: StreamLake, fuse: Fuse) {
    this.lake = lake;
    this.#fuse = fuse;
    const [one = '', other = ''] = lake.stream.openShards;
    this.#shards.set(one, KEYS.slice(0, 3)).set(other, KEYS.slice(3));
  }

  async take(one: Step): Promise<void> {
    switch (one.kind) {
      case 'put':
        return this.#put(one);
      case 'split':
      case 'merge':
        return this.#reshard(one.kind, one.pick);
      case 'collect':
        return void (await this.#attempt(this.#later()));
      case 'killed':
        return this.#killable(one.after, this.#later());
      case 'zombie': {
        const [early, late] = [this.#later(), this.#later()];
        const [first, second] = one.firstIsLater ? [late, early] : [early, late];
        await Promise.all([this.#killable(one.killAfter, first), this.#attempt(second)]);
        return;
      }
      case 'faults':
        return this.lake.store.faultCreates(...one.faults);
      case 'restless':
        return this.lake.stream.emptyPages(one.emptyEvery);
    }
  }

  /** Everything settles, and the lane is collected to its end. */
  async finish(): Promise<void> {
    this.lake.store.deliverLate();
    this.lake.stream.emptyPages(0);
    for (let round = 0; round < 20; round += 1) {
      const result = await this.#attempt(this.#later());
      this.lake.store.deliverLate();
      if (result?.outcome === 'drained') return;
    }
    throw new Error('twenty attempts did not reach the end');
  }

  /** Key → how many records were sent. */
  get sent(): ReadonlyMap<string, number> {
    return this.#sent;
  }

  #later(): number {
    this.#scheduled += 10;
    return this.#scheduled;
  }

  async #killable(after: number, scheduledMs: number): Promise<void> {
    this.#fuse.left = after;
    await this.#attempt(scheduledMs, (environment) => {
      this.#fuse.environment = environment;
    });
    this.#fuse.environment = undefined;
  }

  async #attempt(
    scheduledMs: number,
    environment: (made: MockActivityEnvironment) => void = () => undefined,
  ) {
    try {
      return await this.lake.collect({ scheduledMs, environment });
    } catch (error) {
      // What kills it here passes, and Temporal would call again.
      const { name, type } = error as { name?: string; type?: string };
      if (name === 'CancelledFailure' || type === 'Unreachable') return undefined;
      throw error;
    }
  }

  #put({ records, bad, packed }: Extract<Step, { kind: 'put' }>): void {
    const payloads = new Map<string, string[]>();
    for (let n = 0; n < records; n += 1) {
      const key = KEYS[this.#next % KEYS.length] ?? '';
      this.#next += 1;
      const number = (this.#sent.get(key) ?? 0) + 1;
      this.#sent.set(key, number);
      const [shard = ''] = [...this.#shards].find(([, keys]) => keys.includes(key)) ?? [];
      const isBad = bad && n === 0;
      const payload = payment(`${key}:${number}`, isBad ? { amount: 'bad' } : {});
      payloads.set(shard, [...(payloads.get(shard) ?? []), payload]);
    }
    for (const [shard, all] of payloads) {
      const userRecords = all.map((one) => ({ partitionKey: 'a', data: Buffer.from(one) }));
      for (const data of packed ? [aggregate(userRecords)] : all) this.lake.stream.put(shard, data);
    }
  }

  #reshard(kind: 'split' | 'merge', pick: number): void {
    const open = [...this.#shards];
    const [one, keys = []] = open[pick % open.length] ?? [];
    const [other, otherKeys = []] = open[(pick + 1) % open.length] ?? [];
    if (one === undefined || other === undefined) return;
    this.#shards.delete(one);
    if (kind === 'split' || one === other) {
      const [left, right] = this.lake.stream.split(one);
      this.#shards.set(
        left,
        keys.filter((_, index) => index % 2 === 0),
      );
      this.#shards.set(
        right,
        keys.filter((_, index) => index % 2 === 1),
      );
      return;
    }
    this.#shards.delete(other);
    this.#shards.set(this.lake.stream.merge(one, other), [...keys, ...otherKeys]);
  }
}

test('whatever dies, every record is a row or in quarantine exactly once, and each key keeps its order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
      const world = await World.open();
      for (const one of steps) await world.take(one);
      await world.finish();

      const { lake, sent } = world;
      const landed = new Map<string, { n: number; generation: number }[]>();
      for (const entry of await lake.entries()) {
        const rows = await lake.rowsOf(entry, 'id, _channel, _row');
        const rejected = await lake.rejectedOf(entry);
        const bad = rejected.map(({ channel, bytes }) => {
          const { id } = JSON.parse(Buffer.from(bytes, 'base64').toString());
          return { id: String(id), channel };
        });
        const good = rows.map((row) => ({ id: String(row['id']), channel: String(row['_channel']) }));
        const both = [...good, ...bad].toSorted((a, b) => numberOf(a.id) - numberOf(b.id));
        // Within an entry, rows stand in the order of their `_row`; what was rejected has none.
        expect(byKey(good)).toEqual(byKey(good.toSorted((a, b) => numberOf(a.id) - numberOf(b.id))));
        for (const { id, channel } of both) {
          const generation = entry.channels?.[channel ?? '']?.generation ?? 0;
          const key = id.split(':')[0] ?? '';
          landed.set(key, [...(landed.get(key) ?? []), { n: numberOf(id), generation }]);
        }
      }
      for (const [key, count] of sent) {
        const found = landed.get(key) ?? [];
        expect(found.map(({ n }) => n)).toEqual(Array.from({ length: count }, (_, n) => n + 1));
        const generations = found.map(({ generation }) => generation);
        expect(generations).toEqual(generations.toSorted((a, b) => a - b));
      }
      expect(await lake.leftovers()).toEqual([]);
    }),
    { numRuns: 30 },
  );
}, 300_000);

function numberOf(id: string): number {
  return Number(id.split(':')[1]);
}

function byKey(records: readonly { readonly id: string }[]): Record<string, string[]> {
  const keys: Record<string, string[]> = {};
  for (const { id } of records) (keys[id.split(':')[0] ?? ''] ??= []).push(id);
  return keys;
}
