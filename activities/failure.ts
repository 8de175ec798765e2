import { ApplicationFailure, activityInfo } from '@temporalio/activity';
import { FAILURES, type FailureName, isLastAttempt } from '../lake/failures.ts';

/** The only place an activity makes a failure, so the catalogue decides what is retried. */
export function failure(name: FailureName, message: string, cause?: unknown): ApplicationFailure {
  return ApplicationFailure.create({
    type: name,
    message,
    nonRetryable: isLastAttempt(FAILURES[name].retry, attempt()),
    ...(cause instanceof Error && { cause }),
  });
}

/** Was this error the named failure? */
export function failedWith(error: unknown, name: FailureName): boolean {
  return error instanceof ApplicationFailure && error.type === name;
}

// `reading/` and `tributary verify` use the same adapters outside any activity: there, it is the first attempt.
function attempt(): number {
  try {
    return activityInfo().attempt;
  } catch {
    return 1;
  }
}
