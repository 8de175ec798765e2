import { sleep } from '@temporalio/workflow';
import { RELOAD_LOOK, RELOAD_PATIENCE_MS } from '../policies.ts';

/** Tables that DMS was asked to load again: for a while, what they waited for waits for nobody. */
export class TableReloads {
  /** Table → when it was asked for, ISO. */
  #asked: Readonly<Record<string, string>>;
  #isDue = false;
  #isTimed = false;

  constructor(asked: Readonly<Record<string, string>>) {
    this.#asked = asked;
  }

  /** What survives continue-as-new. */
  get asked(): Readonly<Record<string, string>> {
    return this.#asked;
  }

  get tables(): readonly string[] {
    return Object.keys(this.#asked);
  }

  has(table: string): boolean {
    return Object.hasOwn(this.#asked, table);
  }

  /** Is a new stretch due, for what tables waited for may be gone? */
  get isDue(): boolean {
    return this.#isDue;
  }

  add(tables: readonly string[]): void {
    const at = new Date().toISOString();
    this.#asked = { ...this.#asked, ...Object.fromEntries(tables.map((table) => [table, at])) };
    this.#isDue = true;
  }

  /** A stretch begins. While tables load again the next is due soon; after a while what they wait for waits for a person again. */
  lookSoon(): void {
    this.#isDue = false;
    const since = Date.now() - RELOAD_PATIENCE_MS;
    const recent = Object.entries(this.#asked).filter(([, at]) => Date.parse(at) > since);
    this.#asked = Object.fromEntries(recent);
    if (recent.length === 0 || this.#isTimed) return;
    this.#isTimed = true;
    void sleep(RELOAD_LOOK).then(
      () => {
        this.#isDue = true;
        this.#isTimed = false;
      },
      // The run is cancelled.
      () => undefined,
    );
  }
}
