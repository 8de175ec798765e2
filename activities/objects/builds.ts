import type { BuildManifest } from '../../lake/build.ts';
import { keys } from '../../lake/keys.ts';
import type { PlannedPartition } from '../../lake/plan.ts';
import { ObjectCache } from './cache.ts';
import { createOnce } from './commit.ts';
import { eachOf } from './fetch.ts';
import { decode, encode } from './json.ts';
import type { ObjectStore } from './port.ts';

export type Builds = ReturnType<typeof createBuilds>;

const PARALLEL_READS = 16;

/** The builds of one store. A manifest never changes: those read or made are kept in this process, bounded. */
export function createBuilds({ store }: { readonly store: ObjectStore }) {
  const cache = new ObjectCache<BuildManifest>(32 * 1024 * 1024);

  /** `undefined` when there is no such build. */
  async function read(
    dataset: string,
    { partition, buildId }: Pick<PlannedPartition, 'partition' | 'buildId'>,
    signal: AbortSignal,
  ): Promise<BuildManifest | undefined> {
    const key = keys.build(dataset, partition, buildId);
    const cached = cache.get(key);
    if (cached) return cached;
    const bytes = await store.get(key, signal);
    if (!bytes) return undefined;
    const build = decode<BuildManifest>(key, bytes);
    cache.keep(key, build, bytes.byteLength);
    return build;
  }

  /** Partition → its build, where there is one. */
  async function readAll(
    dataset: string,
    partitions: readonly Pick<PlannedPartition, 'partition' | 'buildId'>[],
    signal: AbortSignal,
  ): Promise<Map<string, BuildManifest>> {
    const builds = new Map<string, BuildManifest>();
    await eachOf(partitions, PARALLEL_READS, async (one) => {
      const build = await read(dataset, one, signal);
      if (build) builds.set(one.partition, build);
    });
    return builds;
  }

  /** Commit a build whose files are stored. When another attempt was first, its files stand and these are garbage. */
  async function commit(build: BuildManifest, signal: AbortSignal): Promise<void> {
    const key = keys.build(build.dataset, build.partition, build.buildId);
    const bytes = encode(build);
    const created = await createOnce(store, key, bytes, signal);
    if (created.kind === 'created') cache.keep(key, build, bytes.byteLength);
    else cache.keep(key, decode<BuildManifest>(key, created.body), created.body.byteLength);
  }

  return { read, readAll, commit };
}
