import { canonical } from './canonical.ts';
import type { StartType } from './dms-start.ts';
import { type DmsTask, hasRun, isStanding } from './dms.ts';
import type { DatabaseSource } from './spec.ts';

export type Replicate = DatabaseSource['replicate'];

/** {"tables": ["public.customers"], "reason": "…", "by": "…"} */
export interface ReloadTablesRequest {
  readonly tables: readonly string[];
  readonly reason: string;
  readonly by: string;
}

/** {"reason": "…", "by": "…"}; `detach`: the task runs on. */
export interface StopRequest {
  readonly detach?: boolean;
  readonly reason: string;
  readonly by: string;
}

const MOST_TABLES = 1000;

/** Why this asks for no reload of these tables; `undefined` when it does. `known`: every declared `schema.table`. */
export function refuseReload(tables: unknown, known: ReadonlySet<string>): string | undefined {
  if (!Array.isArray(tables) || tables.length === 0) return 'tables must list at least one schema.table';
  if (tables.length > MOST_TABLES)
    return `tables lists ${tables.length} names: at most ${MOST_TABLES} at once`;
  const given = tables.map((table: unknown) => (typeof table === 'string' ? table : typeof table));
  const unknown = given.find((table) => !known.has(table));
  if (unknown !== undefined) {
    const some = [...known].slice(0, 10).join(', ');
    return `${canonical(unknown)} is no declared table; there are: ${some}${known.size > 10 ? ', …' : ''}`;
  }
  const twice = given.find((table, index) => given.indexOf(table) < index);
  return twice === undefined ? undefined : `${twice} stands twice in tables: give it once`;
}

const TYPES: Readonly<Record<Replicate, readonly string[]>> = {
  continuous: ['full-load-and-cdc', 'cdc'],
  load: ['full-load'],
  changes: ['cdc', 'full-load-and-cdc'],
};

/** Why a task cannot do what `replicate` asks; `undefined` when it can. */
export function unfitTask(
  { identifier, migrationType }: Pick<DmsTask, 'identifier' | 'migrationType'>,
  replicate: Replicate,
): string | undefined {
  const fit = TYPES[replicate];
  if (fit.includes(migrationType)) return undefined;
  return `${identifier} is a task of type ${migrationType}; replicate: ${replicate} needs ${fit.join(' or ')}`;
}

/**
 * `commit_time:2026-11-22T12:00:00`: the task ends before the first commit after it. By the time of a server it would
 * end whether or not it has read so far.
 */
export function stopPosition(at: string): string {
  return `commit_time:${at.slice(0, 19)}`;
}

/** How a task begins to load everything anew; absent where it runs already, which is waited for. */
export function loadStart(task: DmsTask): { readonly startType?: StartType } {
  if (!isStanding(task)) return {};
  return { startType: hasRun(task) ? 'reload-target' : 'start-replication' };
}

/** Does it run, or will it in a moment? */
export function isUnderWay({ status }: Pick<DmsTask, 'status'>): boolean {
  return status === 'running' || status === 'starting';
}
