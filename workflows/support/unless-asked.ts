import { ActivityFailure, CancellationScope, condition, isCancellation } from '@temporalio/workflow';

/**
 * Do work that only waits, and leave it as soon as `isAsked` says that something else is due: resolves `asked` then,
 * however the work ended that was left. A cancellation of the run passes.
 */
export async function unlessAsked<T>(isAsked: () => boolean, work: () => Promise<T>): Promise<T | 'asked'> {
  const scope = new CancellationScope();
  let hasEnded = false;
  let isLeft = false;
  condition(() => hasEnded || isAsked()).then(
    () => {
      isLeft = !hasEnded;
      scope.cancel();
    },
    // The run is cancelled, and so is the work.
    () => undefined,
  );
  try {
    return await scope.run(work);
  } catch (error) {
    if (CancellationScope.current().consideredCancelled) throw error;
    // An activity that was asked to end is not tried again, be it that its worker died or that a service was away.
    if (isCancellation(error) || (isLeft && error instanceof ActivityFailure)) return 'asked';
    throw error;
  } finally {
    hasEnded = true;
  }
}
