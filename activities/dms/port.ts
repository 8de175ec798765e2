import type { StartType } from '../../lake/dms-start.ts';
import type { DmsTaskSettings } from '../../lake/dms-settings.ts';
import type { DmsTask } from '../../lake/dms.ts';
import type { DmsTable } from '../../lake/dms-tables.ts';

/** How tasks are named in one request: all by ARN, or all by identifier. */
export type TaskNames =
  | { readonly by: 'arn'; readonly names: readonly string[] }
  | { readonly by: 'id'; readonly names: readonly string[] };

export interface StartRequest {
  readonly arn: string;
  readonly type: StartType;
  readonly cdcStartPosition?: string;
  readonly cdcStopPosition?: string;
}

/**
 * What running tasks needs from the Database Migration Service. One request per call. Rejects with `Unreachable`,
 * `Throttled`, `AccessDenied` or `DmsRefused`, and with `DmsTaskMissing` where a call names one task.
 */
export interface ReplicationTasks {
  /** Those of these tasks, 100 at most, that exist; DMS may answer with a state of some seconds ago. */
  describe(tasks: TaskNames, signal: AbortSignal): Promise<readonly DmsTask[]>;

  /** A page of up to 500 tables, and where the next one begins. */
  tables(arn: string, marker: string | undefined, signal: AbortSignal): Promise<TablesPage>;

  /**
   * Asks once and never by itself again: when no answer comes, the task may have been started. `wrongState`: DMS
   * started nothing, for the task is in no state to be started.
   */
  start(request: StartRequest, signal: AbortSignal): Promise<'accepted' | 'wrongState'>;

  /** `wrongState`: there is nothing to stop, or not yet. */
  stop(arn: string, signal: AbortSignal): Promise<'accepted' | 'wrongState'>;

  /** At most 10 tables of a running task. `wrongState`: the task does not run, or is busy with them. */
  reload(arn: string, tables: readonly TableRef[], signal: AbortSignal): Promise<'accepted' | 'wrongState'>;

  /**
   * How a task was made, by identifier or ARN; a few requests. Rejects with `DmsTaskMissing`, and with `DmsRefused`
   * where its target is not S3.
   */
  settings(task: string, signal: AbortSignal): Promise<TaskDetails>;

  /** ARNs of all tasks whose target is this endpoint. */
  writers(endpointArn: string, signal: AbortSignal): Promise<readonly string[]>;
}

/** A task and how it was told to work. */
export interface TaskDetails extends DmsTaskSettings {
  readonly identifier: string;
  readonly arn: string;
  readonly status: string;
  readonly sourceArn: string;
  readonly targetArn: string;
  readonly instanceArn: string;
}

export interface TableRef {
  readonly schema: string;
  readonly table: string;
}

export interface TablesPage {
  readonly tables: readonly DmsTable[];
  readonly next: string | undefined;
}

/** An endpoint of a task, as the replication instance of the task reaches it. */
export interface Connection {
  readonly instanceArn: string;
  readonly endpointArn: string;
}

export interface SeenConnection {
  /** Identifier. */
  readonly endpoint: string;
  /** DMS's own word: `testing`, `successful`, `failed`, … */
  readonly status: string;
  /** Why it failed last; perhaps long ago. */
  readonly lastFailure: string | null;
}

/** What testing connections needs from DMS. Rejects as `ReplicationTasks` does. */
export interface Connections {
  /** To the source and to the target of a task, in this order. Rejects with `DmsTaskMissing`. */
  ofTask(task: string, signal: AbortSignal): Promise<readonly Connection[]>;

  /** Begins a test. `refused`: DMS begins none now, for one is under way or the instance is in no state for it. */
  test(connection: Connection, signal: AbortSignal): Promise<'accepted' | { readonly refused: string }>;

  /** The last test of a connection; `undefined` where there was none. */
  describe(connection: Connection, signal: AbortSignal): Promise<SeenConnection | undefined>;
}
