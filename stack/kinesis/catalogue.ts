import { closeSync, mkdirSync, openSync, readFileSync, rmSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ServiceError } from '../json-service.ts';
import type { Clock } from '../service.ts';
import type { StreamEvent } from './event.ts';
import type { Limits } from './limits.ts';
import { Shard, type ShardFacts } from './shard.ts';
import { Stream } from './stream.ts';

/** Whose streams these are, and by which time. */
export interface Realm {
  readonly account: string;
  readonly region: string;
  readonly clock: Clock;
  readonly limits: Limits;
}

/**
 * All streams of one data folder. An event is with the operating system before it is true in memory, and
 * the same `#apply` serves both a new event and the replay at opening.
 */
export class Catalogue {
  readonly realm: Realm;
  readonly #dir: string;
  readonly #fd: number;
  readonly #byName = new Map<string, Stream>();
  readonly #byId = new Map<string, Stream>();
  /** The second in which the newest stream of a name was created; a re-created stream gets a later one. */
  readonly #lastCreated = new Map<string, number>();
  #streamsEver = 0;

  constructor(dir: string, realm: Realm) {
    this.realm = realm;
    this.#dir = dir;
    mkdirSync(dir, { recursive: true });
    const path = join(dir, 'catalogue.log');
    for (const event of readEvents(path)) this.#apply(event);
    for (const [name, stream] of this.#byName) if (!this.#byId.has(stream.id)) this.#byName.delete(name);
    for (const stream of this.#byId.values()) {
      stream.settle();
      for (const shard of stream.shards) shard.open();
    }
    this.#fd = openSync(path, 'a');
  }

  record(event: StreamEvent): void {
    writeSync(this.#fd, `${JSON.stringify(event)}\n`);
    this.#apply(event);
  }

  /** A stream by name, by ARN, or by both if they agree. Deleted ones are not found once they are gone. */
  stream({ StreamName: name, StreamARN: arn }: NamedStream): Stream {
    if (name === undefined && arn === undefined) {
      throw new ServiceError('InvalidArgumentException', 'StreamName or StreamARN must be given');
    }
    const stream = this.#byName.get(name ?? arn?.split('/').at(1) ?? '');
    if (!stream || stream.isGone() || (arn !== undefined && arn !== stream.arn)) {
      const { account } = this.realm;
      throw new ServiceError(
        'ResourceNotFoundException',
        `Stream ${name ?? arn} under account ${account} not found.`,
      );
    }
    return stream;
  }

  /** A stream that holds records: not one that is being created or deleted. */
  readable(named: NamedStream): Stream {
    const stream = this.stream(named);
    if (stream.status() === 'ACTIVE' || stream.status() === 'UPDATING') return stream;
    throw new ServiceError('ResourceNotFoundException', `Stream ${stream.name} is ${stream.status()}.`);
  }

  /** A stream that may change: ACTIVE, nothing else. */
  active(named: NamedStream): Stream {
    const stream = this.stream(named);
    if (stream.status() === 'ACTIVE') return stream;
    throw new ServiceError(
      'ResourceInUseException',
      `Stream ${stream.name} under account ${this.realm.account} not ACTIVE, instead in state ${stream.status()}`,
    );
  }

  byId(id: string): Stream | undefined {
    const stream = this.#byId.get(id);
    return stream?.isGone() ? undefined : stream;
  }

  all(): Stream[] {
    return [...this.#byName.values()]
      .filter((stream) => !stream.isGone())
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** What the next stream of this name is known by. */
  nextIdentity(name: string): { id: string; createdAt: number } {
    const second = Math.floor(this.realm.clock.now() / 1_000);
    const createdAt = Math.max(second, (this.#lastCreated.get(name) ?? 0) + 1);
    return { id: `s${String(this.#streamsEver + 1).padStart(6, '0')}`, createdAt };
  }

  close(): void {
    for (const stream of this.#byId.values()) for (const shard of stream.shards) shard.close();
    closeSync(this.#fd);
  }

  #apply(event: StreamEvent): void {
    if (event.kind === 'created') {
      const stream = new Stream(event, this.realm, (facts) => this.#shard(event.id, facts));
      this.#byName.set(event.name, stream);
      this.#byId.set(event.id, stream);
      this.#lastCreated.set(event.name, event.createdAt);
      this.#streamsEver += 1;
      return;
    }
    const stream = this.#byId.get(event.id);
    if (!stream)
      throw new Error(`${this.#dir}/catalogue.log: ${event.kind} names ${event.id}, which was never created`);
    if (event.kind === 'resharded') return stream.reshard(event);
    if (event.kind === 'retention') return stream.setRetention(event);
    if (event.kind !== 'deleted') return stream.set(event);
    stream.remove();
    this.#byId.delete(event.id);
    rmSync(join(this.#dir, event.id), { recursive: true, force: true });
  }

  #shard(streamId: string, facts: ShardFacts): Shard {
    return new Shard(join(this.#dir, streamId, facts.shardId), facts);
  }
}

export interface NamedStream {
  readonly StreamName?: string | undefined;
  readonly StreamARN?: string | undefined;
}

function readEvents(path: string): StreamEvent[] {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  // A torn last line was never acknowledged.
  if (whole.length < text.length) truncateSync(path, Buffer.byteLength(whole));
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map(parseEvent);
}

function parseEvent(line: string): StreamEvent {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `record` writes these lines
  return JSON.parse(line) as StreamEvent;
}
