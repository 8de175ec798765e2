import { parkedQuery } from '../../../workflows/support/parking.ts';
import type { PromiseName, Promises } from '../promises.ts';
import type { Stage } from '../stage.ts';
import { waitFor } from '../waiting.ts';

/** What every act is given. */
export interface Play {
  readonly stage: Stage;
  readonly promises: Promises;
  readonly say: (text: string) => void;
  readonly isBroken: (name: PromiseName) => boolean;
  /** How long anything may take before it counts as not happening. */
  readonly patienceMs: number;
}

export const BY = 'the demo';

/** A bare start from the command line, as an operator types it; resolves the outcome. */
export async function transfer(
  { stage }: Play,
  source: string,
): Promise<{ readonly rows: number; readonly waiting: number; readonly rejected: number }> {
  const started = JSON.parse(
    await stage.temporal(
      'workflow',
      'start',
      '--type',
      'transferFiles',
      '--task-queue',
      'control',
      '--input',
      JSON.stringify({ source }),
      '-o',
      'json',
    ),
  ) as { workflowId: string };
  return stage.client.workflow.getHandle(started.workflowId).result() as Promise<{
    rows: number;
    waiting: number;
    rejected: number;
  }>;
}

/** What an operator types to ask a run for something. */
export async function update(stage: Stage, workflowId: string, name: string, input: string): Promise<void> {
  const which = ['--workflow-id', workflowId, '--name', name];
  await stage.temporal('workflow', 'update', 'execute', ...which, '--input', input);
}

/** Decide a held partition once its run shows it, as a person would who read it there. */
export async function decide(
  play: Play,
  plan: string,
  partition: string,
  action: string,
  reason: string,
): Promise<void> {
  const { stage } = play;
  const run = `build/payments/${plan}`;
  await waitFor(async () => {
    const { parked } = await stage.client.workflow.getHandle(run).query(parkedQuery);
    return parked.some(({ item }) => item === partition) ? true : undefined;
  }, play.patienceMs);
  const decision = JSON.stringify({ items: [partition], action, reason, by: BY });
  await update(stage, run, 'decide', decision);
}

/** How many payments of a day there are, and how much they are together. */
export function onDay(day: string): string {
  return `SELECT count(*)::INTEGER AS n, coalesce(sum(amount), 0)::VARCHAR AS amount FROM payments WHERE paid_at::date = DATE '${day}'`;
}
