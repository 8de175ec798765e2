const TIME_DIGITS = 16;
const COUNTER_DIGITS = 19;

/** AR_H_CHANGE_SEQ: the time of capture to hundredths of a second, and a counter of nineteen digits. It only grows. */
export class ChangeSequence {
  readonly #now: () => number;
  #time: string;
  #counter: bigint;

  /** `last` is the number that was given last before. */
  constructor(now: () => number, last = '') {
    this.#now = now;
    this.#time = last.slice(0, TIME_DIGITS);
    this.#counter = BigInt(last.slice(TIME_DIGITS) || 0);
  }

  get last(): string {
    return `${this.#time}${String(this.#counter).padStart(COUNTER_DIGITS, '0')}`;
  }

  next(): string {
    const time = new Date(this.#now()).toISOString().replaceAll(/\D/g, '').slice(0, TIME_DIGITS);
    if (time > this.#time) this.#time = time;
    this.#counter += 1n;
    return this.last;
  }
}
