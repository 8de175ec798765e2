import { type Columns, type FeedUse, type SourceSpec, feedColumns } from '../lake/spec.ts';
import type { Say } from './faults.ts';
import type { LakeFile } from './lake-schema.ts';
import { mapValues } from './members.ts';

type DatasetFile = LakeFile['datasets'][string];

/** What feeds a dataset must give each of its columns, in its type. */
export function resolveFeeds(
  file: DatasetFile,
  at: (...path: (string | number)[]) => (string | number)[],
  columns: Columns,
  sources: Readonly<Record<string, SourceSpec>>,
  say: Say,
): Readonly<Record<string, FeedUse>> {
  const alone = Object.keys(file.feeds).length === 1;
  return mapValues(file.feeds, (feed, name) => {
    const given = feedColumns({ sources }, name);
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

/** Several feeds of `latest` need a column that says which row wins. */
export function resolveVersion(
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
