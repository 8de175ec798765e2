import type { Setting, StreamMode } from './event.ts';

export interface Consumer {
  readonly name: string;
  readonly arn: string;
  /** Epoch seconds. */
  readonly createdAt: number;
  readonly status: 'CREATING' | 'ACTIVE' | 'DELETING';
}

/** What is allowed a few times in 24 hours. */
export type Counted = 'scaled' | 'mode' | 'encryption';

const DAY = 24 * 3_600_000;

/** What a stream has beside shards: mode, key, tags, consumers, and how often some of it was changed. */
export class Settings {
  readonly #streamArn: string;
  readonly #settleMs: () => number;
  readonly #changes: { readonly kind: Counted; readonly at: number }[] = [];
  readonly #consumers = new Map<string, { consumer: Consumer; until: number }>();
  #mode: StreamMode;
  #keyId: string | undefined;
  #tags: Readonly<Record<string, string>> = {};

  constructor(streamArn: string, mode: StreamMode, settleMs: () => number) {
    this.#streamArn = streamArn;
    this.#mode = mode;
    this.#settleMs = settleMs;
  }

  get mode(): StreamMode {
    return this.#mode;
  }

  /** Records are said to be encrypted with it; undefined when they are not. */
  get keyId(): string | undefined {
    return this.#keyId;
  }

  get tags(): Readonly<Record<string, string>> {
    return this.#tags;
  }

  /** By name. Those that are being deregistered are among them for a while. */
  get consumers(): readonly Consumer[] {
    for (const [name, { consumer, until }] of this.#consumers) {
      if (performance.now() < until || consumer.status === 'ACTIVE') continue;
      if (consumer.status === 'DELETING') this.#consumers.delete(name);
      else this.#put({ ...consumer, status: 'ACTIVE' });
    }
    return [...this.#consumers.values()]
      .map(({ consumer }) => consumer)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** How often this was changed in the last 24 hours. */
  changesOf(kind: Counted, now: number): number {
    return this.#changes.filter((change) => change.kind === kind && change.at > now - DAY).length;
  }

  apply(event: Setting): void {
    if ('at' in event) this.#changes.push(event);
    switch (event.kind) {
      case 'scaled':
        return;
      case 'mode':
        this.#mode = event.mode;
        return;
      case 'encryption':
        this.#keyId = event.keyId ?? undefined;
        return;
      case 'tags':
        this.#tags = event.tags;
        return;
      case 'registered': {
        const { consumer: name, createdAt } = event;
        const arn = `${this.#streamArn}/consumer/${name}:${createdAt}`;
        return this.#put({ name, arn, createdAt, status: 'CREATING' });
      }
      case 'deregistered': {
        const known = this.#consumers.get(event.consumer);
        if (known) this.#put({ ...known.consumer, status: 'DELETING' });
      }
    }
  }

  /** After a restart nothing is half done. */
  settle(): void {
    for (const known of this.#consumers.values()) known.until = 0;
  }

  #put(consumer: Consumer): void {
    this.#consumers.set(consumer.name, { consumer, until: performance.now() + this.#settleMs() });
  }
}
