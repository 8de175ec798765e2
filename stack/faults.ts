/** Which calls a rule is for. What is absent fits every call. */
export interface Match {
  /** `s3`, `sts`, `kinesis`, `dms`. */
  readonly service?: string;
  /** As the SDK names it: `PutObject`. DMS has steps of its own beside them: `dms/faults-at.ts`. */
  readonly operation?: string;
  /** A regular expression, for S3 on `bucket/key`, for Kinesis on the stream's name or ARN, for DMS likewise. */
  readonly key?: string;
  /** Only this one, counted from 1, of the calls that fit the rest. */
  readonly nth?: number;
  /** From 0 to 1, decided by a generator of its own that starts at `seed`. */
  readonly probability?: number;
  readonly seed?: number;
}

export type Action =
  /** The answer is this error, and nothing was done. Status 200 gives the error in the body of a success. */
  | { readonly kind: 'error'; readonly status?: number; readonly code?: string; readonly message?: string }
  | { readonly kind: 'delay'; readonly ms: number }
  /** No answer, and nothing done, while the connection lasts. */
  | { readonly kind: 'hang' }
  /** The connection is reset: at once; when half the body has come; when all has. Nothing was done. */
  | { readonly kind: 'reset-before' | 'reset-during' | 'reset-after' }
  /** It is done, and half of the answer's body is sent. */
  | { readonly kind: 'cut-response' }
  /** It is done, and the connection is reset before a word of the answer. */
  | { readonly kind: 'apply-then-lose' }
  /** It is done, and the answer is this error. */
  | {
      readonly kind: 'apply-then-error';
      readonly status?: number;
      readonly code?: string;
      readonly message?: string;
    }
  /** It is done twice with the same body (up to 64 MiB); the second answer is given. */
  | { readonly kind: 'apply-twice' }
  /** The stack's clock moves, then the call goes on. */
  | { readonly kind: 'clock-jump'; readonly ms: number };

export interface Rule {
  readonly match?: Match;
  readonly action: Action;
  /** How often it strikes before it rests; without it, always. */
  readonly times?: number;
}

const KINDS: readonly string[] = [
  'error',
  'delay',
  'hang',
  'reset-before',
  'reset-during',
  'reset-after',
  'cut-response',
  'apply-then-lose',
  'apply-then-error',
  'apply-twice',
  'clock-jump',
];
const TIMED: readonly string[] = ['delay', 'clock-jump'];

/** The rules in force, in the order in which they were added. */
export class Faults {
  #armed: Armed[] = [];

  add(rules: readonly Rule[]): void {
    this.#armed = [...this.#armed, ...rules.map(arm)];
  }

  clear(): void {
    this.#armed = [];
  }

  /** Every rule with the calls that fitted it and those that it struck. */
  list(): { rule: Rule; seen: number; hits: number }[] {
    return this.#armed.map(({ rule, seen, hits }) => ({ rule, seen, hits }));
  }

  /** What befalls this call: every delay and clock jump that strikes, up to the first action of another kind. */
  strike(call: { readonly service: string; readonly operation: string; readonly key: string }): Action[] {
    const actions: Action[] = [];
    for (const armed of this.#armed) {
      const { service, operation, nth } = armed.rule.match ?? {};
      if (service !== undefined && service !== call.service) continue;
      if (operation !== undefined && operation !== call.operation) continue;
      if (armed.key && !armed.key.test(call.key)) continue;
      armed.seen += 1;
      if (nth !== undefined && armed.seen !== nth) continue;
      if (armed.hits >= (armed.rule.times ?? Number.POSITIVE_INFINITY) || !armed.isDrawn()) continue;
      armed.hits += 1;
      actions.push(armed.rule.action);
      if (!TIMED.includes(armed.rule.action.kind)) break;
    }
    return actions;
  }
}

/** Rules from the body of a request: one, or a list. Throws with what is wrong. */
export function parseRules(text: string): Rule[] {
  const found: unknown = JSON.parse(text);
  const rules: unknown[] = Array.isArray(found) ? found : [found];
  return rules.map((rule, index) => {
    const kind = isObject(rule) && isObject(rule['action']) ? rule['action']['kind'] : undefined;
    if (typeof kind !== 'string' || !KINDS.includes(kind)) {
      throw new Error(
        `rule ${index}: action.kind is ${JSON.stringify(kind)}; it must be one of ${KINDS.join(', ')}`,
      );
    }
    const parsed = rule as Rule;
    if ('ms' in parsed.action ? typeof parsed.action.ms !== 'number' : TIMED.includes(kind)) {
      throw new Error(`rule ${index}: action.ms must be a number of milliseconds`);
    }
    arm(parsed);
    return parsed;
  });
}

interface Armed {
  readonly rule: Rule;
  readonly key: RegExp | undefined;
  readonly isDrawn: () => boolean;
  seen: number;
  hits: number;
}

function arm(rule: Rule): Armed {
  const { key, probability, seed } = rule.match ?? {};
  const next = generator(seed ?? 1);
  return {
    rule,
    key: key === undefined ? undefined : new RegExp(key),
    isDrawn: () => probability === undefined || next() < probability,
    seen: 0,
    hits: 0,
  };
}

/** A linear congruential generator: the same seed strikes the same calls. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
