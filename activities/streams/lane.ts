import { randomUUID } from 'node:crypto';
import { isLater } from '../../lake/append.ts';
import type { ChannelState, Entry } from '../../lake/entry.ts';
import type { Parked } from '../../lake/decisions.ts';
import { type Openings, openings } from '../../lake/stream.ts';
import { failure } from '../failure.ts';
import type { EntryLink } from '../objects/ledger.ts';
import { type StreamContext, channelsOfLanes, lookAtStream, type StreamNow } from './context.ts';
import { NO_OBJECTS, type StoredObjects } from './store.ts';

/** What an entry says beside its channels. */
export interface Additions {
  readonly commit?: string;
  readonly objects?: StoredObjects;
  readonly needs?: Entry['needs'];
}

export type LaneAppend = 'committed' | 'taken' | 'superseded';

/** One lane of a stream as its chain has it, and the way to add to it. */
export class StreamLane {
  readonly #context: StreamContext;
  readonly #lane: number;
  #head: EntryLink | undefined;

  constructor(context: StreamContext, lane: number) {
    this.#context = context;
    this.#lane = lane;
  }

  get head(): EntryLink | undefined {
    return this.#head;
  }

  /** The channels of the last entry: closed ones among them, parked ones not. */
  get standing(): Readonly<Record<string, ChannelState>> {
    return this.#head?.value.channels ?? {};
  }

  /** Read the chain's end. False: a later attempt collects this lane. */
  async refresh(): Promise<boolean> {
    const { ledger, feed, signal, epoch } = this.#context;
    this.#head = await ledger.head(feed, this.#lane, signal);
    return !(this.#head && isLater(this.#head.value.epoch, epoch));
  }

  /** Commit point: the create of the next entry. `taken`: someone else's stands there, and is the head now. */
  async append(
    channels: Readonly<Record<string, ChannelState>>,
    additions: Additions = {},
  ): Promise<LaneAppend> {
    const { ledger, feed, epoch, clock, specNumber, signal } = this.#context;
    const { commit = randomUUID(), objects = NO_OBJECTS, needs = {} } = additions;
    const draft = {
      feed,
      lane: this.#lane,
      commit,
      epoch,
      committedAt: new Date(clock.now()).toISOString(),
      spec: specNumber,
      channels,
      ...(Object.keys(needs).length > 0 && { needs }),
      ...objects,
    };
    const appended = await ledger.appendSequence(draft, this.#head, signal);
    if (appended.kind === 'committed') {
      this.#head = appended.link;
      return 'committed';
    }
    this.#head = appended.head;
    return appended.later ? 'superseded' : 'taken';
  }

  /** The children that it may open by now. */
  async openings(now: StreamNow): Promise<Openings> {
    const { feed } = this.#context;
    return openings(feed, this.#lane, await channelsOfLanes(this.#context), now.shards);
  }

  /** Channels that stand open and are left out of the last entry: they wait for a person. */
  async parked(): Promise<readonly Parked[]> {
    const { ledger, feed, signal } = this.#context;
    const known = await ledger.knownChannels(feed, this.#lane, signal);
    return [...known]
      .filter(([id, { closed }]) => !closed && !Object.hasOwn(this.standing, id))
      .map(([id, { through, ordinal }]) =>
        lostChannel(id, `${id} stands at ${through} in entry ${ordinal}; what followed was lost`),
      );
  }
}

export function lostChannel(item: string, message: string): Parked {
  return { item, failure: 'PositionLost', message, allowed: ['skip', 'abort'] };
}

/** The stream that the lanes were collected from; another one, or none, is `StreamDeleted`. */
export async function sameStream(context: StreamContext, channels: Iterable<string>): Promise<StreamNow> {
  const { source } = context;
  const now = await lookAtStream(context);
  if (!now) throw failure('StreamDeleted', `${source.stream} is not there, and was collected before`);
  const prefix = `${now.createdAtS}-`;
  for (const channel of channels) {
    if (channel.startsWith(prefix)) continue;
    throw failure(
      'StreamDeleted',
      `${source.stream} was created ${new Date(now.createdAtS * 1000).toISOString()}; channel ${channel} is of another stream of that name`,
    );
  }
  return now;
}
