import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { readFile, rm } from 'node:fs/promises';
import { onTestFinished } from 'vitest';
import { withDuckDb } from '../../../activities/duckdb.ts';
import type { TablesPacing } from '../../../activities/tables/pacing.ts';
import type { DmsTable } from '../../../lake/dms-tables.ts';
import { literal } from '../../../lake/sql/text.ts';
import { type TableDeclared, openTablesLake, shopSpec } from '../../contracts/tables-lake.ts';
import { MemoryDms, type MigrationType } from '../../fakes/memory-dms.ts';
import { MemoryLandings } from '../../fakes/memory-landings.ts';
import { MemoryObjectStore } from '../../fakes/memory-object-store.ts';
import { makeTmpFolder, removeTmpFolder } from '../../support/tmp.ts';

export interface ShopOptions {
  readonly tables?: Readonly<Record<string, TableDeclared>>;
  readonly type?: MigrationType;
  readonly s3?: Readonly<Record<string, unknown>>;
  readonly rules?: readonly object[];
  readonly pacing?: Partial<TablesPacing>;
}

/** A column that numbers the changes, and the rule that says so. */
export const SEQUENCE = {
  'rule-type': 'transformation',
  'rule-id': '2',
  'rule-name': 'seq',
  'rule-target': 'column',
  'object-locator': { 'schema-name': '%', 'table-name': '%' },
  'rule-action': 'add-column',
  value: 'seq',
  expression: '$AR_H_CHANGE_SEQ',
};

export const IMAGES = {
  'rule-type': 'transformation',
  'rule-id': '3',
  'rule-name': 'images',
  'rule-target': 'column',
  'object-locator': { 'schema-name': 'public', 'table-name': '%' },
  'rule-action': 'add-before-image-columns',
  'before-image-def': { 'column-prefix': 'BI_', 'column-filter': 'pk-only' },
};

export const ITEMS: TableDeclared = { columns: { id: 'bigint', name: 'string' }, key: ['id'] };

/** A task whose tables nobody fills but the test, and a lake that collects them. */
export async function openShop(options: ShopOptions = {}) {
  const {
    tables = { 'public.items': ITEMS },
    type = 'full-load-and-cdc',
    rules = [SEQUENCE],
    pacing,
  } = options;
  const scratch = await makeTmpFolder();
  onTestFinished(() => removeTmpFolder(scratch));
  const dms = new MemoryDms();
  const arn = dms.create('shop-cdc', type, Object.keys(tables));
  dms.made('shop-cdc', {
    s3: {
      BucketName: 'landing',
      BucketFolder: 'in',
      AddColumnName: true,
      IncludeOpForFullLoad: true,
      ...options.s3,
    },
    mappings: { rules },
  });
  dms.becomes('shop-cdc', { status: 'running' });
  const landings = new MemoryLandings();
  const clock = { at: Date.parse('2026-11-24T20:00:01.000Z'), now: () => clock.at };
  const lake = await openTablesLake({
    store: new MemoryObjectStore(),
    spec: shopSpec('shop-cdc', 'lake', tables),
    tasks: dms,
    landings,
    scratch: path.join(scratch, 'lake'),
    clock,
    ...(pacing && { pacing }),
  });
  const nameOf = (landing: string, table = 'items') => `s3://landing/in/public/${table}/${landing}`;

  /** DMS lands a file, and a second passes. */
  function land(landing: string, body: string | Buffer, table = 'items'): void {
    clock.at += 1000;
    const packed = landing.endsWith('.gz') && typeof body === 'string' ? gzipSync(body) : body;
    landings.put(nameOf(landing, table), packed, new Date(clock.at).toISOString());
  }

  /** As DuckDB writes this query. */
  async function parquet(sql: string): Promise<Buffer> {
    const file = path.join(scratch, `made-${Math.random()}.parquet`);
    const duck = { memoryMb: 256, threads: 1, scratch };
    await withDuckDb(duck, (db) => db.run(`COPY (${sql}) TO ${literal(file)} (FORMAT parquet)`));
    const bytes = await readFile(file);
    await rm(file);
    return bytes;
  }

  const counts = (change: Partial<DmsTable>, table = 'items') =>
    dms.counts('shop-cdc', `public.${table}`, change);
  /** DMS says that it began to load, and by now has loaded. */
  const loading = (at = new Date(clock.at).toISOString(), table = 'items') => {
    counts({ state: 'Full load', loadStartedAt: at, loadEndedAt: null, rows: 0 }, table);
    return at;
  };
  const loaded = (rows: number, table = 'items') => {
    counts({ state: 'Table completed', loadEndedAt: new Date(clock.at).toISOString(), rows }, table);
    clock.at += 120_000;
  };
  return { dms, arn, landings, clock, lake, land, nameOf, parquet, counts, loading, loaded };
}

export type Shop = Awaited<ReturnType<typeof openShop>>;

/** A line of change numbers, as DMS writes them. */
export function sequence(n: number): string {
  return `2026112421010000${String(n).padStart(19, '0')}`;
}
