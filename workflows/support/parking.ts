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
import { failure, namedFailure, plainly } from './failure.ts';

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
  /**
   * Let these wait for a person; one that waits already is replaced, and one whose decision nobody took yet is left
   * out: whoever found it looked before.
   */
  park(parked: readonly Parked[]): void;
  /** These wait no more: what held them up is gone without a decision. */
  release(items: readonly string[]): void;
  /** Is a decision on record that nobody took yet? */
  decided(): boolean;
  /** Nothing waits, is being decided, or is decided and not taken yet. */
  isIdle(): boolean;
  /** The oldest decision that nobody took yet. Never of an item that `untilDone` waits for. */
  take(): Decision | undefined;
  /**
   * Run `work`; whenever it fails with what a person can end, wait for the decision on `item` and run it again.
   * Resolves `undefined` when the decision is to abort, after `aborted` was called with it. Failures that say the request itself is wrong pass through.
   */
  untilDone<T>(
    item: string,
    work: () => Promise<T>,
    aborted?: (decision: Decision) => void,
  ): Promise<T | undefined>;
}

const ENDS_THE_RUN = new Set(['MalformedInput', 'UnknownSource', 'SpecRefused']);

/**
 * Let a person decide what waits: update `decide`, its signal twin for batches, query `parked`. A decision is an
 * object in the lake before it is answered. Call it before the first await; `changed` is called after each change.
 */
export function parking(keep: Keep, changed: () => void): Parking {
  const waiting = new Map<string, Parked>();
  const decisions: Decision[] = [];
  const sleepers = new Set<{ readonly item: string; decision?: Decision }>();
  const keeping = new Set<string>();

  const check = (request: DecideRequest | undefined) => checkDecision(request, [...waiting.values()]);

  async function decide(request: DecideRequest): Promise<DecideAnswer> {
    const checked = check(request);
    if (checked.kind === 'refused') throw failure('MalformedInput', checked.reason);
    // Decided once: a second request for the same item, while this one is kept, is refused.
    const decided = checked.items.flatMap((item) => waiting.get(item) ?? []);
    for (const item of checked.items) waiting.delete(item);
    const { action, reason, by, change } = request;
    const facts = { items: checked.items, action, reason, by, ...(change !== undefined && { change }) };
    const { workflowId, runId } = workflowInfo();
    for (const item of checked.items) keeping.add(item);
    try {
      const { key } = await keep({ decision: { id: uuid4(), workflow: workflowId, run: runId, ...facts } });
      handOut({ ...facts, key });
      return { items: checked.items, action, decision: key };
    } catch (error) {
      for (const one of decided) if (!waiting.has(one.item)) waiting.set(one.item, one);
      throw plainly(error);
    } finally {
      for (const item of checked.items) keeping.delete(item);
      changed();
    }
  }

  /** Each sleeper takes the decision on its item; what nobody sleeps for is left to `take`. */
  function handOut(decision: Decision): void {
    const awaited = new Set<string>();
    for (const sleeper of sleepers) {
      if (!decision.items.includes(sleeper.item)) continue;
      sleeper.decision = decision;
      awaited.add(sleeper.item);
    }
    const items = decision.items.filter((item) => !awaited.has(item));
    if (items.length > 0) decisions.push({ ...decision, items });
  }

  setHandler(decideUpdate, decide, {
    description:
      'Decide what waits: {"items": ["…"] or "filter": {"failure": "…"}, "action": "retry|skip|…", "reason": "…", "by": "…"}',
    validator: (request) => {
      const checked = check(request);
      if (checked.kind === 'refused') throw failure('MalformedInput', checked.reason);
    },
  });
  setHandler(
    decideSignal,
    async (request) => {
      const checked = check(request);
      const refuse = (because: string) => log.warn('a decision was refused', { because });
      if (request === undefined || checked.kind === 'refused') {
        refuse(checked.kind === 'refused' ? checked.reason : 'it is empty');
        return;
      }
      try {
        await decide(request);
      } catch (error) {
        // It waits again: a signal cannot be refused, and what its handler throws would end the run.
        refuse(namedFailure(error)?.message ?? String(error));
      }
    },
    {
      description:
        'The same as the update decide, for many runs at once, without an answer: {"filter": {"failure": "…"}, "action": "skip", "reason": "…", "by": "…"}',
    },
  );
  setHandler(parkedQuery, () => ({ count: waiting.size, parked: [...waiting.values()].slice(0, 200) }), {
    description: 'What waits for a decision, and which actions each allows.',
  });

  function park(parked: readonly Parked[]): void {
    for (const one of parked) if (!isUnderDecision(one.item)) waiting.set(one.item, one);
    changed();
  }

  function isUnderDecision(item: string): boolean {
    return keeping.has(item) || decisions.some(({ items }) => items.includes(item));
  }

  /** The decision on `item`, once there is one. */
  async function sleep(item: string): Promise<Decision | undefined> {
    const sleeper: { readonly item: string; decision?: Decision } = { item };
    sleepers.add(sleeper);
    try {
      await condition(() => sleeper.decision !== undefined);
      return sleeper.decision;
    } finally {
      sleepers.delete(sleeper);
    }
  }

  return {
    waiting: () => [...waiting.values()],
    park,
    release(items) {
      for (const item of items) waiting.delete(item);
      changed();
    },
    decided: () => decisions.length > 0,
    isIdle: () => waiting.size === 0 && keeping.size === 0 && decisions.length === 0,
    take: () => decisions.shift(),
    async untilDone(item, work, aborted) {
      for (;;) {
        try {
          return await work();
        } catch (error) {
          const named = namedFailure(error);
          if (!named || ENDS_THE_RUN.has(named.name)) throw plainly(error);
          park([{ item, failure: named.name, message: named.message, allowed: ['retry', 'abort'] }]);
          const decision = await sleep(item);
          if (decision?.action !== 'abort') continue;
          aborted?.(decision);
          return undefined;
        }
      }
    },
  };
}
