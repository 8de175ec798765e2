import { rmSync } from 'node:fs';
import { RateWindow } from './limits.ts';
import { counterOf, formatSequence } from './record-line.ts';
import { ShardLog } from './shard-log.ts';

/** What is fixed about a shard when it opens. */
export interface ShardFacts {
  readonly shardId: string;
  readonly index: number;
  /** Milliseconds since the epoch; later than its parents' records, so that sequence numbers ascend. */
  readonly openedAt: number;
  /** 32 hexadecimal digits, both ends included: they compare as the numbers do. */
  readonly startHex: string;
  readonly endHex: string;
  /** None for a first shard, one after a split, two after a merge. */
  readonly parents: readonly string[];
}

export interface Closing {
  readonly at: number;
  readonly end: number;
  readonly children: readonly string[];
}

/** One shard: its facts, its records, and what passed through it in this second. */
export class Shard {
  readonly facts: ShardFacts;
  readonly writtenRecords = new RateWindow();
  readonly writtenBytes = new RateWindow();
  readonly readBytes = new RateWindow();
  readonly reads = new RateWindow();
  readonly iterators = new RateWindow();
  closing: Closing | undefined;
  readCalls = 0;
  readonly #dir: string;
  #log: ShardLog | undefined;
  #horizon = 0;
  /** Of the record at the horizon; undefined until somebody asked. */
  #oldestArrival: number | undefined;
  #lastArrival = 0;

  constructor(dir: string, facts: ShardFacts) {
    this.#dir = dir;
    this.facts = facts;
  }

  get log(): ShardLog {
    this.#log ??= new ShardLog(this.#dir);
    return this.#log;
  }

  get horizon(): number {
    return Math.max(this.#horizon, this.log.start);
  }

  /** Nothing is trimmed by this: what lies before is already gone by an earlier decision. */
  startAt(horizon: number): void {
    this.#horizon = Math.max(this.#horizon, horizon);
    this.#oldestArrival = undefined;
  }

  /** Make ready after a restart: arrivals go on where they were. */
  open(): void {
    if (this.log.end === this.log.start) return;
    const last = this.log.lastRecord();
    this.#lastArrival = this.log.arrivalAt(last) ?? 0;
  }

  /** The time that a record which comes now is given: the clock's, but never before the record ahead of it. */
  arrival(now: number): number {
    this.#lastArrival = Math.max(this.#lastArrival, now);
    return this.#lastArrival;
  }

  /** Forget what arrived before this time. */
  trim(before: number): void {
    if (this.horizon >= this.log.end) return;
    this.#oldestArrival ??= this.log.arrivalAt(this.horizon);
    if (this.#oldestArrival === undefined || this.#oldestArrival >= before) return;
    this.startAt(Math.max(this.horizon, this.log.firstArrivedSince(before)));
    this.log.dropBefore(this.#horizon);
  }

  sequenceAt(position: number): string {
    return formatSequence(this.facts.openedAt, position + 1, this.facts.index);
  }

  /** The number below every record's: the start of the shard's range. */
  get startingSequence(): string {
    return formatSequence(this.facts.openedAt, 0, this.facts.index);
  }

  /** Above every record's; undefined while the shard is open. */
  get endingSequence(): string | undefined {
    return this.closing && this.sequenceAt(this.closing.end);
  }

  /** The place that a sequence number of this shard means, or undefined if it is another shard's. */
  placeOf(sequence: string): number | undefined {
    const counter = counterOf(sequence, this.facts.openedAt, this.facts.index);
    return counter === undefined ? undefined : counter - 1;
  }

  close(): void {
    this.#log?.close();
    this.#log = undefined;
  }

  remove(): void {
    this.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
