import {
  type DatabaseMigrationServiceClient,
  DescribeReplicationTasksCommand,
  DescribeTableStatisticsCommand,
  ReloadTablesCommand,
  type ReplicationTask,
  StartReplicationTaskCommand,
  StopReplicationTaskCommand,
  type TableStatistics,
} from '@aws-sdk/client-database-migration-service';
import type { DmsTable } from '../../lake/dms-tables.ts';
import type { DmsTask } from '../../lake/dms.ts';
import { type ErrorMeanings, awsCall } from '../aws.ts';
import type { ReplicationTasks, StartRequest, TableRef, TaskDetails, TaskNames, TablesPage } from './port.ts';
import { readTask, tasksWritingTo } from './settings.ts';

/** Of DMS's error names. */
export const DMS_MEANINGS: ErrorMeanings = {
  AccessDeniedFault: 'AccessDenied',
  KMSAccessDeniedFault: 'AccessDenied',
  KMSDisabledFault: 'AccessDenied',
  KMSInvalidStateFault: 'AccessDenied',
  KMSKeyNotAccessibleFault: 'AccessDenied',
  KMSNotFoundFault: 'AccessDenied',
  S3AccessDeniedFault: 'AccessDenied',
  KMSThrottlingFault: 'Throttled',
  KMSFault: 'DmsRefused',
  FailedDependencyFault: 'DmsRefused',
  InsufficientResourceCapacityFault: 'DmsRefused',
  InvalidOperationFault: 'DmsRefused',
  ResourceQuotaExceededFault: 'DmsRefused',
  S3ResourceNotFoundFault: 'DmsRefused',
  StorageQuotaExceededFault: 'DmsRefused',
};
/** Of a call that names one task. */
const OF_ONE: ErrorMeanings = { ...DMS_MEANINGS, ResourceNotFoundFault: 'DmsTaskMissing' };

const WRONG_STATE = 'InvalidResourceStateFault';
const MOST_TABLES = 500;
const MOST_TASKS = 100;

export interface DmsTasksOptions {
  /** Reads: it may repeat a request. */
  readonly client: DatabaseMigrationServiceClient;
  /** Changes: it sends each request once. */
  readonly once: DatabaseMigrationServiceClient;
}

/** Replication tasks of the Database Migration Service. */
export class DmsTasks implements ReplicationTasks {
  readonly #client: DatabaseMigrationServiceClient;
  readonly #once: DatabaseMigrationServiceClient;

  constructor({ client, once }: DmsTasksOptions) {
    this.#client = client;
    this.#once = once;
  }

  async describe({ by, names }: TaskNames, signal: AbortSignal): Promise<readonly DmsTask[]> {
    const found: DmsTask[] = [];
    let marker: string | undefined;
    do {
      const command = new DescribeReplicationTasksCommand({
        Filters: [
          { Name: by === 'arn' ? 'replication-task-arn' : 'replication-task-id', Values: [...names] },
        ],
        MaxRecords: MOST_TASKS,
        WithoutSettings: true,
        ...(marker !== undefined && { Marker: marker }),
      });
      // Only DMS knows whether one name that is gone hides the others: whoever asks for many asks again for fewer.
      const page = await orMissing(() =>
        awsCall(
          signal,
          () => this.#client.send(command, { abortSignal: signal }),
          DMS_MEANINGS,
          'describe tasks',
        ),
      );
      if (page === undefined) return names.length === 1 ? [] : this.#inHalves({ by, names }, signal);
      found.push(...(page.ReplicationTasks ?? []).map(taskOf));
      marker = page.Marker;
    } while (marker !== undefined && marker !== '');
    return found;
  }

  async tables(arn: string, marker: string | undefined, signal: AbortSignal): Promise<TablesPage> {
    const command = new DescribeTableStatisticsCommand({
      ReplicationTaskArn: arn,
      MaxRecords: MOST_TABLES,
      ...(marker !== undefined && { Marker: marker }),
    });
    try {
      const send = () => this.#client.send(command, { abortSignal: signal });
      const page = await awsCall(signal, send, OF_ONE, `tables of ${arn}`);
      return { tables: (page.TableStatistics ?? []).map(tableOf), next: textOf(page.Marker) ?? undefined };
    } catch (error) {
      // A task that never ran has none.
      if (isNamed(error, WRONG_STATE)) return { tables: [], next: undefined };
      throw error;
    }
  }

  start({ arn, type, cdcStartPosition, cdcStopPosition }: StartRequest, signal: AbortSignal) {
    const command = new StartReplicationTaskCommand({
      ReplicationTaskArn: arn,
      StartReplicationTaskType: type,
      ...(cdcStartPosition !== undefined && { CdcStartPosition: cdcStartPosition }),
      ...(cdcStopPosition !== undefined && { CdcStopPosition: cdcStopPosition }),
    });
    return inState(signal, `start ${arn}`, () => this.#once.send(command, { abortSignal: signal }));
  }

  stop(arn: string, signal: AbortSignal) {
    const command = new StopReplicationTaskCommand({ ReplicationTaskArn: arn });
    return inState(signal, `stop ${arn}`, () => this.#once.send(command, { abortSignal: signal }));
  }

  reload(arn: string, tables: readonly TableRef[], signal: AbortSignal) {
    const command = new ReloadTablesCommand({
      ReplicationTaskArn: arn,
      TablesToReload: tables.map(({ schema, table }) => ({ SchemaName: schema, TableName: table })),
      ReloadOption: 'data-reload',
    });
    return inState(signal, `reload tables of ${arn}`, () =>
      this.#once.send(command, { abortSignal: signal }),
    );
  }

  settings(task: string, signal: AbortSignal): Promise<TaskDetails> {
    return readTask(this.#client, task, signal);
  }

  writers(endpointArn: string, signal: AbortSignal): Promise<readonly string[]> {
    return tasksWritingTo(this.#client, endpointArn, signal);
  }

  async #inHalves({ by, names }: TaskNames, signal: AbortSignal): Promise<readonly DmsTask[]> {
    const middle = Math.ceil(names.length / 2);
    const first = await this.describe({ by, names: names.slice(0, middle) }, signal);
    return [...first, ...(await this.describe({ by, names: names.slice(middle) }, signal))];
  }
}

/** A change that DMS may refuse because of the state that its task is in. */
async function inState(
  signal: AbortSignal,
  place: string,
  call: () => Promise<unknown>,
): Promise<'accepted' | 'wrongState'> {
  try {
    await awsCall(signal, call, OF_ONE, place);
    return 'accepted';
  } catch (error) {
    if (isNamed(error, WRONG_STATE)) return 'wrongState';
    throw error;
  }
}

async function orMissing<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (isNamed(error, 'ResourceNotFoundFault')) return undefined;
    throw error;
  }
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}

function taskOf(task: ReplicationTask): DmsTask {
  const stats = task.ReplicationTaskStats ?? {};
  return {
    identifier: task.ReplicationTaskIdentifier ?? '',
    arn: task.ReplicationTaskArn ?? '',
    migrationType: task.MigrationType ?? '',
    status: task.Status ?? '',
    stopReason: textOf(task.StopReason),
    startedAt: latest(task.ReplicationTaskStartDate, stats.StartDate, stats.FreshStartDate),
    stoppedAt: latest(stats.StopDate),
    lastFailure: textOf(task.LastFailureMessage),
    checkpoint: textOf(task.RecoveryCheckpoint),
    progressPercent: stats.FullLoadProgressPercent ?? 0,
    tablesErrored: stats.TablesErrored ?? 0,
  };
}

function tableOf(table: TableStatistics): DmsTable {
  return {
    schema: table.SchemaName ?? '',
    table: table.TableName ?? '',
    state: table.TableState ?? '',
    validation: textOf(table.ValidationState),
    rows: table.FullLoadRows ?? 0,
    loadStartedAt: latest(table.FullLoadStartTime),
    loadEndedAt: latest(table.FullLoadEndTime),
    inserts: table.Inserts ?? 0,
    updates: table.Updates ?? 0,
    deletes: table.Deletes ?? 0,
    ddls: table.Ddls ?? 0,
    refreshedAt: latest(table.LastUpdateTime),
  };
}

function latest(...dates: readonly (Date | undefined)[]): string | null {
  const times = dates.flatMap((date) => (date && !Number.isNaN(date.getTime()) ? [date.getTime()] : []));
  return times.length === 0 ? null : new Date(Math.max(...times)).toISOString();
}

function textOf(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text;
}
