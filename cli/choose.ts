import { isCancel, multiselect, select, text } from '@clack/prompts';
import type { DecideRequest, Parked } from '../lake/decisions.ts';

/** Only a person at a terminal can be asked. */
export function isInteractive(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/** Let a person choose among what waits; `undefined` when they leave without deciding. */
export async function chooseDecision(
  parked: readonly Parked[],
): Promise<Omit<DecideRequest, 'by'> | undefined> {
  const items = await multiselect({
    message: 'What do you decide?',
    options: parked.map(({ item, failure, message }) => ({
      value: item,
      label: item,
      hint: `${failure}: ${message}`,
    })),
  });
  if (isCancel(items)) return undefined;
  const chosen = parked.filter(({ item }) => items.includes(item));
  const allowed =
    chosen[0]?.allowed.filter((one) => chosen.every((other) => other.allowed.includes(one))) ?? [];
  const action = await select({
    message: 'How?',
    options: allowed.map((value) => ({ value, label: value })),
  });
  if (isCancel(action)) return undefined;
  const reason = await text({
    message: 'Why?',
    validate: (given) => (given ? undefined : 'say why, for whoever asks later'),
  });
  return isCancel(reason) ? undefined : { items, action, reason };
}
