/** Work that goes on beside its caller, some at a time, in the order it was added. */
export class Sending {
  readonly #width: number;
  readonly #waiting: Array<() => Promise<void>> = [];
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(width: number) {
    this.#width = width;
  }

  add(work: () => Promise<void>): void {
    this.#waiting.push(work);
    this.#start();
  }

  /** Resolves when all is done; rejects with the first failure, once what was running has ended. */
  async done(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    if (this.#failure) throw this.#failure.error;
  }

  #start(): void {
    while (this.#running.size < this.#width && !this.#failure) {
      const work = this.#waiting.shift();
      if (!work) return;
      const running = work()
        .catch((error: unknown) => {
          this.#failure ??= { error };
        })
        .finally(() => {
          this.#running.delete(running);
          this.#start();
        });
      this.#running.add(running);
    }
  }
}
