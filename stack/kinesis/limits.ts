/** What one shard and one call may carry. AWS's figures, except where a field says otherwise. */
export interface Limits {
  /** Factor on the four throughput rates per shard. 50, so that local runs are rarely throttled; AWS is 1. */
  readonly scale: number;
  readonly writeRecordsPerSecond: number;
  readonly writeBytesPerSecond: number;
  readonly readBytesPerSecond: number;
  /** GetRecords calls per second and shard. Not scaled: whoever polls faster is wrong here too. */
  readonly readsPerSecond: number;
  /** GetShardIterator calls per second and shard. Not scaled. */
  readonly iteratorsPerSecond: number;
  readonly recordsPerPut: number;
  readonly bytesPerPut: number;
  readonly bytesPerRecord: number;
  readonly recordsPerRead: number;
  readonly bytesPerRead: number;
  readonly shardsPerStream: number;
  /** Open ones. */
  readonly shardsPerAccount: number;
  readonly onDemandStreams: number;
  readonly consumersPerStream: number;
  /** UpdateShardCount of one stream in 24 hours; so for the next two. */
  readonly scalingsPerDay: number;
  readonly modesPerDay: number;
  readonly keysPerDay: number;
  readonly iteratorLifeMs: number;
  readonly tokenLifeMs: number;
  /** Every nth GetRecords of a shard answers with an empty page. 0: none does. */
  readonly emptyPageEvery: number;
  /** Every nth record given to PutRecords fails alone, inside HTTP 200. 0: none does. */
  readonly failRecordEvery: number;
  /** How long a stream stays CREATING, UPDATING or DELETING: real time, not the clock's. */
  readonly settleMs: number;
  readonly segmentBytes: number;
}

const MIB = 1024 * 1024;

export const LIMITS: Limits = {
  scale: 50,
  writeRecordsPerSecond: 1_000,
  writeBytesPerSecond: MIB,
  readBytesPerSecond: 2 * MIB,
  readsPerSecond: 5,
  iteratorsPerSecond: 5,
  recordsPerPut: 500,
  bytesPerPut: 10 * MIB,
  bytesPerRecord: MIB,
  recordsPerRead: 10_000,
  bytesPerRead: 10 * MIB,
  shardsPerStream: 500,
  shardsPerAccount: 20_000,
  onDemandStreams: 50,
  consumersPerStream: 20,
  scalingsPerDay: 10,
  modesPerDay: 2,
  keysPerDay: 25,
  iteratorLifeMs: 5 * 60_000,
  tokenLifeMs: 5 * 60_000,
  emptyPageEvery: 0,
  failRecordEvery: 0,
  settleMs: 50,
  segmentBytes: 64 * MIB,
};

/** Some limits from JSON that a person typed. Throws, naming the first that is not one. */
export function parseLimits(text: string): Partial<Limits> {
  const given: unknown = JSON.parse(text);
  if (typeof given !== 'object' || given === null) throw new Error('limits are one JSON object');
  for (const [name, value] of Object.entries(given)) {
    if (!(name in LIMITS))
      throw new Error(`${name} is no limit: there are ${Object.keys(LIMITS).join(', ')}`);
    if (typeof value !== 'number' || value < 0)
      throw new Error(`${name} is ${JSON.stringify(value)}: it has to be a number from 0 on`);
  }
  return given;
}

/** Counts what passed in the current second. A clock that goes back begins a new one. */
export class RateWindow {
  #beganAt = Number.NEGATIVE_INFINITY;
  #blockedUntil = Number.NEGATIVE_INFINITY;
  #passed = 0;

  /** Whether `amount` more fits into this second; if so it is counted. */
  takes(amount: number, perSecond: number, now: number): boolean {
    this.#turn(now);
    if (this.#passed + amount > perSecond) return false;
    this.#passed += amount;
    return true;
  }

  /** Count what has been served already: what exceeds the rate blocks the seconds it would have needed. */
  owes(amount: number, perSecond: number, now: number): void {
    this.#turn(now);
    this.#passed += amount;
    if (this.#passed > perSecond) this.#blockedUntil = this.#beganAt + (this.#passed / perSecond) * 1_000;
  }

  isBlocked(now: number): boolean {
    this.#turn(now);
    return now < this.#blockedUntil;
  }

  #turn(now: number): void {
    if (now >= this.#beganAt && now < this.#beganAt + 1_000) return;
    if (now < this.#beganAt) this.#blockedUntil = Number.NEGATIVE_INFINITY;
    this.#beganAt = now;
    this.#passed = 0;
  }
}
