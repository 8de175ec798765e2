import { join } from 'node:path';
import { heartbeat } from '@temporalio/activity';
import type { BuildFile, BuildManifest } from '../../lake/build.ts';
import { keys } from '../../lake/keys.ts';
import { partitionName, partitionNumber } from '../../lake/partition.ts';
import type { Builds } from '../objects/builds.ts';
import { eachOf, fetchFile } from '../objects/fetch.ts';
import type { ObjectStore } from '../objects/port.ts';
import { createViews } from '../objects/views.ts';
import type { OpenedPlan } from './plan.ts';

const WIDTH = 8;

export interface GateScratch {
  readonly store: ObjectStore;
  readonly builds: Builds;
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** The builds that a plan's are looked at with, theirs and those that serve beside them, and local copies of files. */
export class GateFiles {
  readonly #scratch: GateScratch;
  readonly #opened: OpenedPlan;
  readonly #planned: ReadonlyMap<string, BuildManifest>;
  readonly #local = new Map<string, string>();
  #serving: Promise<ReadonlyMap<string, string>> | undefined;
  readonly #builds = new Map<string, BuildManifest | undefined>();

  constructor(scratch: GateScratch, opened: OpenedPlan, planned: ReadonlyMap<string, BuildManifest>) {
    this.#scratch = scratch;
    this.#opened = opened;
    this.#planned = planned;
  }

  /** The builds of partitions up to `distance` away on both sides, itself left out; of time partitions alone. */
  async beside(partition: string, distance: number): Promise<BuildManifest[]> {
    const { partition: by } = this.#opened.dataset;
    const number = partitionNumber(by, partition);
    if (by.kind !== 'time' || number === undefined) return [];
    const steps = Array.from({ length: distance }, (_, n) => n + 1).flatMap((n) => [-n, n]);
    const builds: BuildManifest[] = [];
    for (const step of steps) {
      const build = await this.#build(partitionName(by, number + step));
      if (build) builds.push(build);
    }
    return builds;
  }

  /** Local copies of a build's files, each downloaded once. */
  async local(build: BuildManifest, files: readonly BuildFile[]): Promise<string[]> {
    const { store, folder, signal } = this.#scratch;
    const { dataset, partition, buildId, attempt } = build;
    const objects = files.map((file) => ({
      ...file,
      key: keys.buildFile(dataset, partition, buildId, attempt, file.file),
      namedBy: keys.build(dataset, partition, buildId),
    }));
    await eachOf(objects, WIDTH, async (object) => {
      if (this.#local.has(object.key)) return;
      const path = join(folder, `gate-${this.#local.size}.parquet`);
      this.#local.set(object.key, path);
      await fetchFile(store, object, path, { signal, onProgress: () => heartbeat() });
    });
    return objects.map(({ key }) => this.#local.get(key) ?? '');
  }

  async #build(partition: string): Promise<BuildManifest | undefined> {
    const planned = this.#planned.get(partition);
    if (planned) return planned;
    if (this.#builds.has(partition)) return this.#builds.get(partition);
    this.#serving ??= this.#readServing();
    const buildId = (await this.#serving).get(partition);
    const { builds, signal } = this.#scratch;
    const found =
      buildId === undefined
        ? undefined
        : await builds.read(this.#opened.plan.dataset, { partition, buildId }, signal);
    this.#builds.set(partition, found);
    return found;
  }

  async #readServing(): Promise<ReadonlyMap<string, string>> {
    const { store, signal } = this.#scratch;
    const views = createViews({ store });
    const { dataset, datasetEpoch } = this.#opened.plan;
    const head = await views.viewHead(dataset, signal);
    // Nothing of another epoch serves beside a plan's builds.
    const parts = head?.value.datasetEpoch === datasetEpoch ? await views.allParts(head.value, signal) : {};
    return new Map(
      Object.entries(parts).flatMap(([partition, { build }]) =>
        build === undefined ? [] : [[partition, build] as const],
      ),
    );
  }
}
