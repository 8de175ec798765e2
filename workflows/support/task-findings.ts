import type { Parked } from '../../lake/decisions.ts';
import type { Decision, Parking } from './parking.ts';

/** What is found about the task of a source: it waits for a person, who may let it pass. */
export class TaskFindings {
  readonly #parked: Parking;
  readonly #accepted: Set<string>;
  #found: readonly Parked[] = [];
  #isGivenUp = false;

  /** `accepted`: those that a person let pass before. */
  constructor(parked: Parking, accepted: readonly string[]) {
    this.#parked = parked;
    this.#accepted = new Set(accepted);
  }

  /** Those that a person let pass. */
  get accepted(): readonly string[] {
    return [...this.#accepted];
  }

  /** A person gave the source up because of them. */
  get isGivenUp(): boolean {
    return this.#isGivenUp;
  }

  get isEmpty(): boolean {
    return this.#found.length === 0;
  }

  /** What is found now waits; what was found before and is no more waits no longer. */
  see(findings: readonly Parked[]): void {
    const before = this.#found.map(({ item }) => item);
    this.#found = findings.filter(({ item }) => !this.#accepted.has(item));
    this.#parked.release(before.filter((item) => !this.#found.some((one) => one.item === item)));
    this.#parked.park(this.#found);
  }

  /** Take what a decision says of them. Returns its items that are none of them. */
  act({ items, action }: Decision): readonly string[] {
    const found = new Set(this.#found.map(({ item }) => item));
    const own = items.filter((item) => found.has(item));
    if (action === 'abort' && own.length > 0) this.#isGivenUp = true;
    else if (action !== 'retry') for (const item of own) this.#accepted.add(item);
    return items.filter((item) => !found.has(item));
  }
}
