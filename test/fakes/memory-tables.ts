import { cancellationDetails, cancellationSignal, heartbeat } from '@temporalio/activity';
import type { Parked } from '../../lake/decisions.ts';
import { DMS_PACING } from '../../activities/dms/pacing.ts';
import { failure } from '../../activities/failure.ts';
import type { FailureName } from '../../lake/failures.ts';
import type {
  CollectTablesInput,
  CollectTablesResult,
  DecideTablesInput,
  TableActivities,
} from '../../activities/tables/activities.ts';
import type { CheckedDatabase } from '../../activities/tables/check.ts';
import type { TableSeen } from '../../activities/tables/collector.ts';
import type { ParkedTable } from '../../activities/tables/table.ts';

interface Kept {
  readonly table: string;
  /** Rows of the landings that nobody collected yet. */
  landed: number[];
  rows: number;
  ordinal: number;
  generation: number;
  /** What its next landing waits for. */
  trouble: ParkedTable | null;
}

const LOOK_EVERY_MS = 20;

/**
 * Tables of one database in memory: what `land` brings is collected when a stretch looks next, and a table in trouble
 * waits alone, until it is decided or a reload begins a new generation.
 */
export class MemoryTables implements TableActivities {
  readonly #tables: ReadonlyMap<string, Kept>;
  readonly #stretchMs: number;
  #check: Omit<CheckedDatabase, 'tables'>;
  #fault: FailureName | null = null;
  #decided: DecideTablesInput[] = [];
  #open = 0;

  constructor(
    check: Omit<CheckedDatabase, 'tables'>,
    { tables = ['public.customers', 'public.bookings'], stretchMs = 600_000 } = {},
  ) {
    this.#check = check;
    this.#stretchMs = stretchMs;
    this.#tables = new Map(
      tables.map((table) => [
        table,
        { table, landed: [], rows: 0, ordinal: 0, generation: 1, trouble: null },
      ]),
    );
  }

  /** Decisions that came, in order. */
  get decisions(): readonly DecideTablesInput[] {
    return this.#decided;
  }

  /** Stretches that are under way. */
  get open(): number {
    return this.#open;
  }

  rows(table: string): number {
    return this.#of(table).rows;
  }

  land(table: string, rows: number): void {
    this.#of(table).landed.push(rows);
  }

  /** What is found about the task from the next look on. */
  finds(findings: readonly Parked[]): void {
    this.#check = { ...this.#check, findings };
  }

  /** From now on the table waits where it is; null mends it. */
  break(table: string, trouble: Omit<ParkedTable, 'item'> | null): void {
    this.#of(table).trouble = trouble && { item: table, ...trouble };
  }

  /** A load of this table began: what it waited for is behind it. */
  reloads(table: string): void {
    const kept = this.#of(table);
    kept.generation += 1;
    kept.trouble = null;
  }

  /** Every stretch fails so; null ends that. */
  fail(as: FailureName | null): void {
    this.#fault = as;
  }

  /** Under their registered names. */
  get activities(): TableActivities {
    return {
      checkDatabase: () => this.checkDatabase(),
      collectTables: (input) => this.collectTables(input),
      decideTables: (input) => this.decideTables(input),
    };
  }

  async checkDatabase(): Promise<CheckedDatabase> {
    return { ...this.#check, tables: [...this.#tables.keys()] };
  }

  async collectTables({ waiting, absent, drain }: CollectTablesInput): Promise<CollectTablesResult> {
    const signal = cancellationSignal();
    const end = Date.now() + this.#stretchMs;
    const done = { landings: 0, rows: 0, entries: 0 };
    const parked = new Map<string, ParkedTable>();
    this.#open += 1;
    try {
      for (;;) {
        if (this.#fault) throw failure(this.#fault, 'the lake says no');
        const before = done.landings;
        for (const kept of this.#tables.values()) {
          if (waiting.includes(kept.table) || parked.has(kept.table)) continue;
          const isApproved = kept.trouble?.absent?.every((column) => absent[kept.table]?.includes(column));
          if (kept.trouble && !isApproved) parked.set(kept.table, kept.trouble);
          else for (const rows of kept.landed.splice(0)) this.#collect(kept, rows, done);
        }
        const outcome = drain && done.landings === before ? 'drained' : 'time';
        // What was collected is told, also where the run has something else to do.
        const isOver = Date.now() >= end || cancellationDetails()?.cancelRequested;
        if (outcome === 'drained' || isOver)
          return { outcome, ...done, rejected: 0, parked: [...parked.values()], ...this.#seen() };
        heartbeat();
        await DMS_PACING.wait(LOOK_EVERY_MS, signal).catch((error: unknown) => {
          if (!cancellationDetails()?.cancelRequested) throw error;
        });
      }
    } finally {
      this.#open -= 1;
    }
  }

  async decideTables(input: DecideTablesInput): Promise<{ readonly entries: number }> {
    this.#decided.push(input);
    for (const table of input.tables) {
      const kept = this.#of(table);
      if (input.action === 'skip' && kept.trouble?.failure !== 'TableNotCaptured') kept.trouble = null;
    }
    return { entries: input.action === 'skip' ? input.tables.length : 0 };
  }

  #collect(kept: Kept, rows: number, done: { landings: number; rows: number; entries: number }): void {
    kept.rows += rows;
    kept.ordinal += 1;
    done.landings += 1;
    done.rows += rows;
    done.entries += 1;
  }

  #seen(): { readonly tables: readonly TableSeen[]; readonly total: number } {
    const tables = [...this.#tables.values()].map(
      ({ table, generation, ordinal, rows, trouble }): TableSeen => ({
        table,
        feed: `shop.${table}`,
        generation,
        ready: trouble === null,
        phase: 'cdc',
        ordinal,
        landing: '',
        rows,
        state: 'Table completed',
        notes: [],
      }),
    );
    return { tables: tables.slice(0, 200), total: tables.length };
  }

  #of(table: string): Kept {
    const kept = this.#tables.get(table);
    if (!kept) throw new Error(`no table ${table}`);
    return kept;
  }
}
