import type { Action, Parked } from './decisions.ts';

// What a run asks about the tables of a database, and what it is told: small, however many tables there are.

/** How a task and its tables stand before anything is collected. */
export interface CheckedDatabase {
  /** Identifier or ARN of the task. */
  readonly task: string;
  readonly migrationType: 'full-load' | 'cdc' | 'full-load-and-cdc';
  /** `schema.table`, as declared. */
  readonly tables: readonly string[];
  /** What would lose data, each with what is right. */
  readonly findings: readonly Parked[];
}

export interface CollectTablesInput {
  readonly source: string;
  /** Tables (`schema.table`) that are left alone: they wait for a person, or one gave them up. */
  readonly waiting: readonly string[];
  /** Table → declared columns that are null from now on, for a person approved that they are gone. */
  readonly absent: Readonly<Record<string, readonly string[]>>;
  /** True: the task stands. It ends once nothing more is found and every load that finished is ready. */
  readonly drain: boolean;
}

export interface CollectTablesResult {
  /** `time`: the stretch is over. `failed`: with `failure`, after progress; without any it is thrown. */
  readonly outcome: 'time' | 'drained' | 'failed';
  readonly landings: number;
  readonly rows: number;
  readonly rejected: number;
  readonly entries: number;
  /** Of tables that wait from now on; `item` is `schema.table`. */
  readonly parked: readonly ParkedTable[];
  /** At most 200: those in trouble first, then those that moved last. */
  readonly tables: readonly TableSeen[];
  readonly total: number;
  readonly failure?: { readonly type: string; readonly message: string };
}

export interface ParkedTable extends Parked {
  /** Declared columns that are gone: null from now on where a person approves. */
  readonly absent?: readonly string[];
}

export interface TableSeen {
  /** `schema.table` */
  readonly table: string;
  /** Id of its feed. */
  readonly feed: string;
  readonly generation: number;
  /** Is the load of this generation collected whole? */
  readonly ready: boolean;
  readonly phase: string;
  readonly ordinal: number;
  /** The last that was collected. */
  readonly landing: string;
  /** Of this stretch. */
  readonly rows: number;
  /** DMS's own words. */
  readonly state: string;
  readonly notes: readonly string[];
}

export interface DecideTablesInput {
  readonly source: string;
  readonly tables: readonly string[];
  readonly action: Action;
  /** Key of the object that keeps the decision. */
  readonly decision: string;
  readonly by: string;
  readonly reason: string;
}

/** The activities about tables, by their registered names. */
export interface TableWork {
  checkDatabase(input: { readonly source: string }): Promise<CheckedDatabase>;
  collectTables(input: CollectTablesInput): Promise<CollectTablesResult>;
  decideTables(input: DecideTablesInput): Promise<{ readonly entries: number }>;
}
