import { randomUUID } from 'node:crypto';
import { isLater } from '../../lake/append.ts';
import type { Entry, EntryItem, Retraction } from '../../lake/entry.ts';
import { TABLE_CHANNEL, type TablePosition, tablePositionText } from '../../lake/table-position.ts';
import { TableStory } from '../../lake/table-story.ts';
import type { EntryLink } from '../objects/ledger.ts';
import type { DatabaseContext, DeclaredTable } from './context.ts';

const LANE = 0;
/** Entries are read in runs of this many when a lane's story is gathered. */
const RUN = 500;

/** What an entry says beside its position. */
export interface TableAdditions {
  readonly commit?: string;
  readonly items?: readonly EntryItem[];
  readonly raw?: Entry['raw'];
  readonly rows?: Entry['rows'];
  readonly rejected?: Entry['rejected'];
  /** Greatest event time of the rows, ISO. */
  readonly seen?: string | null;
  readonly isReady?: boolean;
  readonly retracts?: readonly Retraction[];
}

export type TableAppend = 'committed' | 'taken' | 'superseded';

/** One table's lane as its chain has it, and the way to add to it. It goes with the process: correctness never rests on it. */
export class TableLane {
  readonly story: TableStory;
  readonly #feed: string;
  #head: EntryLink | undefined;

  constructor({ feed, name }: Pick<DeclaredTable, 'feed' | 'name'>) {
    this.#feed = feed;
    this.story = new TableStory(name);
  }

  /** The last entry, as far as it was read. */
  get head(): EntryLink | undefined {
    return this.#head;
  }

  /** Read what the chain has grown by. False: a later attempt collects this table. */
  async refresh({ ledger, epoch, signal }: DatabaseContext): Promise<boolean> {
    const head = await ledger.head(this.#feed, LANE, signal);
    const last = head?.n ?? 0;
    while (this.story.ordinal < last) {
      const from = this.story.ordinal + 1;
      const to = Math.min(last, from + RUN - 1);
      for (const { value } of await ledger.range(this.#feed, LANE, from, to, signal)) {
        const items = await ledger.items(value, signal);
        // Another refresh of this process may have been faster.
        if (value.ordinal === this.story.ordinal + 1) this.story.add(value, items);
      }
    }
    this.#head = head;
    return !(head && isLater(head.value.epoch, epoch));
  }

  /** Commit point: the create of the next entry. `taken`: someone else's stands there; the story has it. */
  async append(
    context: DatabaseContext,
    through: TablePosition,
    additions: TableAdditions = {},
  ): Promise<TableAppend> {
    const { ledger, epoch, clock, specNumber, signal } = context;
    const {
      commit = randomUUID(),
      items = [],
      raw = [],
      rows = [],
      rejected = [],
      retracts = [],
    } = additions;
    const before = this.#head?.value.channels?.[TABLE_CHANNEL];
    const watermark = latest(before?.watermark ?? null, additions.seen ?? null);
    const channel = {
      after: before?.through ?? 'earliest',
      through: tablePositionText(through),
      generation: through === 'earliest' ? 1 : through.generation,
      watermark,
      caughtUpAt: before?.caughtUpAt ?? null,
    };
    const draft = {
      feed: this.#feed,
      lane: LANE,
      commit,
      epoch,
      committedAt: new Date(clock.now()).toISOString(),
      spec: specNumber,
      channels: { [TABLE_CHANNEL]: channel },
      items,
      ...(additions.isReady === true && { ready: [TABLE_CHANNEL] }),
      raw,
      rows,
      rejected,
      ...(retracts.length > 0 && { retracts }),
    };
    const appended = await ledger.appendSequence(draft, this.#head, signal);
    if (appended.kind === 'committed') {
      // It stands, and counts, whatever keeps it from being read back: whoever goes on reads the chain again.
      await this.refresh(context).catch(() => undefined);
      return 'committed';
    }
    const isCurrent = await this.refresh(context);
    return appended.later || !isCurrent ? 'superseded' : 'taken';
  }
}

function latest(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return a > b ? a : b;
}
