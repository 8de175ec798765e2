import type { BuildInputs } from '../../lake/build.ts';
import { type OpenHold, bringsBack, rejectedHolds } from '../../lake/holds.ts';
import { keys, ordinalOf } from '../../lake/keys.ts';
import type { HoldObject, Plan } from '../../lake/plan.ts';
import { failure } from '../failure.ts';
import { ObjectCache } from './cache.ts';
import { decode } from './json.ts';
import type { ObjectStore } from './port.ts';

export type Holds = ReturnType<typeof createHolds>;

/** The holds of one store's partitions. What never changes is kept in this process, bounded. */
export function createHolds({ store }: { readonly store: ObjectStore }) {
  const cache = new ObjectCache<HoldObject | Plan>(16 * 1024 * 1024);

  /** Partition → its hold objects in their order, for every partition that was ever held. */
  async function allHolds(
    dataset: string,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, readonly HoldObject[]>> {
    return holdsAmong(dataset, undefined, signal);
  }

  /** The same for these partitions: one listing, however many they are. */
  async function holdsAmong(
    dataset: string,
    partitions: ReadonlySet<string> | undefined,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, readonly HoldObject[]>> {
    const prefix = `hold/${dataset}/`;
    const found = new Map<string, HoldObject[]>();
    for await (const { key } of store.list(prefix, { signal })) {
      const partition = key.slice(prefix.length).split('/')[0];
      if (partition === undefined || ordinalOf(key) === undefined) continue;
      if (partitions && !partitions.has(partition)) continue;
      const before = found.get(partition) ?? [];
      found.set(partition, [...before, await next(key, before, signal)]);
    }
    return found;
  }

  async function holdsOf(dataset: string, partition: string, signal: AbortSignal): Promise<HoldObject[]> {
    const holds: HoldObject[] = [];
    for await (const { key } of store.list(`hold/${dataset}/${partition}/`, { signal })) {
      if (ordinalOf(key) !== undefined) holds.push(await next(key, holds, signal));
    }
    return holds;
  }

  // Without one of them, what a person decided would be forgotten.
  async function next(key: string, before: readonly HoldObject[], signal: AbortSignal): Promise<HoldObject> {
    const n = before.length + 1;
    if (ordinalOf(key) !== n) throw failure('ChainBroken', `${key}: hold ${n} of its partition is missing`);
    return read<HoldObject>(key, signal);
  }

  /** The build that a person rejected and that a build of these inputs would bring back, if there is one. */
  async function rejectedBefore(
    dataset: string,
    inputs: BuildInputs,
    holds: readonly HoldObject[],
    signal: AbortSignal,
  ): Promise<OpenHold | undefined> {
    for (const rejected of rejectedHolds(holds)) {
      const plan = await read<Plan>(keys.plan(dataset, rejected.planId), signal);
      const planned = plan.partitions.find(({ partition }) => partition === rejected.partition);
      if (planned && bringsBack(inputs, planned.inputs)) return rejected;
    }
    return undefined;
  }

  async function read<T extends HoldObject | Plan>(key: string, signal: AbortSignal): Promise<T> {
    const cached = cache.get(key);
    // A key says which of the two it holds.
    if (cached) return cached as T;
    const bytes = await store.get(key, signal);
    if (!bytes) throw failure('ObjectMissing', `${key}: nothing is there, but a hold was made of it`);
    const value = decode<T>(key, bytes);
    cache.keep(key, value, bytes.byteLength);
    return value;
  }

  return { allHolds, holdsAmong, holdsOf, rejectedBefore };
}
