import type { Action } from '../faults.ts';

/** What befalls a task at one of its own steps; the rules of `/_stack/faults` name them as operations of `dms`. */
export type Step =
  /** A start that fails: the task goes from starting to failed. */
  | 'StartTask'
  /** The load of a table (key `task/schema.table`) that ends in Table error. */
  | 'LoadTable'
  /** A file of changes of a table (key `task/schema.table`) that cannot be applied: the table is suspended. */
  | 'ApplyTable'
  /** Between the PUT of changes and their acknowledgement: the run breaks there and starts over from the slot. */
  | 'AfterPut'
  /** The task stops by itself, with the code of the rule as its reason: before a table is loaded, or among changes. */
  | 'StopTask'
  /** The slot is gone. */
  | 'LoseSlot';

/** What an answer tells late: the `delay` of a rule says by how much. */
export type Late =
  /** A task, as DescribeReplicationTasks shows it. */
  | 'ShowTask'
  /** The tables of a task, as DescribeTableStatistics shows them. */
  | 'ShowTables';

export type Strike = (call: { service: string; operation: string; key: string }) => Action[];

/** How old what is shown now is to be, in milliseconds: 0 unless a rule says so. */
export function staleMs(strike: Strike, operation: Late, key: string): number {
  const delays = strike({ service: 'dms', operation, key }).map((action) =>
    action.kind === 'delay' ? action.ms : 0,
  );
  return Math.max(0, ...delays);
}

/** The error that strikes at this step, if one does. A `delay` is waited for by nobody here: steps have no callers. */
export function struck(
  strike: Strike,
  operation: Step,
  key: string,
): { code: string; message: string } | undefined {
  const found = strike({ service: 'dms', operation, key }).find((action) => action.kind === 'error');
  if (found?.kind !== 'error') return undefined;
  return { code: found.code ?? 'FATAL_ERROR', message: found.message ?? `an injected fault at ${operation}` };
}
