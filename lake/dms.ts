import type { Action, Parked } from './decisions.ts';
import { type TableLeftOver, type TablesSeen, isTroubled, tableName } from './dms-tables.ts';
import { instantMs } from './instant.ts';

/** One DMS task, as one describe has it. Instants are ISO texts. */
export interface DmsTask {
  readonly identifier: string;
  readonly arn: string;
  /** `full-load`, `cdc` or `full-load-and-cdc`. */
  readonly migrationType: string;
  /** DMS's own word: one that Tributary does not know says nothing. */
  readonly status: string;
  /** With DMS's literal prefix `Stop Reason `. */
  readonly stopReason: string | null;
  readonly startedAt: string | null;
  readonly stoppedAt: string | null;
  readonly lastFailure: string | null;
  /** Where CDC goes on; current only while the task is stopped or failed. */
  readonly checkpoint: string | null;
  readonly progressPercent: number;
  readonly tablesErrored: number;
}

/** A task and its tables, looked at together. */
export interface DmsLook extends DmsTask {
  readonly tables: TablesSeen;
  readonly lookedAt: string;
}

/** What a run wants of its task. */
export interface DmsWish {
  /** `loaded`: done once every table is loaded, though the task runs on. */
  readonly until: 'stopped' | 'loaded';
  /** CDC has an end: the task was started with a stop position. */
  readonly isBounded: boolean;
  /** Tables (`schema.table`) that a person left out. */
  readonly skipped: readonly string[];
  /** Table → when its reload was asked for: statistics of before say nothing about it. */
  readonly reloads: Readonly<Record<string, string>>;
}

export type DmsVerdict =
  /** Nothing can be said yet. `isUnknown`: DMS uses a word that Tributary does not know. */
  | { readonly kind: 'keepLooking'; readonly because: string; readonly isUnknown?: boolean }
  /** It works; the tables among `findings` wait for a person beside it. */
  | { readonly kind: 'running'; readonly findings: readonly Parked[] }
  /** It stopped where nothing needs a person: it is to be resumed. `backOff`: after a pause. */
  | { readonly kind: 'resume'; readonly because: string; readonly backOff: boolean }
  | { readonly kind: 'finished'; readonly because: string }
  /** It stands, and each finding waits for a person. Never empty. */
  | { readonly kind: 'stands'; readonly findings: readonly Parked[] };

/** Statuses from which the task moves on by itself. */
const PASSING = new Set(['creating', 'starting', 'stopping', 'modifying', 'moving', 'deleting', 'testing']);
/** Statuses in which it does not move and can be started. */
const STANDING = new Set(['ready', 'stopped', 'failed', 'failed-move']);
/** Reasons that pass by themselves. */
const PASSES = new Set(['RECOVERABLE_ERROR', 'RECONFIGURATION_RESTART', 'RECYCLE_TASK']);
/** A running task whose statistics name no table for so long captures none. */
const NO_TABLES_AFTER_MS = 10 * 60_000;

export function isStanding({ status }: Pick<DmsTask, 'status'>): boolean {
  return STANDING.has(status);
}

/** Does its full load belong to what it does? */
export function loads({ migrationType }: Pick<DmsTask, 'migrationType'>): boolean {
  return migrationType !== 'cdc';
}

/**
 * How a task stands: by status, StopReason and tables together. `stopped` alone is no success, and neither is anything
 * with zero tables. A status that nobody knows is no ending.
 */
export function judgeTask(look: DmsLook, wish: DmsWish): DmsVerdict {
  const { status } = look;
  const reason = stopReasonOf(look) ?? '';
  if (status === 'running') return judgeRunning(look, wish);
  if (status === 'stopped') return judgeStopped(look, wish, reason);
  if (status === 'failed' && PASSES.has(reason)) return { kind: 'resume', because: reason, backOff: true };
  if (status === 'failed' || status === 'failed-move') return stands([failedTask(look)]);
  if (status === 'ready') {
    return stands([stoppedTask(look, 'It is ready, not started: it was modified, or never ran.')]);
  }
  if (PASSING.has(status)) return { kind: 'keepLooking', because: `the task is ${status}` };
  return { kind: 'keepLooking', because: `unknown status ${JSON.stringify(status)}`, isUnknown: true };
}

function judgeRunning(look: DmsLook, wish: DmsWish): DmsVerdict {
  if (look.tables.total === 0) return { kind: 'running', findings: isLate(look) ? [noTables(look)] : [] };
  const findings = tableFindings(look, wish, false);
  if (wish.until === 'loaded' && loads(look) && tableFindings(look, wish, true).length === 0) {
    return { kind: 'finished', because: 'every table is loaded; changes go on' };
  }
  return { kind: 'running', findings };
}

function isLate({ lookedAt, startedAt }: DmsLook): boolean {
  const now = instantMs(lookedAt);
  const since = startedAt === null ? undefined : instantMs(startedAt);
  return now !== undefined && since !== undefined && now - since > NO_TABLES_AFTER_MS;
}

function judgeStopped(look: DmsLook, wish: DmsWish, reason: string): DmsVerdict {
  if (PASSES.has(reason)) return { kind: 'resume', because: reason, backOff: true };
  switch (reason) {
    case 'NORMAL':
      return loadsOnly(look) || wish.isBounded
        ? judgeTables(look, wish, reason)
        : stands([stoppedTask(look, 'Somebody stopped it: replication does not end by itself.')]);
    case 'FULL_LOAD_ONLY_FINISHED':
    case 'STOPPED_AT_SERVER_TIME':
    case 'STOPPED_AT_COMMIT_TIME':
      return judgeTables(look, wish, reason);
    case 'STOPPED_AFTER_FULL_LOAD':
    case 'STOPPED_AFTER_CACHED_EVENTS':
      if (wish.until === 'loaded') return judgeTables(look, wish, reason);
      return {
        kind: 'resume',
        because: `${reason}: its settings let it pause after the load`,
        backOff: false,
      };
    case 'STOPPED_AFTER_DDL_APPLY':
      return stands([stoppedTask(look, 'A table changed its definition: look at the change, then resume.')]);
    case 'STOPPED_DUE_TO_LOW_MEMORY':
    case 'STOPPED_DUE_TO_LOW_DISK':
      return stands([taskFinding(look, 'DmsOutOfCapacity', 'Its replication instance is too small.')]);
    case 'FATAL_ERROR':
    case 'EXPRESS_LICENSE_LIMITS_REACHED':
      return stands([failedTask(look)]);
    default:
      return stands([stoppedTask(look, 'Nothing says that its work is done.')]);
  }
}

/** An ending that is good if its tables are. */
function judgeTables(look: DmsLook, wish: DmsWish, reason: string): DmsVerdict {
  if (look.tables.total === 0) return stands([noTables(look)]);
  const findings = tableFindings(look, wish, loads(look));
  return findings.length > 0 ? stands(findings) : { kind: 'finished', because: reason };
}

/** `ofEnd`: a table that is not loaded is one too. */
function tableFindings(look: DmsLook, wish: DmsWish, ofEnd: boolean): readonly Parked[] {
  const { leftOver, troubled, total, completed } = look.tables;
  const found = leftOver.filter((table) => ofEnd || isTroubled(table));
  const open = found.filter((table) => !wish.skipped.includes(tableName(table)) && !isReloading(table, wish));
  const findings = open.map((table) => tableFinding(look, table));
  // More than the look lists, or an error that DMS counts without naming its table.
  if (wish.skipped.includes(look.identifier)) return findings;
  const unnamed = Math.max(look.tablesErrored - troubled, 0);
  const unlisted = ofEnd ? total - completed - leftOver.filter(({ isCaptured }) => isCaptured).length : 0;
  if (unnamed === 0 && unlisted === 0) return findings;
  const counts = [
    ...(unnamed > 0 ? [`DMS counts ${look.tablesErrored} tables in error and names ${troubled}.`] : []),
    ...(unlisted > 0 ? [`${unlisted} more tables are not loaded than are listed.`] : []),
  ];
  return [...findings, taskFinding(look, 'DmsTableError', counts.join(' '), ['retry', 'skip'])];
}

function isReloading({ schema, table, refreshedAt }: TableLeftOver, { reloads }: DmsWish): boolean {
  const askedAt = reloads[`${schema}.${table}`];
  return askedAt !== undefined && refreshedAt !== null && refreshedAt <= askedAt;
}

function tableFinding(look: DmsLook, table: TableLeftOver): Parked {
  const isRunning = look.status === 'running';
  const reloads: readonly Action[] = isRunning && loads(look) && table.isCaptured ? ['reload'] : [];
  const validation = table.validation === null ? '' : `, validation "${table.validation}"`;
  return {
    item: tableName(table),
    failure: 'DmsTableError',
    message: `${look.identifier}: ${tableName(table)} is in state "${table.state}"${validation}; the task is ${look.status}${spoken(look)}`,
    allowed: ['retry', ...reloads, 'skip'],
  };
}

function noTables(look: DmsLook): Parked {
  return taskFinding(look, 'DmsNoTables', 'Its table mappings select nothing that it can read.');
}

function failedTask(look: DmsLook): Parked {
  return taskFinding(look, 'DmsTaskFailed', '');
}

/** A task that stands, and nothing says that its work is done. */
export function stoppedTask(look: DmsLook, why: string): Parked {
  return taskFinding(look, 'DmsTaskStopped', why);
}

function taskFinding(look: DmsLook, failure: string, why: string, allowed?: readonly Action[]): Parked {
  const reason = look.stopReason === null ? '' : ` (${look.stopReason})`;
  // One that runs cannot be started, and one that never ran has nothing to reload.
  const canReload = isStanding(look) && loads(look) && hasRun(look);
  return {
    item: look.identifier,
    failure,
    message: `${look.arn} is ${look.status}${reason}${spoken(look)}${why === '' ? '' : `. ${why}`}`,
    allowed: allowed ?? ['retry', ...(canReload ? (['reload'] as const) : []), 'abort'],
  };
}

/** DMS keeps its last failure message for ever: it is told with the day of the stop it may belong to. */
function spoken({ lastFailure, stoppedAt }: DmsLook): string {
  if (lastFailure === null) return '';
  return `; last failure${stoppedAt === null ? '' : ` (last stop ${stoppedAt})`}: ${lastFailure}`;
}

/** What of a task a watch compares. */
export type KnownTask = Pick<
  DmsTask,
  'status' | 'stopReason' | 'startedAt' | 'stoppedAt' | 'tablesErrored' | 'progressPercent'
>;

export function knownOf(task: DmsTask): KnownTask {
  const { status, stopReason, startedAt, stoppedAt, tablesErrored, progressPercent } = task;
  return { status, stopReason, startedAt, stoppedAt, tablesErrored, progressPercent };
}

/** Is there anything to judge anew? Rows and progress alone are none; the end of the full load is. */
export function hasNews(known: KnownTask, seen: KnownTask): boolean {
  return (
    known.status !== seen.status ||
    known.stopReason !== seen.stopReason ||
    known.startedAt !== seen.startedAt ||
    known.stoppedAt !== seen.stoppedAt ||
    known.tablesErrored !== seen.tablesErrored ||
    known.progressPercent >= 100 !== seen.progressPercent >= 100
  );
}

/** The reason alone: DMS writes `Stop Reason FATAL_ERROR Error Level FATAL`. */
export function stopReasonOf({ stopReason }: Pick<DmsTask, 'stopReason'>): string | null {
  return stopReason === null ? null : (/^(?:Stop Reason )?(\S*)/.exec(stopReason)?.[1] ?? null);
}

/** Did this task ever run? Then it is resumed or reloaded, not started. */
export function hasRun({ status, startedAt }: Pick<DmsTask, 'status' | 'startedAt'>): boolean {
  return startedAt !== null || status === 'stopped';
}

function loadsOnly({ migrationType }: Pick<DmsTask, 'migrationType'>): boolean {
  return migrationType === 'full-load';
}

function stands(findings: readonly Parked[]): DmsVerdict {
  return { kind: 'stands', findings };
}
