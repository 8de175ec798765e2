import type { CollectTablesResult } from '../../activities/tables/activities.ts';
import type { TableSeen } from '../../activities/tables/collector.ts';
import { someOf } from '../../lake/some-of.ts';
import type { TableTotals } from './collected-tables.ts';

export interface TablesShown {
  readonly totals: TableTotals;
  /** Of all tables: `seen` are at most 200. */
  readonly total: number;
  readonly seen: readonly TableSeen[];
  readonly reloading: readonly string[];
  /** Left alone by decision. */
  readonly left: readonly string[];
  /** How the last stretch failed. */
  readonly trouble: CollectTablesResult['failure'];
}

/** What a run shows of its tables, in lines. */
export function tableNotes(shown: TablesShown): readonly string[] {
  const { totals, total, seen, reloading, left, trouble } = shown;
  const { landings, rows, rejected, entries } = totals;
  return [
    `${landings} landings, ${rows} rows, ${rejected} in quarantine, ${entries} entries`,
    ...(total > 0
      ? [
          `${seen.filter(({ ready }) => ready).length} of ${seen.length} tables shown are ready; ${total} in all`,
        ]
      : []),
    ...(reloading.length > 0 ? [`Loading again: ${someOf(reloading)}`] : []),
    ...(left.length > 0 ? [`Left alone by decision: ${someOf(left)}`] : []),
    ...(trouble ? [`The last stretch ended by ${trouble.type}: ${trouble.message}`] : []),
    ...seen.flatMap(({ table, notes }) => notes.map((note) => `${table}: ${note}`)).slice(0, 10),
  ];
}
