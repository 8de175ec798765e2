import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import { partitionNumber } from '../lake/partition.ts';
import type {
  Columns,
  ColumnType,
  DatasetSpec,
  DeclaredCheck,
  FeedUse,
  LakeSpec,
  Partitioning,
  SourceSpec,
} from '../lake/spec.ts';
import type { LakeFile } from './lake-schema.ts';

export interface Fault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

type Say = (path: readonly (string | number)[], message: string) => void;
type DatasetFile = LakeFile['datasets'][string];
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
  if (!source.columns && !dataset)
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
  const { from, include, exclude, quiet, restated, format, window, schedule } = source;
  if (format.csv.delimiter === format.csv.quote)
    say(['sources', name, 'format', 'csv', 'quote'], 'quote must differ from delimiter');
  return {
    kind: 'files',
    from: from.startsWith('file://') ? from : pathToFileURL(resolve(folder, from.slice('file:'.length))).href,
    include,
    exclude,
    quietMs: quiet,
    restated,
    format: { csv: format.csv },
    columns,
    ...(window && { window: { fromName: window.fromName, coversMs: window.covers } }),
    ...(schedule && { schedule: { everyMs: schedule.every } }),
  };
}

function resolveDataset(
  file: DatasetFile,
  name: string,
  sources: Readonly<Record<string, SourceSpec>>,
  say: Say,
): DatasetSpec {
  const at = (...path: (string | number)[]) => ['datasets', name, ...path];
  const columns = file.columns as Columns;
  const needColumn = (column: string, path: (string | number)[], type?: ColumnType): void => {
    if (!(column in columns))
      say(path, `${column} is no column of ${name}; there are: ${Object.keys(columns).join(', ')}`);
    else if (type && columns[column] !== type)
      say(path, `${column} is ${columns[column]}: it must be ${type}`);
  };
  for (const [index, column] of file.key.entries()) {
    needColumn(column, at('key', index));
    if (file.key.indexOf(column) < index) say(at('key', index), `${column} stands in the key already`);
  }
  const partition = resolvePartition(file, at, needColumn, say);
  const feeds = resolveFeeds(file, at, columns, sources, say);
  if (file.eventTime !== undefined) needColumn(file.eventTime, at('eventTime'), 'timestamp');
  resolveVersion(file, at, feeds, needColumn, say);
  const batch = Object.keys(feeds).filter((feed) => feeds[feed]?.role === 'batch');
  for (const [index, feed] of (file.close?.needs ?? []).entries()) {
    if (!batch.includes(feed))
      say(
        at('close', 'needs', index),
        `${feed} is no batch feed of ${name}; there are: ${batch.join(', ') || 'none'}`,
      );
    else if (sources[feed]?.kind === 'files' && !sources[feed].window) {
      say(
        at('close', 'needs', index),
        `${feed} declares no window, so nothing says which days it covers: add window to the source`,
      );
    }
  }
  if (file.close && partition.kind !== 'time')
    say(at('close'), 'close is for time partitions: the others rebuild when something came');
  for (const [index, column] of (file.gate?.compare ?? []).entries())
    needColumn(column, at('gate', 'compare', index));
  const eventTime = file.eventTime ?? (partition.kind === 'time' ? partition.column : undefined);
  return {
    merge: file.merge,
    key: file.key,
    ...(file.version !== undefined && { version: file.version }),
    partition,
    columns,
    ...(eventTime !== undefined && { eventTime }),
    feeds,
    close: {
      latenessMs: file.close?.lateness ?? 0,
      graceMs: file.close?.grace ?? 0,
      needs: file.close?.needs ?? batch.filter((feed) => windowed(sources[feed])),
      ...(file.close?.deadline !== undefined && { deadlineMs: file.close.deadline }),
      // oxlint-disable-next-line unicorn/no-thenable
      then: file.close?.then ?? 'hold',
    },
    rebuild: { lateRatio: lateRatio(file, at, say), lateAfterMs: file.rebuild?.after ?? 3_600_000 },
    gate: {
      compare: file.gate?.compare ?? [],
      tolerance: file.gate?.tolerance ?? {
        missing: { count: 0 },
        differs: { count: 0 },
        moved: { count: 0 },
        conflicting: { count: 0 },
      },
      settleAfterMs: 0,
      checks: (file.gate?.checks ?? []).map((check, index) =>
        resolveCheck(check, (column) => needColumn(column, at('gate', 'checks', index))),
      ),
    },
  };
}

function resolvePartition(
  file: DatasetFile,
  at: (...path: (string | number)[]) => (string | number)[],
  needColumn: (column: string, path: (string | number)[], type?: ColumnType) => void,
  say: Say,
): Partitioning {
  const declared = file.partition;
  if (declared === 'whole') return { kind: 'whole' };
  if ('buckets' in declared) return { kind: 'bucket', buckets: declared.buckets };
  const [unit, column] =
    'hour' in declared
      ? (['hour', declared.hour] as const)
      : 'day' in declared
        ? (['day', declared.day] as const)
        : (['month', declared.month] as const);
  needColumn(column, at('partition', unit), 'timestamp');
  if (!declared.fixed && !file.key.includes(column)) {
    say(
      at('partition'),
      `a key must determine its partition: make ${column} part of the key, or say fixed: true where it never changes for a key`,
    );
  }
  const partitioning: Partitioning = {
    kind: 'time',
    column,
    unit,
    fixed: declared.fixed,
    ...(declared.from !== undefined && { from: declared.from }),
  };
  if (declared.from !== undefined && partitionNumber(partitioning, declared.from) === undefined) {
    const example = { hour: '2026-11-21T07', day: '2026-11-21', month: '2026-11' }[unit];
    say(
      at('partition', 'from'),
      `from is "${declared.from}": it must be a partition's name such as ${example}`,
    );
  }
  return partitioning;
}

function resolveFeeds(
  file: DatasetFile,
  at: (...path: (string | number)[]) => (string | number)[],
  columns: Columns,
  sources: Readonly<Record<string, SourceSpec>>,
  say: Say,
): Readonly<Record<string, FeedUse>> {
  const alone = Object.keys(file.feeds).length === 1;
  return mapValues(file.feeds, (feed, name) => {
    const given = sources[name]?.columns ?? {};
    for (const [target, column] of Object.entries(feed.map)) {
      if (!(target in columns))
        say(
          at('feeds', name, 'map', target),
          `${target} is no column of the dataset; there are: ${Object.keys(columns).join(', ')}`,
        );
      if (sources[name] && !(column in given))
        say(
          at('feeds', name, 'map', target),
          `${column} is no column of ${name}; there are: ${Object.keys(given).join(', ')}`,
        );
    }
    for (const [target, type] of Object.entries(columns)) {
      const column = feed.map[target] ?? target;
      const found = given[column];
      if (found === undefined && sources[name] && !(target in feed.map)) {
        say(
          at('feeds', name),
          `${name} has no column ${target}: map it, as in map: {${target}: <its column>}`,
        );
      } else if (found !== undefined && found !== type) {
        say(
          at('feeds', name),
          `${name}.${column} is ${found}, but ${target} is ${type}: a mapping between types is not built yet`,
        );
      }
    }
    return {
      role: feed.role,
      visible: feed.visible ?? (feed.role === 'speed' || alone ? 'commit' : 'publish'),
      map: feed.map,
    };
  });
}

function resolveVersion(
  file: DatasetFile,
  at: (...path: (string | number)[]) => (string | number)[],
  feeds: Readonly<Record<string, FeedUse>>,
  needColumn: (column: string, path: (string | number)[]) => void,
  say: Say,
): void {
  if (file.version === undefined) {
    if (file.merge === 'latest' && Object.keys(feeds).length > 1)
      say(at(), 'version is missing: under latest, several feeds need a column whose greatest value wins');
    return;
  }
  needColumn(file.version, at('version'));
  if (file.merge === 'append')
    say(
      at('version'),
      'version has no meaning under append: one row per key is kept, and repeats are counted',
    );
  const type = file.columns[file.version];
  if (type !== undefined && !/^(integer|bigint|timestamp|decimal.*)$/.test(type))
    say(at('version'), `${file.version} is ${type}: it must be integer, bigint, timestamp or decimal`);
}

function lateRatio(
  file: DatasetFile,
  at: (...path: (string | number)[]) => (string | number)[],
  say: Say,
): number {
  const text = file.rebuild?.late;
  if (text === undefined) return 0.01;
  const [, digits] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? [];
  if (digits === undefined) say(at('rebuild', 'late'), `late is "${text}": it must be a share such as 1%`);
  return Number(digits ?? 1) / 100;
}

function resolveCheck(
  check: NonNullable<DatasetFile['gate']>['checks'][number],
  needColumn: (column: string) => void,
): DeclaredCheck {
  if ('rows' in check) return { kind: 'rows', ...defined(check.rows) };
  if ('nothing' in check) return { kind: 'nothing', ...check.nothing };
  if ('range' in check) {
    needColumn(check.range.column);
    return {
      kind: 'range',
      column: check.range.column,
      ...defined({ min: check.range.min, max: check.range.max }),
    };
  }
  needColumn(check.nulls.column);
  return {
    kind: 'nulls',
    column: check.nulls.column,
    max: 'ratio' in check.nulls.max ? check.nulls.max.ratio : check.nulls.max.count,
  };
}

function windowed(source: SourceSpec | undefined): boolean {
  return source?.kind === 'files' && source.window !== undefined;
}

function defined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function mapValues<T, R>(
  members: Readonly<Record<string, T>>,
  change: (value: T, name: string) => R,
): Readonly<Record<string, R>> {
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, change(value, name)]));
}
