import { condition, defineSignal, proxyActivities, setHandler, workflowInfo } from '@temporalio/workflow';
import type { RunActivities } from '../../activities/runs/activities.ts';
import { LOOK } from '../policies.ts';

/** What a request asks of the run that has the business id, and who waits for its outcome. */
export interface Request {
  readonly id: string;
  /** Workflow id of whoever waits; absent when nobody does. */
  readonly replyTo?: string;
}

export const requestSignal = defineSignal<[Request?]>('request');
export const outcomeSignal = defineSignal<[unknown]>('outcome');

const { handOver } = proxyActivities<RunActivities>(LOOK);

/**
 * Hand this run's request to the run that has the business id, started if need be, and resolve its outcome; at once,
 * without one, when `wait` is false. The one open run takes all requests, so that none runs beside it.
 */
export async function handOverTo<Result extends object>(
  workflowId: string,
  input: object,
  wait: boolean,
): Promise<Result | { readonly handedTo: string }> {
  let outcome: { readonly value: Result } | undefined;
  setHandler(
    outcomeSignal,
    (value) => {
      // Sent only by the run that was asked, which answers with its own result type.
      outcome = { value: value as Result };
    },
    { description: 'Sent by the run that took the request; not for people.' },
  );
  const { workflowId: mine, runId, workflowType } = workflowInfo();
  await handOver({
    workflowType,
    workflowId,
    input,
    signal: requestSignal.name,
    request: { id: runId, ...(wait && { replyTo: mine }) },
  });
  if (!wait) return { handedTo: workflowId };
  await condition(() => outcome !== undefined);
  return { ...outcome?.value, handedTo: workflowId };
}
