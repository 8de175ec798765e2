/** What the replay suite looks at in a history's JSON. */
export interface RecordedHistory {
  readonly events: readonly {
    readonly workflowExecutionStartedEventAttributes?: RecordedStart;
    readonly workflowTaskCompletedEventAttributes?: {
      readonly sdkMetadata?: { readonly coreUsedFlags?: readonly number[] };
    };
  }[];
}

/** The flags of the SDK's core that were on while it was recorded. Without them no step is checked on replay. */
export function flagsOf({ events }: RecordedHistory): readonly number[] {
  return events.flatMap(
    ({ workflowTaskCompletedEventAttributes: completed }) => completed?.sdkMetadata?.coreUsedFlags ?? [],
  );
}

export function startOf({ events }: RecordedHistory): RecordedStart | undefined {
  return events[0]?.workflowExecutionStartedEventAttributes;
}

interface RecordedStart {
  readonly workflowId?: string;
  readonly workflowType?: { readonly name?: string };
}
