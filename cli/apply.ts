import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { WorkflowExecutionAlreadyStartedError, WorkflowFailedError } from '@temporalio/client';
import { workflowIds } from '../lake/ids.ts';
import type { SpecChange } from '../lake/spec-change.ts';
import { type Context, Refused, connect, lakeFromFile, wordsOf } from './context.ts';

interface Applied {
  readonly n: number;
  readonly written: boolean;
  readonly changes: readonly SpecChange[];
}

/** `apply`: check a lake.yaml, make it the lake's newest spec, set schedules and start what runs for as long as the lake lives. */
export function addApply(program: Command, context: () => Context): void {
  program
    .command('apply')
    .description("make a lake.yaml the lake's newest spec")
    .argument('[file]', 'the lake', 'lake.yaml')
    .option('--check', 'only say what is wrong with it')
    .option('--by <name>', 'who applies it', userInfo().username)
    .option('--reason <text>', 'why', 'tributary apply')
    .option('--json', 'what changed, as JSON')
    .action(
      async (file: string, options: { check?: boolean; by: string; reason: string; json?: boolean }) => {
        const io = context();
        const spec = lakeFromFile(file);
        if (options.check) {
          io.progress(
            `${file}: ${Object.keys(spec.sources).length} sources, ${Object.keys(spec.datasets).length} datasets, nothing wrong`,
          );
          return;
        }
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
      },
    );
}

function summary({ n, written, changes }: Applied): readonly string[] {
  if (!written) return [`spec ${n} says the same already: nothing changed`];
  return [`spec ${n} applied`, ...changes.map((change) => `  ${change.path}: ${change.what}`)];
}
