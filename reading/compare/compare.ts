import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type CompareReport, type Look, type TableReport, planTable } from '../../lake/compare-tables.ts';
import { type LakeSpec, datasetOf } from '../../lake/spec.ts';
import type { ReadMode } from '../../lake/view.ts';
import { QueryRefused } from '../ports.ts';
import { type Followed, countedReport, finished, follow, isThrough, lookedAtAgain } from './followed.ts';
import { type LookPorts, type Moment, atOneMoment } from './look.ts';
import type { CompareClock } from './port.ts';
import { lookAgain, lookAtAll } from './table-look.ts';

export interface ComparePorts extends LookPorts {
  readonly clock: CompareClock;
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

/** A table under way: not looked at yet, or followed since its first look. */
interface Open {
  readonly table: string;
  readonly feed: string;
  readonly followed?: Followed;
}

/**
 * Compare every table of a database source, row for row, with the lake's view. Each look takes a snapshot of the
 * database and, right after, a stamp of the lake. A table's first reads both sides once, the others only rows that
 * differed, until these agree or have differed for `settleMs` while neither side changed. A table whose load is under
 * way is looked at once it is whole. Rejects with `QueryRefused` for what is no such source or table.
 */
export async function compareSource(
  ports: ComparePorts,
  request: CompareRequest,
  signal: AbortSignal,
): Promise<CompareReport> {
  const { clock, scratch, spec } = ports;
  const { source, mode, settleMs, withinMs, say = () => undefined } = request;
  const tables = tablesOf(spec.spec, request);
  const datasets = Object.entries(spec.spec.datasets)
    .filter(([, { feeds }]) => tables.some(({ feed }) => feeds[feed]))
    .map(([name]) => name);
  const own = await mkdtemp(join(scratch, 'compare-'));
  try {
    const startedMs = clock.now();
    const looks: Look[] = [];
    const done = new Map<string, TableReport>();
    let open: readonly Open[] = tables;
    for (;;) {
      const next: Open[] = [];
      await atOneMoment({ ...ports, scratch: own }, { mode, datasets }, signal, async (moment) => {
        looks.push(moment.look);
        const isOver = clock.now() - startedMs >= withinMs;
        for (const one of open) {
          const seen = await lookAt(ports, request, moment, one, isOver);
          if ('kind' in seen) done.set(one.table, seen);
          else next.push(seen);
        }
      });
      open = next;
      if (open.length === 0) break;
      say(`${open.map(({ table }) => table).join(', ')}: rows are under way or differ, looking again`);
      await clock.wait(settleMs / LOOKS_WHILE_SETTLING, signal);
    }
    return { source, mode, looks, tables: tables.flatMap(({ table }) => done.get(table) ?? []) };
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

/** One table at one moment: its report where it is through, else what is to be looked at again. */
async function lookAt(
  { clock, spec }: ComparePorts,
  { source, settleMs }: CompareRequest,
  moment: Moment,
  one: Open,
  isOver: boolean,
): Promise<Open | TableReport> {
  const { table, feed } = one;
  const isLoading = (dataset: string) => moment.isLoading({ feed, dataset });
  if (one.followed) {
    const followed = (await isLoading(one.followed.table.dataset))
      ? one.followed
      : await again(moment, one.followed, clock);
    return isOver || isThrough(followed, clock.now(), settleMs)
      ? { kind: 'compared', ...finished(followed, clock.now(), settleMs) }
      : { ...one, followed };
  }
  const shown = await asShown(spec.spec, feed, moment);
  const plan = planTable(shown.spec, source, table, await moment.snapshot.columnsOf(table));
  if (plan.kind === 'not compared') return { kind: 'not compared', table, reason: plan.reason };
  if (await isLoading(plan.compared.dataset)) {
    const reason =
      'a load of it is not whole or not published yet: the lake shows nothing of it, or what was before';
    return isOver ? { kind: 'not compared', table, reason } : one;
  }
  const notes = [...plan.notes, ...shown.notes];
  const first = await moment.sides(plan.compared, lookAtAll);
  if (first.found.counted) return { kind: 'compared', ...countedReport(plan.compared, notes, first) };
  const followed = follow(plan.compared, notes, first, clock.now());
  return isThrough(followed, clock.now(), settleMs)
    ? { kind: 'compared', ...finished(followed, clock.now(), settleMs) }
    : { ...one, followed };
}

/** The spec with the dataset's columns as readers have them at the moment: those that came since are in no version yet. */
async function asShown(
  spec: LakeSpec,
  feed: string,
  moment: Moment,
): Promise<{ readonly spec: LakeSpec; readonly notes: readonly string[] }> {
  const served = datasetOf(spec, feed);
  const columns = served && (await moment.columnsOf(served.name));
  if (!served || !columns) return { spec, notes: [] };
  const { name, dataset } = served;
  const missing = Object.keys(dataset.columns).filter((column) => !Object.hasOwn(columns, column));
  return {
    spec: { ...spec, datasets: { ...spec.datasets, [name]: { ...dataset, columns } } },
    notes: missing.map((column) => `column ${column} is in no version of ${name} yet: not compared`),
  };
}

async function again(moment: Moment, followed: Followed, clock: CompareClock): Promise<Followed> {
  const keys = [...followed.candidates.keys()];
  const { sightings } = await moment.sides(followed.table, (sides) => lookAgain(sides, keys));
  return { ...followed, candidates: lookedAtAgain(followed.candidates, sightings, clock.now()) };
}

function tablesOf(spec: LakeSpec, { source, tables }: CompareRequest): readonly Open[] {
  const database = spec.sources[source];
  const sources = Object.keys(spec.sources).filter((name) => spec.sources[name]?.kind === 'database');
  if (database?.kind !== 'database')
    throw new QueryRefused(
      `${source} is no database of the lake; there are: ${sources.join(', ') || 'none'}`,
    );
  const declared = Object.entries(database.tables).map(([table, { feed }]) => ({ table, feed }));
  const names = declared.map(({ table }) => table);
  const unknown = tables?.find((table) => !names.includes(table));
  if (unknown !== undefined)
    throw new QueryRefused(`${source} declares no table ${unknown}; it declares ${names.join(', ')}`);
  return declared.filter(({ table }) => tables?.includes(table) ?? true);
}
