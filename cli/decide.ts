import { userInfo } from 'node:os';
import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import { ACTIONS, type Action, type DecideRequest } from '../lake/decisions.ts';
import { decideUpdate } from '../workflows/support/parking.ts';
import { askUpdate } from './ask.ts';
import { choose } from './choose.ts';
import { type Context, EXIT, Refused, connect } from './context.ts';

interface DecideOptions {
  readonly items?: string[];
  readonly failure?: string;
  readonly all?: boolean;
  readonly reason?: string;
  readonly by: string;
  readonly json?: boolean;
}

type Decide = Omit<DecideRequest, 'by'> & { readonly workflow: string };

/** `decide`: end a wait for a person. */
export function addDecide(program: Command, context: () => Context): void {
  program
    .command('decide')
    .description('decide what waits in a run: `tributary status` shows what does')
    .argument('[workflow]', 'its workflow id, such as transfer/flights; on a terminal, asked for')
    .argument('[action]', ACTIONS.join(' | '))
    .option('--reason <text>', 'why, for whoever asks later')
    .option('--items <name...>', 'what to decide')
    .option('--failure <name>', 'instead of items: all that wait for this failure')
    .option('--all', 'instead of items: all that wait')
    .option('--by <name>', 'who decides', userInfo().username)
    .option('--json', 'the answer, as JSON')
    .action(async (workflow: string | undefined, action: string | undefined, options: DecideOptions) => {
      const io = context();
      const isAsked = action === undefined && process.stdin.isTTY && process.stdout.isTTY;
      const typed = isAsked ? undefined : decisionOf(workflow, action, options);
      const { client, close } = await connect(io);
      try {
        const chosen = typed ?? (await choose(client, workflow === undefined ? {} : { workflow }));
        const answer = await ask(client, chosen, options.by);
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

function ask(client: Client, { workflow, ...request }: Decide, by: string) {
  return askUpdate(client, workflow, decideUpdate, { ...request, by });
}

function decisionOf(
  workflow: string | undefined,
  action: string | undefined,
  options: DecideOptions,
): Decide {
  const { items, failure, all, reason } = options;
  if (workflow === undefined || action === undefined)
    throw new Refused('give a workflow id and an action: `tributary status` shows what waits', EXIT.usage);
  if (!isAction(action))
    throw new Refused(`action is ${action}: it must be one of ${ACTIONS.join(', ')}`, EXIT.usage);
  if (reason === undefined || reason.trim() === '')
    throw new Refused('give --reason: why, for whoever asks later', EXIT.usage);
  const ways = [items, failure, all].filter((way) => way !== undefined);
  if (ways.length !== 1) throw new Refused('give one of --items, --failure and --all', EXIT.usage);
  const which = items ? { items } : { filter: { ...(failure !== undefined && { failure }) } };
  return { workflow, action, reason, ...which };
}

function isAction(text: string): text is Action {
  return ACTIONS.some((action) => action === text);
}
