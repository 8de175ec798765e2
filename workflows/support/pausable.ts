import { condition, defineSignal, setHandler } from '@temporalio/workflow';

export interface PauseRequest {
  readonly reason: string;
}

// A signal cannot be refused, and a run hangs on a handler that throws: any argument will do, even none.
export const pauseSignal = defineSignal<[PauseRequest?]>('pause');
export const resumeSignal = defineSignal('resume');

export interface Pause {
  /** Why the run is paused; `null` while it is not. */
  reason(): string | null;
  /** Resolves at once, or when an operator resumes the run. Await it before each new piece of work. */
  over(): Promise<void>;
}

/** Let an operator pause this run: `changed` is called after each change. Call it before the first await. */
export function pausable(changed: () => void, paused: string | null = null): Pause {
  let reason = paused;
  setHandler(
    pauseSignal,
    (request) => {
      reason = request?.reason ?? 'no reason given';
      changed();
    },
    { description: 'Finish the work that runs and start nothing new: {"reason": "…"}' },
  );
  setHandler(
    resumeSignal,
    () => {
      reason = null;
      changed();
    },
    { description: 'Start new work again.' },
  );
  return { reason: () => reason, over: () => condition(() => reason === null) };
}
