import type { DuckDb } from '../activities/duckdb.ts';
import { type NamedObject, eachOf, readNamed } from '../activities/objects/fetch.ts';
import { sha256Hex } from '../activities/objects/json.ts';
import type { Watch } from '../activities/objects/port.ts';
import { stageRows } from '../activities/objects/stage.ts';
import { createViews } from '../activities/objects/views.ts';
import { wantedObjects } from '../activities/objects/wanted.ts';
import type { BuildFile, BuildManifest } from '../lake/build.ts';
import { canonical, compareText } from '../lake/canonical.ts';
import { keys } from '../lake/keys.ts';
import { partitionName } from '../lake/partition.ts';
import type { DatasetSpec, SpecObject } from '../lake/spec.ts';
import { type ViewFiles, viewHashSql, viewStatements } from '../lake/sql/read.ts';
import { stagingTables } from '../lake/sql/staging.ts';
import { cachedFiles } from './cache.ts';
import { liveEntries } from './live-entries.ts';
import { QueryRefused, type ReadingPorts } from './ports.ts';
import type { NamedStamp } from './stamp.ts';

export interface ViewRequest {
  readonly stamp: NamedStamp;
  readonly dataset: string;
  /** Those alone; all unless given. */
  readonly partitions?: readonly string[];
}

export interface OpenedView {
  readonly name: string;
  readonly dataset: DatasetSpec;
}

/**
 * Afterwards the session has the view of a dataset as the stamp has it: `<dataset>`, and `<dataset>$rows` with lineage.
 * What it needs and is not there is `ObjectMissing` or `ChainBroken`: a part of the rows is never shown for the whole.
 */
export async function openView(
  { store, ledger, cache }: Pick<ReadingPorts, 'store' | 'ledger' | 'cache'>,
  db: DuckDb,
  { stamp: { sha256, stamp }, dataset: name, partitions }: ViewRequest,
  signal: AbortSignal,
): Promise<OpenedView> {
  const watch: Watch = { signal, onProgress: () => undefined };
  const views = createViews({ store });
  const version = stamp.versions[name];
  if (version === undefined) throw new QueryRefused(`stamp ${sha256} is not about ${name}`);
  const link = version === 0 ? undefined : await views.readView(name, version, signal);
  if (version > 0 && !link) await readNamed(store, keys.view(name, version), keys.stamp(sha256), signal);
  const view = link?.value;
  const specKey = keys.spec(view?.spec ?? stamp.spec);
  const spec = await readNamed<SpecObject>(store, specKey, keys.stamp(sha256), signal);
  const dataset = spec.datasets[name];
  if (!dataset) throw new QueryRefused(`${specKey} has no dataset ${name}`);

  const asked = partitions && new Set(partitions);
  const isAsked = (partition: string) => asked?.has(partition) ?? true;
  const resolved = await views.resolveView(view, signal);
  const live =
    stamp.mode === 'live'
      ? await liveEntries(ledger, spec, dataset, view, resolved, stamp, isAsked, signal)
      : [];
  const touched = new Set(live.flatMap((one) => [...one.partitions.keys()]));

  const served = Object.entries(resolved.parts).filter(([partition]) => isAsked(partition));
  const builds: { partition: string; build: BuildManifest }[] = [];
  await eachOf(served, 16, async ([partition, part]) => {
    if (part.build === undefined) return;
    const key = keys.build(name, partition, part.build);
    const build = await readNamed<BuildManifest>(store, key, keys.view(name, version), signal);
    builds.push({ partition, build });
  });
  const fetch = (objects: readonly NamedObject[]) => cachedFiles(store, cache, objects, watch);
  const filesOf = (isWanted: (partition: string) => boolean, pick: (build: BuildManifest) => BuildFile[]) =>
    fetch(
      builds
        .filter(({ partition }) => isWanted(partition))
        .flatMap(({ build }) => pick(build).map((file) => buildObject(build, file))),
    );
  const files: ViewFiles = {
    untouched: await filesOf(
      (partition) => !touched.has(partition),
      (build) => [...build.files],
    ),
    touched: await filesOf(
      (partition) => touched.has(partition),
      (build) => [...build.files],
    ),
    tombstones: await filesOf(
      (partition) => touched.has(partition),
      ({ tombstones }) => (tombstones ? [tombstones] : []),
    ),
  };

  const objects = await wantedObjects(ledger, spec, dataset, live, signal);
  const staging = objects.length > 0 ? stagingTables(name) : undefined;
  if (staging) {
    const paths = await fetch(objects);
    const local = objects.map((object, index) => ({ ...object, path: paths[index] ?? '' }));
    await stageRows(db, spec, dataset, staging, local);
  }
  for (const statement of viewStatements(name, dataset, files, staging)) await db.run(statement);
  return { name, dataset };
}

/** The hash of an opened view: equal where partitions have the same rows, wherever and however they were made. */
export async function viewHash(db: DuckDb, { name, dataset }: OpenedView): Promise<string> {
  const rows = await db.rows(viewHashSql(name, dataset));
  const parts = rows.map((row) => ({
    partition: partitionName(dataset.partition, Number(row['p'])),
    rows: Number(row['rows']),
    hash: String(row['hash']),
  }));
  return sha256Hex(canonical(parts.toSorted((a, b) => compareText(a.partition, b.partition))));
}

function buildObject(build: BuildManifest, { file, bytes, checksum }: BuildFile): NamedObject {
  const { dataset, partition, buildId, attempt } = build;
  const key = keys.buildFile(dataset, partition, buildId, attempt, file);
  return { key, bytes, checksum, namedBy: keys.build(dataset, partition, buildId) };
}
