import { ServiceError } from '../json-service.ts';
import type { Realm } from './catalogue.ts';
import type { Created, Resharded, Retention, Setting } from './event.ts';
import { Settings } from './settings.ts';
import type { Shard, ShardFacts } from './shard.ts';

type Status = 'CREATING' | 'UPDATING' | 'ACTIVE' | 'DELETING';

const HOUR = 3_600_000;

/** One stream: its shards of all generations that are not forgotten, and which of them take a hash key now. */
export class Stream {
  readonly name: string;
  readonly id: string;
  readonly arn: string;
  /** Epoch seconds. */
  readonly createdAt: number;
  readonly settings: Settings;
  readonly #realm: Realm;
  readonly #makeShard: (facts: ShardFacts) => Shard;
  readonly #shards = new Map<string, Shard>();
  /** Open shards in the order of their hash ranges, which tile the whole. */
  #open: readonly Shard[] = [];
  #retentionHours = 24;
  #changing: { readonly status: Status; readonly until: number } | undefined;
  #shardsEver = 0;

  constructor(event: Created, realm: Realm, makeShard: (facts: ShardFacts) => Shard) {
    this.name = event.name;
    this.id = event.id;
    this.arn = `arn:aws:kinesis:${realm.region}:${realm.account}:stream/${event.name}`;
    this.createdAt = event.createdAt;
    this.settings = new Settings(this.arn, event.mode, () => realm.limits.settleMs);
    this.#realm = realm;
    this.#makeShard = makeShard;
    this.#add(event.shards);
    this.#change('CREATING');
  }

  get retentionHours(): number {
    return this.#retentionHours;
  }

  /** What a shard that opens now is called. */
  get nextShardIndex(): number {
    return this.#shardsEver;
  }

  get openShards(): readonly Shard[] {
    return this.#open;
  }

  /** Every shard, oldest first. */
  get shards(): readonly Shard[] {
    return [...this.#shards.values()];
  }

  /** The shards that are listed: open ones, and closed ones whose last record may still be read. */
  listedShards(): Shard[] {
    const horizon = this.horizonTime();
    for (const shard of this.#shards.values()) shard.trim(horizon);
    return this.shards.filter((shard) => shard.closing === undefined || shard.closing.at >= horizon);
  }

  /** Milliseconds since the epoch; what arrived earlier is gone. */
  horizonTime(): number {
    return this.#realm.clock.now() - this.#retentionHours * HOUR;
  }

  /** A shard that is still listed, trimmed to what may be read now. */
  shard(shardId: string): Shard {
    const shard = this.#shards.get(shardId);
    const horizon = this.horizonTime();
    if (!shard || (shard.closing && shard.closing.at < horizon)) {
      throw new ServiceError(
        'ResourceNotFoundException',
        `Shard ${shardId} in stream ${this.name} under account ${this.#realm.account} does not exist`,
      );
    }
    shard.trim(horizon);
    return shard;
  }

  /** The open shard whose range holds this hash key, given as 32 hexadecimal digits. */
  shardFor(hashHex: string): Shard {
    let [low, high] = [0, this.#open.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#open[middle]?.facts.startHex ?? '') <= hashHex) low = middle;
      else high = middle - 1;
    }
    const shard = this.#open[low];
    if (!shard) throw new Error(`stream ${this.name} has no open shard for ${hashHex}`);
    return shard;
  }

  status(): Status {
    if (this.#changing && performance.now() >= this.#changing.until && this.#changing.status !== 'DELETING') {
      this.#changing = undefined;
    }
    return this.#changing?.status ?? 'ACTIVE';
  }

  isGone(): boolean {
    return this.#changing?.status === 'DELETING' && performance.now() >= this.#changing.until;
  }

  /** After a restart nothing is half done. */
  settle(): void {
    this.#changing = undefined;
    this.settings.settle();
  }

  reshard(event: Resharded): void {
    const children = event.opened.map((facts) => facts.shardId);
    for (const { shardId, end } of event.closed) {
      const shard = this.#shards.get(shardId);
      if (shard) shard.closing = { at: event.at, end, children };
    }
    this.#add(event.opened);
    this.#change('UPDATING');
  }

  setRetention(event: Retention): void {
    for (const [shardId, horizon] of Object.entries(event.horizons))
      this.#shards.get(shardId)?.startAt(horizon);
    this.#retentionHours = event.hours;
    this.#change('UPDATING');
  }

  set(setting: Setting): void {
    this.settings.apply(setting);
    if (setting.kind === 'mode' || setting.kind === 'encryption') this.#change('UPDATING');
  }

  remove(): void {
    for (const shard of this.#shards.values()) shard.remove();
    this.#shards.clear();
    this.#open = [];
    this.#change('DELETING');
  }

  #add(opened: readonly ShardFacts[]): void {
    for (const facts of opened) this.#shards.set(facts.shardId, this.#makeShard(facts));
    this.#shardsEver += opened.length;
    this.#open = [...this.#shards.values()]
      .filter((shard) => shard.closing === undefined)
      .toSorted((a, b) => (a.facts.startHex < b.facts.startHex ? -1 : 1));
  }

  #change(status: Status): void {
    this.#changing = { status, until: performance.now() + this.#realm.limits.settleMs };
  }
}
