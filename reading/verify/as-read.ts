import type { DatasetSpec, LakeSpec, SourceSpec, SpecObject } from '../../lake/spec.ts';
import type { Found } from './chains.ts';
import type { ViewVersion } from '../../lake/view.ts';

/**
 * The newest spec as readers of the newest versions have it: columns that came since a version was published are not
 * there yet, neither in the dataset nor in the feeds that serve it; nor is anything of another epoch.
 */
export function asRead(
  specs: readonly Found<SpecObject>[],
  versions: ReadonlyMap<string, readonly Found<ViewVersion>[]>,
): LakeSpec | undefined {
  const newest = specs.at(-1)?.value;
  if (!newest) return undefined;
  const datasets: Record<string, DatasetSpec> = { ...newest.datasets };
  let sources = newest.sources;
  for (const [name, dataset] of Object.entries(newest.datasets)) {
    const version = versions.get(name)?.at(-1)?.value;
    const then = version && specs[version.spec - 1]?.value;
    const published = then?.datasets[name];
    if (!then || !published) continue;
    // Of another epoch it is another dataset until a version of it is published.
    const isOfEpoch = (newest.epochs[name] ?? 1) === version.datasetEpoch;
    datasets[name] = isOfEpoch ? { ...dataset, columns: published.columns } : published;
    const feeds = new Set(Object.keys(published.feeds));
    sources = Object.fromEntries(
      Object.entries(sources).map(([source, one]) => [
        source,
        withColumnsOf(source, one, then.sources[source], feeds),
      ]),
    );
  }
  return { lake: newest.lake, sources, datasets };
}

/** The source, those of its feeds that are named here with their columns as they were. */
function withColumnsOf(
  name: string,
  source: SourceSpec,
  then: SourceSpec | undefined,
  feeds: ReadonlySet<string>,
): SourceSpec {
  if (source.kind === 'database') {
    const had = then?.kind === 'database' ? then.tables : {};
    const tables = Object.entries(source.tables).map(([table, one]) => {
      const columns = feeds.has(one.feed) ? had[table]?.columns : undefined;
      return [table, columns ? { ...one, columns } : one] as const;
    });
    return { ...source, tables: Object.fromEntries(tables) };
  }
  if (!feeds.has(name) || !then || then.kind === 'database') return source;
  return { ...source, columns: then.columns };
}
