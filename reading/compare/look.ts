import { withDuckDb } from '../../activities/duckdb.ts';
import { createViews } from '../../activities/objects/views.ts';
import type { Look } from '../../lake/compare-tables.ts';
import { reach } from '../../lake/coverage.ts';
import { laneId } from '../../lake/keys.ts';
import type { Columns, LakeSpec } from '../../lake/spec.ts';
import type { ComparedTable } from '../../lake/sql/compare-table.ts';
import { tableFacts } from '../../lake/table-lane.ts';
import type { ReadMode } from '../../lake/view.ts';
import type { ReadingPorts } from '../ports.ts';
import { type NamedStamp, makeStamp } from '../stamp.ts';
import { openView } from '../view.ts';
import type { DatabaseSnapshot, SourceDatabase } from './port.ts';
import type { Sides } from './table-look.ts';

export interface LookPorts extends ReadingPorts {
  readonly database: SourceDatabase;
  /** The newest applied spec, with its number. */
  readonly spec: { readonly n: number; readonly spec: LakeSpec };
}

export interface ComparedFeed {
  readonly feed: string;
  readonly dataset: string;
}

/** Both sides at one moment: nothing that is read through it changes any more. */
export interface Moment {
  readonly look: Look;
  readonly snapshot: DatabaseSnapshot;
  /** Does a live read show what was before a load, or nothing, because the load is not whole, or not published? */
  isLoading(of: ComparedFeed): Promise<boolean>;
  /** The columns of a dataset as its version has them; `undefined` before the first. */
  columnsOf(dataset: string): Promise<Columns | undefined>;
  /** Run `work` on one table of the moment. */
  sides<T>(table: ComparedTable, work: (sides: Sides) => Promise<T>): Promise<T>;
}

/** A snapshot of the database, and a stamp of these datasets made right after it. */
export async function atOneMoment(
  ports: LookPorts,
  { mode, datasets }: { readonly mode: ReadMode; readonly datasets: readonly string[] },
  signal: AbortSignal,
  work: (moment: Moment) => Promise<void>,
): Promise<void> {
  await ports.database.snapshot(async (snapshot) => {
    const stamp = await makeStamp({ ...ports, mode, datasets }, signal);
    await work({
      look: { at: snapshot.at, lsn: snapshot.lsn, stamp: stamp.sha256 },
      snapshot,
      isLoading: (of) => isLoading(ports, stamp, of, signal),
      columnsOf: (dataset) => columnsOf(ports, stamp, dataset, signal),
      sides: (table, own) => withSides(ports, stamp, table, snapshot, signal, own),
    });
  }, signal);
}

async function isLoading(
  { store, ledger }: LookPorts,
  { stamp }: NamedStamp,
  { feed, dataset }: ComparedFeed,
  signal: AbortSignal,
): Promise<boolean> {
  if (stamp.mode === 'settled') return false;
  const id = laneId(feed, 0);
  const last = reach(stamp.heads, id);
  if (last === 0) return true;
  const generations = async (from: number, to: number) => {
    const links = await ledger.range(feed, 0, from, to, signal);
    return links.map(({ value }) => tableFacts(value));
  };
  const head = await ledger.head(feed, 0, signal);
  // One more than the stamp has: it ends before the first entry of a generation that is not whole.
  const newest = (await generations(last, Math.min(last + 1, head?.n ?? last))).at(-1)?.generation;
  const views = createViews({ store });
  const version = await views.readView(dataset, stamp.versions[dataset] ?? 0, signal);
  const base = version ? reach(await views.coverageOf(dataset, version.value.base, signal), id) : 0;
  // As a live read has it: the version's, or else the first that is whole.
  const [shown] =
    base > 0
      ? await generations(base, base)
      : (await generations(1, last)).filter((entry) => entry?.ready === true);
  return shown?.generation !== newest;
}

async function columnsOf(
  { store, ledger }: LookPorts,
  { stamp }: NamedStamp,
  dataset: string,
  signal: AbortSignal,
): Promise<Columns | undefined> {
  const version = await createViews({ store }).readView(dataset, stamp.versions[dataset] ?? 0, signal);
  const spec = version && (await ledger.specOf(version.value.spec, signal));
  return spec?.datasets[dataset]?.columns;
}

async function withSides<T>(
  ports: LookPorts,
  stamp: NamedStamp,
  table: ComparedTable,
  snapshot: DatabaseSnapshot,
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
