import { canonical } from '../../lake/canonical.ts';
import type { DecisionObject } from '../../lake/decisions.ts';
import { keys } from '../../lake/keys.ts';
import { failure } from '../failure.ts';
import { createOnce } from '../objects/commit.ts';
import { decode, encode, readObject } from '../objects/json.ts';
import type { ObjectStore } from '../objects/port.ts';

const DAY_MS = 86_400_000;

export type DecisionFacts = Omit<DecisionObject, 'format' | 'at'>;

/**
 * Keep a decision under `audit/`, once per id, and resolve its key. Done again within a day it finds itself; another
 * decision of the same id is refused.
 */
export async function keepDecision(
  store: ObjectStore,
  decision: DecisionFacts,
  nowMs: number,
  signal: AbortSignal,
): Promise<string> {
  const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  const key = keys.audit(dayOf(nowMs), decision.id);
  const yesterdays = keys.audit(dayOf(nowMs - DAY_MS), decision.id);
  // An earlier attempt may have run before midnight.
  const earlier = await readObject<DecisionObject>(store, yesterdays, signal);
  if (earlier) return same(yesterdays, earlier, decision);
  const object: DecisionObject = { format: 1, ...decision, at: new Date(nowMs).toISOString() };
  const created = await createOnce(store, key, encode(object), signal);
  return created.kind === 'created' ? key : same(key, decode<DecisionObject>(key, created.body), decision);
}

function same(key: string, found: DecisionObject, decision: DecisionFacts): string {
  if (canonical({ ...found, format: undefined, at: undefined }) === canonical(decision)) return key;
  throw failure('MalformedInput', `${key} holds another decision: give this one an id of its own`);
}
