import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import type { Columns, FileFormat, FixedLayout, LakeSpec, SourceSpec } from '../lake/spec.ts';
import { resolveDataset } from './dataset-rules.ts';
import type { Fault, Say } from './faults.ts';
import { resolveLayout } from './layout-rules.ts';
import type { LakeFile } from './lake-schema.ts';
import { mapValues } from './members.ts';

type SourceFile = LakeFile['sources'][string];

/** Hold the parts of a well-formed file against each other, and write every default in. `folder` resolves `file:./…`. */
export function resolveLake(
  file: LakeFile,
  folder: string,
): { readonly spec: LakeSpec; readonly faults: readonly Fault[] } {
  const faults: Fault[] = [];
  const say: Say = (path, message) => faults.push({ path, message });
  const served = new Map<string, string>();
  for (const [name, dataset] of Object.entries(file.datasets)) {
    for (const feed of Object.keys(dataset.feeds)) {
      const path = ['datasets', name, 'feeds', feed];
      if (!file.sources[feed])
        say(path, `${feed} is no source; there are: ${Object.keys(file.sources).join(', ')}`);
      const other = served.get(feed);
      if (other === undefined) served.set(feed, name);
      else say(path, `${feed} feeds ${other} already: a feed serves at most one dataset`);
    }
  }
  const sources = mapValues(file.sources, (source, name) =>
    resolveSource(source, name, served, file, folder, say),
  );
  const datasets = mapValues(file.datasets, (dataset, name) => {
    // What feeds another dataset is at fault for that alone.
    const own = Object.entries(sources).filter(([source]) => (served.get(source) ?? name) === name);
    return resolveDataset(dataset, name, Object.fromEntries(own), say);
  });
  return { spec: { lake: file.lake, sources, datasets }, faults };
}

function resolveSource(
  source: SourceFile,
  name: string,
  served: ReadonlyMap<string, string>,
  file: LakeFile,
  folder: string,
  say: Say,
): SourceSpec {
  const dataset = file.datasets[served.get(name) ?? ''];
  const isRaw = source.kind === 'files' && source.format.raw !== undefined;
  if (isRaw && dataset)
    say(
      ['sources', name, 'format', 'raw'],
      `raw makes no rows, and ${served.get(name)} reads them: name a format that does`,
    );
  if (isRaw && source.columns)
    say(['sources', name, 'columns'], 'columns has no meaning for raw files: leave it out');
  if (!source.columns && !dataset && !isRaw)
    say(['sources', name], 'columns is missing: no dataset reads this source, so nothing says what they are');
  const columns = (source.columns ?? dataset?.columns ?? {}) as Columns;
  if (source.kind === 'kinesis') {
    const { stream, start, format, commit } = source;
    return {
      kind: 'kinesis',
      stream,
      start,
      format: { json: format.json },
      columns,
      commit: { rows: commit.rows, bytes: commit.bytes, everyMs: commit.every },
    };
  }
  const { from, region, include, exclude, quiet, restated, format, window, schedule } = source;
  const isPrefix = from.startsWith('s3://');
  if (region !== undefined && !isPrefix)
    say(['sources', name, 'region'], 'region has no meaning for a folder: leave it out');
  if (isPrefix && from.split('/')[2] === file.lake.bucket)
    say(
      ['sources', name, 'from'],
      `from is in the lake's own bucket ${file.lake.bucket}: it must be in another`,
    );
  if (format.csv && format.csv.delimiter === format.csv.quote)
    say(['sources', name, 'format', 'csv', 'quote'], 'quote must differ from delimiter');
  return {
    kind: 'files',
    from:
      isPrefix || from.startsWith('file://')
        ? from
        : pathToFileURL(resolve(folder, from.slice('file:'.length))).href,
    ...(region !== undefined && { region }),
    include,
    exclude,
    quietMs: quiet,
    restated,
    format: formatOf(format, (fixed) =>
      resolveLayout(fixed, columns, ['sources', name, 'format', 'fixed'], say),
    ),
    columns,
    ...(window && { window: { fromName: window.fromName, coversMs: window.covers } }),
    ...(schedule && { schedule: { everyMs: schedule.every } }),
  };
}

type FormatFile = Extract<SourceFile, { kind: 'files' }>['format'];

/** The schema sees to it that there is one. */
function formatOf(
  { csv, fixed, parquet, raw }: FormatFile,
  layoutOf: (fixed: NonNullable<FormatFile['fixed']>) => FixedLayout,
): FileFormat {
  if (csv) return { csv };
  if (fixed) return { fixed: layoutOf(fixed) };
  if (parquet) return { parquet: {} };
  return raw ? { raw: {} } : { json: {} };
}
