import { type Strike, struck } from './faults-at.ts';

/** Why a run ended, as StopReason says it after its literal prefix. */
export type Reason =
  | 'NORMAL'
  | 'FULL_LOAD_ONLY_FINISHED'
  | 'STOPPED_AFTER_FULL_LOAD'
  | 'STOPPED_AFTER_CACHED_EVENTS'
  | 'STOPPED_AT_SERVER_TIME'
  | 'STOPPED_AT_COMMIT_TIME'
  | 'STOPPED_AFTER_DDL_APPLY'
  | 'RECOVERABLE_ERROR'
  | 'RECONFIGURATION_RESTART'
  | 'RECYCLE_TASK'
  | 'STOPPED_DUE_TO_LOW_MEMORY'
  | 'STOPPED_DUE_TO_LOW_DISK'
  | 'FATAL_ERROR'
  | 'EXPRESS_LICENSE_LIMITS_REACHED';

/** The task fails, and no retry helps. */
export class Fatal extends Error {}

/** The run ends here, by that reason. */
export class Ended extends Error {
  readonly reason: string;

  constructor(reason: Reason | (string & {}), message = '') {
    super(message);
    this.reason = reason;
  }
}

/** `Stop Reason FATAL_ERROR Error Level FATAL`; without a level where nothing went wrong. */
export function stopReason(reason: string): string {
  const level =
    reason === 'FATAL_ERROR' ? 'FATAL' : reason === 'RECOVERABLE_ERROR' ? 'RECOVERABLE' : undefined;
  return level === undefined ? `Stop Reason ${reason}` : `Stop Reason ${reason} Error Level ${level}`;
}

/** Whether the task ends in `failed` and not in `stopped`. */
export function isFailure(reason: string): boolean {
  return reason === 'FATAL_ERROR' || reason === 'RECOVERABLE_ERROR';
}

/** Ends the run where a rule of `/_stack/faults` says so at StopTask. */
export function stopWhenTold({ strike, id }: { readonly strike: Strike; readonly id: string }): void {
  const fault = struck(strike, 'StopTask', id);
  if (fault) throw new Ended(fault.code, fault.message);
}

/** The run breaks as if its machine died, and begins anew at once. */
export class Crash extends Error {}
