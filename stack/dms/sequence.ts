const TIME_DIGITS = 16;
const COUNTER_DIGITS = 19;

/** AR_H_CHANGE_SEQ: the time of capture to hundredths of a second, and a counter of nineteen digits. It only grows. */
export class ChangeSequence {
  readonly #now: () => number;
  #time: string;
  /** The clock's answer that was looked at last. */
  #timeMs: number | undefined;
  /** A number holds all that a task can count to: a million changes a second for centuries. */
  #counter: number;

  /** `last` is the number that was given last before. */
  constructor(now: () => number, last = '') {
    this.#now = now;
    this.#time = last.slice(0, TIME_DIGITS);
    this.#counter = Number(last.slice(TIME_DIGITS));
  }

  get last(): string {
    return `${this.#time}${String(this.#counter).padStart(COUNTER_DIGITS, '0')}`;
  }

  next(): string {
    const now = this.#now();
    if (now !== this.#timeMs) {
      this.#timeMs = now;
      const time = new Date(now).toISOString().replaceAll(/\D/g, '').slice(0, TIME_DIGITS);
      if (time > this.#time) this.#time = time;
    }
    this.#counter += 1;
    return this.last;
  }
}
