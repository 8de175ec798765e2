import { ApplicationFailure, heartbeat } from '@temporalio/activity';
import type { DmsTable } from '../../lake/dms-tables.ts';
import { someOf } from '../../lake/some-of.ts';
import { type Looked, dueLook, lookedAt } from '../../lake/table-looks.ts';
import { placeOf } from '../../lake/table-step.ts';
import type { DuckDb } from '../duckdb.ts';
import { eachOf } from '../objects/fetch.ts';
import type { DatabaseContext, DeclaredTable } from './context.ts';
import { TableLane } from './lane.ts';
import { type DmsSeen, lookAtDms } from './look.ts';
import { type ParkedTable, type TableOutcome, lookAtTable } from './table.ts';
import { DuckTurns } from './duck-turns.ts';

/** What a process remembers of the tables of a source between stretches. It saves requests; nothing rests on it. */
export interface Remembered {
  readonly lanes: Map<string, TableLane>;
  readonly looked: Map<string, Looked>;
  readonly doubts: Map<string, { readonly failure: string; readonly looks: number }>;
}

export interface Collected {
  readonly landings: number;
  readonly rows: number;
  readonly rejected: number;
  readonly entries: number;
}

/** A table as a person sees it. */
export interface TableSeen {
  readonly table: string;
  readonly feed: string;
  readonly generation: number;
  readonly ready: boolean;
  readonly phase: string;
  readonly ordinal: number;
  readonly landing: string;
  /** Of this stretch. */
  readonly rows: number;
  /** DMS's words. */
  readonly state: string;
  readonly notes: readonly string[];
}

export interface CollectRequest {
  readonly waiting: readonly string[];
  readonly absent: Readonly<Record<string, readonly string[]>>;
  readonly drain: boolean;
}

const BEAT_MS = 5000;
/** More would not fit a payload. */
const MOST_SEEN = 200;
/** UTF-16 units of what waits, as JSON: a payload may have 2 MiB, and holds the tables that are seen, too. */
const MOST_TOLD = 700_000;
/** Names of one kind in a note. */
const MOST_NAMED = 5;

/** One stretch over all tables of a source: looks at DMS, then at the folders of tables that may have something new. */
export class TablesCollector {
  readonly #context: DatabaseContext;
  readonly #request: CollectRequest;
  readonly #remembered: Remembered;
  readonly #scratch: string;
  readonly #refining: DuckTurns;
  readonly #parked = new Map<string, ParkedTable>();
  readonly #superseded = new Set<string>();
  readonly #moved = new Map<string, number>();
  readonly #rows = new Map<string, number>();
  readonly #notes = new Map<string, readonly string[]>();
  #states: ReadonlyMap<string, DmsTable> = new Map();
  #collected: Collected = { landings: 0, rows: 0, rejected: 0, entries: 0 };

  /** `scratch`: an existing folder of its own. */
  constructor(
    context: DatabaseContext,
    request: CollectRequest,
    { remembered, scratch }: { readonly remembered: Remembered; readonly scratch: string },
  ) {
    this.#context = context;
    this.#request = request;
    this.#remembered = remembered;
    this.#scratch = scratch;
    const { duck, pacing } = context;
    const memoryMb = Math.floor(duck.memoryMb / pacing.refining);
    // Numbering rows in their order is one pipeline: a second thread would only wait, and burn its core.
    this.#refining = new DuckTurns({ ...duck, memoryMb, threads: 1, scratch }, pacing.refining);
  }

  /** What this stretch committed. */
  get collected(): Collected {
    return this.#collected;
  }

  /** As many as a result may hold, and one at least: the next stretch meets the others again. */
  get parked(): readonly ParkedTable[] {
    let told = 0;
    return [...this.#parked.values()].filter((one, index) => {
      told += JSON.stringify(one).length;
      return index === 0 || told <= MOST_TOLD;
    });
  }

  async run(): Promise<'time' | 'drained'> {
    const { clock, pacing, signal, source } = this.#context;
    const beganAt = clock.now();
    const beat = setInterval(() => heartbeat(this.#collected), BEAT_MS);
    try {
      for (;;) {
        signal.throwIfAborted();
        const seen = await this.#lookAtDms();
        const isQuiet = await this.#look(seen);
        if (this.#request.drain && isQuiet && seen.isStanding && (await this.#isDrained())) return 'drained';
        const stretchMs =
          this.#parked.size > 0 ? Math.min(pacing.parkedStretchMs, pacing.stretchMs) : pacing.stretchMs;
        if (clock.now() + source.everyMs >= beganAt + stretchMs) return 'time';
        await pacing.wait(source.everyMs, signal);
      }
    } finally {
      clearInterval(beat);
      await this.#refining.close();
    }
  }

  /** Those in trouble first, then those that moved last. */
  seen(): readonly TableSeen[] {
    const rank = ({ name }: DeclaredTable) => (this.#parked.has(name) || this.#isWaiting(name) ? 1 : 0);
    return [...this.#context.tables.values()]
      .toSorted(
        (a, b) => rank(b) - rank(a) || (this.#moved.get(b.name) ?? 0) - (this.#moved.get(a.name) ?? 0),
      )
      .slice(0, MOST_SEEN)
      .map((table) => this.#seenOf(table));
  }

  #seenOf({ name, feed }: DeclaredTable): TableSeen {
    const story = this.#remembered.lanes.get(name)?.story;
    const place = placeOf(story?.position);
    return {
      table: name,
      feed,
      generation: place?.generation ?? 0,
      ready: story?.isReady ?? false,
      phase: place?.phase ?? 'none',
      ordinal: story?.ordinal ?? 0,
      landing: place?.landing ?? '',
      rows: this.#rows.get(name) ?? 0,
      state: this.#states.get(name)?.state ?? 'not captured',
      notes: this.#notes.get(name) ?? [],
    };
  }

  async #lookAtDms(): Promise<DmsSeen> {
    const seen = await lookAtDms(this.#context);
    this.#states = seen.tables;
    return seen;
  }

  /** True: every table that was looked at has nothing more to take. */
  async #look(seen: DmsSeen, isSweep = false): Promise<boolean> {
    // Before DMS has statistics of any table, and where it captures none, it says nothing about one.
    if (seen.tables.size === 0) return true;
    const { pacing, tables, clock, signal } = this.#context;
    const { looked } = this.#remembered;
    const due = [...tables.values()].flatMap((table) => {
      if (this.#isOut(table.name)) return [];
      const known = looked.get(table.name);
      const look = dueLook(known, seen.tables.get(table.name), clock.now(), this.#lookPacing);
      return isSweep ? [{ table, look: 'whole' }] : look === 'none' ? [] : [{ table, look }];
    });
    let isQuiet = true;
    const failures: unknown[] = [];
    await eachOf(due, pacing.width, async ({ table, look }) => {
      signal.throwIfAborted();
      const isWhole = look === 'whole' || this.#remembered.doubts.has(table.name);
      const outcome = await this.#lookAt(table, seen, isWhole).catch((error: unknown) => {
        signal.throwIfAborted();
        const parked = parkedBy(table, error);
        if (parked) this.#parked.set(table.name, parked);
        else failures.push(error);
      });
      if (!outcome) return;
      const known = looked.get(table.name);
      const state = { atMs: seen.lookedAtMs, isWhole, isSettled: outcome.isSettled && outcome.entries === 0 };
      looked.set(table.name, lookedAt(known, seen.tables.get(table.name), state));
      if (!this.#isOut(table.name) && (outcome.entries > 0 || outcome.isDoubtful)) isQuiet = false;
    });
    // One that fails stops no other.
    if (failures.length > 0) throw failures[0];
    return isQuiet;
  }

  async #lookAt(table: DeclaredTable, seen: DmsSeen, isWhole: boolean): Promise<TableOutcome> {
    const { lanes, doubts } = this.#remembered;
    const lane = lanes.get(table.name) ?? new TableLane(table);
    lanes.set(table.name, lane);
    const options = {
      context: this.#context,
      table,
      lane,
      doubts,
      absent: this.#request.absent[table.name] ?? [],
      onProgress: () => heartbeat(this.#collected),
      scratch: this.#scratch,
      refining: <T>(work: (db: DuckDb) => Promise<T>) => this.#refining.take(work),
      onCommit: (made: Collected) => this.#count(table.name, made),
    };
    const outcome = await lookAtTable(options, seen, isWhole);
    if (outcome.parked) this.#parked.set(table.name, abortable(outcome.parked));
    if (outcome.isSuperseded) this.#superseded.add(table.name);
    this.#note(table.name, outcome, seen.tables.get(table.name));
    return outcome;
  }

  #count(table: string, made: Collected): void {
    const { landings, rows, rejected, entries } = this.#collected;
    this.#collected = {
      landings: landings + made.landings,
      rows: rows + made.rows,
      rejected: rejected + made.rejected,
      entries: entries + made.entries,
    };
    this.#rows.set(table, (this.#rows.get(table) ?? 0) + made.rows);
    this.#moved.set(table, this.#context.clock.now());
    heartbeat(this.#collected);
  }

  #note(table: string, { undeclared, others, because }: TableOutcome, state: DmsTable | undefined): void {
    const few = (names: readonly string[]) => someOf(names, MOST_NAMED);
    const before = this.#notes.get(table)?.find((note) => note.startsWith(UNDECLARED));
    const kept = undeclared.length > 0 ? `${UNDECLARED}${few(undeclared)}` : before;
    const ddls = state?.ddls ?? 0;
    this.#notes.set(table, [
      ...(kept === undefined ? [] : [kept]),
      ...(others.length > 0 ? [`no landings, by their names, and left alone: ${few(others)}`] : []),
      ...(ddls > 0 ? [`DMS counts ${ddls} DDL statements: ${AFTER_DDL}`] : []),
      ...(because === '' ? [] : [because]),
    ]);
  }

  /** One more look at everything, whole: nothing more has come, and what was loaded is ready. */
  async #isDrained(): Promise<boolean> {
    const seen = await this.#lookAtDms();
    return seen.isStanding && (await this.#look(seen, true));
  }

  get #lookPacing() {
    const { pacing, target } = this.#context;
    return { ...pacing, batchMs: target.batchMs };
  }

  #isWaiting(table: string): boolean {
    return this.#request.waiting.includes(table);
  }

  #isOut(table: string): boolean {
    return this.#isWaiting(table) || this.#parked.has(table) || this.#superseded.has(table);
  }
}

/** Whatever a table waits for, a person may leave it alone: some of it no other decision ends. */
function abortable(parked: ParkedTable): ParkedTable {
  return { ...parked, allowed: [...parked.allowed, 'abort'] };
}

/** Failures of one table that trying again does not end. */
const OF_ONE: readonly string[] = [
  'ChainBroken',
  'ChecksumMismatch',
  'ObjectMissing',
  'ProofBroken',
  'SourceChanged',
];

/** What breaks one table holds up no other: it waits. `undefined`: it may pass, or is of all tables. */
function parkedBy({ name }: DeclaredTable, error: unknown): ParkedTable | undefined {
  if (!(error instanceof ApplicationFailure) || !error.nonRetryable) return undefined;
  const failure = error.type ?? '';
  if (!OF_ONE.includes(failure)) return undefined;
  return { item: name, failure, message: `${name}: ${error.message}`, allowed: ['retry', 'abort'] };
}

const AFTER_DDL = 'what a TRUNCATE or DROP removed stays here until the table is loaded again';
const UNDECLARED = 'undeclared columns kept in _extra: ';
