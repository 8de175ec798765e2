import type {
  StartReplicationTaskMessage,
  StartReplicationTaskResponse,
  StopReplicationTaskMessage,
  StopReplicationTaskResponse,
} from '@aws-sdk/client-database-migration-service';
import type { Catalogue } from './catalogue.ts';
import { invalid, wrongState } from './identifier.ts';
import type { Task } from './model.ts';
import { checkStart, checkStop } from './positions.ts';
import { shownTask } from './shown-task.ts';

/** What a start forgets: everything but the task's own settings. */
const FRESH: Partial<Task> = {
  slot: undefined,
  written: undefined,
  loadEnd: undefined,
  loadStartedAt: undefined,
  loadFinishedAt: undefined,
  checkpoint: undefined,
};

export function startOperations(
  catalogue: Catalogue,
  runs: { start(arn: string): void; stop(arn: string): void },
) {
  const { clock } = catalogue.realm;

  function start(input: StartReplicationTaskMessage): StartReplicationTaskResponse {
    const task = catalogue.task(input.ReplicationTaskArn);
    if (input.CdcStartTime !== undefined)
      throw invalid('CdcStartTime: a Postgres source cannot start by time');
    checkStop(input.CdcStopPosition);
    const position = checkStart(input.CdcStartPosition ?? task.startPosition);
    const change = startOf(task, input.StartReplicationTaskType, position);
    if (change.slot === undefined && 'slot' in change) catalogue.removeTables(task.arn);
    if (task.type === 'full-load') retryFailed(task.arn);
    const now = clock.now();
    const started = catalogue.setTask({
      ...task,
      ...change,
      status: 'starting',
      startedAt: now,
      stoppedAt: undefined,
      stopReason: undefined,
      failure: undefined,
      ...(task.freshStartAt === undefined || 'slot' in change ? { freshStartAt: now } : {}),
      ...(input.CdcStopPosition === undefined ? {} : { stopPosition: input.CdcStopPosition }),
      ...(input.CdcStartPosition === undefined ? {} : { startPosition: input.CdcStartPosition }),
    });
    runs.start(task.arn);
    return { ReplicationTask: shownTask(started, catalogue.tables(task.arn), now) };
  }

  /** A full load that is resumed owes whatever did not complete. */
  function retryFailed(arn: string): void {
    for (const table of catalogue.tables(arn)) {
      if (table.state === 'Table error') catalogue.setTable({ ...table, state: 'Before load' });
    }
  }

  function stop(input: StopReplicationTaskMessage): StopReplicationTaskResponse {
    const task = catalogue.task(input.ReplicationTaskArn);
    if (task.status !== 'running') {
      throw wrongState(`Replication task ${task.arn} is ${task.status}: only a running task can be stopped`);
    }
    const stopping = catalogue.setTask({ ...task, status: 'stopping' });
    runs.stop(task.arn);
    return { ReplicationTask: shownTask(stopping, catalogue.tables(task.arn), clock.now()) };
  }

  return { start, stop };
}

/** What the start changes, when it is legal from the state that the task is in. */
function startOf(task: Task, how: string | undefined, position: string | undefined): Partial<Task> {
  const refuse = (why: string) => wrongState(`Replication task ${task.arn} is ${task.status}: ${why}`);
  if (!['ready', 'stopped', 'failed'].includes(task.status)) throw refuse('it cannot be started');
  const hasRun = task.startedAt !== undefined;
  const seek = position === undefined ? {} : { written: position };
  switch (how ?? '') {
    case 'start-replication':
      if (!hasRun) return { ...FRESH, ...seek };
      if (task.type === 'cdc' && position !== undefined) return { ...seek, sequence: task.sequence };
      throw refuse('START_REPLICATION is for a first start; RESUME_PROCESSING or RELOAD_TARGET goes on');
    case 'resume-processing':
      if (!hasRun) throw refuse('it has never run, so there is nothing to resume');
      return {};
    case 'reload-target':
      if (!hasRun) throw refuse('it has never run, so there is nothing to reload');
      if (task.type === 'cdc') throw refuse('a task of type cdc has no load to repeat');
      return FRESH;
    default:
      throw invalid(
        `StartReplicationTaskType "${how}" has to be start-replication, resume-processing or reload-target`,
      );
  }
}
