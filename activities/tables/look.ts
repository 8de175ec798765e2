import { type DmsTable, tableName } from '../../lake/dms-tables.ts';
import { isStanding } from '../../lake/dms.ts';
import { failure } from '../failure.ts';
import type { DatabaseContext } from './context.ts';

/** One look at DMS, of all tables of a task: what the look at each table begins with. */
export interface DmsSeen {
  readonly tables: ReadonlyMap<string, DmsTable>;
  readonly isStanding: boolean;
  /** Before DMS was asked. */
  readonly lookedAtMs: number;
}

/** A request, and one more for each 500 tables. */
export async function lookAtDms({ tasks, task, clock, signal }: DatabaseContext): Promise<DmsSeen> {
  const lookedAtMs = clock.now();
  const [now] = await tasks.describe({ by: 'arn', names: [task.arn] }, signal);
  if (!now) throw failure('DmsTaskMissing', `DMS has no replication task ${task.arn} any more`);
  const tables = new Map<string, DmsTable>();
  let marker: string | undefined;
  do {
    const page = await tasks.tables(task.arn, marker, signal);
    for (const table of page.tables) tables.set(tableName(table), table);
    marker = page.next;
  } while (marker !== undefined);
  return { tables, isStanding: isStanding(now), lookedAtMs };
}
