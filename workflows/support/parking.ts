import {
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  log,
  setHandler,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import {
  type Action,
  type DecideRequest,
  type DecisionObject,
  type Parked,
  checkDecision,
} from '../../lake/decisions.ts';
import { failure, namedFailure } from './failure.ts';

export interface DecideAnswer {
  readonly items: readonly string[];
  readonly action: Action;
  /** Key of the object that keeps the decision. */
  readonly decision: string;
}

export interface ParkedAnswer {
  readonly count: number;
  /** At most 200. */
  readonly parked: readonly Parked[];
}

export const decideUpdate = defineUpdate<DecideAnswer, [DecideRequest]>('decide');
export const decideSignal = defineSignal<[DecideRequest?]>('decide');
export const parkedQuery = defineQuery<ParkedAnswer>('parked');

/** A decision that is on record and waits to be acted on. */
export interface Decision extends Pick<DecisionObject, 'items' | 'action' | 'reason' | 'by' | 'change'> {
  /** Key of its audit object. */
  readonly key: string;
}

type Keep = (input: {
  readonly decision: Omit<DecisionObject, 'format' | 'at'>;
}) => Promise<{ readonly key: string }>;

export interface Parking {
  waiting(): readonly Parked[];
  /** Let these wait for a person; one that waits already is replaced. */
  park(parked: readonly Parked[]): void;
  /** Is a decision on record that nobody took yet? */
  decided(): boolean;
  /** The oldest decision that nobody took yet. */
  take(): Decision | undefined;
  /**
   * Run `work`; whenever it fails with what a person can end, wait for the decision on `item` and run it again.
   * Resolves `undefined` when the decision is to abort. Failures that say the request itself is wrong pass through.
   */
  untilDone<T>(item: string, work: () => Promise<T>): Promise<T | undefined>;
}

const ENDS_THE_RUN = new Set(['MalformedInput', 'UnknownSource', 'NotBuilt', 'SpecRefused']);

/**
 * Let a person decide what waits: update `decide`, its signal twin for batches, query `parked`. A decision is an
 * object in the lake before it is answered. Call it before the first await; `changed` is called after each change.
 */
export function parking(keep: Keep, changed: () => void, from: readonly Parked[] = []): Parking {
  const waiting = new Map(from.map((one) => [one.item, one]));
  const decisions: Decision[] = [];

  async function decide(request: DecideRequest): Promise<DecideAnswer> {
    const check = checkDecision(request, [...waiting.values()]);
    if (check.kind === 'refused') throw failure('MalformedInput', check.reason);
    // Decided once: a second request for the same item, while this one is kept, is refused.
    for (const item of check.items) waiting.delete(item);
    const { action, reason, by, change } = request;
    const facts = { items: check.items, action, reason, by, ...(change !== undefined && { change }) };
    const { workflowId, runId } = workflowInfo();
    const { key } = await keep({ decision: { id: uuid4(), workflow: workflowId, run: runId, ...facts } });
    decisions.push({ ...facts, key });
    changed();
    return { items: check.items, action, decision: key };
  }

  setHandler(decideUpdate, decide, {
    description:
      'Decide what waits: {"items": ["…"] or "filter": {"failure": "…"}, "action": "retry|skip|…", "reason": "…", "by": "…"}',
    validator: (request) => {
      const check = checkDecision(request, [...waiting.values()]);
      if (check.kind === 'refused') throw failure('MalformedInput', check.reason);
    },
  });
  setHandler(
    decideSignal,
    async (request) => {
      const check = checkDecision(request, [...waiting.values()]);
      if (check.kind === 'refused' || request === undefined) {
        log.warn('a decision was refused', {
          because: check.kind === 'refused' ? check.reason : 'it is empty',
        });
        return;
      }
      await decide(request);
    },
    { description: 'The same as the update decide, without an answer: for many runs at once.' },
  );
  setHandler(parkedQuery, () => ({ count: waiting.size, parked: [...waiting.values()].slice(0, 200) }), {
    description: 'What waits for a decision, and which actions each allows.',
  });

  const take = (fits: (decision: Decision) => boolean): Decision | undefined => {
    const index = decisions.findIndex(fits);
    return index === -1 ? undefined : decisions.splice(index, 1)[0];
  };

  function park(parked: readonly Parked[]): void {
    for (const one of parked) waiting.set(one.item, one);
    changed();
  }

  return {
    waiting: () => [...waiting.values()],
    park,
    decided: () => decisions.length > 0,
    take: () => take(() => true),
    async untilDone(item, work) {
      for (;;) {
        try {
          return await work();
        } catch (error) {
          const named = namedFailure(error);
          if (!named || ENDS_THE_RUN.has(named.name)) throw error;
          park([{ item, failure: named.name, message: named.message, allowed: ['retry', 'abort'] }]);
          await condition(() => decisions.some((decision) => decision.items.includes(item)));
          const decision = take((one) => one.items.includes(item));
          if (decision?.action === 'abort') return undefined;
        }
      }
    },
  };
}
