import { inject } from 'vitest';
import { type Ran, run } from '../../scripts/temporal/run.mjs';
import { withoutTemporal } from '../../scripts/temporal/server.mjs';
import type { Lab } from '../support/temporal.ts';

/** Paste a command that Tributary printed into a shell, as an operator does. */
export function paste(lab: Lab, command: string): Promise<Ran> {
  const shell = `temporal() { "$TEMPORAL_BINARY" "$@"; }\n${command}`;
  const env = {
    ...withoutTemporal(),
    TEMPORAL_BINARY: inject('temporalBinary'),
    TEMPORAL_ADDRESS: lab.address,
  };
  return run('bash', ['-c', shell], { env, timeoutMs: 60_000 });
}

/** `temporal workflow start` with one JSON input; resolves the id of the run, given or made up. */
export async function startByHand(
  lab: Lab,
  type: string,
  taskQueue: string,
  input: object,
  workflowId?: string,
): Promise<string> {
  const args = ['workflow', 'start', '--type', type, '--task-queue', taskQueue, '-o', 'json'];
  const id = workflowId === undefined ? [] : ['--workflow-id', workflowId];
  const ran = await lab.cli(...args, ...id, '--input', JSON.stringify(input));
  if (ran.code !== 0) throw new Error(ran.stderr);
  const started: unknown = JSON.parse(ran.stdout);
  if (typeof started !== 'object' || started === null || !('workflowId' in started))
    throw new Error(ran.stdout);
  return String(started.workflowId);
}

/** The details that a run shows of itself. */
export async function details(lab: Lab, workflowId: string): Promise<string> {
  const ran = await lab.cli('workflow', 'metadata', '--workflow-id', workflowId, '-o', 'json');
  if (ran.code !== 0) throw new Error(ran.stderr);
  const { queryResult } = JSON.parse(ran.stdout) as Metadata;
  return queryResult?.[0]?.currentDetails ?? '';
}

interface Metadata {
  readonly queryResult?: readonly { readonly currentDetails?: string }[];
}

/** The commands that details hold, in their order. */
export function commandsIn(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^```\n([\s\S]*?)\n```$/gm)].map(([, command = '']) => command);
}
