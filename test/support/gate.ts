/** Holds work back until a test lets it go, so that a race is decided rather than likely. */
export class Gate {
  #arrived = 0;
  readonly #watchers = new Set<() => void>();
  readonly #opened: Promise<void>;
  #open: () => void = () => undefined;

  constructor() {
    this.#opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  /** Called by the work: goes on once the gate is open. */
  pass(): Promise<void> {
    this.#arrived += 1;
    for (const wake of this.#watchers) wake();
    return this.#opened;
  }

  /** Called by the test: resolves once `count` pieces of work have arrived. */
  async waiting(count: number): Promise<void> {
    if (this.#arrived >= count) return;
    await new Promise<void>((resolve) => {
      const look = () => {
        if (this.#arrived < count) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
    });
  }

  /** Lets go what waits and what is still to come. */
  open(): void {
    this.#open();
  }
}
