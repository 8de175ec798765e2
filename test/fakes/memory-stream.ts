import type {
  ListedShard,
  OpenAnswer,
  ReadAnswer,
  RecordStream,
  ShardStart,
  StreamFacts,
  StreamRecord,
} from '../../activities/streams/port.ts';

interface Shard {
  readonly name: string;
  readonly parents: readonly string[];
  readonly records: (StreamRecord & { readonly order: bigint })[];
  children: string[] | undefined;
  reads: number;
}

interface Iterator {
  readonly createdAtS: number;
  readonly shard: string;
  /** Sequence number that the next record has at least. */
  readonly from: bigint;
  readonly issuedAtMs: number;
}

export interface MemoryStreamOptions {
  readonly shards: number;
  readonly clock: { now(): number };
  readonly retentionMs?: number;
  /** Records on a page at most. */
  readonly pageSize?: number;
  readonly iteratorLifeMs?: number;
  /** Awaited before every request: a test that schedules it decides all races. */
  readonly turn?: () => Promise<unknown>;
}

/** A stream in memory that splits, merges, forgets, and starts silently at its horizon. */
export class MemoryStream implements RecordStream {
  readonly #options: Required<MemoryStreamOptions>;
  readonly #shards = new Map<string, Shard>();
  readonly #throttled = new Map<string, number>();
  readonly #iterators: Iterator[] = [];
  #createdAtS: number;
  #isThere = true;
  #emptyEvery = 0;
  #made = 0;
  #next = 1n;

  constructor(options: MemoryStreamOptions) {
    const rest = { retentionMs: 86_400_000, pageSize: 10_000, iteratorLifeMs: 300_000 };
    this.#options = { ...rest, turn: async () => undefined, ...options };
    this.#createdAtS = Math.floor(options.clock.now() / 1000);
    for (let n = 0; n < options.shards; n += 1) this.#make([]);
  }

  get createdAtS(): number {
    return this.#createdAtS;
  }

  /** Names of shards that take records. */
  get openShards(): string[] {
    return [...this.#shards.values()].filter(({ children }) => !children).map(({ name }) => name);
  }

  /** Every sequence number of a shard's record that was ever put, in order. */
  positions(shard: string): string[] {
    return this.#shardOf(shard).records.map(({ sequence }) => sequence);
  }

  put(shard: string, data: string | Uint8Array, arrivedAtMs = this.#options.clock.now()): string {
    const found = this.#shardOf(shard);
    if (found.children) throw new Error(`${shard} is closed`);
    // Two lengths, so that an order of texts is found out.
    const order = this.#next;
    this.#next += order % 7n === 0n ? 93n : 1n;
    const sequence = order.toString();
    found.records.push({ sequence, order, arrivedAtMs, data: Buffer.from(data) });
    return sequence;
  }

  split(shard: string): [string, string] {
    const children: [string, string] = [this.#make([shard]), this.#make([shard])];
    this.#shardOf(shard).children = children;
    return children;
  }

  merge(one: string, other: string): string {
    const child = this.#make([one, other]);
    for (const parent of [one, other]) this.#shardOf(parent).children = [child];
    return child;
  }

  /** Every nth read of a shard answers with an empty page from now on. 0: none does. */
  emptyPages(every: number): void {
    this.#emptyEvery = every;
  }

  /** The next reads of a shard are refused. */
  throttle(shard: string, reads: number): void {
    this.#throttled.set(shard, reads);
  }

  delete(): void {
    this.#isThere = false;
  }

  /** Deleted and made again under its name: shards have the same names. */
  recreate(createdAtS: number, shards: number): void {
    this.#shards.clear();
    this.#made = 0;
    this.#createdAtS = createdAtS;
    this.#isThere = true;
    for (let n = 0; n < shards; n += 1) this.#make([]);
  }

  async describe(_: string, signal: AbortSignal): Promise<StreamFacts | undefined> {
    await this.#arrive(signal);
    return this.#isThere
      ? { createdAtS: this.#createdAtS, retentionMs: this.#options.retentionMs }
      : undefined;
  }

  async shards(_: string, signal: AbortSignal): Promise<readonly ListedShard[] | undefined> {
    await this.#arrive(signal);
    if (!this.#isThere) return undefined;
    return [...this.#shards.values()]
      .filter((shard) => !this.#isExpired(shard))
      .map(({ name, parents, children }) => ({ shard: name, parents, isOpen: !children }));
  }

  async open(_: string, shard: string, start: ShardStart, signal: AbortSignal): Promise<OpenAnswer> {
    await this.#arrive(signal);
    const found = this.#isThere ? this.#shards.get(shard) : undefined;
    if (!found || this.#isExpired(found)) return { kind: 'refused', message: `${shard} is not there` };
    const from = this.#fromOf(found, start);
    const iterator = {
      createdAtS: this.#createdAtS,
      shard,
      from,
      issuedAtMs: this.#options.clock.now(),
    };
    return { kind: 'opened', iterator: this.#issue(iterator) };
  }

  async read(iterator: string, signal: AbortSignal): Promise<ReadAnswer> {
    await this.#arrive(signal);
    const { clock, iteratorLifeMs, pageSize } = this.#options;
    const place = this.#iterators[Number(iterator)];
    if (!place) throw new Error(`no iterator ${iterator}`);
    const { shard: name, issuedAtMs } = place;
    if (clock.now() - issuedAtMs > iteratorLifeMs) return { kind: 'expired' };
    if (!this.#isThere || place.createdAtS !== this.#createdAtS) return { kind: 'gone' };
    const refusals = this.#throttled.get(name) ?? 0;
    if (refusals > 0) {
      this.#throttled.set(name, refusals - 1);
      return { kind: 'throttled' };
    }
    const shard = this.#shardOf(name);
    shard.reads += 1;
    const isEmpty = this.#emptyEvery > 0 && shard.reads % this.#emptyEvery === 0;
    const held = this.#held(shard).filter(({ order }) => order >= place.from);
    const records = isEmpty ? [] : held.slice(0, pageSize);
    const caughtUp = records.length === held.length;
    const last = records.at(-1);
    const from = last ? last.order + 1n : place.from;
    if (caughtUp && shard.children) {
      const children = shard.children.map((child) => ({
        shard: child,
        parents: this.#shardOf(child).parents,
      }));
      return { kind: 'page', records, caughtUp, next: { children } };
    }
    const next = this.#issue({ ...place, from, issuedAtMs: clock.now() });
    return { kind: 'page', records, caughtUp, next: { iterator: next } };
  }

  #issue(iterator: Iterator): string {
    return String(this.#iterators.push(iterator) - 1);
  }

  #fromOf(shard: Shard, start: ShardStart): bigint {
    switch (start.kind) {
      case 'horizon':
        return 0n;
      case 'record':
        return BigInt(start.sequence);
      case 'since': {
        const first = shard.records.find(({ arrivedAtMs }) => arrivedAtMs >= Date.parse(start.time));
        return first?.order ?? this.#next;
      }
    }
  }

  #held(shard: Shard): Shard['records'] {
    const horizon = this.#options.clock.now() - this.#options.retentionMs;
    return shard.records.filter(({ arrivedAtMs }) => arrivedAtMs > horizon);
  }

  #isExpired(shard: Shard): boolean {
    return shard.children !== undefined && shard.records.length > 0 && this.#held(shard).length === 0;
  }

  #make(parents: readonly string[]): string {
    const name = `shardId-${String(this.#made).padStart(12, '0')}`;
    this.#made += 1;
    this.#shards.set(name, { name, parents, records: [], children: undefined, reads: 0 });
    return name;
  }

  #shardOf(name: string): Shard {
    const found = this.#shards.get(name);
    if (!found) throw new Error(`no shard ${name}`);
    return found;
  }

  async #arrive(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#options.turn();
    signal.throwIfAborted();
  }
}
