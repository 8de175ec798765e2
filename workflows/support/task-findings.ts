import type { Parked } from '../../lake/decisions.ts';
import { Findings } from './findings.ts';
import type { Decision, Parking } from './parking.ts';

/** What is found about the task of a source: it waits for a person, who may let it pass. */
export class TaskFindings {
  readonly #found: Findings;
  readonly #accepted: Set<string>;
  #isGivenUp = false;

  /** `accepted`: those that a person let pass before. */
  constructor(parked: Parking, accepted: readonly string[]) {
    this.#found = new Findings(parked);
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

  /** The last look found nothing that nobody let pass. */
  get isEmpty(): boolean {
    return this.#found.items.length === 0;
  }

  see(findings: readonly Parked[]): void {
    this.#found.see(findings.filter(({ item }) => !this.#accepted.has(item)));
  }

  /** Take what a decision says of them. Returns its items that are none of them. */
  act({ items, action }: Decision): readonly string[] {
    const found = new Set(this.#found.items);
    const own = items.filter((item) => found.has(item));
    if (action === 'abort' && own.length > 0) this.#isGivenUp = true;
    else if (action !== 'retry') for (const item of own) this.#accepted.add(item);
    return items.filter((item) => !found.has(item));
  }
}
