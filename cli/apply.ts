import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { WorkflowExecutionAlreadyStartedError, WorkflowFailedError } from '@temporalio/client';
import { workflowIds } from '../lake/ids.ts';
import type { LakeSpec } from '../lake/spec.ts';
import type { SpecChange } from '../lake/spec-change.ts';
import { type Context, Refused, connect, lakeFromFile, wordsOf } from './context.ts';

interface Applied {
  readonly n: number;
  readonly written: boolean;
  readonly changes: readonly SpecChange[];
  /** Open runs of what is no longer declared. */
  readonly left: readonly { readonly workflow: string; readonly endsItself: boolean }[];
}

interface Options {
  readonly check?: boolean;
  readonly plan?: boolean;
  readonly by: string;
  readonly reason: string;
  readonly json?: boolean;
}

/** `apply`: check a lake.yaml, make it the lake's newest spec, set schedules and start what runs for as long as the lake lives. */
export function addApply(program: Command, context: () => Context): void {
  program
    .command('apply')
    .description("make a lake.yaml the lake's newest spec")
    .argument('[file]', 'the lake', 'lake.yaml')
    .option('--check', 'only say what is wrong with it')
    .option('--plan', 'only say what it would change, and of what class; status 1 when it would be refused')
    .option('--by <name>', 'who applies it', userInfo().username)
    .option('--reason <text>', 'why', 'tributary apply')
    .option('--json', 'what changed, as JSON')
    .action(async (file: string, options: Options) => {
      const io = context();
      const spec = lakeFromFile(file);
      if (options.check) {
        io.progress(
          `${file}: ${Object.keys(spec.sources).length} sources, ${Object.keys(spec.datasets).length} datasets, nothing wrong`,
        );
      } else if (options.plan) {
        // It loads what reads the lake, which applying does without.
        const { planApply } = await import('./plan.ts');
        await planApply(io, spec, file, options.json ?? false);
      } else {
        await apply(io, spec, options);
      }
    });
}

async function apply(io: Context, spec: LakeSpec, options: Options): Promise<void> {
  const { client, close } = await connect(io);
  try {
    const handle = await client.workflow.start('applyLake', {
      workflowId: workflowIds.applyLake(spec.lake.name),
      taskQueue: 'control',
      args: [{ spec, by: options.by, reason: options.reason }],
      workflowIdConflictPolicy: 'FAIL',
    });
    const applied = await handle.result().then((result) => result as Applied);
    if (options.json) io.data(JSON.stringify(applied));
    else for (const line of summary(applied)) io.data(line);
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError)
      throw new Refused(`somebody applies a spec right now, as ${error.workflowId}: apply again`);
    if (error instanceof WorkflowFailedError) throw new Refused(`not applied: ${wordsOf(error)}`);
    throw error;
  } finally {
    await close();
  }
}

function summary({ n, written, changes, left }: Applied): readonly string[] {
  const runs = left.map(({ workflow, endsItself }) =>
    endsItself
      ? `${workflow}: what it works for is no longer declared; it ends by itself`
      : `${workflow}: what it works for is no longer declared, and it is open; end it: temporal workflow cancel --workflow-id ${workflow}`,
  );
  if (!written) return [`spec ${n} says the same already: nothing changed`, ...runs];
  return [`spec ${n} applied`, ...changes.map((change) => `  ${change.path}: ${change.what}`), ...runs];
}
