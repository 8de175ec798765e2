import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { withDuckDb } from '../../activities/duckdb.ts';
import {
  type CompareReport,
  type Look,
  type TableReport,
  isSettled,
  planTable,
} from '../../lake/compare-tables.ts';
import type { LakeSpec } from '../../lake/spec.ts';
import type { ComparedTable } from '../../lake/sql/compare-table.ts';
import type { ReadMode } from '../../lake/view.ts';
import { QueryRefused, type ReadingPorts } from '../ports.ts';
import { type NamedStamp, makeStamp } from '../stamp.ts';
import { openView } from '../view.ts';
import type { CompareClock, DatabaseSnapshot, SourceDatabase } from './port.ts';
import { type Sides, lookAgain, lookAtAll } from './table-look.ts';
import { type Followed, countedReport, emptyReport, finished, follow, lookedAtAgain } from './followed.ts';

export interface ComparePorts extends ReadingPorts {
  readonly database: SourceDatabase;
  readonly clock: CompareClock;
  /** The newest applied spec, with its number. */
  readonly spec: { readonly n: number; readonly spec: LakeSpec };
}

export interface CompareRequest {
  readonly source: string;
  /** `schema.table`; all that the source declares unless given. */
  readonly tables?: readonly string[];
  readonly mode: ReadMode;
  /** A row that differs is a difference once neither side changed for so long: longer than changes are under way. */
  readonly settleMs: number;
  /** After so long, what still changes is `pending`. At least `settleMs`. */
  readonly withinMs: number;
  readonly say?: (text: string) => void;
}

const LOOKS_WHILE_SETTLING = 4;

/**
 * Compare every table of a database source, row for row, with the lake's view. Each look takes a snapshot of the
 * database and, right after, a stamp of the lake; the first reads both sides once, the others only rows that differed,
 * until these agree or have differed for `settleMs` while neither side changed. Rejects with `QueryRefused` for what
 * is no such source or table.
 */
export async function compareSource(
  ports: ComparePorts,
  request: CompareRequest,
  signal: AbortSignal,
): Promise<CompareReport> {
  const { clock, scratch } = ports;
  const tables = tablesOf(ports.spec.spec, request);
  const own = await mkdtemp(join(scratch, 'compare-'));
  try {
    const looking = { ...ports, scratch: own };
    const startedMs = clock.now();
    const looks: Look[] = [];
    const done: TableReport[] = [];
    let open: Followed[] = [];
    await look(looking, request, looks, signal, async (snapshot, stamp) => {
      for (const table of tables) {
        const columns = await snapshot.columnsOf(table);
        const plan = planTable(ports.spec.spec, request.source, table, columns);
        if (plan.kind === 'not compared') {
          done.push({ kind: 'not compared', table, reason: plan.reason });
          continue;
        }
        request.say?.(`${table}: every row of both sides`);
        const first = await withSides(looking, plan.compared, snapshot, stamp, signal, (sides) =>
          lookAtAll(sides),
        );
        const { rows, chunks, found } = first;
        const report = { ...emptyReport(plan.compared, plan.notes), rows, chunks };
        if (found.counted) done.push({ kind: 'compared', ...countedReport(plan.compared, report, found) });
        else open.push(follow(plan.compared, report, found, clock.now()));
      }
    });
    for (;;) {
      const settled = (one: Followed) =>
        [...one.candidates.values()].every((row) => isSettled(row, clock.now(), request.settleMs));
      const isOver = clock.now() - startedMs >= request.withinMs;
      const ready = open.filter((one) => isOver || settled(one));
      for (const one of ready)
        done.push({ kind: 'compared', ...finished(one, clock.now(), request.settleMs) });
      open = open.filter((one) => !ready.includes(one));
      if (open.length === 0) break;
      const count = open.reduce((sum, { candidates }) => sum + candidates.size, 0);
      request.say?.(`${count} rows differ or are under way: looking again`);
      await clock.wait(request.settleMs / LOOKS_WHILE_SETTLING, signal);
      await look(looking, request, looks, signal, async (snapshot, stamp) => {
        for (const one of open) {
          const keys = [...one.candidates.keys()];
          const { sightings } = await withSides(looking, one.table, snapshot, stamp, signal, (sides) =>
            lookAgain(sides, keys),
          );
          one.candidates = lookedAtAgain(one.candidates, sightings, clock.now());
        }
      });
    }
    const order = new Map(tables.map((table, index) => [table, index]));
    const sorted = done.toSorted((a, b) => (order.get(a.table) ?? 0) - (order.get(b.table) ?? 0));
    return { source: request.source, mode: request.mode, looks, tables: sorted };
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

function tablesOf(spec: LakeSpec, { source, tables }: CompareRequest): readonly string[] {
  const database = spec.sources[source];
  const sources = Object.keys(spec.sources).filter((name) => spec.sources[name]?.kind === 'database');
  if (database?.kind !== 'database')
    throw new QueryRefused(
      `${source} is no database of the lake; there are: ${sources.join(', ') || 'none'}`,
    );
  const declared = Object.keys(database.tables);
  const unknown = tables?.find((table) => !declared.includes(table));
  if (unknown !== undefined)
    throw new QueryRefused(`${source} declares no table ${unknown}; it declares ${declared.join(', ')}`);
  return tables ?? declared;
}

/** One snapshot, and one stamp of all datasets, made after it. */
async function look(
  ports: ComparePorts,
  { source, mode, tables }: CompareRequest,
  looks: Look[],
  signal: AbortSignal,
  work: (snapshot: DatabaseSnapshot, stamp: NamedStamp) => Promise<void>,
): Promise<void> {
  await ports.database.snapshot(async (snapshot) => {
    const { store, ledger, spec } = ports;
    const feeds = spec.spec.sources[source];
    const served = Object.entries(feeds?.kind === 'database' ? feeds.tables : {})
      .filter(([table]) => tables?.includes(table) ?? true)
      .map(([, { feed }]) => feed);
    const datasets = Object.entries(spec.spec.datasets)
      .filter(([, dataset]) => served.some((feed) => dataset.feeds[feed]))
      .map(([name]) => name);
    const stamp = await makeStamp({ store, ledger, spec, mode, datasets }, signal);
    looks.push({ at: snapshot.at, lsn: snapshot.lsn, stamp: stamp.sha256 });
    await work(snapshot, stamp);
  }, signal);
}

async function withSides<T>(
  ports: ComparePorts,
  table: ComparedTable,
  snapshot: DatabaseSnapshot,
  stamp: NamedStamp,
  signal: AbortSignal,
  work: (sides: Sides) => Promise<T>,
): Promise<T> {
  return withDuckDb(ports, async (db) => {
    const stop = () => db.interrupt();
    signal.addEventListener('abort', stop);
    try {
      await openView(ports, db, { stamp, dataset: table.dataset }, signal);
      return await work({ table, snapshot, db });
    } finally {
      signal.removeEventListener('abort', stop);
    }
  });
}
