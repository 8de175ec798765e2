import type { ReplicationTask, ReplicationTaskStats } from '@aws-sdk/client-database-migration-service';
import type { Table, Task } from './model.ts';

/** A task as DMS describes it. */
export function shownTask(task: Task, tables: readonly Table[], now: number): ReplicationTask {
  return {
    ReplicationTaskArn: task.arn,
    ReplicationTaskIdentifier: task.id,
    SourceEndpointArn: task.sourceArn,
    TargetEndpointArn: task.targetArn,
    ReplicationInstanceArn: task.instanceArn,
    MigrationType: task.type,
    TableMappings: task.mappings,
    ReplicationTaskSettings: task.settings,
    Status: task.status,
    StopReason: task.stopReason,
    LastFailureMessage: task.failure,
    ReplicationTaskCreationDate: new Date(task.createdAt),
    ReplicationTaskStartDate: date(task.startedAt),
    CdcStartPosition: task.startPosition,
    CdcStopPosition: task.stopPosition,
    RecoveryCheckpoint: task.checkpoint,
    ...(task.startedAt === undefined ? {} : { ReplicationTaskStats: stats(task, tables, now) }),
  };
}

function stats(task: Task, tables: readonly Table[], now: number): ReplicationTaskStats {
  const count = (...states: readonly string[]) => tables.filter(({ state }) => states.includes(state)).length;
  const started = task.startedAt ?? now;
  const loaded = count('Table completed');
  return {
    // As on AWS, a load of nothing is complete.
    FullLoadProgressPercent:
      task.type === 'cdc'
        ? 100
        : tables.length === 0
          ? task.loadFinishedAt
            ? 100
            : 0
          : Math.floor((100 * loaded) / tables.length),
    ElapsedTimeMillis: Math.max(0, (task.stoppedAt ?? now) - started),
    TablesLoaded: task.type === 'cdc' ? 0 : loaded,
    TablesLoading: count('Full load', 'Table is being reloaded'),
    TablesQueued: count('Before load'),
    TablesErrored: count('Table error'),
    FreshStartDate: date(task.freshStartAt),
    StartDate: date(task.startedAt),
    StopDate: date(task.stoppedAt),
    FullLoadStartDate: date(task.loadStartedAt),
    FullLoadFinishDate: date(task.loadFinishedAt),
  };
}

function date(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms);
}
