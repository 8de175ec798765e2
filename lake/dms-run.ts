import type { Parked } from './decisions.ts';
import {
  type StartMark,
  type StartType,
  type StartWish,
  pauseBeforeResume,
  planStart,
  startedSince,
} from './dms-start.ts';
import { type DmsLook, type DmsWish, isStanding, judgeTask, stoppedTask } from './dms.ts';

/** What a run knows beside how its task stands. */
export interface DmsRun {
  /** The start that is due; null once the task was started or adopted. */
  readonly due: StartWish | null;
  /** The task before a start that DMS took. */
  readonly unseen: StartMark | null;
  /** A whole watch has passed since, and DMS shows no start. */
  readonly isUnseenLong: boolean;
  /** Resumes in a row that no steady running followed. */
  readonly resumes: number;
  readonly wish: DmsWish;
}

export type DmsStep =
  /** `isResume`: for a passing reason, which counts. */
  | {
      readonly kind: 'start';
      readonly type: StartType;
      readonly afterMs: number;
      readonly isResume: boolean;
      readonly says: string;
    }
  /** It runs already. */
  | { readonly kind: 'adopt' }
  /** Look again; the findings meanwhile wait for a person. */
  | {
      readonly kind: 'wait';
      readonly says: string;
      readonly findings: readonly Parked[];
      readonly isUnknown: boolean;
    }
  | { readonly kind: 'finished'; readonly because: string }
  /** What is due can never be done to this task. */
  | { readonly kind: 'refused'; readonly reason: string };

/** What a run does next about its task. */
export function nextStep(look: DmsLook, { due, unseen, isUnseenLong, resumes, wish }: DmsRun): DmsStep {
  if (unseen && !startedSince(unseen, look)) {
    return isUnseenLong
      ? wait('DMS does not show the start', [stoppedTask(look, 'DMS took the start and does not show it.')])
      : wait('started; DMS does not show it yet');
  }
  if (due && !isThere(look, due, wish)) {
    const plan = planStart(look, { ...due, until: wish.until });
    if (plan.kind === 'wait') return wait(`the task is ${look.status}: it cannot be started yet`);
    if (plan.kind !== 'start') return plan;
    return { kind: 'start', type: plan.type, afterMs: 0, isResume: false, says: `${plan.type} is asked for` };
  }
  const verdict = judgeTask(look, wish);
  switch (verdict.kind) {
    case 'finished':
      return verdict;
    case 'resume': {
      const afterMs = verdict.backOff ? pauseBeforeResume(resumes) : 0;
      if (afterMs === undefined) {
        const why = `It was resumed ${resumes} times in a row and stopped each time.`;
        return wait(verdict.because, [stoppedTask(look, why)]);
      }
      const says = `${verdict.because}: it is resumed`;
      return { kind: 'start', type: 'resume-processing', afterMs, isResume: verdict.backOff, says };
    }
    case 'keepLooking':
      return { ...wait(verdict.because), isUnknown: verdict.isUnknown === true };
    case 'running':
    case 'stands':
      return wait(verdict.kind, verdict.findings);
  }
}

/** Is what is asked for there already? Then a start would only load again what is loaded. */
function isThere(look: DmsLook, due: StartWish, wish: DmsWish): boolean {
  if (due.startType !== undefined || due.cdcStartPosition !== undefined || !isStanding(look)) return false;
  const mayEnd = look.migrationType === 'full-load' || wish.until === 'loaded';
  return mayEnd && judgeTask(look, wish).kind === 'finished';
}

function wait(says: string, findings: readonly Parked[] = []): Extract<DmsStep, { readonly kind: 'wait' }> {
  return { kind: 'wait', says, findings, isUnknown: false };
}
