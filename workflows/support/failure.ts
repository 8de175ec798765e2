import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import { FAILURES, type FailureName } from '../../lake/failures.ts';

/**
 * The only way a workflow fails on purpose. Any other error it throws fails the workflow task
 * instead, and the run hangs until the code is mended.
 */
export function failure(name: FailureName, message: string): ApplicationFailure {
  return ApplicationFailure.create({
    type: name,
    message,
    nonRetryable: FAILURES[name].retry === 'never',
  });
}

/** The catalogue's name of this error (or of the activity failure around it) and its message; `undefined` for any other. */
export function namedFailure(
  error: unknown,
): { readonly name: FailureName; readonly message: string } | undefined {
  const root = error instanceof ActivityFailure ? error.cause : error;
  if (!(root instanceof ApplicationFailure) || typeof root.type !== 'string') return undefined;
  const name = Object.keys(FAILURES).find((known): known is FailureName => known === root.type);
  return name && { name, message: root.message };
}

/** What a run works for was taken out of lake.yaml after it began: nothing is left to do, and nothing went wrong. */
export function isGone(error: unknown): boolean {
  return namedFailure(error)?.name === 'UnknownSource';
}

/** The failure without the activity around it, so that its own words are the first that whoever asked reads. */
export function plainly(error: unknown): unknown {
  const named = namedFailure(error);
  return named ? failure(named.name, named.message) : error;
}
