import type { Action, Parked } from '../../lake/decisions.ts';
import type { DmsTable } from '../../lake/dms-tables.ts';
import { type ListedLanding, type SortedLandings, listingBound, sortLandings } from '../../lake/landings.ts';
import type { TablePlace } from '../../lake/table-position.ts';
import { type Doubt, type TableLook, type TableStep, nextStep, placeOf } from '../../lake/table-step.ts';
import type { TableStory } from '../../lake/table-story.ts';
import { failure } from '../failure.ts';
import type { DatabaseContext, DeclaredTable } from './context.ts';
import type { TableAdditions, TableLane } from './lane.ts';
import { type Taken, type TakeOptions, takeLandings } from './take.ts';

/** One look of a stretch at DMS: what every table's look begins with. */
export interface DmsSeen {
  readonly tables: ReadonlyMap<string, DmsTable>;
  readonly isStanding: boolean;
  /** Before DMS was asked. */
  readonly lookedAtMs: number;
}

export interface TableOptions extends Omit<TakeOptions, 'place' | 'phase'> {
  /** How many looks in a row found the same thing wrong; kept by the caller. */
  readonly doubts: Map<string, { readonly failure: string; readonly looks: number }>;
}

/** What one look at a table came to. */
export interface TableOutcome {
  readonly landings: number;
  readonly rows: number;
  readonly rejected: number;
  readonly entries: number;
  readonly parked?: Parked;
  /** A later attempt collects this table. */
  readonly isSuperseded: boolean;
  /** Nothing is left to do but to wait for what DMS does. */
  readonly isSettled: boolean;
  readonly because: string;
  readonly undeclared: readonly string[];
  /** Objects in its folder that DMS does not write. */
  readonly others: readonly string[];
}

const ALLOWED: Readonly<Record<Doubt['failure'], readonly Action[]>> = {
  LandingsGone: ['reload', 'skip'],
  LoadIncomplete: ['retry', 'reload', 'approve'],
  TableNotCaptured: ['retry', 'reload', 'skip'],
};

/** Take everything that is new about a table, entry by entry. Each entry is a commit point of its own. */
export async function lookAtTable(
  options: TableOptions,
  seen: DmsSeen,
  isWhole: boolean,
): Promise<TableOutcome> {
  const { context, table, lane } = options;
  const work = new TableWork(options, seen);
  if (!(await lane.refresh(context))) return work.outcome({ isSuperseded: true });
  for (;;) {
    context.signal.throwIfAborted();
    const again = await work.run(await listLandings(context, table, lane.story, isWhole), isWhole);
    if (!again) return work.outcome();
  }
}

/** Everything below a table's folder, or what may be new there. */
export async function listLandings(
  { landings, signal, target }: DatabaseContext,
  { folder }: DeclaredTable,
  story: TableStory,
  isWhole: boolean,
): Promise<SortedLandings> {
  const listed: ListedLanding[] = [];
  const after = isWhole ? undefined : listingBound(target.dates, story.newestChanges);
  for await (const one of landings.list(folder, signal, after)) {
    if (one.kind === 'file') listed.push({ landing: one.item, ...one.stat });
    else throw failure('SourceChanged', `${folder}/${one.item}: ${one.why}`);
  }
  return sortLandings(listed);
}

class TableWork {
  readonly #options: TableOptions;
  readonly #seen: DmsSeen;
  #sums = { landings: 0, rows: 0, rejected: 0, entries: 0 };
  #parked: Parked | undefined;
  #isSettled = false;
  #isSuperseded = false;
  #because = '';
  readonly #undeclared = new Set<string>();
  #others: readonly string[] = [];

  constructor(options: TableOptions, seen: DmsSeen) {
    this.#options = options;
    this.#seen = seen;
  }

  outcome(change: Partial<TableOutcome> = {}): TableOutcome {
    return {
      ...this.#sums,
      ...(this.#parked && { parked: this.#parked }),
      isSuperseded: this.#isSuperseded,
      isSettled: this.#isSettled,
      because: this.#because,
      undeclared: [...this.#undeclared],
      others: this.#others,
      ...change,
    };
  }

  /** Step by step, until nothing is left. True: list again. */
  async run(landings: SortedLandings, isWhole: boolean): Promise<boolean> {
    const { context, lane, table } = this.#options;
    this.#others = landings.others.map(({ landing }) => landing);
    const look: TableLook = {
      table: this.#seen.tables.get(table.name),
      task: { migrationType: context.task.migrationType, isStanding: this.#seen.isStanding },
      landings,
      isWhole,
      lookedAtMs: this.#seen.lookedAtMs,
      batchMs: context.target.batchMs,
    };
    for (;;) {
      context.signal.throwIfAborted();
      const step = nextStep(lane.story, look);
      if (step.kind !== 'doubt') this.#options.doubts.delete(table.name);
      const next = await this.#do(step);
      if (next !== 'goOn') return next === 'again';
    }
  }

  async #do(step: TableStep): Promise<'goOn' | 'end' | 'again'> {
    const { lane } = this.#options;
    const place = placeOf(lane.story.position);
    switch (step.kind) {
      case 'open':
        return this.#append('earliest');
      case 'begin':
        return this.#append({
          generation: step.generation,
          loadStartedAt: step.loadStartedAt,
          phase: 'begin',
          landing: '',
        });
      case 'ready':
        return place ? this.#append({ ...place, phase: 'ready', landing: '' }, readyOf(this.#options, place)) : 'end';
      case 'take':
        return place ? this.#take(place, step) : 'end';
      case 'doubt':
        this.#doubt(step.doubt);
        return 'end';
      case 'wait':
        this.#because = step.because;
        return 'end';
      case 'done':
        this.#isSettled = true;
        return 'end';
    }
  }

  async #append(
    through: TablePlace | 'earliest',
    additions: TableAdditions = {},
  ): Promise<'goOn' | 'end'> {
    const { context, lane } = this.#options;
    return this.#appended(await lane.append(context, through, additions));
  }

  #appended(outcome: Taken['outcome']): 'goOn' | 'end' {
    if (outcome === 'committed') this.#sums = { ...this.#sums, entries: this.#sums.entries + 1 };
    if (outcome !== 'superseded') return 'goOn';
    this.#isSuperseded = true;
    return 'end';
  }

  async #take(place: TablePlace, step: TableStep & { readonly kind: 'take' }): Promise<'goOn' | 'end' | 'again'> {
    const { phase, landings } = step;
    const taken = await takeLandings({ ...this.#options, place, phase }, landings);
    const { rows, rejected } = this.#sums;
    this.#sums = {
      ...this.#sums,
      landings: this.#sums.landings + taken.landings,
      rows: rows + taken.rows,
      rejected: rejected + taken.rejected,
    };
    for (const name of taken.undeclared) this.#undeclared.add(name);
    if (this.#appended(taken.outcome) === 'end') return 'end';
    if (taken.isStale) return 'again';
    const { trouble } = taken;
    if (!trouble) return 'goOn';
    const { failure: name, message, allowed } = trouble;
    this.#parked = { item: this.#options.table.name, failure: name, message, allowed };
    return 'end';
  }

  #doubt({ failure: name, message }: Doubt): void {
    const { doubts, table, context } = this.#options;
    const before = doubts.get(table.name);
    const looks = before?.failure === name ? before.looks + 1 : 1;
    doubts.set(table.name, { failure: name, looks });
    this.#because = message;
    if (looks < context.pacing.doubts) return;
    this.#parked = { item: table.name, failure: name, message, allowed: ALLOWED[name] };
  }
}

/** What the entry says that makes a generation whole. */
export function readyOf({ table, lane }: Pick<TableOptions, 'table' | 'lane'>, { generation }: TablePlace): TableAdditions {
  if (generation === 1) return { isReady: true };
  const partitions = lane.story.below(generation);
  return { isReady: true, retracts: [{ feed: table.feed, lane: 0, belowGeneration: generation, partitions }] };
}
