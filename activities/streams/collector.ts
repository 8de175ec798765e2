import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { heartbeat } from '@temporalio/activity';
import { channelId, parseChannelId } from '../../lake/positions.ts';
import { type Advance, isIdleEntryDue, nextChannels } from '../../lake/stream.ts';
import type { Parked } from '../../lake/decisions.ts';
import { Batch } from './batch.ts';
import type { StreamContext, StreamNow } from './context.ts';
import { type CaughtUp, readHint, writeHint } from './hint.ts';
import { StreamLane, lostChannel, sameStream } from './lane.ts';
import { ShardReader } from './reader.ts';
import { makeObjects } from './store.ts';

export interface Collected {
  readonly records: number;
  readonly rows: number;
  readonly rejected: number;
  readonly entries: number;
}

export type StretchEnd = 'worked' | 'drained' | 'closed' | 'superseded';

/** How often it says that it lives, whatever it waits for: every request ends by itself. */
const BEAT_MS = 3000;

/**
 * One stretch of a lane: reads its open shards in turns and commits what came, one entry for all that advanced.
 * What is not committed when it ends, in whatever way, is read again by the next one.
 */
export class Collector {
  readonly #context: StreamContext;
  readonly #laneNumber: number;
  readonly #lane: StreamLane;
  readonly #scratch: string;
  readonly #parked = new Map<string, Parked>();
  readonly #readers = new Map<string, ShardReader>();
  #now: StreamNow | undefined;
  #hint: CaughtUp = {};
  #batch: Batch | undefined;
  #batches = 0;
  #firstReadAt: number | undefined;
  #hintedAt = 0;
  #waitsForParents = false;
  #lookedAt = 0;
  #collected: Collected = { records: 0, rows: 0, rejected: 0, entries: 0 };

  /** `scratch`: an existing folder of its own. */
  constructor(context: StreamContext, lane: number, scratch: string) {
    this.#context = context;
    this.#laneNumber = lane;
    this.#lane = new StreamLane(context, lane);
    this.#scratch = scratch;
  }

  /** What this stretch committed. */
  get collected(): Collected {
    return this.#collected;
  }

  get parked(): readonly Parked[] {
    return [...this.#parked.values()];
  }

  async run(drain: boolean): Promise<StretchEnd> {
    const { clock, pacing, signal } = this.#context;
    const endAt = clock.now() + pacing.stretchMs;
    const beat = setInterval(() => heartbeat(this.#collected), BEAT_MS);
    try {
      if (!(await this.#begin())) return 'superseded';
      const parkedEndAt = clock.now() + pacing.parkedStretchMs;
      for (;;) {
        signal.throwIfAborted();
        await this.#read();
        const isOver = clock.now() >= (this.#parked.size > 0 ? Math.min(parkedEndAt, endAt) : endAt);
        const isDrained = drain && (await this.#isAtEnd());
        const parkedBefore = this.#parked.size;
        const done = await this.#settle(isOver || isDrained, isDrained);
        if (done === 'superseded') return done;
        if (this.#parked.size > parkedBefore) return 'worked';
        if (this.#isClosed()) return 'closed';
        if (isDrained && (await this.#isAtEnd())) return 'drained';
        if (isOver) return 'worked';
        await this.#rest(endAt);
      }
    } finally {
      clearInterval(beat);
      await this.#batch?.discard();
    }
  }

  /** Take the lane as its chain has it; drop what was read beyond. False: a later attempt collects. */
  async #begin(): Promise<boolean> {
    await this.#batch?.discard();
    await rm(this.#batchFolder(), { recursive: true, force: true });
    this.#batch = undefined;
    this.#firstReadAt = undefined;
    this.#readers.clear();
    this.#parked.clear();
    if (!(await this.#lane.refresh())) return false;
    this.#now = await sameStream(this.#context, Object.keys(this.#lane.standing));
    this.#hint = await readHint(this.#context);
    for (const parked of await this.#lane.parked()) this.#parked.set(parked.item, parked);
    return (await this.#openChildren()) !== 'superseded';
  }

  /** Every shard whose turn it is, a few at once, while there is room. */
  async #read(): Promise<void> {
    const { clock, pacing, source } = this.#context;
    const due = [...this.#readers.values()]
      .filter(({ dueAt }) => dueAt !== undefined && dueAt <= clock.now())
      .toSorted((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0));
    const turns = due.values();
    const work = async () => {
      for (const reader of turns) {
        if (this.#isFull(source.commit)) return;
        const records = await reader.turn();
        if (records.length === 0) continue;
        this.#firstReadAt ??= clock.now();
        this.#batch ??= this.#newBatch();
        await this.#batch.add(reader.channel, records);
      }
    };
    // All settle before an error passes: none may still write when the folder goes.
    const ended = await Promise.allSettled(Array.from({ length: pacing.width }, work));
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
  }

  /** Commit what is due. `all`: whatever was read; `last`: say when the shards were caught up, too. */
  async #settle(all: boolean, last: boolean): Promise<'goOn' | 'superseded'> {
    const { clock, source, pacing } = this.#context;
    const records = this.#batch?.records ?? 0;
    const age = clock.now() - (this.#firstReadAt ?? clock.now());
    const readers = [...this.#readers.values()];
    const isDue =
      readers.some(({ children, lost }) => children !== undefined || lost !== undefined) ||
      (records > 0 && (all || this.#isFull(source.commit) || age >= source.commit.everyMs)) ||
      (records === 0 && this.#isIdleEntryDue(last ? 1 : pacing.idleEntryMs));
    if (isDue && (await this.#commit()) === 'superseded') return 'superseded';
    if (this.#waitsForParents && clock.now() >= this.#lookedAt + source.commit.everyMs) {
      if ((await this.#openChildren()) === 'superseded') return 'superseded';
    }
    if (this.#batch === undefined && (isDue || clock.now() >= this.#hintedAt + pacing.hintEveryMs)) {
      await this.#sayCaughtUp();
    }
    return 'goOn';
  }

  async #commit(): Promise<'goOn' | 'superseded'> {
    const commit = randomUUID();
    const folder = this.#batchFolder();
    const onProgress = () => heartbeat(this.#collected);
    const making = { lane: this.#laneNumber, commit, folder, onProgress };
    const made = await makeObjects(this.#context, this.#batch, making);
    const left = this.#lostWithoutRecords();
    const channels = nextChannels(this.#lane.standing, this.#advances(made.seen), new Set(left.keys()));
    const appended = await this.#lane.append(channels, { commit, objects: made.objects });
    if (appended === 'superseded') return appended;
    if (appended === 'taken') return (await this.#begin()) ? 'goOn' : 'superseded';
    const { records, rows, rejected, entries } = this.#collected;
    this.#collected = {
      records: records + made.rows + made.rejected,
      rows: rows + made.rows,
      rejected: rejected + made.rejected,
      entries: entries + 1,
    };
    heartbeat(this.#collected);
    this.#batch = undefined;
    this.#firstReadAt = undefined;
    await rm(folder, { recursive: true, force: true });
    for (const [channel, why] of left) {
      this.#readers.delete(channel);
      this.#parked.set(channel, lostChannel(channel, why));
    }
    const closed = Object.entries(channels).filter(([, state]) => state.closed);
    for (const [channel] of closed) this.#readers.delete(channel);
    return closed.length > 0 ? this.#openChildren() : 'goOn';
  }

  /** Commits what opens, before its first read, and sees to it that every open channel has a reader. */
  async #openChildren(): Promise<'goOn' | 'superseded'> {
    const { clock } = this.#context;
    this.#lookedAt = clock.now();
    this.#now = await sameStream(this.#context, Object.keys(this.#lane.standing));
    const opening = await this.#lane.openings(this.#now);
    this.#waitsForParents = opening.waiting.length > 0;
    if (Object.keys(opening.channels).length > 0) {
      const standing = nextChannels(this.#lane.standing, new Map(), new Set());
      const appended = await this.#lane.append(
        { ...standing, ...opening.channels },
        { needs: opening.needs },
      );
      if (appended === 'superseded') return appended;
      if (appended === 'taken') return (await this.#begin()) ? 'goOn' : 'superseded';
      this.#collected = { ...this.#collected, entries: this.#collected.entries + 1 };
    }
    this.#addReaders(this.#now);
    return 'goOn';
  }

  #addReaders({ shards, retentionMs }: StreamNow): void {
    const { stream, clock, pacing, source, signal } = this.#context;
    const restMs = Math.max(pacing.readEveryMs, Math.min(1000, source.commit.everyMs / 4));
    const options = { stream, streamName: source.stream, clock, pacing, restMs, retentionMs, signal };
    const listed = new Set(shards.map(({ channel }) => channel));
    const committedAt = this.#lane.head?.value.committedAt ?? new Date(clock.now()).toISOString();
    for (const [channel, state] of Object.entries(this.#lane.standing)) {
      const shard = parseChannelId(channel)?.shard;
      if (state.closed || shard === undefined || this.#readers.has(channel)) continue;
      const hinted = this.#hint[channel]?.caughtUpAt ?? '';
      const caughtUpAt =
        state.caughtUpAt !== null && state.caughtUpAt >= hinted ? state.caughtUpAt : hinted || null;
      const from = { channel, shard, state, caughtUpAt, committedAt, isListed: listed.has(channel) };
      this.#readers.set(channel, new ShardReader(options, from));
    }
  }

  #advances(seen: ReadonlyMap<string, number>): ReadonlyMap<string, Advance> {
    const idOf = (shard: string) => channelId({ createdAtS: this.#now?.createdAtS ?? 0, shard });
    const advances = [...this.#readers].map(([channel, reader]): [string, Advance] => {
      const seenMs = seen.get(channel);
      const watermark = seenMs === undefined ? null : new Date(seenMs).toISOString();
      return [channel, { ...reader.advance(idOf), watermark }];
    });
    return new Map(advances);
  }

  /** Channels to leave out, with the reason. One that brought records first stands in one more entry. */
  #lostWithoutRecords(): ReadonlyMap<string, string> {
    const lost = new Map<string, string>();
    for (const [channel, reader] of this.#readers) {
      const { through } = reader.advance((shard) => shard);
      if (reader.lost !== undefined && through === this.#lane.standing[channel]?.through)
        lost.set(channel, reader.lost);
    }
    return lost;
  }

  #isIdleEntryDue(leastMs: number): boolean {
    const { standing } = this.#lane;
    return isIdleEntryDue(standing, nextChannels(standing, this.#advances(new Map()), new Set()), leastMs);
  }

  /** Every open shard is read to its end, and none is about to open. */
  async #isAtEnd(): Promise<boolean> {
    if ([...this.#readers.values()].some(({ isCaughtUp, lost }) => !isCaughtUp && lost === undefined))
      return false;
    if (!this.#waitsForParents) return true;
    const now = await sameStream(this.#context, []);
    const { channels, waiting } = await this.#lane.openings(now);
    const stillOpen = new Set(now.shards.filter(({ isOpen }) => isOpen).map(({ channel }) => channel));
    const ends = ({ parents }: { readonly parents: readonly string[] }) =>
      !parents.some((parent) => stillOpen.has(parent) || this.#parked.has(parent));
    return Object.keys(channels).length === 0 && !waiting.some(ends);
  }

  #isClosed(): boolean {
    return this.#readers.size === 0 && this.#parked.size === 0 && !this.#waitsForParents;
  }

  #isFull({ rows, bytes }: { readonly rows: number; readonly bytes: number }): boolean {
    const batch = this.#batch;
    return batch !== undefined && (batch.records >= rows || batch.bytes >= bytes);
  }

  async #sayCaughtUp(): Promise<void> {
    this.#hintedAt = this.#context.clock.now();
    const caughtUp = [...this.#readers.values()].flatMap(({ channel, caughtUpAt }) =>
      caughtUpAt === null ? [] : [[channel, { caughtUpAt }] as const],
    );
    const closed = Object.entries(this.#lane.standing).filter(([, state]) => state.closed);
    if (caughtUp.length === 0) return;
    await writeHint(this.#context, Object.fromEntries(caughtUp), new Set(closed.map(([id]) => id)));
  }

  async #rest(endAt: number): Promise<void> {
    const { clock, pacing, source, signal } = this.#context;
    const now = clock.now();
    const next = [...this.#readers.values()].flatMap(({ dueAt }) => dueAt ?? []);
    const commitAt = this.#firstReadAt === undefined ? [] : [this.#firstReadAt + source.commit.everyMs];
    const waking = Math.min(endAt, now + 1000, ...next, ...commitAt);
    if (waking > now) await pacing.wait(waking - now, signal);
  }

  #batchFolder(): string {
    return path.join(this.#scratch, `batch-${this.#batches}`);
  }

  #newBatch(): Batch {
    this.#batches += 1;
    return new Batch(this.#batchFolder());
  }
}
