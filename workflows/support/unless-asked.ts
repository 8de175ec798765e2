import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';

/**
 * Do work that only waits, and leave it as soon as `isAsked` says that something else is due: resolves `asked` then. A
 * cancellation of the run passes.
 */
export async function unlessAsked<T>(isAsked: () => boolean, work: () => Promise<T>): Promise<T | 'asked'> {
  const scope = new CancellationScope();
  let hasEnded = false;
  condition(() => hasEnded || isAsked()).then(
    () => scope.cancel(),
    // The run is cancelled, and so is the work.
    () => undefined,
  );
  try {
    return await scope.run(work);
  } catch (error) {
    if (isCancellation(error) && !CancellationScope.current().consideredCancelled) return 'asked';
    throw error;
  } finally {
    hasEnded = true;
  }
}
