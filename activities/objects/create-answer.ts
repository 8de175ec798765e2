import { isUnanswered } from '../aws.ts';
import type { CreateAnswer } from './port.ts';

const ANSWERS: Readonly<Record<string, CreateAnswer>> = {
  PreconditionFailed: 'exists',
  ConditionalRequestConflict: 'conflict',
  OperationAborted: 'conflict',
  // Of a Complete: aborted, or completed by a request whose answer was lost.
  NoSuchUpload: 'unclear',
};

/** A 503 that means "slow down" was refused, not lost. */
const REFUSED = new Set(['SlowDown', 'Throttling', 'RequestLimitExceeded', 'TooManyRequestsException']);

/** What became of a conditional create. Any other error stays itself, and so does one of a call cut short. */
export async function createAnswer(signal: AbortSignal, create: () => Promise<void>): Promise<CreateAnswer> {
  try {
    await create();
    return 'created';
  } catch (error) {
    if (signal.aborted || !(error instanceof Error) || REFUSED.has(error.name)) throw error;
    const answer = ANSWERS[error.name] ?? (isUnanswered(error) ? 'unclear' : undefined);
    if (answer === undefined) throw error;
    return answer;
  }
}
