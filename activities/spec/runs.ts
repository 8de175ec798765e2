import { scheduleId, workflowIds } from '../../lake/ids.ts';
import type { LakeSpec, SourceSpec } from '../../lake/spec.ts';
import type { Runs, Schedule } from '../runs/port.ts';

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
    else if (kind === 'database')
      left.push(...(await nudgeLeft(runs, workflowIds.replicateDatabase(source))));
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

/** Start, or let take the newest spec, the run of a source that lives as long as it; resolves its id when it was started. */
export async function startSource(runs: Runs, source: string, spec: SourceSpec): Promise<string | undefined> {
  const input = { source };
  const start = async (type: string, id: string) =>
    (await startOrNudge(runs, type, id, input)) ? id : undefined;
  if (spec.kind === 'kinesis') return start('ingestStream', workflowIds.ingestStream(source));
  if (spec.kind !== 'database') return undefined;
  const id = workflowIds.replicateDatabase(source);
  if (spec.replicate === 'continuous') return start('replicateDatabase', id);
  // It comes by its schedule or by hand; one that is open takes the newest spec.
  await runs.signal(id, 'nudge', undefined);
  return undefined;
}

/** The schedule that a source declares; `undefined` where it declares none. */
export function scheduleOf(source: string, spec: SourceSpec, n: number): Schedule | undefined {
  if (spec.kind === 'kinesis' || !spec.schedule) return undefined;
  const own = { scheduleId: scheduleId(source), everyMs: spec.schedule.everyMs };
  const input = { source, wait: false };
  if (spec.kind === 'database') {
    const does = spec.replicate === 'load' ? 'loads every table of' : 'takes the changes of';
    const workflowId = `${workflowIds.replicateDatabase(source)}/scheduled`;
    return {
      ...own,
      workflowId,
      workflowType: 'replicateDatabase',
      input,
      note: `Spec ${n}: ${does} ${source}`,
    };
  }
  const workflowId = `${workflowIds.transferFiles(source)}/scheduled`;
  return {
    ...own,
    workflowId,
    workflowType: 'transferFiles',
    input,
    note: `Spec ${n}: looks for new files of ${source}`,
  };
}
