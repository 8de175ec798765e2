import { setTimeout as wait } from 'node:timers/promises';
import type { ListOptions, LocalFile, ObjectStore, Watch } from '../../activities/objects/port.ts';

/** A place in the work of an activity at which its process is struck. */
export interface Point {
  /** A regular expression on the key that is written. */
  readonly key: string;
  /** Only this write, counted from 1, of those that fit; the first unless given. */
  readonly nth?: number;
  /**
   * `before` the request; `during`: the store has done it and nobody has read the answer; `after`: the answer was
   * read, and the activity has not gone on.
   */
  readonly when: 'before' | 'during' | 'after';
}

/** A store that calls `strike` at the point, once, and sends nothing more until that resolves. */
export class StruckStore implements ObjectStore {
  readonly #inner: ObjectStore;
  readonly #point: Point;
  readonly #strike: () => Promise<void>;
  #seen = 0;
  #struck: Promise<void> | undefined;

  constructor(inner: ObjectStore, point: Point, strike: () => Promise<void>) {
    this.#inner = inner;
    this.#point = point;
    this.#strike = strike;
  }

  create(key: string, body: Uint8Array, signal: AbortSignal) {
    return this.#around(key, signal, () => this.#inner.create(key, body, signal));
  }

  createFromFile(key: string, file: LocalFile, watch: Watch) {
    return this.#around(key, watch.signal, () => this.#inner.createFromFile(key, file, watch));
  }

  overwrite(key: string, body: Uint8Array, signal: AbortSignal) {
    return this.#around(key, signal, () => this.#inner.overwrite(key, body, signal));
  }

  async get(key: string, signal: AbortSignal) {
    await this.#struck;
    return this.#inner.get(key, signal);
  }

  async getToFile(key: string, path: string, watch: Watch) {
    await this.#struck;
    return this.#inner.getToFile(key, path, watch);
  }

  async head(key: string, signal: AbortSignal) {
    await this.#struck;
    return this.#inner.head(key, signal);
  }

  async *list(prefix: string, options: ListOptions) {
    await this.#struck;
    yield* this.#inner.list(prefix, options);
  }

  async #around<T>(key: string, signal: AbortSignal, send: () => Promise<T>): Promise<T> {
    await this.#struck;
    const { when } = this.#point;
    if (!this.#isHere(key)) return send();
    if (when === 'before') await this.#hit();
    const answer = send();
    if (when === 'during') {
      while (!(await this.#inner.head(key, signal))) await wait(1);
      await this.#hit();
    }
    const got = await answer;
    if (when === 'after') await this.#hit();
    return got;
  }

  #isHere(key: string): boolean {
    const { key: pattern, nth = 1 } = this.#point;
    if (!new RegExp(pattern).test(key)) return false;
    this.#seen += 1;
    return this.#seen === nth;
  }

  #hit(): Promise<void> {
    this.#struck = this.#strike();
    return this.#struck;
  }
}
