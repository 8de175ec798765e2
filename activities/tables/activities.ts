import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { cancellationDetails, heartbeat } from '@temporalio/activity';
import type { Action } from '../../lake/decisions.ts';
import { type CheckedDatabase, checkTask } from './check.ts';
import { type Collected, type Remembered, type TableSeen, TablesCollector } from './collector.ts';
import { type TablePorts, openDatabase } from './context.ts';
import { decideTable } from './decide.ts';
import { lookAtDms } from './look.ts';
import type { ParkedTable } from './table.ts';
import { TABLES_PACING, type TablesPacing } from './pacing.ts';

export interface CollectTablesInput {
  readonly source: string;
  /** Tables (`schema.table`) that wait for a person: left alone. */
  readonly waiting: readonly string[];
  /** Table → declared columns whose absence a person approved: null from then on. */
  readonly absent: Readonly<Record<string, readonly string[]>>;
  /** The task stands: end once a whole look finds nothing more, and every load that finished is ready. */
  readonly drain: boolean;
}

export interface CollectTablesResult extends Collected {
  /** `time`: a stretch is over. `failed`: with `failure`, after progress. */
  readonly outcome: 'time' | 'drained' | 'failed';
  /** `item` = `schema.table`. */
  readonly parked: readonly ParkedTable[];
  /** At most 200: those in trouble first, then those that moved last. */
  readonly tables: readonly TableSeen[];
  readonly total: number;
  readonly failure?: { readonly type: string; readonly message: string };
}

export interface DecideTablesInput {
  readonly source: string;
  readonly tables: readonly string[];
  readonly action: Action;
  /** Key of the decision's audit object. */
  readonly decision: string;
  readonly by: string;
  readonly reason: string;
}

const BEAT_MS = 20_000;

export type TableActivities = ReturnType<typeof createTableActivities>;

export function createTableActivities({
  pacing,
  ...rest
}: Omit<TablePorts, 'pacing'> & { readonly pacing?: Partial<TablesPacing> }) {
  const ports: TablePorts = { ...rest, pacing: { ...TABLES_PACING, ...pacing } };
  const remembered = new Map<string, Remembered>();

  /** How a database's task is set up, and what of that would lose data. Safe to run twice: it only looks. */
  async function checkDatabase({ source }: { readonly source: string }): Promise<CheckedDatabase> {
    heartbeat();
    const beat = setInterval(() => heartbeat(), BEAT_MS);
    try {
      return await checkTask(await openDatabase(ports, source));
    } finally {
      clearInterval(beat);
    }
  }

  /**
   * One stretch over the tables of a database, at most 10 minutes. Safe to run twice: each table goes on from its
   * chain's last entry, and an entry is made once; of two that run, the later attempt goes on and the earlier one
   * leaves the table. After progress a failure is an outcome, so that Temporal counts attempts from there.
   */
  async function collectTables({ source, ...request }: CollectTablesInput): Promise<CollectTablesResult> {
    const context = await openDatabase(ports, source);
    // Taken away while it is used: an attempt that is late shares nothing with the next.
    const memory = remembered.get(source) ?? { lanes: new Map(), looked: new Map(), doubts: new Map() };
    remembered.delete(source);
    const scratch = await mkdtemp(path.join(context.duck.scratch, 'tables-'));
    const collector = new TablesCollector(context, request, { remembered: memory, scratch });
    const result = (outcome: CollectTablesResult['outcome']) => ({
      outcome,
      ...collector.collected,
      parked: collector.parked,
      tables: collector.seen(),
      total: context.tables.size,
    });
    try {
      return result(await collector.run());
    } catch (error) {
      // What a stretch that is cut short has collected is told, too.
      if (cancellationDetails()?.cancelRequested) return result('time');
      context.signal.throwIfAborted();
      if (collector.collected.entries === 0) throw error;
      return { ...result('failed'), failure: describeFailure(error) };
    } finally {
      await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
      remembered.set(source, memory);
    }
  }

  /**
   * Act on a decision about tables that wait. Safe to run twice: a table that goes on already waits for nothing. Only
   * `skip`, and `approve` of a load that is incomplete, leave anything to do.
   */
  async function decideTables({
    source,
    tables,
    ...decision
  }: DecideTablesInput): Promise<{ readonly entries: number }> {
    const context = await openDatabase(ports, source);
    const seen = await lookAtDms(context);
    let entries = 0;
    for (const name of tables) {
      heartbeat();
      const table = context.tables.get(name);
      if (table) entries += await decideTable(context, table, seen, decision);
    }
    return { entries };
  }

  return { checkDatabase, collectTables, decideTables };
}

function describeFailure(error: unknown): { readonly type: string; readonly message: string } {
  if (!(error instanceof Error)) return { type: 'Error', message: String(error) };
  const type = 'type' in error && typeof error.type === 'string' ? error.type : error.name;
  return { type, message: error.message };
}
