import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { EntryItem } from '../../lake/entry.ts';
import { keys } from '../../lake/keys.ts';
import { bindLanding } from '../../lake/landing-columns.ts';
import { loadChange } from '../../lake/landings.ts';
import { repairColumns, repairItem } from '../../lake/repair.ts';
import { ident, literal } from '../../lake/sql/text.ts';
import { placeOf } from '../../lake/table-step.ts';
import { itemVersion } from '../../lake/transfer.ts';
import { type DuckDb, withDuckDb } from '../duckdb.ts';
import { ensureFile } from '../objects/commit.ts';
import { sha256Hex } from '../objects/json.ts';
import type { BoundLanding } from './bind.ts';
import type { DatabaseContext, DeclaredTable } from './context.ts';
import { itemOf, rawOf } from './entry-items.ts';
import { TableLane } from './lane.ts';
import type { Differing, RepairSource, SourceRows } from './port.ts';
import { makeRows } from './rows.ts';

export interface Repaired {
  readonly table: string;
  /** `equal`: nothing differed. `repaired` before: the entry of this repair was there. */
  readonly outcome: 'repaired' | 'equal' | 'loading' | 'tooMany' | 'notCompared';
  /** Rows that were written as the database has them, and keys that it has no more. */
  readonly rows: number;
  readonly removed: number;
  readonly message: string;
}

export interface RepairOptions {
  readonly context: DatabaseContext;
  readonly table: DeclaredTable;
  readonly source: RepairSource;
  /** Names the entry's item: a repair is made once. */
  readonly id: string;
  readonly onProgress: () => void;
}

/**
 * Write the rows of a table that differ as the database has them now, as an entry among those of its landings: every
 * change that DMS lands later is newer. Commit point: the entry.
 */
export async function repairTable(options: RepairOptions): Promise<Repaired> {
  const { context, table, source, id } = options;
  const lane = new TableLane(table);
  const none = { table: table.name, rows: 0, removed: 0 };
  await lane.refresh(context);
  if (lane.story.hasName(repairItem(id))) return { ...none, outcome: 'repaired', message: 'it was before' };
  if (!lane.story.isReady)
    return { ...none, outcome: 'loading', message: 'its load is under way, which brings all of its rows' };
  const found = await source.differing(table.name, context.signal, options.onProgress);
  if (found.kind !== 'rows') {
    const { outcome, message } = REFUSED[found.kind];
    return { ...none, outcome, message: found.kind === 'notCompared' ? found.reason : message };
  }
  if (found.keys.length === 0) return { ...none, outcome: 'equal', message: 'no row differs' };
  const scratch = await mkdtemp(path.join(context.duck.scratch, 'repair-'));
  try {
    return await withDuckDb({ ...context.duck, threads: 1, scratch }, (db) =>
      commit(options, lane, found, db, scratch),
    );
  } finally {
    await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
  }
}

const REFUSED = {
  tooMany: { outcome: 'tooMany', message: 'more rows differ than are named: load it again' },
  notCompared: { outcome: 'notCompared', message: '' },
} as const;

async function commit(
  options: RepairOptions,
  lane: TableLane,
  found: Extract<Differing, { kind: 'rows' }>,
  db: DuckDb,
  scratch: string,
): Promise<Repaired> {
  const { context, table, source, id, onProgress } = options;
  for (;;) {
    context.signal.throwIfAborted();
    const name = randomUUID();
    const place = placeOf(lane.story.position);
    const head = lane.head;
    const none = { table: table.name, rows: 0, removed: 0 };
    if (!place || !head || !lane.story.isReady)
      return { ...none, outcome: 'loading', message: 'a load of it began' };
    if (lane.story.hasName(repairItem(id))) return { ...none, outcome: 'repaired', message: 'it was before' };
    const rows = await source.rows(table.name, found, repairColumns(table.columns), context.signal);
    const folder = await mkdtemp(path.join(scratch, 'rows-'));
    const landing = await landingOf(options, rows, db, folder);
    const made = await makeRows(
      { context, table, db, scratch: folder, commit: name, loadStartedAt: place.loadStartedAt, onProgress },
      [landing],
    );
    const item: EntryItem = itemOf(landing, 1, made);
    // As of whoever collects: it goes on, and no attempt of it is taken for a late one.
    const asCollector = { ...context, epoch: head.value.epoch };
    const outcome = await lane.append(
      asCollector,
      { ...place, phase: 'cdc', landing: item.item },
      {
        commit: name,
        items: [item],
        raw: [rawOf(context, table, landing)],
        rows: made.objects,
        rejected: made.rejected,
      },
    );
    if (outcome !== 'committed') continue;
    const removed = rows.rows.filter(([op]) => op === 'D').length;
    const { rejected = 0 } = item;
    return {
      table: table.name,
      outcome: 'repaired',
      rows: rows.rows.length - removed - rejected,
      removed,
      message: rejected > 0 ? `${rejected} rows are in quarantine: their values do not fit` : '',
    };
  }
}

/** A file as DMS would land it, kept in raw: Parquet of texts, with the moment of the reading as the change sequence. */
async function landingOf(
  { context, table, id, onProgress }: RepairOptions,
  { at, rows }: SourceRows,
  db: DuckDb,
  folder: string,
): Promise<BoundLanding> {
  const { changeColumn } = table.landed;
  const names = repairColumns(table.columns).map(([name]) => name);
  const header = ['Op', ...(changeColumn === undefined ? [] : [changeColumn]), ...names];
  const change = changeColumn === undefined ? [] : [loadChange(at)];
  const file = path.join(folder, 'repair.parquet');
  await db.run(
    `CREATE OR REPLACE TABLE repair (${header.map((name) => `${ident(name)} VARCHAR`).join(', ')})`,
  );
  for (let from = 0; from < rows.length; from += ROWS_AT_A_TIME) {
    const tuples = rows
      .slice(from, from + ROWS_AT_A_TIME)
      .map(([op = 'U', ...values]) => [op, ...change, ...values].map(textSql).join(', '));
    await db.run(`INSERT INTO repair VALUES ${tuples.map((tuple) => `(${tuple})`).join(', ')}`);
  }
  await db.run(`COPY repair TO ${literal(file)} (FORMAT parquet, COMPRESSION zstd)`);
  const body = await readFile(file);
  const sha256 = createHash('sha256').update(body).digest('hex');
  const item = repairItem(id);
  const version = itemVersion(table.feed, item, `sha256:${sha256}`, sha256Hex);
  const expect = { bytes: body.byteLength, sha256 };
  const watch = { signal: context.signal, onProgress };
  await ensureFile(context.store, keys.rawItem(table.feed, version), { path: file, expect }, watch);
  const target = { ...context.target, opInChanges: true };
  const { columns, landed } = table;
  return {
    kind: 'fetched',
    listed: {
      landing: item,
      bytes: body.byteLength,
      modifiedAt: at,
      tag: sha256,
      name: { kind: 'changes', folder: 'repair', moment: id, format: 'parquet' },
    },
    file,
    body: file,
    sha256,
    header,
    types: header.map(() => 'VARCHAR'),
    crlf: false,
    records: rows.length,
    longest: 0,
    bodyBytes: body.byteLength,
    cuts: [],
    bound: bindLanding({ header, kind: 'changes', columns, target, table: landed, absent: [] }),
    item,
    version,
  };
}

const ROWS_AT_A_TIME = 1_000;

function textSql(text: string | null): string {
  return text === null ? 'NULL' : literal(text);
}
