import type { ChannelState } from '../../lake/entry.ts';
import { isBeyond, parsePosition } from '../../lake/positions.ts';
import { type Advance, isLost } from '../../lake/stream.ts';
import { failure } from '../failure.ts';
import type { Pacing } from './pacing.ts';
import type { ChildShard, Page, RecordStream, ShardStart, StreamRecord } from './port.ts';

export interface ReaderOptions {
  readonly stream: RecordStream;
  readonly streamName: string;
  readonly clock: { now(): number };
  readonly pacing: Pacing;
  /** Between two reads of a shard that has no more. */
  readonly restMs: number;
  readonly retentionMs: number;
  readonly signal: AbortSignal;
}

export interface ReadFrom {
  readonly channel: string;
  readonly shard: string;
  readonly state: ChannelState;
  /** When the source last said that nothing followed: of the chain or of a hint. */
  readonly caughtUpAt: string | null;
  /** Of the lane's last entry. */
  readonly committedAt: string;
  readonly isListed: boolean;
}

/**
 * Reads one shard from where its channel stands. It begins at the very record of that position, so that a gap
 * shows: a service begins silently at the oldest record it holds.
 */
export class ShardReader {
  readonly channel: string;
  readonly #options: ReaderOptions;
  readonly #from: ReadFrom;
  #iterator: string | undefined;
  /** The first record to come must be that of the position, or records may be lost. */
  #verifying = false;
  #through: string;
  #caughtUpAt: string | null;
  #isCaughtUp = false;
  #dueAt = 0;
  #children: readonly ChildShard[] | undefined;
  #lost: string | undefined;

  constructor(options: ReaderOptions, from: ReadFrom) {
    this.#options = options;
    this.#from = from;
    this.channel = from.channel;
    this.#through = from.state.through;
    this.#caughtUpAt = from.caughtUpAt;
    if (!from.isListed)
      this.#lost = `${this.#place()}, and its stream lists the shard no more: what followed is lost`;
  }

  /** Milliseconds since the epoch of its next turn; undefined when there is none. */
  get dueAt(): number | undefined {
    return this.#children || this.#lost !== undefined ? undefined : this.#dueAt;
  }

  /** Nothing followed its last page, in this stretch. */
  get isCaughtUp(): boolean {
    return this.#isCaughtUp;
  }

  /** What follows, once the shard was read to its end. */
  get children(): readonly ChildShard[] | undefined {
    return this.#children;
  }

  /** Why it cannot be read on: records were lost. */
  get lost(): string | undefined {
    return this.#lost;
  }

  get caughtUpAt(): string | null {
    return this.#caughtUpAt;
  }

  /** What it did so far. `idOf` gives the channel of a child. */
  advance(idOf: (shard: string) => string): Advance {
    return {
      through: this.#through,
      caughtUpAt: this.#caughtUpAt,
      ...(this.#children && { children: this.#children.map(({ shard }) => idOf(shard)) }),
    };
  }

  /** One request or two. Resolves what is new; the reader counts it as read. */
  async turn(): Promise<readonly StreamRecord[]> {
    const { stream, clock, pacing, signal } = this.#options;
    const iterator = this.#iterator ?? (await this.#open());
    if (iterator === undefined) return [];
    const askedAt = clock.now();
    const answer = await stream.read(iterator, signal);
    switch (answer.kind) {
      case 'page':
        return this.#take(answer, askedAt);
      case 'throttled':
        this.#iterator = iterator;
        this.#dueAt = clock.now() + pacing.throttledMs;
        return [];
      case 'expired':
        this.#iterator = undefined;
        this.#dueAt = clock.now() + pacing.readEveryMs;
        return [];
      case 'gone':
        throw this.#deleted();
    }
  }

  async #open(): Promise<string | undefined> {
    const { stream, streamName, clock, pacing, signal } = this.#options;
    const start = startOf(this.#through);
    if (start.kind !== 'record' && this.#isLost()) {
      this.#lost = `${this.#place()} for longer than its stream keeps records: some may be lost`;
      return undefined;
    }
    this.#verifying = start.kind === 'record';
    let answer = await stream.open(streamName, this.#from.shard, start, signal);
    if (answer.kind === 'refused') {
      if (!(await stream.describe(streamName, signal))) throw this.#deleted();
      if (start.kind !== 'record' || this.#isLost()) {
        this.#lost = `${this.#place()}, and its stream refuses to go on from there (${answer.message}): what followed is lost`;
        return undefined;
      }
      // The record of the position is gone, but nothing came behind it before what is still held.
      this.#verifying = false;
      answer = await stream.open(streamName, this.#from.shard, { kind: 'horizon' }, signal);
    }
    if (answer.kind === 'opened') return answer.iterator;
    if (answer.kind === 'refused') throw failure('Unreachable', `${this.channel}: ${answer.message}`);
    this.#dueAt = clock.now() + pacing.throttledMs;
    return undefined;
  }

  #take(page: Page, askedAt: number): readonly StreamRecord[] {
    const { clock, pacing, restMs, retentionMs } = this.#options;
    const isOver = 'children' in page.next;
    const [first] = page.records;
    if (this.#verifying && (first || page.caughtUp || isOver)) {
      if (first?.sequence !== this.#through && this.#isLost()) {
        const held = first
          ? `the oldest record still held is ${first.sequence}, which arrived ${new Date(first.arrivedAtMs).toISOString()}`
          : 'no record is held any more';
        this.#lost = `${this.#place()}; ${held}: what lay between is lost`;
        return [];
      }
      this.#verifying = false;
    }
    // Several pages may still repeat what is known: a horizon lies before the position.
    const fresh = page.records.filter(({ sequence }) => isBeyond(sequence, this.#through));
    const last = fresh.at(-1);
    if (last) this.#through = last.sequence;
    this.#isCaughtUp = page.caughtUp;
    if (page.caughtUp) this.#caughtUpAt = new Date(askedAt).toISOString();
    if ('children' in page.next) {
      this.#children = page.next.children;
      return fresh;
    }
    this.#iterator = page.next.iterator;
    // So near to the horizon the next records may be gone before they are asked for: the position is checked again.
    const endsAt = page.records.at(-1)?.arrivedAtMs;
    if (!page.caughtUp && endsAt !== undefined && endsAt < clock.now() - retentionMs + 2 * pacing.stretchMs)
      this.#iterator = undefined;
    this.#dueAt = clock.now() + (page.caughtUp ? restMs : pacing.readEveryMs);
    return fresh;
  }

  #isLost(): boolean {
    const { clock, retentionMs } = this.#options;
    return isLost({
      through: this.#through,
      caughtUpAt: this.#caughtUpAt,
      committedAt: this.#from.committedAt,
      horizonMs: clock.now() - retentionMs,
    });
  }

  #place(): string {
    const { caughtUpAt } = this;
    const seen = caughtUpAt === null ? '' : ` and was last caught up ${caughtUpAt}`;
    return `${this.channel} stands at ${this.#through}${seen}`;
  }

  #deleted() {
    return failure(
      'StreamDeleted',
      `${this.#options.streamName}: the stream of ${this.channel} is gone; right would be the one that was collected so far`,
    );
  }
}

function startOf(through: string): ShardStart {
  const position = parsePosition(through);
  switch (position?.kind) {
    case 'sequence':
      return { kind: 'record', sequence: through };
    case 'at':
      return { kind: 'since', time: position.time };
    case 'earliest':
    case 'horizon':
    case undefined:
      return { kind: 'horizon' };
  }
}
