import type { CollectedTables } from './collected-tables.ts';
import type { TaskRun } from './task-run.ts';

export interface ReplicationShown {
  /** Workflow id of the run. */
  readonly run: string;
  /** `continuous`, `load`, `changes`; null before the source was looked at. */
  readonly replicate: string | null;
  readonly says: string;
  readonly paused: string | null;
  readonly tables: CollectedTables;
  readonly task: TaskRun | undefined;
}

/** What a run shows of its database, in lines, with the commands that act on it. */
export function replicationNotes(shown: ReplicationShown): readonly string[] {
  const { run, replicate, says, paused, tables, task } = shown;
  const update = (name: string, input: string) =>
    `\`temporal workflow update execute --workflow-id '${run}' --name ${name} --input '${input}'\``;
  return [
    replicate === null ? says : `${replicate}: ${says}`,
    ...tables.notes(),
    ...(task?.isBegun ? [`What DMS itself stops at waits in \`${task.workflowId}\``] : []),
    ...(paused === null
      ? []
      : [`Paused: ${paused}. Resume: \`temporal workflow signal --workflow-id '${run}' --name resume\``]),
    `To load tables again: ${update('reloadTables', '{"tables":["…"],"by":"…","reason":"…"}')}`,
    `To stop the task and end this run: ${update('stop', '{"by":"…","reason":"…"}')}`,
  ];
}
