import { scheduleId, workflowIds } from '../../lake/ids.ts';
import type { LakeSpec } from '../../lake/spec.ts';
import type { Runs } from '../runs/port.ts';

/** A run that was open when its source or dataset was taken out of the lake. */
export interface LeftRun {
  readonly workflow: string;
  /** False: it stays until a person cancels it. */
  readonly endsItself: boolean;
}

/** Start a run for as long as the lake lives; resolves false when it is open already, and then takes the newest spec. */
export async function startOrNudge(
  runs: Runs,
  workflowType: string,
  workflowId: string,
  input: object,
): Promise<boolean> {
  if (await runs.start({ workflowType, workflowId, input })) return true;
  await runs.signal(workflowId, 'nudge', undefined);
  return false;
}

/** What was declared and is no more loses its schedule; its open runs end by themselves, or are named. */
export async function leaveRuns(runs: Runs, before: LakeSpec, now: LakeSpec): Promise<readonly LeftRun[]> {
  const left: LeftRun[] = [];
  for (const [source, { kind }] of Object.entries(before.sources)) {
    if (source in now.sources) continue;
    await runs.removeSchedule(scheduleId(source));
    if (kind === 'kinesis') left.push(...(await nudgeLeft(runs, workflowIds.ingestStream(source))));
    else {
      const workflow = workflowIds.transferFiles(source);
      if (await runs.isOpen(workflow)) left.push({ workflow, endsItself: false });
    }
  }
  for (const dataset of Object.keys(before.datasets)) {
    if (dataset in now.datasets) continue;
    left.push(...(await nudgeLeft(runs, workflowIds.reconcileDataset(dataset))));
  }
  return left;
}

/** Nudged, it meets the spec that has no such name, and ends. */
async function nudgeLeft(runs: Runs, workflow: string): Promise<readonly LeftRun[]> {
  return (await runs.signal(workflow, 'nudge', undefined)) ? [{ workflow, endsItself: true }] : [];
}
