import { CHANGE_COLUMN, type Columns, type DatabaseSource, type TableSpec } from '../lake/spec.ts';
import type { Say } from './faults.ts';
import { tableFeed, tablesOf } from './feed-names.ts';
import type { LakeFile } from './lake-schema.ts';

type DatabaseFile = Extract<LakeFile['sources'][string], { kind: 'database' }>;

/** Hold a database against the datasets that its tables feed, and write every default in. */
export function resolveDatabase(
  { dms, tables, replicate, every, schedule }: DatabaseFile,
  name: string,
  datasetColumns: (feed: string) => Columns | undefined,
  say: Say,
): DatabaseSource {
  if (replicate === 'continuous' && schedule)
    say(
      ['sources', name, 'schedule'],
      'schedule has no meaning under replicate: continuous, which never ends: leave it out, or replicate load or changes',
    );
  const resolved: Record<string, TableSpec> = {};
  for (const { table, columns, step } of tablesOf(tables)) {
    const feed = tableFeed(name, table);
    const declared = (columns as Columns | undefined) ?? datasetColumns(feed);
    if (!declared)
      say(
        ['sources', name, 'tables', step],
        `columns of ${table} are missing: no dataset reads ${name}.${table}, so nothing says what they are: write the tables as a map, ${table}: {columns: {…}}`,
      );
    resolved[table] = { feed, columns: { ...declared, [CHANGE_COLUMN.name]: CHANGE_COLUMN.type } };
  }
  return {
    kind: 'database',
    dms: { task: dms.task },
    tables: resolved,
    replicate,
    everyMs: every,
    ...(schedule && { schedule: { everyMs: schedule.every } }),
  };
}
