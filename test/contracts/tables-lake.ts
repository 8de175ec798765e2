import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { type Row, withDuckDb } from '../../activities/duckdb.ts';
import type { ReplicationTasks } from '../../activities/dms/port.ts';
import type { FileFolder } from '../../activities/files/port.ts';
import { encode, sha256Hex } from '../../activities/objects/json.ts';
import { createLedger } from '../../activities/objects/ledger.ts';
import type { ObjectStore } from '../../activities/objects/port.ts';
import { createSpecReader } from '../../activities/spec/store.ts';
import {
  type CollectTablesInput,
  type DecideTablesInput,
  createTableActivities,
} from '../../activities/tables/activities.ts';
import type { TablesPacing } from '../../activities/tables/pacing.ts';
import { canonical } from '../../lake/canonical.ts';
import type { Entry, EntryItem } from '../../lake/entry.ts';
import { feedId, keys } from '../../lake/keys.ts';
import { CHANGE_COLUMN, type Columns, type DatasetSpec, type LakeSpec } from '../../lake/spec.ts';
import { literal } from '../../lake/sql/text.ts';
import { query } from '../../reading/query.ts';
import { verifyLake } from '../../reading/verify/verify.ts';
import { dataset } from '../support/rows-specs.ts';

export interface TableDeclared {
  readonly columns: Columns;
  readonly key: readonly string[];
  readonly partition?: DatasetSpec['partition'];
}

/** A database `shop` whose tables, `schema.table`, feed a dataset each, named as the table. */
export function shopSpec(
  task: string,
  bucket: string,
  tables: Readonly<Record<string, TableDeclared>>,
  replicate: 'continuous' | 'load' | 'changes' = 'continuous',
): LakeSpec {
  const withChange = (columns: Columns) => ({ ...columns, [CHANGE_COLUMN.name]: CHANGE_COLUMN.type });
  const declared = Object.entries(tables);
  const spec = {
    lake: { name: 'test', bucket },
    sources: {
      shop: {
        kind: 'database',
        dms: { task },
        tables: Object.fromEntries(
          declared.map(([name, { columns }]) => [name, { feed: feedOf(name), columns: withChange(columns) }]),
        ),
        replicate,
        everyMs: 20,
      },
    },
    datasets: Object.fromEntries(
      declared.map(([name, { columns, key, partition }]) => [
        datasetOf(name),
        dataset({
          merge: 'latest',
          key,
          version: CHANGE_COLUMN.name,
          partition: partition ?? { kind: 'bucket', buckets: 4 },
          columns: withChange(columns),
          feeds: { [feedOf(name)]: { role: 'speed', visible: 'commit', map: {} } },
        }),
      ]),
    ),
  };
  // As it is read back: hashes of mappings follow the order of columns.
  return JSON.parse(canonical(spec)) as LakeSpec;
}

function feedOf(table: string): string {
  return feedId(`shop.${table}`, sha256Hex);
}

/** What stands behind the last dot; of a name that no dataset may have, its feed. */
function datasetOf(table: string): string {
  const short = table.replace(/^.*\./, '');
  return /^[a-z0-9_]+$/.test(short) ? short : feedOf(table).replaceAll(/[.-]/g, '_');
}

export interface TablesLakeOptions {
  readonly store: ObjectStore;
  readonly spec: LakeSpec;
  readonly tasks: ReplicationTasks;
  readonly landings: FileFolder;
  readonly scratch: string;
  readonly clock?: { now(): number };
  readonly pacing?: Partial<TablesPacing>;
}

const { signal } = new AbortController();

/** A lake that collects the tables of `shop`. */
export async function openTablesLake(options: TablesLakeOptions) {
  const { store, spec, tasks, landings, scratch, clock = { now: () => Date.now() } } = options;
  await mkdir(scratch, { recursive: true });
  const first = { format: 1, n: 1, prev: null, ...spec, epochs: {}, by: 'test', reason: '', at: '' };
  await store.create(keys.spec(1), encode(first), signal);
  const duck = { memoryMb: 512, threads: 1, scratch };
  let last = 0;

  /** Of a process that knows nothing yet. */
  const wire = (pacing: Partial<TablesPacing> = {}) =>
    createTableActivities({
      store,
      ledger: createLedger({ store }),
      spec: createSpecReader({ store }),
      tasks,
      landings,
      duck,
      clock,
      pacing: { stretchMs: 0, parkedStretchMs: 0, doubts: 1, ...options.pacing, ...pacing },
    });
  let activities = wire();

  /** As an attempt that the server schedules now, later than every one before. */
  function run<I, R>(activity: (input: I) => Promise<R>, input: I): Promise<R> {
    last = Math.max(last + 1, Date.now());
    const environment = new MockActivityEnvironment(
      { currentAttemptScheduledTimestampMs: last },
      { logger: new DefaultLogger('ERROR') },
    );
    return environment.run(activity, input);
  }

  const collect = (input: Partial<CollectTablesInput> = {}) =>
    run(activities.collectTables, { source: 'shop', waiting: [], absent: {}, drain: false, ...input });

  /** Stretches until a stretch finds nothing more. */
  async function collectAll(input: Partial<CollectTablesInput> = {}) {
    for (;;) {
      const found = await collect(input);
      if (found.entries === 0) return found;
    }
  }

  const decide = (input: Pick<DecideTablesInput, 'tables' | 'action'>) =>
    run(activities.decideTables, {
      source: 'shop',
      decision: 'audit/x',
      by: 'ana',
      reason: 'a test',
      ...input,
    });

  const check = () => run(activities.checkDatabase, { source: 'shop' });

  async function entries(table: string): Promise<Entry[]> {
    const ledger = createLedger({ store });
    const feed = feedOf(table);
    const head = await ledger.head(feed, 0, signal);
    return (await ledger.range(feed, 0, 1, head?.n ?? 0, signal)).map(({ value }) => value);
  }

  /** Through which position each entry goes, with its items and how it ends a generation. */
  async function story(table: string): Promise<string[]> {
    const ledger = createLedger({ store });
    const told = (await entries(table)).map(async (entry) => {
      const items = (await ledger.items(entry, signal)).map(itemText);
      const [, place = ''] = /^(?:\d+@[^/]+\/)?(.*)$/s.exec(entry.channels?.['log']?.through ?? '') ?? [];
      const generation = entry.channels?.['log']?.generation ?? 0;
      return [`${generation} ${place}`, ...items, ...(entry.ready ?? []).map(() => 'ready')].join(' | ');
    });
    return Promise.all(told);
  }

  /** Rows of the entries of these generations, each with what it came of. */
  async function rows(table: string, sql: string, generation?: number): Promise<readonly Row[]> {
    const named = (await entries(table)).filter(
      ({ channels }) => generation === undefined || channels?.['log']?.generation === generation,
    );
    const files: string[] = [];
    for (const entry of named) {
      for (const [index, { key }] of entry.rows.entries()) {
        const ordinal = String(entry.ordinal).padStart(6, '0');
        const file = path.join(
          scratch,
          `${ordinal}-${String(index).padStart(4, '0')}-${Math.random()}.parquet`,
        );
        await store.getToFile(key, file, { signal, onProgress: () => undefined });
        files.push(file);
      }
    }
    if (files.length === 0) return [];
    const list = `[${files.map(literal).join(', ')}]`;
    return withDuckDb(duck, (db) =>
      db.rows(
        `WITH r AS (SELECT * FROM read_parquet(${list}, filename = true, union_by_name = true)) ${sql}`,
      ),
    );
  }

  /** What stands for each key in the last generation that is ready, as `latest` reads it. */
  async function current(table: string, columns: string): Promise<readonly Row[]> {
    const ready = (await entries(table)).filter(({ ready: is }) => is?.includes('log'));
    const generation = ready.at(-1)?.channels?.['log']?.generation;
    if (generation === undefined) return [];
    const served = spec.datasets[datasetOf(table)];
    const key = served?.key.join(', ') ?? '';
    return rows(
      table,
      `SELECT ${columns} FROM (SELECT *, row_number() OVER (PARTITION BY ${key}
        ORDER BY _change DESC NULLS LAST, filename DESC, _row DESC) AS place FROM r)
       WHERE place = 1 AND _op <> 'D' ORDER BY ${key}`,
      generation,
    );
  }

  /** What a live read answers now. */
  async function live(sql: string): Promise<readonly Row[]> {
    const cache = path.join(scratch, 'cache');
    await mkdir(cache, { recursive: true });
    const applied = { n: 1, spec };
    const ports = { ...duck, store, ledger: createLedger({ store }), cache, spec: applied };
    return (await query(ports, { sql, mode: 'live' }, signal)).rows;
  }

  const verify = () => verifyLake({ store, scratch, memoryMb: 256, signal });

  return {
    store,
    spec,
    live,
    verify,
    collect,
    collectAll,
    decide,
    check,
    entries,
    story,
    rows,
    current,
    run,
    wire,
    /** As if the worker had been started again. */
    restart: () => void (activities = wire()),
  };
}

function itemText({ item, state, rows, rejected = 0 }: EntryItem): string {
  return `${item} ${state === 'collected' ? `${rows} rows` : state}${rejected > 0 ? `, ${rejected} rejected` : ''}`;
}
