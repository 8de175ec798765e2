import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { ACTIONS, type Action } from '../lake/decisions.ts';
import { decideUpdate } from '../workflows/support/parking.ts';
import { type Context, EXIT, Refused, connect } from './context.ts';
import { askUpdate } from './ask.ts';

interface DecideOptions {
  readonly items?: string[];
  readonly failure?: string;
  readonly all?: boolean;
  readonly reason: string;
  readonly by: string;
  readonly json?: boolean;
}

/** `decide`: end a wait for a person. */
export function addDecide(program: Command, context: () => Context): void {
  program
    .command('decide')
    .description('decide what waits in a run: `tributary status` shows what does')
    .argument('<workflow>', 'its workflow id, such as transfer/flights')
    .argument('<action>', ACTIONS.join(' | '))
    .requiredOption('--reason <text>', 'why, for whoever asks later')
    .option('--items <name...>', 'what to decide')
    .option('--failure <name>', 'instead of items: all that wait for this failure')
    .option('--all', 'instead of items: all that wait')
    .option('--by <name>', 'who decides', userInfo().username)
    .option('--json', 'the answer, as JSON')
    .action(async (workflow: string, action: string, options: DecideOptions) => {
      const io = context();
      if (!isAction(action))
        throw new Refused(`action is ${action}: it must be one of ${ACTIONS.join(', ')}`, EXIT.usage);
      const chosen = options.items
        ? { items: options.items }
        : options.failure !== undefined || options.all
          ? { filter: { ...(options.failure !== undefined && { failure: options.failure }) } }
          : undefined;
      if (!chosen) throw new Refused('give --items, --failure or --all', EXIT.usage);
      const { client, close } = await connect(io);
      try {
        const answer = await askUpdate(client, workflow, decideUpdate, {
          ...chosen,
          action,
          reason: options.reason,
          by: options.by,
        });
        io.data(
          options.json
            ? JSON.stringify(answer)
            : `${answer.action}: ${answer.items.join(', ')} (kept as ${answer.decision})`,
        );
      } finally {
        await close();
      }
    });
}

function isAction(text: string): text is Action {
  return ACTIONS.some((action) => action === text);
}
