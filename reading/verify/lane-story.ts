import type { ChannelState, Entry, EntryItem } from '../../lake/entry.ts';
import type { Findings } from './report.ts';

/** What the entries of one lane say one after the other: each item version once, each channel without a break. */
export class LaneStory {
  readonly #findings: Findings;
  readonly #items = new Map<string, { readonly state: EntryItem['state']; readonly key: string }>();
  readonly #channels = new Map<string, ChannelState>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** The next entry; `items` = its items wherever they stand, `undefined` where they are lost. */
  add(entry: Entry, items: readonly EntryItem[] | undefined, key: string): void {
    for (const item of items ?? []) this.#addItem(item, key);
    if (items) this.#checkTotals(entry, items, key);
    for (const [channel, state] of Object.entries(entry.channels ?? {}))
      this.#addChannel(channel, state, key);
  }

  #addItem({ item, version, state }: EntryItem, key: string): void {
    const name = `${item}\0${version}`;
    const before = this.#items.get(name);
    if (before && (before.state !== 'parked' || state === 'parked'))
      this.#findings.add(
        'twice',
        key,
        `has ${JSON.stringify(item)} ${state}; ${before.key} has it ${before.state} already, in the same version`,
      );
    this.#items.set(name, { state, key });
  }

  #checkTotals(entry: Entry, items: readonly EntryItem[], key: string): void {
    const totals = [
      ['rows', sum(items.map(({ rows = 0 }) => rows)), sum(entry.rows.map(({ rows }) => rows))],
      [
        'rejected records',
        sum(items.map(({ rejected = 0 }) => rejected)),
        sum(entry.rejected.map(({ rows }) => rows)),
      ],
    ] as const;
    for (const [what, ofItems, ofObjects] of totals) {
      if (ofItems !== ofObjects)
        this.#findings.add('wrongCount', key, `its items have ${ofItems} ${what}, its objects ${ofObjects}`);
    }
  }

  #addChannel(channel: string, state: ChannelState, key: string): void {
    const before = this.#channels.get(channel);
    if (before?.closed)
      this.#findings.add('notFollowing', key, `goes on with ${channel}, which had been closed`);
    else if (before && state.after !== before.through)
      this.#findings.add(
        'notFollowing',
        key,
        `goes on with ${channel} after ${state.after}, but it was read through ${before.through}`,
      );
    this.#channels.set(channel, state);
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
