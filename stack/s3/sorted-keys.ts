const LARGEST_RUN = 2048;

/**
 * Distinct keys in ascending order, as runs of at most 2,048: an insertion moves one run, not the whole list.
 * Keys are compared by code unit, so hold them as byte strings to have them in UTF-8 order.
 */
export class SortedKeys {
  readonly #runs: string[][] = [];

  add(key: string): void {
    const index = Math.max(0, this.#runOf(key));
    const run = this.#runs[index];
    if (!run) {
      this.#runs.push([key]);
      return;
    }
    const at = lowerBound(run, key);
    if (run[at] === key) return;
    run.splice(at, 0, key);
    if (run.length > LARGEST_RUN) {
      // Keys mostly come in order: then a full run is left behind, not a half one.
      const cut = at === run.length - 1 ? run.length - 1 : run.length >> 1;
      this.#runs.splice(index + 1, 0, run.splice(cut));
    }
  }

  remove(key: string): void {
    const index = this.#runOf(key);
    const run = this.#runs[index];
    if (!run) return;
    const at = lowerBound(run, key);
    if (run[at] !== key) return;
    run.splice(at, 1);
    if (run.length === 0) this.#runs.splice(index, 1);
  }

  /** The first key that is not below `bound`, if there is one. */
  atOrAfter(bound: string): string | undefined {
    const index = Math.max(0, this.#runOf(bound));
    const run = this.#runs[index];
    if (!run) return undefined;
    return run[lowerBound(run, bound)] ?? this.#runs[index + 1]?.[0];
  }

  /** Every key that is not below `bound`. Not to be changed while it is walked. */
  *from(bound: string): Generator<string> {
    const index = Math.max(0, this.#runOf(bound));
    let at = lowerBound(this.#runs[index] ?? [], bound);
    for (let i = index; i < this.#runs.length; i += 1) {
      const run = this.#runs[i] ?? [];
      for (; at < run.length; at += 1) yield run[at] ?? '';
      at = 0;
    }
  }

  /** The last run that starts at or below the key; -1 when all start above it. */
  #runOf(key: string): number {
    let [low, high] = [0, this.#runs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#runs[middle]?.[0] ?? '') <= key) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

function lowerBound(run: readonly string[], key: string): number {
  let [low, high] = [0, run.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((run[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
