import { expect, inject } from 'vitest';

/** How long a fact may take to come true, and how often it is looked for. */
interface Patience {
  readonly boundMs: number;
  readonly everyMs: number;
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Where it is another than on this machine. */
    patience?: Patience;
  }
}

const { boundMs: BOUND_MS, everyMs: LOOK_EVERY_MS } = inject('patience') ?? { boundMs: 20_000, everyMs: 20 };

/** Read until the answer equals `expected`; fail with the last answer when the bound has passed. */
export async function eventually<T>(
  read: () => Promise<T> | T,
  expected: unknown,
  boundMs: number = BOUND_MS,
): Promise<void> {
  await expect.poll(read, { timeout: boundMs, interval: LOOK_EVERY_MS }).toEqual(expected);
}

/**
 * Read until `holds` accepts the answer, and return it. A `read` that throws is read again. Fails with the last
 * answer, or the last error as its cause, when the bound has passed.
 */
export async function until<T>(
  read: () => Promise<T> | T,
  holds: (answer: T) => boolean,
  boundMs: number = BOUND_MS,
): Promise<T> {
  const accepted: T[] = [];
  await expect
    .poll(
      async () => {
        const answer = await read();
        if (!holds(answer)) return answer;
        accepted.push(answer);
        return HELD;
      },
      { timeout: boundMs, interval: LOOK_EVERY_MS },
    )
    .toBe(HELD);
  const [answer] = accepted;
  if (answer === undefined) throw new Error('an undefined answer holds nothing');
  return answer;
}

const HELD = Symbol('held');
