import type { DmsLook } from '../../lake/dms.ts';
import { someOf } from '../../lake/some-of.ts';

export interface DmsShown {
  /** Workflow id of the run. */
  readonly run: string;
  readonly look: DmsLook | undefined;
  readonly says: string;
  readonly starts: number;
  readonly skipped: readonly string[];
}

/** What a run shows of its DMS task, in lines. */
export function dmsNotes({ run, look, says, starts, skipped }: DmsShown): readonly string[] {
  if (!look) return [says];
  const { arn, migrationType, status, stopReason, tables, progressPercent, lookedAt } = look;
  const reason = stopReason === null || status === 'running' ? '' : ` (${stopReason})`;
  return [
    `${arn} (${migrationType}): ${status}${reason} at ${lookedAt}; ${says}`,
    `${tables.completed} of ${tables.total} tables complete, ${tables.troubled} in trouble; ${tables.rows} rows in the full load, ${progressPercent} %`,
    ...(starts > 0 ? [`Started or resumed ${starts} times by this run`] : []),
    ...(skipped.length > 0 ? [`Left out by decision: ${someOf(skipped)}`] : []),
    `To stop the task and end this run: \`temporal workflow cancel --workflow-id '${run}'\``,
    `To end this run alone: \`temporal workflow signal --workflow-id '${run}' --name detach\``,
  ];
}
