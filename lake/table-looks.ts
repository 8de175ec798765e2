import type { DmsTable } from './dms-tables.ts';

/** When a table's folder was last listed, and what DMS said of the table by then. */
export interface Looked {
  readonly atMs: number;
  /** Everything, not only what may be new. */
  readonly wholeAtMs: number;
  readonly counters: string;
  /** A statement of DDL may have taken landings away. */
  readonly ddls: number;
  /** When its counters last changed. */
  readonly changedAtMs: number;
  /** Nothing was left to do. */
  readonly isSettled: boolean;
}

export interface LookPacing {
  readonly sweepEveryMs: number;
  readonly wholeEveryMs: number;
  readonly batchMs: number;
}

export type DueLook = 'whole' | 'new' | 'none';

/**
 * Is a table's folder to be listed now? DMS counts what it writes, so a table is looked at when its counters have
 * changed, for two batches after that, while anything is open, and now and then whatever they say.
 */
export function dueLook(
  looked: Looked | undefined,
  table: DmsTable | undefined,
  nowMs: number,
  { sweepEveryMs, wholeEveryMs, batchMs }: LookPacing,
): DueLook {
  if (!looked || nowMs >= looked.wholeAtMs + wholeEveryMs) return 'whole';
  if ((table?.ddls ?? 0) !== looked.ddls) return 'whole';
  const isDue =
    !looked.isSettled ||
    countersOf(table) !== looked.counters ||
    nowMs <= looked.changedAtMs + 2 * batchMs ||
    nowMs >= looked.atMs + sweepEveryMs;
  return isDue ? 'new' : 'none';
}

export function lookedAt(
  before: Looked | undefined,
  table: DmsTable | undefined,
  look: { readonly atMs: number; readonly isWhole: boolean; readonly isSettled: boolean },
): Looked {
  const counters = countersOf(table);
  const { atMs, isWhole, isSettled } = look;
  return {
    atMs,
    wholeAtMs: isWhole || !before ? atMs : before.wholeAtMs,
    counters,
    ddls: table?.ddls ?? 0,
    changedAtMs: before?.counters === counters ? before.changedAtMs : atMs,
    isSettled,
  };
}

function countersOf(table: DmsTable | undefined): string {
  if (!table) return '';
  const { state, rows, inserts, updates, deletes, ddls, loadStartedAt, loadEndedAt } = table;
  return [state, rows, inserts, updates, deletes, ddls, loadStartedAt, loadEndedAt].join(' ');
}
