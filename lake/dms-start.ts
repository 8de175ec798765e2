import { type DmsTask, hasRun, isStanding } from './dms.ts';

export const START_TYPES = ['start-replication', 'resume-processing', 'reload-target'] as const;
export type StartType = (typeof START_TYPES)[number];

/** What a run asks for. */
export interface StartWish {
  /** Absent: what fits, and nothing that loads again what is loaded. */
  readonly startType?: StartType | undefined;
  /** Where CDC starts: a date, a checkpoint, an LSN or SCN. */
  readonly cdcStartPosition?: string | undefined;
  readonly until?: 'stopped' | 'loaded' | undefined;
}

export type StartPlan =
  | { readonly kind: 'start'; readonly type: StartType }
  /** It runs already. */
  | { readonly kind: 'adopt' }
  /** It moves: look again. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'refused'; readonly reason: string };

/** How to bring a task to run, from how it stands. */
export function planStart(task: DmsTask, { startType, cdcStartPosition, until }: StartWish): StartPlan {
  const { identifier, status, migrationType } = task;
  const has = `${identifier} (${migrationType}) is ${status}`;
  if (until === 'loaded' && migrationType === 'cdc') {
    return refused(`${has}: a cdc task loads nothing, so until must be stopped`);
  }
  if (startType === 'reload-target' && migrationType === 'cdc') {
    return refused(`${has}: a cdc task has no load to do again; leave startType out to resume it`);
  }
  if (status === 'running' || status === 'starting') {
    if (startType !== 'reload-target') return { kind: 'adopt' };
    return refused(`${has}: stop it before it loads everything again, or leave startType out to adopt it`);
  }
  if (!isStanding(task)) return { kind: 'wait' };
  if (!hasRun(task)) {
    if (startType === undefined || startType === 'start-replication') return start('start-replication');
    return refused(
      `${has} and never ran: ${startType} would damage its data; startType must be start-replication`,
    );
  }
  if (startType === 'start-replication' || (startType === undefined && cdcStartPosition !== undefined)) {
    // Only a cdc task can be sent to another position.
    if (migrationType === 'cdc' && cdcStartPosition !== undefined) return start('start-replication');
    if (migrationType === 'cdc') {
      return refused(
        `${has} and ran before: start-replication needs cdcStartPosition; resume-processing goes on`,
      );
    }
    return refused(`${has} and ran before: startType must be resume-processing or reload-target`);
  }
  return start(startType ?? 'resume-processing');
}

/** What is remembered of a task before a start, to know that start again when its answer is lost. */
export type StartMark = Pick<DmsTask, 'status' | 'startedAt' | 'stoppedAt'>;

export function markOf({ status, startedAt, stoppedAt }: DmsTask): StartMark {
  return { status, startedAt, stoppedAt };
}

/**
 * Was it started since? DMS may answer with a state of before, so only what is later says yes; a change by hand
 * (`modifying`, `ready` again) says nothing.
 */
export function startedSince(before: StartMark, now: StartMark): boolean {
  if (isLater(now.startedAt, before.startedAt)) return true;
  if (now.status === 'starting' || now.status === 'running' || now.status === 'stopping') return true;
  const hasEnded = now.status === 'stopped' || now.status === 'failed';
  return hasEnded && (now.status !== before.status || isLater(now.stoppedAt, before.stoppedAt));
}

function isLater(now: string | null, before: string | null): boolean {
  return now !== null && (before === null || now > before);
}

/** Pauses before a task that stopped for a passing reason is resumed: the first at once, for DMS asks for it. */
const PAUSES_MS = [0, 30_000, 2 * 60_000, 10 * 60_000, 30 * 60_000];

/** Before the resume after `resumes` others in a row; `undefined`: enough, a person is to look. */
export function pauseBeforeResume(resumes: number): number | undefined {
  return PAUSES_MS[resumes];
}

function start(type: StartType): StartPlan {
  return { kind: 'start', type };
}

function refused(reason: string): StartPlan {
  return { kind: 'refused', reason };
}
