import { type Entry, type EntryItem, isOfItem } from '../../lake/entry.ts';
import { parseTablePosition } from '../../lake/table-position.ts';
import type { Findings } from './report.ts';

/** What the entries of a table's lane say one after the other: each generation begins, loads and becomes whole once. */
export class TableStory {
  readonly #findings: Findings;
  readonly #landings = new Map<string, string>();
  #generation = 0;
  #load: string | null = null;
  #ready = 0;
  #isOpen = false;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  add(entry: Entry, items: readonly EntryItem[], key: string): void {
    const say = (message: string) => this.#findings.add('notFollowing', key, message);
    for (const item of items) this.#addLanding(item, key);
    const state = entry.channels?.['log'];
    const place = state && parseTablePosition(state.through);
    if (!state || place === undefined || Object.keys(entry.channels ?? {}).length !== 1) {
      say('is of a table and has not one channel "log" with a position of a table');
      return;
    }
    if (place === 'earliest') {
      if (this.#isOpen) say('is at the beginning of its table again');
      this.#isOpen = true;
      return;
    }
    const { generation, phase, loadStartedAt } = place;
    if (state.generation !== generation)
      say(`is of generation ${state.generation}, and its position of generation ${generation}`);
    if (phase === 'begin') {
      if (generation !== this.#generation + 1)
        say(`begins generation ${generation} after ${this.#generation}`);
      this.#load = loadStartedAt;
    } else if (generation !== this.#generation || loadStartedAt !== this.#load) {
      say(
        `goes on with generation ${generation}, whose load began ${loadStartedAt}, and it did not begin so`,
      );
    }
    this.#generation = generation;
    this.#checkReady(entry, generation, phase, key);
    if ((phase === 'begin' || phase === 'ready') && items.length + entry.rows.length > 0)
      say(`brings rows in phase ${phase}`);
  }

  #checkReady({ ready = [], retracts = [] }: Entry, generation: number, phase: string, key: string): void {
    const say = (message: string) => this.#findings.add('notFollowing', key, message);
    const isReady = ready.length > 0;
    if (isReady !== (phase === 'ready')) say(`is in phase ${phase} and makes ${ready.length} channels ready`);
    if (this.#ready === generation && (isReady || phase === 'load'))
      say(`brings ${phase} of generation ${generation}, which was ready before`);
    if (isReady) this.#ready = generation;
    const below = retracts.map((one) => (isOfItem(one) ? one.item : one.belowGeneration));
    const right = isReady && generation > 1 ? [generation] : [];
    if (below.join(', ') !== right.join(', '))
      say(
        `takes back what is below ${below.join(', ') || 'none'}; right would be ${right.join(', ') || 'none'}`,
      );
  }

  #addLanding({ item, state }: EntryItem, key: string): void {
    const before = this.#landings.get(item);
    if (before !== undefined)
      this.#findings.add('twice', key, `has ${JSON.stringify(item)} ${state}; ${before} has it already`);
    if (state !== 'parked') this.#landings.set(item, key);
  }
}
