import type { Runs } from './port.ts';

export interface HandOverInput {
  readonly workflowType: string;
  readonly workflowId: string;
  readonly input: object;
  readonly signal: string;
  readonly request: { readonly id: string; readonly replyTo?: string; readonly at?: string };
}

export type RunActivities = ReturnType<typeof createRunActivities>;

export function createRunActivities({ runs }: { readonly runs: Runs }) {
  /**
   * Give a request to the one open run of a business id. Safe to run twice: the request has an id, and the run that
   * takes it answers each id once.
   */
  async function handOver({
    workflowType,
    workflowId,
    input,
    signal,
    request,
  }: HandOverInput): Promise<void> {
    await runs.signalWithStart({ workflowType, workflowId, input, signal, argument: request });
  }

  /** Whether a run of this id is open. It only looks: running it again changes nothing. */
  async function isRunOpen({ workflowId }: { readonly workflowId: string }): Promise<boolean> {
    return runs.isOpen(workflowId);
  }

  return { handOver, isRunOpen };
}
