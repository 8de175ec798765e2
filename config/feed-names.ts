import { createHash } from 'node:crypto';
import { feedId } from '../lake/keys.ts';
import type { Say } from './faults.ts';
import type { LakeFile } from './lake-schema.ts';

type TablesFile = Extract<LakeFile['sources'][string], { kind: 'database' }>['tables'];

export interface TableFile {
  readonly table: string;
  readonly columns: Readonly<Record<string, string>> | undefined;
  /** Below `tables` of its source. */
  readonly step: string | number;
}

/** The tables of a list or a map, in its order. */
export function tablesOf(tables: TablesFile): readonly TableFile[] {
  if (Array.isArray(tables)) return tables.map((table, step) => ({ table, columns: undefined, step }));
  return Object.entries(tables).map(([table, { columns }]) => ({ table, columns, step: table }));
}

/** Id of the feed of `schema.table` of a source. */
export function tableFeed(source: string, table: string): string {
  return feedId(`${source}.${table}`, sha256);
}

export interface FeedNames {
  /** The id of what a dataset calls `shop.public.Customers`, or by that id; `undefined` where no source has it. */
  idOf(name: string): string | undefined;
  /** What a dataset may call them. */
  readonly all: readonly string[];
}

/** Every feed that the file declares, under its names. */
export function feedNames(sources: LakeFile['sources'], say: Say): FeedNames {
  const ids = new Map(
    Object.keys(sources).flatMap((name) => (isTables(sources[name]) ? [] : [[name, name]])),
  );
  const all = [...ids.keys()];
  for (const [source, file] of Object.entries(sources)) {
    if (file.kind !== 'database') continue;
    const own = new Set<string>();
    for (const { table, step } of tablesOf(file.tables)) {
      const [name, id] = [`${source}.${table}`, tableFeed(source, table)];
      const path = ['sources', source, 'tables', step];
      if (own.has(table)) say(path, `${table} stands here a second time: give it once`);
      else if (ids.has(id)) say(path, `${name} is the name of another feed: rename one of the sources`);
      else all.push(name);
      own.add(table);
      ids.set(name, id).set(id, id);
    }
  }
  return { all, idOf: (name) => ids.get(name) };
}

function isTables(source: LakeFile['sources'][string] | undefined): boolean {
  return source?.kind === 'database';
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
