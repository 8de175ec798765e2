import {
  condition,
  defineSignal,
  getExternalWorkflowHandle,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { RunActivities } from '../../activities/runs/activities.ts';
import { FAILURES } from '../../lake/failures.ts';
import { ASK_AGAIN, LOOK } from '../policies.ts';
import { namedFailure, plainly } from './failure.ts';

/** What a request asks of the run that has the business id, and who waits for its outcome. */
export interface Request {
  readonly id: string;
  /** Workflow id of whoever waits; absent when nobody does. */
  readonly replyTo?: string;
  /** ISO: what it is for, where that depends on when it was asked. */
  readonly at?: string;
}

export const requestSignal = defineSignal<[Partial<Request>?]>('request');
export const outcomeSignal = defineSignal<[unknown]>('outcome');

const { handOver } = proxyActivities<RunActivities>(LOOK);

export interface HandOver {
  /** The business id. */
  readonly workflowId: string;
  /** For the run that has it, should it not be open. */
  readonly input: object;
  readonly wait: boolean;
  readonly at?: string;
  /** Fails when nobody could take the request. */
  readonly check: () => Promise<unknown>;
}

/**
 * Hand this run's request to the run that has the business id, started if need be, and resolve its outcome; at once,
 * without one, when `wait` is false. The one open run takes all requests, so that none runs beside it.
 */
export async function handOverTo<Result extends object>({
  workflowId,
  input,
  wait,
  at,
  check,
}: HandOver): Promise<Result | { readonly handedTo: string }> {
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
  const request = { id: runId, ...(wait && { replyTo: mine }), ...(at !== undefined && { at }) };
  for (;;) {
    await unlessHopeless(check);
    await handOver({ workflowType, workflowId, input, signal: requestSignal.name, request });
    if (!wait) return { handedTo: workflowId };
    // A run that was terminated answers nobody: the request is handed to the one that follows it.
    if (await condition(() => outcome !== undefined, ASK_AGAIN)) {
      return { ...outcome?.value, handedTo: workflowId };
    }
  }
}

/** Tell all who wait for it how this run's work came out. */
export async function answerRequests(requests: readonly Request[], outcome: object): Promise<void> {
  for (const { replyTo } of requests) {
    if (replyTo === undefined) continue;
    try {
      await getExternalWorkflowHandle(replyTo).signal(outcomeSignal, outcome);
    } catch {
      // Whoever asked is gone.
    }
  }
}

/** What a person can end is left to the run that has the business id: there it is seen, and decided once. */
async function unlessHopeless(check: () => Promise<unknown>): Promise<void> {
  try {
    await check();
  } catch (error) {
    const named = namedFailure(error);
    if (!named || FAILURES[named.name].retry === 'never') throw plainly(error);
  }
}
