import type { Columns, FeedSpec, FeedUse } from '../lake/spec.ts';
import type { Say } from './faults.ts';
import type { LakeFile } from './lake-schema.ts';

type DatasetFile = LakeFile['datasets'][string];

/** The feeds that may serve a dataset, as its file names them. */
export interface OwnFeeds {
  /** Id of a feed; the name itself where no source has it. */
  idOf(name: string): string;
  /** `undefined` where no source has it, or another dataset has it. */
  feedNamed(name: string): FeedSpec | undefined;
}

/** What feeds a dataset must give each of its columns, in its type. Under the ids of the feeds. */
export function resolveFeeds(
  file: DatasetFile,
  at: (...path: (string | number)[]) => (string | number)[],
  columns: Columns,
  own: OwnFeeds,
  say: Say,
): Readonly<Record<string, FeedUse>> {
  const alone = Object.keys(file.feeds).length === 1;
  const uses = Object.entries(file.feeds).map(([name, feed]): [string, FeedUse] => {
    const found = own.feedNamed(name);
    const given = found?.columns ?? {};
    if (found?.table !== undefined && feed.role === 'batch')
      say(
        at('feeds', name, 'role'),
        'role is "batch": a table must be speed: it holds what is so now, not what was so over a time',
      );
    for (const [target, column] of Object.entries(feed.map)) {
      if (!(target in columns))
        say(
          at('feeds', name, 'map', target),
          `${target} is no column of the dataset; there are: ${Object.keys(columns).join(', ')}`,
        );
      if (found && !(column in given))
        say(
          at('feeds', name, 'map', target),
          `${column} is no column of ${name}; there are: ${Object.keys(given).join(', ')}`,
        );
    }
    for (const [target, type] of Object.entries(columns)) {
      const column = feed.map[target] ?? target;
      const is = given[column];
      if (is === undefined && found && !(target in feed.map)) {
        say(
          at('feeds', name),
          `${name} has no column ${target}: map it, as in map: {${target}: <its column>}`,
        );
      } else if (is !== undefined && is !== type) {
        say(
          at('feeds', name),
          `${name}.${column} is ${is}, but ${target} is ${type}: a mapping between types is not built yet`,
        );
      }
    }
    const visible = feed.visible ?? (feed.role === 'speed' || alone ? 'commit' : 'publish');
    return [own.idOf(name), { role: feed.role, visible, map: feed.map }];
  });
  return Object.fromEntries(uses);
}

/** Whether its one feed is a table, and it leaves to that what wins: the column that says where a change stands. */
export function hasChangeVersion(file: DatasetFile, own: OwnFeeds): boolean {
  if (file.merge !== 'latest' || file.version !== undefined) return false;
  const [name, ...others] = Object.keys(file.feeds);
  return name !== undefined && others.length === 0 && own.feedNamed(name)?.table !== undefined;
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
