import { type Json, canonical } from './canonical.ts';

export const ACTIONS = [
  'retry',
  'retry-with-change',
  'skip',
  'retract',
  'reload',
  'approve',
  'reject',
  'recompute',
  'release',
  'abort',
] as const;
export type Action = (typeof ACTIONS)[number];

/** What a person types: `{"items":["flights-2001-01-03.csv"],"action":"skip","reason":"vendor withdrew it","by":"ana"}`. */
export interface DecideRequest {
  readonly items?: readonly string[];
  /** Instead of items: all that wait (`{"failure":"FileRestated"}` narrows it). */
  readonly filter?: { readonly failure?: string };
  readonly action: Action;
  readonly reason: string;
  readonly by: string;
  readonly change?: Json;
}

/** Something that waits for a person. */
export interface Parked {
  /** What `items` names: a file, a channel, a partition. */
  readonly item: string;
  /** A name of `lake/failures.ts`. */
  readonly failure: string;
  /** What was found, where. */
  readonly message: string;
  readonly allowed: readonly Action[];
}

/** `audit/<day>/<id>.json`: a decision, kept before it is answered. Made once. */
export interface DecisionObject {
  readonly format: 1;
  readonly id: string;
  readonly workflow: string;
  readonly run: string;
  readonly items: readonly string[];
  readonly action: Action;
  readonly reason: string;
  readonly by: string;
  readonly change?: Json;
  readonly at: string;
}

export type DecisionCheck =
  | { readonly kind: 'accepted'; readonly items: readonly string[] }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * Which parked items a request decides. It may have been typed by hand, so it is refused, saying what would be
 * right, unless it names an action that everything it touches allows.
 */
export function checkDecision(
  request: Partial<DecideRequest> | undefined,
  parked: readonly Parked[],
): DecisionCheck {
  if (typeof request !== 'object' || request === null) return refused('a decision is one JSON object');
  const { action, reason, by, items, filter } = request;
  if (!ACTIONS.some((known) => known === action)) {
    return refused(`action is ${canonical(action)}: it must be one of ${ACTIONS.join(', ')}`);
  }
  if (typeof reason !== 'string' || reason.trim() === '')
    return refused('reason is missing: say why, for whoever asks later');
  if (typeof by !== 'string' || by.trim() === '') return refused('by is missing: say who decides');
  if ((items === undefined) === (filter === undefined)) return refused('give either items or filter');
  if (items !== undefined && (!Array.isArray(items) || items.length === 0))
    return refused('items must list at least one name');
  const waiting = new Map(parked.map((one) => [one.item, one]));
  const chosen =
    items ??
    parked.filter((one) => !filter?.failure || one.failure === filter.failure).map((one) => one.item);
  if (chosen.length === 0) return refused('nothing that waits fits the filter');
  for (const item of chosen) {
    const one = waiting.get(item);
    if (!one)
      return refused(
        `${canonical(item)} does not wait for a decision; waiting: ${[...waiting.keys()].slice(0, 10).join(', ') || 'nothing'}`,
      );
    if (!one.allowed.some((allowed) => allowed === action)) {
      return refused(`${canonical(item)} (${one.failure}) allows ${one.allowed.join(', ')}, not ${action}`);
    }
  }
  return { kind: 'accepted', items: [...new Set(chosen)] };
}

function refused(reason: string): DecisionCheck {
  return { kind: 'refused', reason };
}
