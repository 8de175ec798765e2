import {
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import type { Runs, Schedule, SignalledStart, Start } from './port.ts';

/** An outage shorter than this is made up for; a longer one is not replayed tick by tick. */
const CATCH_UP = '6 hours';

/** Runs on the Temporal service that this worker works for. */
export class TemporalRuns implements Runs {
  readonly #client: () => Client;
  readonly #taskQueue: string;

  constructor(client: () => Client, taskQueue: string) {
    this.#client = client;
    this.#taskQueue = taskQueue;
  }

  async signalWithStart({
    workflowType,
    workflowId,
    input,
    signal,
    argument,
  }: SignalledStart): Promise<void> {
    await this.#client().workflow.signalWithStart(workflowType, {
      workflowId,
      taskQueue: this.#taskQueue,
      args: [input],
      signal,
      signalArgs: [argument],
    });
  }

  async start({ workflowType, workflowId, input }: Start): Promise<boolean> {
    try {
      await this.#client().workflow.start(workflowType, {
        workflowId,
        taskQueue: this.#taskQueue,
        args: [input],
      });
      return true;
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
      throw error;
    }
  }

  async signal(workflowId: string, signal: string, argument: unknown): Promise<boolean> {
    try {
      await this.#client().workflow.getHandle(workflowId).signal(signal, argument);
      return true;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }

  async isOpen(workflowId: string): Promise<boolean> {
    try {
      return (await this.#client().workflow.getHandle(workflowId).describe()).closeTime === undefined;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }

  async setSchedule({ scheduleId, everyMs, workflowId, workflowType, input, note }: Schedule): Promise<void> {
    const spec = { intervals: [{ every: everyMs }] };
    const action = {
      type: 'startWorkflow' as const,
      workflowType,
      workflowId,
      taskQueue: this.#taskQueue,
      args: [input],
    };
    const policies = { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: CATCH_UP };
    const handle = this.#client().schedule.getHandle(scheduleId);
    try {
      // The state stays as it is: an operator's pause outlives a deployment.
      await handle.update(({ state }) => ({ spec, action, policies, state }));
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
      await this.#client().schedule.create({ scheduleId, spec, action, policies, state: { note } });
    }
  }

  async removeSchedule(scheduleId: string): Promise<boolean> {
    try {
      await this.#client().schedule.getHandle(scheduleId).delete();
      return true;
    } catch (error) {
      if (error instanceof ScheduleNotFoundError) return false;
      throw error;
    }
  }
}
