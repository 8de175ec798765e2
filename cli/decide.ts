import { userInfo } from 'node:os';
import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import { ACTIONS, type Action, type DecideRequest } from '../lake/decisions.ts';
import { decideUpdate, parkedQuery } from '../workflows/support/parking.ts';
import { askUpdate } from './ask.ts';
import { chooseDecision, isInteractive } from './choose.ts';
import { type Context, EXIT, Refused, connect } from './context.ts';

interface DecideOptions {
  readonly items?: string[];
  readonly failure?: string;
  readonly all?: boolean;
  readonly reason?: string;
  readonly by: string;
  readonly json?: boolean;
}

/** `decide`: end a wait for a person. On a terminal, what is not given is asked for. */
export function addDecide(program: Command, context: () => Context): void {
  program
    .command('decide')
    .description('decide what waits in a run: `tributary status` shows what does')
    .argument('<workflow>', 'its workflow id, such as transfer/flights')
    .argument('[action]', ACTIONS.join(' | '))
    .option('--reason <text>', 'why, for whoever asks later')
    .option('--items <name...>', 'what to decide')
    .option('--failure <name>', 'instead of items: all that wait for this failure')
    .option('--all', 'instead of items: all that wait')
    .option('--by <name>', 'who decides', userInfo().username)
    .option('--json', 'the answer, as JSON')
    .action(async (workflow: string, action: string | undefined, options: DecideOptions) => {
      const io = context();
      const given = fromOptions(action, options);
      if (given.kind === 'incomplete' && !isInteractive()) throw new Refused(given.missing, EXIT.usage);
      const { client, close } = await connect(io);
      try {
        const request = given.kind === 'request' ? given.request : await ask(client, workflow, options.by);
        const answer = await askUpdate(client, workflow, decideUpdate, request);
        const line = `${answer.action}: ${answer.items.join(', ')} (kept as ${answer.decision})`;
        io.data(options.json ? JSON.stringify(answer) : line);
      } finally {
        await close();
      }
    });
}

type Given =
  | { readonly kind: 'request'; readonly request: DecideRequest }
  | { readonly kind: 'incomplete'; readonly missing: string };

function fromOptions(action: string | undefined, { items, failure, all, reason, by }: DecideOptions): Given {
  if (action !== undefined && !isAction(action)) {
    throw new Refused(`action is ${action}: it must be one of ${ACTIONS.join(', ')}`, EXIT.usage);
  }
  if (action === undefined) return { kind: 'incomplete', missing: `give an action: ${ACTIONS.join(', ')}` };
  if (reason === undefined)
    return { kind: 'incomplete', missing: 'give --reason: why, for whoever asks later' };
  if (items) return { kind: 'request', request: { items, action, reason, by } };
  if (failure !== undefined) return { kind: 'request', request: { filter: { failure }, action, reason, by } };
  if (all) return { kind: 'request', request: { filter: {}, action, reason, by } };
  return { kind: 'incomplete', missing: 'give --items, --failure or --all' };
}

async function ask(client: Client, workflow: string, by: string): Promise<DecideRequest> {
  const { parked } = await client.workflow.getHandle(workflow).query(parkedQuery);
  if (parked.length === 0) throw new Refused(`nothing waits in ${workflow}`);
  const decision = await chooseDecision(parked);
  if (!decision) throw new Refused('nothing was decided');
  return { ...decision, by };
}

function isAction(text: string): text is Action {
  return ACTIONS.some((action) => action === text);
}
