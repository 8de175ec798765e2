import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { workflowIds } from '../lake/ids.ts';
import type { EntryRef } from '../lake/view.ts';
import { releaseUpdate, rollbackUpdate } from '../workflows/support/undoable.ts';
import { askUpdate } from './ask.ts';
import { type Context, EXIT, Refused, connect } from './context.ts';

interface RollbackOptions {
  readonly to: string;
  readonly partitions?: string[];
  readonly exclude?: string[];
  readonly pin?: boolean;
  readonly reason: string;
  readonly by: string;
  readonly json?: boolean;
}

/** `rollback`: serve an earlier version of partitions again. */
export function addRollback(program: Command, context: () => Context): void {
  program
    .command('rollback')
    .description('serve an earlier version of a dataset again; rows that came since stay live')
    .argument('<dataset>')
    .requiredOption('--to <version>', 'the version to serve')
    .requiredOption('--reason <text>', 'why')
    .option('--partitions <name...>', 'which (default: all)')
    .option('--exclude <entry...>', 'bad data: entries to leave out, as <feed>/<lane>/<ordinal>')
    .option('--no-pin', 'let the partitions be built again at once')
    .option('--by <name>', 'who', userInfo().username)
    .option('--json', 'the answer, as JSON')
    .action(async (dataset: string, options: RollbackOptions) => {
      const io = context();
      const to = Number(options.to);
      if (!Number.isInteger(to) || to < 1)
        throw new Refused(`--to is ${options.to}: it must be a version, 1 or more`, EXIT.usage);
      const exclude = options.exclude?.map(entryNamed);
      const { client, close } = await connect(io);
      try {
        const { reason, by, partitions } = options;
        const answer = await askUpdate(client, workflowIds.reconcileDataset(dataset), rollbackUpdate, {
          to,
          reason,
          by,
          ...(partitions && { partitions }),
          ...(exclude && { exclude }),
          ...(options.pin === false && { pin: false }),
        });
        io.data(
          options.json
            ? JSON.stringify(answer)
            : `${dataset} serves what version ${to} served: version ${answer.version}`,
        );
      } finally {
        await close();
      }
    });
}

/** `release`: let partitions be built again that a rollback pinned. */
export function addRelease(program: Command, context: () => Context): void {
  program
    .command('release')
    .description('let pinned partitions be built again')
    .argument('<dataset>')
    .requiredOption('--partitions <name...>', 'which')
    .requiredOption('--reason <text>', 'why')
    .option('--by <name>', 'who', userInfo().username)
    .option('--json', 'the answer, as JSON')
    .action(
      async (
        dataset: string,
        {
          partitions,
          reason,
          by,
          json,
        }: { partitions: string[]; reason: string; by: string; json?: boolean },
      ) => {
        const io = context();
        const { client, close } = await connect(io);
        try {
          const answer = await askUpdate(client, workflowIds.reconcileDataset(dataset), releaseUpdate, {
            partitions,
            reason,
            by,
          });
          io.data(
            json ? JSON.stringify(answer) : `${partitions.join(', ')} released: version ${answer.version}`,
          );
        } finally {
          await close();
        }
      },
    );
}

function entryNamed(text: string): EntryRef {
  const [, feed, lane, ordinal] = /^([a-z0-9._-]+)\/(\d+)\/(\d+)$/.exec(text) ?? [];
  if (feed === undefined)
    throw new Refused(
      `${text} is no entry: write <feed>/<lane>/<ordinal>, as in settlements/0/3`,
      EXIT.usage,
    );
  return { feed, lane: Number(lane), ordinal: Number(ordinal) };
}
