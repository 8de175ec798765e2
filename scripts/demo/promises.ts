/** What the demo holds itself to, in the order in which it can tell. */
export const PROMISES = {
  collected: 'Every row of the flight files is in the view, and the exact copies are counted as identical',
  split: 'A shard split while records flow loses and doubles nothing',
  survives: 'A worker killed with SIGKILL is replaced, and the result is the same',
  scheduled: 'A schedule finds a new file by itself',
  parked: 'A broken file waits for a person, alone, and a decision ends the wait',
  held: 'What the gate holds reaches no reader until it is approved',
  late: 'Late events are live as soon as they are collected',
  findings: 'Batch and stream differ in the planted keys, and in no others',
  queries: 'What queries answer equals the truth',
  rollback: 'A rollback keeps fresh rows and stays until a person ends it',
  replicated: 'The tables of a database that changes are in the lake row for row, live and settled',
  reloaded: 'A table is loaded again, and no reader sees half of it',
  deleted: 'A row that was deleted, or got another key, stays gone',
  proof: 'Derived again from the objects alone, no row is unaccounted for',
} as const;

export type PromiseName = keyof typeof PROMISES;

export interface Kept {
  readonly name: PromiseName;
  readonly promise: string;
  readonly held: boolean;
  /** What was measured. */
  readonly evidence: string;
}

export function promiseNamed(text: string): PromiseName | undefined {
  return promiseNames().find((name) => name === text);
}

export function promiseNames(): readonly PromiseName[] {
  return Object.keys(PROMISES) as PromiseName[];
}

/** Keeps count of promises: one that nobody spoke of was not held. */
export class Promises {
  readonly #kept = new Map<PromiseName, Kept>();
  readonly #say: (text: string) => void;

  constructor(say: (text: string) => void) {
    this.#say = say;
  }

  /** A promise spoken of twice holds only when it held each time. */
  tell(name: PromiseName, held: boolean, evidence: string): void {
    const before = this.#kept.get(name);
    const both = before
      ? { held: before.held && held, evidence: `${before.evidence}; ${evidence}` }
      : { held, evidence };
    this.#kept.set(name, { name, promise: PROMISES[name], ...both });
    this.#say(`${held ? '✔' : '✘'} ${PROMISES[name]}: ${evidence}`);
  }

  all(): readonly Kept[] {
    return promiseNames().map(
      (name) =>
        this.#kept.get(name) ?? { name, promise: PROMISES[name], held: false, evidence: 'never reached' },
    );
  }

  allHeld(): boolean {
    return this.all().every(({ held }) => held);
  }
}
