import type { Parked } from '../../lake/decisions.ts';
import type { Parking } from './parking.ts';

/** What looks at one thing find: each look tells all of it. */
export class Findings {
  readonly #parked: Parking;
  #items: readonly string[] = [];

  constructor(parked: Parking) {
    this.#parked = parked;
  }

  /** Of the last look. */
  get items(): readonly string[] {
    return this.#items;
  }

  /** What is found now waits; what was found before and is no more waits no longer. */
  see(findings: readonly Parked[]): void {
    const items = findings.map(({ item }) => item);
    this.#parked.release(this.#items.filter((one) => !items.includes(one)));
    this.#parked.park(findings);
    this.#items = items;
  }
}
