/** How long what was true is remembered: no answer can be older. */
const KEPT_MS = 60_000;

interface Version<Value> {
  readonly from: number;
  /** Undefined when it was not there. */
  readonly value: Value | undefined;
}

/** What values were a while ago, by real time. Kept in memory alone: it begins with the stack. */
export class History<Value> {
  readonly #versions = new Map<string, Version<Value>[]>();

  /** The value is another from now on. */
  note(key: string, before: Value | undefined, value: Value | undefined): void {
    const now = Date.now();
    const versions = this.#versions.get(key) ?? [{ from: 0, value: before }];
    this.#versions.set(key, versions);
    versions.push({ from: now, value });
    while ((versions[1]?.from ?? now) < now - KEPT_MS) versions.shift();
  }

  /** The value that long ago; the one that it is, where it has not changed since the stack began. */
  ago(key: string, ms: number, current: Value | undefined): Value | undefined {
    const versions = this.#versions.get(key);
    if (!versions) return current;
    const then = Date.now() - ms;
    return (versions.findLast(({ from }) => from <= then) ?? versions[0])?.value;
  }

  /** All keys whose values have changed. */
  keys(): string[] {
    return [...this.#versions.keys()];
  }
}
