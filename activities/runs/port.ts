/** Workflow runs beside this one: what activities may ask of the Temporal service. */
export interface Runs {
  /** Signal the run with this id; start it first, on this worker's control queue, when none is open. */
  signalWithStart(start: SignalledStart): Promise<void>;
  /** Start a run; resolves false when one with this id is open already. */
  start(start: Start): Promise<boolean>;
  /** Signal an open run; resolves false when none is open. */
  signal(workflowId: string, signal: string, argument: unknown): Promise<boolean>;
  isOpen(workflowId: string): Promise<boolean>;
  /** Make or change a schedule; what an operator paused stays paused. */
  setSchedule(schedule: Schedule): Promise<void>;
  /** Resolves whether there was one. */
  removeSchedule(scheduleId: string): Promise<boolean>;
}

export interface Start {
  readonly workflowType: string;
  readonly workflowId: string;
  readonly input: object;
}

export interface SignalledStart extends Start {
  readonly signal: string;
  readonly argument: unknown;
}

export interface Schedule {
  readonly scheduleId: string;
  readonly everyMs: number;
  /** The id of each run it starts, to which Temporal adds the time. */
  readonly workflowId: string;
  readonly workflowType: string;
  readonly input: object;
  readonly note: string;
}
