import type { Action, Parked } from '../../lake/decisions.ts';
import {
  type ListedLanding,
  type NamedLanding,
  type SortedLandings,
  isBefore,
  itemName,
  listingBound,
  parseLanding,
  sortLandings,
} from '../../lake/landings.ts';
import type { TablePlace } from '../../lake/table-position.ts';
import { type Doubt, type TableLook, type TableStep, nextStep, placeOf } from '../../lake/table-step.ts';
import type { TableStory } from '../../lake/table-story.ts';
import { failure } from '../failure.ts';
import { takenBack } from '../objects/taken-back.ts';
import type { DatabaseContext, DeclaredTable } from './context.ts';
import type { TableAdditions, TableLane } from './lane.ts';
import type { DmsSeen } from './look.ts';
import { type Taken, type TakeOptions, takeLandings } from './take.ts';
import { versionNow } from './version-now.ts';

export interface TableOptions extends Omit<TakeOptions, 'place' | 'phase'> {
  /** How many looks in a row found the same thing wrong; kept by the caller. */
  readonly doubts: Map<string, { readonly failure: string; readonly looks: number }>;
  /** Called after every commit. */
  readonly onCommit: (made: Committed) => void;
}

/** What one entry brought. */
export interface Committed {
  readonly landings: number;
  readonly rows: number;
  readonly rejected: number;
  readonly entries: number;
}

/** A table that waits for a person. */
export interface ParkedTable extends Parked {
  /** Declared columns that are gone: null from now on where a person approves. */
  readonly absent?: readonly string[];
}

/** What one look at a table came to. */
export interface TableOutcome {
  readonly entries: number;
  readonly parked?: ParkedTable;
  /** A later attempt collects this table. */
  readonly isSuperseded: boolean;
  /** Nothing is left to do until something lands. */
  readonly isSettled: boolean;
  /** Something is wrong, or DMS and S3 tell of different moments: the next looks decide. */
  readonly isDoubtful: boolean;
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
  for (let round = 0; round < ROUNDS; round += 1) {
    context.signal.throwIfAborted();
    // While a load goes on its landings may have any name.
    const whole = isWhole || !lane.story.isReady;
    const again = await work.run(await listLandings(context, table, lane.story, whole), whole);
    if (!again) return work.outcome();
  }
  return work.outcome({ because: 'its landings change while they are read' });
}

/** Listings in one look, where landings are written again while they are read. */
const ROUNDS = 3;

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
    const isKept = one.kind === 'file' || (one.stat && isTaken(story, { landing: one.item, ...one.stat }));
    if (isKept && one.stat) listed.push({ landing: one.item, ...one.stat });
    else if (one.kind === 'ignored') throw failure('SourceChanged', `${folder}/${one.item}: ${one.why}`);
  }
  return sortLandings(listed);
}

/** Is it what the chain has, or of before its load? Whether it can still be read says nothing then. */
function isTaken(story: TableStory, one: ListedLanding): boolean {
  const name = parseLanding(one.landing);
  const place = placeOf(story.position);
  if (!name || !place) return false;
  const { generation, loadStartedAt } = place;
  const named = { ...one, name };
  return (
    story.has(itemName(generation, named), one) || (loadStartedAt !== null && isBefore(named, loadStartedAt))
  );
}

class TableWork {
  readonly #options: TableOptions;
  readonly #seen: DmsSeen;
  #entries = 0;
  #parked: ParkedTable | undefined;
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
      entries: this.#entries,
      ...(this.#parked && { parked: this.#parked }),
      isSuperseded: this.#isSuperseded,
      isSettled: this.#isSettled,
      isDoubtful: this.#options.doubts.has(this.#options.table.name),
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
      task: {
        migrationType: context.task.migrationType,
        isStanding: this.#seen.isStanding,
        hasTables: this.#seen.tables.size > 0,
      },
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
        return place ? this.#ready(place) : 'end';
      case 'compare':
        return this.#compare(step.landings);
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

  async #append(through: TablePlace | 'earliest', additions: TableAdditions = {}): Promise<'goOn' | 'end'> {
    const { context, lane } = this.#options;
    return this.#appended(await lane.append(context, through, additions));
  }

  async #ready(place: TablePlace): Promise<'goOn' | 'end'> {
    const { context, lane } = this.#options;
    return this.#append({ ...place, phase: 'ready', landing: '' }, await readyOf(context, lane, place));
  }

  async #compare(landings: readonly NamedLanding[]): Promise<'goOn' | 'end' | 'again'> {
    const { lane, table } = this.#options;
    for (const one of landings) {
      const found = await versionNow(this.#options, one);
      if (found === undefined) return 'again';
      if (!lane.story.hasVersion(one.landing, found.version)) {
        const message = `${table.name} ${one.landing} was collected, and DMS wrote it again ${one.modifiedAt} with other bytes, ${found.checksum}: its name came twice, as names do where clocks go back or two tasks write; right would be a name of its own`;
        this.#parked = {
          item: table.name,
          failure: 'LandingUnreadable',
          message,
          allowed: ['retry', 'reload'],
        };
        return 'end';
      }
      lane.story.seenAgain(one.landing, {
        version: found.version,
        bytes: one.bytes,
        modifiedAt: one.modifiedAt,
      });
    }
    return 'goOn';
  }

  #appended(
    outcome: Taken['outcome'],
    made: Pick<Taken, 'landings' | 'rows' | 'rejected'> = NOTHING,
  ): 'goOn' | 'end' {
    if (outcome === 'committed') {
      this.#entries += 1;
      const { landings, rows, rejected } = made;
      this.#options.onCommit({ landings, rows, rejected, entries: 1 });
    }
    if (outcome !== 'superseded') return 'goOn';
    this.#isSuperseded = true;
    return 'end';
  }

  async #take(
    place: TablePlace,
    step: TableStep & { readonly kind: 'take' },
  ): Promise<'goOn' | 'end' | 'again'> {
    const { phase, landings } = step;
    const taken = await takeLandings({ ...this.#options, place, phase }, landings);
    for (const name of taken.undeclared) this.#undeclared.add(name);
    if (this.#appended(taken.outcome, taken) === 'end') return 'end';
    if (taken.isStale) return 'again';
    const { trouble } = taken;
    if (!trouble) return 'goOn';
    const { failure: name, message, allowed, absent } = trouble;
    const item = this.#options.table.name;
    this.#parked = { item, failure: name, message, allowed, ...(absent && { absent }) };
    return 'end';
  }

  #doubt({ failure: name, message, allowed = ALLOWED[name] }: Doubt): void {
    const { doubts, table, context } = this.#options;
    const before = doubts.get(table.name);
    const looks = before?.failure === name ? before.looks + 1 : 1;
    doubts.set(table.name, { failure: name, looks });
    this.#because = message;
    if (looks < context.pacing.doubts) return;
    this.#parked = { item: table.name, failure: name, message, allowed };
  }
}

const NOTHING = { landings: 0, rows: 0, rejected: 0 };

/** What the entry says that makes a generation whole. */
export async function readyOf(
  { ledger, signal }: DatabaseContext,
  { head }: TableLane,
  { generation }: TablePlace,
): Promise<TableAdditions> {
  if (generation === 1 || !head) return { isReady: true };
  return { isReady: true, retracts: [await takenBack(ledger, head, generation, signal)] };
}
