import { workflowInfo } from '@temporalio/workflow';

/** Kinds of work that have a task queue of their own where the control queue is called `control`. */
export type WorkKind = 'transfer' | 'stream' | 'compute' | 'watch';

/**
 * The task queue for a kind of work. A run that was started on another queue than `control` keeps all its work there:
 * one worker can serve a whole lake, and tests do not meet.
 */
export function queueFor(kind: WorkKind): string {
  const { taskQueue } = workflowInfo();
  return taskQueue === 'control' ? kind : taskQueue;
}
