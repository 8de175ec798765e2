import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import {
  type Columns,
  type FileFormat,
  type FixedLayout,
  type LakeSpec,
  type SourceSpec,
  feedOf,
} from '../lake/spec.ts';
import { resolveDatabase } from './database-rules.ts';
import { resolveDataset } from './dataset-rules.ts';
import type { Fault, Say } from './faults.ts';
import { type FeedNames, feedNames } from './feed-names.ts';
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
  const names = feedNames(file.sources, say);
  const served = servedFeeds(file, names, say);
  oneSourceEach(file.sources, say);
  const sources = mapValues(file.sources, (source, name) => {
    if (source.kind !== 'database') return resolveSource(source, name, served, file, folder, say);
    const columnsOf = (feed: string) => file.datasets[served.get(feed) ?? '']?.columns as Columns | undefined;
    return resolveDatabase(source, name, columnsOf, say);
  });
  const datasets = mapValues(file.datasets, (dataset, name) => {
    // What feeds another dataset is at fault for that alone.
    const isOwn = (feed: string) => (served.get(feed) ?? name) === name;
    const feedNamed = (feed: string) => {
      const id = names.idOf(feed);
      return id !== undefined && isOwn(id) ? feedOf({ sources }, id) : undefined;
    };
    return resolveDataset(dataset, name, { idOf: (feed) => names.idOf(feed) ?? feed, feedNamed }, say);
  });
  return { spec: { lake: file.lake, sources, datasets }, faults };
}

/** A source starts, reloads and stops its task: two of them would do so to each other. */
function oneSourceEach(sources: LakeFile['sources'], say: Say): void {
  const owners = new Map<string, string>();
  for (const [name, source] of Object.entries(sources)) {
    if (source.kind !== 'database') continue;
    // DMS compares identifiers without case.
    const task = source.dms.task.toLowerCase();
    const owner = owners.get(task);
    if (owner === undefined) owners.set(task, name);
    else
      say(
        ['sources', name, 'dms', 'task'],
        `${source.dms.task} is the task of ${owner} already: declare all of its tables there`,
      );
  }
}

/** Feed → the first dataset that it feeds. */
function servedFeeds(file: LakeFile, names: FeedNames, say: Say): ReadonlyMap<string, string> {
  const served = new Map<string, string>();
  for (const [name, dataset] of Object.entries(file.datasets)) {
    for (const feed of Object.keys(dataset.feeds)) {
      const path = ['datasets', name, 'feeds', feed];
      const id = names.idOf(feed);
      if (id === undefined) say(path, `${feed} is no ${missing(file, feed)}; there are: ${some(names.all)}`);
      const other = served.get(id ?? feed);
      if (other === undefined) served.set(id ?? feed, name);
      else say(path, `${feed} feeds ${other} already: a feed serves at most one dataset`);
    }
  }
  return served;
}

const SHOWN = 20;

function some(names: readonly string[]): string {
  const more = names.length - SHOWN;
  return `${names.slice(0, SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** A database is no feed: its tables are. */
function missing(file: LakeFile, feed: string): string {
  const database = Object.keys(file.sources).find(
    (source) => file.sources[source]?.kind === 'database' && `${feed}.`.startsWith(`${source}.`),
  );
  return database === undefined ? 'source' : `table of ${database}`;
}

function resolveSource(
  source: Exclude<SourceFile, { kind: 'database' }>,
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
