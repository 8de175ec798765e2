import { proxyActivities } from '@temporalio/workflow';
import type { DmsActivities } from '../../activities/dms/activities.ts';
import type { SpecActivities } from '../../activities/spec/activities.ts';
import type { CollectTablesResult, TableActivities } from '../../activities/tables/activities.ts';
import type { TableSeen } from '../../activities/tables/collector.ts';
import type { ParkedTable } from '../../activities/tables/table.ts';
import { COLLECT_TABLES, DECIDE_TABLES, DMS_CHANGE, LOOK, STRETCHES_PER_REPLICATION } from '../policies.ts';
import type { Decision, Parking } from './parking.ts';
import { queueFor } from './queues.ts';
import { tableNotes } from './table-notes.ts';
import { TableReloads } from './table-reloads.ts';
import { unlessAsked } from './unless-asked.ts';

/** What survives continue-as-new. What is collected is known to the ledger alone. */
export interface CollectedState {
  readonly totals: TableTotals;
  /** Tables that wait for a person. */
  readonly parked: readonly ParkedTable[];
  /** Tables that a person decided to leave alone. */
  readonly left: readonly string[];
  readonly absent: Readonly<Record<string, readonly string[]>>;
  /** Table → when its reload was asked for, ISO. */
  readonly reloads: Readonly<Record<string, string>>;
}

export interface TableTotals {
  readonly landings: number;
  readonly rows: number;
  readonly rejected: number;
  readonly entries: number;
}

export interface TablesAnswer {
  readonly total: number;
  /** At most 200: those in trouble first, then those that moved last. */
  readonly tables: readonly TableSeen[];
  readonly waiting: readonly string[];
  readonly left: readonly string[];
  readonly reloading: readonly string[];
}

export const NOTHING_COLLECTED: CollectedState = {
  totals: { landings: 0, rows: 0, rejected: 0, entries: 0 },
  parked: [],
  left: [],
  absent: {},
  reloads: {},
};

export type Stretch =
  /** `landings`: how many it collected. */
  | { readonly kind: 'time' | 'drained'; readonly landings: number }
  /** Cut short, for something else is due. */
  | { readonly kind: 'asked' }
  /** A person gave the source up. */
  | { readonly kind: 'aborted' };

const { nudgeDatasets } = proxyActivities<SpecActivities>(LOOK);

/** A list of names in a payload. */
const CARRIED = 200;

/** The tables of one database: collected stretch by stretch, each a failure of its own, and decided one by one. */
export class CollectedTables {
  readonly #source: string;
  readonly #parked: Parking;
  readonly #waiting = new Map<string, ParkedTable>();
  readonly #left: Set<string>;
  readonly #reloads: TableReloads;
  #totals: TableTotals;
  #absent: Readonly<Record<string, readonly string[]>>;
  #seen: readonly TableSeen[] = [];
  #total = 0;
  #stretches = 0;
  #trouble: CollectTablesResult['failure'];

  constructor(source: string, parked: Parking, state: CollectedState) {
    this.#source = source;
    this.#parked = parked;
    this.#totals = state.totals;
    this.#left = new Set(state.left);
    this.#absent = state.absent;
    this.#reloads = new TableReloads(state.reloads);
    for (const one of state.parked) this.#waiting.set(one.item, one);
  }

  /** Let wait what an earlier run left waiting. */
  begin(): void {
    this.#parked.park([...this.#waiting.values()]);
  }

  get totals(): TableTotals {
    return this.#totals;
  }

  get isLong(): boolean {
    return this.#stretches >= STRETCHES_PER_REPLICATION;
  }

  get isWaiting(): boolean {
    return this.#names().length > 0;
  }

  carried(): CollectedState {
    const waiting = new Set(this.#names());
    return {
      totals: this.#totals,
      parked: [...this.#waiting.values()].filter(({ item }) => waiting.has(item)).slice(0, CARRIED),
      left: [...this.#left],
      absent: this.#absent,
      reloads: this.#reloads.asked,
    };
  }

  answer(): TablesAnswer {
    return {
      total: this.#total,
      tables: this.#seen,
      waiting: this.#names().slice(0, CARRIED),
      left: [...this.#left].slice(0, CARRIED),
      reloading: this.#reloads.tables.slice(0, CARRIED),
    };
  }

  notes(): readonly string[] {
    return tableNotes({
      totals: this.#totals,
      total: this.#total,
      seen: this.#seen,
      reloading: this.#reloads.tables,
      left: [...this.#left],
      trouble: this.#trouble,
    });
  }

  /** One stretch over the tables that wait for nobody. It ends early when `isAsked`. */
  async stretch(drain: boolean, isAsked: () => boolean): Promise<Stretch> {
    // It goes on for as long as the source lives, and would keep a place that files need.
    const taskQueue = queueFor('stream');
    const { collectTables } = proxyActivities<TableActivities>({ ...COLLECT_TABLES, taskQueue });
    this.#reloads.lookSoon();
    this.#stretches += 1;
    const worked = await this.#parked.untilDone(this.#source, () =>
      unlessAsked(
        () => isAsked() || this.#reloads.isDue,
        () =>
          collectTables({
            source: this.#source,
            waiting: [...this.#names(), ...this.#left],
            absent: this.#absent,
            drain,
          }),
      ),
    );
    if (worked === undefined) return { kind: 'aborted' };
    if (worked === 'asked') return { kind: 'asked' };
    await this.#take(worked);
    return { kind: worked.outcome === 'drained' ? 'drained' : 'time', landings: worked.landings };
  }

  /** Act on a decision about tables. `arn`: of the task, `undefined` while nobody looked at it. */
  async act(decision: Decision, tables: readonly string[], arn: string | undefined): Promise<void> {
    const { action } = decision;
    const facts = tables.flatMap((table) => this.#waiting.get(table) ?? []);
    for (const table of tables) this.#waiting.delete(table);
    if (action === 'reload') return this.#reload(facts, arn);
    if (action === 'retry') return;
    if (action === 'abort') {
      for (const table of tables) this.#left.add(table);
      return;
    }
    for (const { item, failure } of facts)
      if (action === 'skip' && failure === 'TableNotCaptured') this.#left.add(item);
    if (action === 'approve') this.#approve(facts, decision);
    await this.#decide(decision, tables);
  }

  /** What was asked of DMS: until it shows, what a table waited for waits for nobody. */
  reloading(tables: readonly string[]): void {
    this.#reloads.add(tables);
    for (const table of tables) {
      this.#left.delete(table);
      this.#waiting.delete(table);
    }
    this.#parked.release(tables);
  }

  async #reload(facts: readonly ParkedTable[], arn: string | undefined): Promise<void> {
    const { reloadDmsTables } = proxyActivities<DmsActivities>({
      ...DMS_CHANGE,
      taskQueue: queueFor('watch'),
    });
    const tables = facts.map(({ item }) => item);
    const asked = { arn: arn ?? '', tables, always: true };
    const done =
      arn === undefined
        ? { isAccepted: false }
        : await this.#parked.untilDone(this.#source, () => reloadDmsTables(asked));
    if (done?.isAccepted) this.reloading(tables);
    else this.#park(facts.map(notReloaded));
  }

  #approve(facts: readonly ParkedTable[], { change }: Decision): void {
    const typed =
      typeof change === 'object' && change !== null && 'columns' in change ? change['columns'] : [];
    const columns = Array.isArray(typed) ? typed.filter((one) => typeof one === 'string') : [];
    const gone = facts.flatMap(({ item, absent = columns }) =>
      absent.length > 0 ? [[item, [...new Set([...(this.#absent[item] ?? []), ...absent])]] as const] : [],
    );
    this.#absent = { ...this.#absent, ...Object.fromEntries(gone) };
  }

  async #decide({ action, key, by, reason }: Decision, tables: readonly string[]): Promise<void> {
    const taskQueue = queueFor('transfer');
    const { decideTables } = proxyActivities<TableActivities>({ ...DECIDE_TABLES, taskQueue });
    const decided = { source: this.#source, tables: [...tables], action, decision: key, by, reason };
    const done = await this.#parked.untilDone(this.#source, () => decideTables(decided));
    if (done) this.#totals = { ...this.#totals, entries: this.#totals.entries + done.entries };
  }

  async #take(worked: CollectTablesResult): Promise<void> {
    const { landings, rows, rejected, entries, parked, tables, total, failure } = worked;
    const had = this.#totals;
    this.#totals = {
      landings: had.landings + landings,
      rows: had.rows + rows,
      rejected: had.rejected + rejected,
      entries: had.entries + entries,
    };
    this.#seen = tables;
    this.#total = total;
    this.#trouble = failure;
    this.#park(parked.filter(({ item }) => !this.#reloads.has(item)));
    const feeds = tables.map(({ feed }) => feed);
    if (entries > 0 && feeds.length > 0)
      await this.#parked.untilDone(this.#source, () => nudgeDatasets({ feeds }));
  }

  #park(tables: readonly ParkedTable[]): void {
    for (const one of tables) this.#waiting.set(one.item, one);
    this.#parked.park(tables);
  }

  /** Tables that wait, those whose decision nobody took yet among them. */
  #names(): readonly string[] {
    return [...this.#waiting.keys()];
  }
}

function notReloaded(one: ParkedTable): ParkedTable {
  const why =
    'DMS reloads tables of a running task that loads them, and this one does not run, or is of type cdc';
  return one.message.endsWith(why) ? one : { ...one, message: `${one.message}; ${why}` };
}
