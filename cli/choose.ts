import type { Client } from '@temporalio/client';
import type { Action } from '../lake/decisions.ts';
import { Refused } from './context.ts';
import { type Waiting, openRuns, waitingIn } from './runs.ts';
import { cellText } from './table.ts';

export interface Choice {
  readonly workflow: string;
  readonly items: string[];
  readonly action: Action;
  readonly reason: string;
}

/** Let the person at the terminal choose among what waits. Rejects when nothing does, or they choose nothing. */
export async function choose(client: Client, given: { readonly workflow?: string }): Promise<Choice> {
  const all = await waitingIn(client, await openRuns(client));
  const waiting = all.filter(
    ({ workflow, allowed }) => allowed.length > 0 && workflow === (given.workflow ?? workflow),
  );
  if (waiting.length === 0) throw new Refused('nothing waits for a decision');
  const { select, text } = await import('@clack/prompts');
  // A prompt that was left answers with a symbol.
  const left = () => new Refused('nothing was decided');
  const one = await select<Waiting>({
    message: 'What waits',
    options: waiting.map((value) => ({
      value,
      label: `${value.workflow}  ${cellText(value.item)}`,
      hint: `${value.failure}: ${cellText(value.message)}`,
    })),
  });
  if (typeof one === 'symbol') throw left();
  const action = await select<Action>({
    message: `${one.failure}: ${cellText(one.message)}`,
    options: one.allowed.map((value) => ({ value, label: value })),
  });
  if (typeof action === 'symbol') throw left();
  const reason = await text({
    message: 'Why',
    validate: (typed) => (typed?.trim() ? undefined : 'say why, for whoever asks later'),
  });
  if (typeof reason === 'symbol') throw left();
  return { workflow: one.workflow, items: [one.item], action, reason };
}
