import { heartbeat } from '@temporalio/activity';
import { failure } from '../failure.ts';
import { type TablePorts, openDatabase } from './context.ts';
import { TABLES_PACING } from './pacing.ts';
import type { RepairSource } from './port.ts';
import { type Repaired, repairTable } from './repair.ts';

export type { Repaired };

export interface RepairTableInput {
  readonly source: string;
  /** `schema.table` */
  readonly table: string;
  /** Names the repair: a table is repaired once under it. */
  readonly id: string;
}

export interface RepairPorts extends Omit<TablePorts, 'pacing'> {
  /** The database of a source; `undefined` where the worker was not told where it is. */
  readonly repairs: (source: string, signal: AbortSignal) => Promise<RepairSource | undefined>;
}

export type RepairActivities = ReturnType<typeof createRepairActivities>;

export function createRepairActivities({ repairs, ...ports }: RepairPorts) {
  /**
   * Write the rows of a table that differ from the database as it has them now. Safe to run twice: the entry names the
   * repair, and one that is there ends it. It takes minutes: what differs may still be under way.
   */
  async function repairDatabaseTable({ source: name, table: of, id }: RepairTableInput): Promise<Repaired> {
    heartbeat();
    const context = await openDatabase({ ...ports, pacing: TABLES_PACING }, name);
    const table = context.tables.get(of);
    if (!table) throw failure('UnknownSource', `${name} declares no table ${of}`);
    const source = await repairs(name, context.signal);
    if (!source) throw failure('DatabaseUnknown', `where the database of ${name} is was not told`);
    return repairTable({ context, table, source, id, onProgress: () => heartbeat() });
  }

  return { repairDatabaseTable };
}
