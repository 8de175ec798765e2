import type { DatabaseColumn } from '../../lake/compare-tables.ts';

/** The database that a source is replicated from. Reads only. */
export interface SourceDatabase {
  /** Run `work` on one snapshot, which everything it reads comes from. */
  snapshot<T>(work: (snapshot: DatabaseSnapshot) => Promise<T>, signal: AbortSignal): Promise<T>;
}

export interface DatabaseSnapshot {
  /** When it was taken by the database's clock, ISO. */
  readonly at: string;
  /** Where the database's log stood. */
  readonly lsn: string;
  /** The columns of a table in their order; undefined where there is none of this name. */
  columnsOf(table: string): Promise<readonly DatabaseColumn[] | undefined>;
  /** Rows of one SELECT a few thousand at a time, values as texts. The session's time zone is UTC. */
  rows(sql: string): AsyncIterable<readonly (readonly (string | null)[])[]>;
}

/** Time, as far as comparing needs it. */
export interface CompareClock {
  /** ms since the epoch. */
  now(): number;
  wait(ms: number, signal: AbortSignal): Promise<unknown>;
}
