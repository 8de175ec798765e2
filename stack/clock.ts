import type { Clock } from './service.ts';

/** The machine's time plus what has been jumped; it never goes back by itself. */
export interface JumpingClock extends Clock {
  jump(byMs: number): void;
}

export function createClock(): JumpingClock {
  let offsetMs = 0;
  return {
    now: () => Date.now() + offsetMs,
    jump: (byMs) => {
      offsetMs += byMs;
    },
  };
}
