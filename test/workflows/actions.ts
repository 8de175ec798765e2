import type { WorkflowHandle } from '@temporalio/client';

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;

/** What the service counts, by the attributes of its event. Retries and heartbeats leave no event. */
const COUNTED = [
  'workflowExecutionStartedEventAttributes',
  'workflowExecutionContinuedAsNewEventAttributes',
  'workflowExecutionSignaledEventAttributes',
  'workflowExecutionUpdateAcceptedEventAttributes',
  'activityTaskScheduledEventAttributes',
  'timerStartedEventAttributes',
  'upsertWorkflowSearchAttributesEventAttributes',
  'signalExternalWorkflowExecutionInitiatedEventAttributes',
  'startChildWorkflowExecutionInitiatedEventAttributes',
] as const;

/** The Temporal actions that a history cost. */
export function actionsOf({ events }: History): number {
  return (events ?? []).filter((event) => COUNTED.some((attributes) => event[attributes])).length;
}
