/**
 * Conditional creates whose bodies are still on their way. When their key is deleted meanwhile, S3 answers 409
 * rather than guess which of the two came first.
 */
export class Conflicts {
  readonly #running = new Map<string, Set<Watch>>();

  /** Follow one create until `end`. */
  watch(bucket: string, key: string): Watch {
    const name = `${bucket}/${key}`;
    const watch: Watch = {
      isConflicted: false,
      end: () => {
        const others = this.#running.get(name);
        others?.delete(watch);
        if (others?.size === 0) this.#running.delete(name);
      },
    };
    this.#running.set(name, (this.#running.get(name) ?? new Set()).add(watch));
    return watch;
  }

  deleted(bucket: string, key: string): void {
    for (const watch of this.#running.get(`${bucket}/${key}`) ?? []) watch.isConflicted = true;
  }
}

export interface Watch {
  isConflicted: boolean;
  end(): void;
}
