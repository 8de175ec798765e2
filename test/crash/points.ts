import { setTimeout as wait } from 'node:timers/promises';
import type { ListOptions, LocalFile, ObjectStore, Watch } from '../../activities/objects/port.ts';

/** A place in the work of an activity at which its process is struck. */
export interface Point {
  /** A regular expression on the key that is written. */
  readonly key: string;
  /** Another, on the text that is written: for keys that do not say what an object holds. */
  readonly body?: string;
  /** Only this request to S3, by its name (`UploadPart`): for what the store does in many. */
  readonly request?: string;
  /** Only this write, counted from 1, of those that fit; the first unless given. */
  readonly nth?: number;
  /**
   * `before` the request; `during`: the store has done it and nobody has read the answer; `after`: the answer was
   * read, and the activity has not gone on.
   */
  readonly when: 'before' | 'during' | 'after';
}

/** Something that is about to be written. */
export interface Writing extends Pick<Point, 'key' | 'body' | 'request'> {
  /** Is an object there by now? */
  readonly isThere: () => Promise<unknown>;
}

/** Calls `strike` at the point, once, and lets nothing more pass until that resolves. */
export class Trap {
  readonly #point: Point;
  readonly #strike: () => Promise<void>;
  #seen = 0;
  #struck: Promise<void> | undefined;

  constructor(point: Point, strike: () => Promise<void>) {
    this.#point = point;
    this.#strike = strike;
  }

  async pass(): Promise<void> {
    await this.#struck;
  }

  async around<T>(writing: Writing, send: () => Promise<T>): Promise<T> {
    await this.#struck;
    const { when } = this.#point;
    if (!this.#isHere(writing)) return send();
    if (when === 'before') await this.#hit();
    const answer = send();
    if (when === 'during') {
      while (!(await writing.isThere())) await wait(1);
      await this.#hit();
    }
    const got = await answer;
    if (when === 'after') await this.#hit();
    return got;
  }

  #isHere({ key, body = '', request }: Writing): boolean {
    const { nth = 1, ...point } = this.#point;
    if (request !== point.request || !new RegExp(point.key).test(key)) return false;
    if (point.body !== undefined && !new RegExp(point.body).test(body)) return false;
    this.#seen += 1;
    return this.#seen === nth;
  }

  #hit(): Promise<void> {
    this.#struck = this.#strike();
    return this.#struck;
  }
}

/** A store with a trap at what it writes. */
export class TrappedStore implements ObjectStore {
  readonly #inner: ObjectStore;
  readonly #trap: Trap;

  constructor(inner: ObjectStore, trap: Trap) {
    this.#inner = inner;
    this.#trap = trap;
  }

  create(key: string, body: Uint8Array, signal: AbortSignal) {
    const writing = { ...this.#writing(key, signal), body: Buffer.from(body).toString() };
    return this.#trap.around(writing, () => this.#inner.create(key, body, signal));
  }

  createFromFile(key: string, file: LocalFile, watch: Watch) {
    const send = () => this.#inner.createFromFile(key, file, watch);
    return this.#trap.around(this.#writing(key, watch.signal), send);
  }

  overwrite(key: string, body: Uint8Array, signal: AbortSignal) {
    return this.#trap.around(this.#writing(key, signal), () => this.#inner.overwrite(key, body, signal));
  }

  async get(key: string, signal: AbortSignal) {
    await this.#trap.pass();
    return this.#inner.get(key, signal);
  }

  async getToFile(key: string, path: string, watch: Watch) {
    await this.#trap.pass();
    return this.#inner.getToFile(key, path, watch);
  }

  async head(key: string, signal: AbortSignal) {
    await this.#trap.pass();
    return this.#inner.head(key, signal);
  }

  async *list(prefix: string, options: ListOptions) {
    await this.#trap.pass();
    yield* this.#inner.list(prefix, options);
  }

  #writing(key: string, signal: AbortSignal): Writing {
    return { key, isThere: () => this.#inner.head(key, signal) };
  }
}
