import { planTable } from '../../lake/compare-tables.ts';
import { keyOfLanding, landingValueSql } from '../../lake/repair.ts';
import { type ColumnType, datasetOf } from '../../lake/spec.ts';
import {
  type ComparedTable,
  databaseLookUpSql,
  framedKey,
  framedTexts,
} from '../../lake/sql/compare-table.ts';
import { type ComparePorts, compareSource } from './compare.ts';

export interface RepairRequest {
  readonly source: string;
  readonly settleMs: number;
  readonly withinMs: number;
}

type Found =
  | { readonly kind: 'rows'; readonly compared: ComparedTable; readonly keys: readonly string[] }
  | { readonly kind: 'tooMany' }
  | { readonly kind: 'notCompared'; readonly reason: string };

const BEAT_MS = 10_000;
const KEYS_AT_A_TIME = 1_000;

/** What of a source's tables differs, and its rows as the database has them: for repairs. */
export function createRepairSource(ports: ComparePorts, { source, settleMs, withinMs }: RepairRequest) {
  /** Compares one table anew. */
  async function differing(table: string, signal: AbortSignal, onProgress: () => void): Promise<Found> {
    const beat = setInterval(onProgress, BEAT_MS);
    const request = { source, tables: [table], mode: 'live', settleMs, withinMs } as const;
    const { tables } = await compareSource(ports, request, signal).finally(() => clearInterval(beat));
    const [report] = tables;
    if (!report || report.kind === 'not compared')
      return { kind: 'notCompared', reason: report?.reason ?? `${source} has no table ${table}` };
    const named = report.named.filter(({ kind }) => ['missing', 'extra', 'differs'].includes(kind));
    if (named.length < report.missing + report.extra + report.differing) return { kind: 'tooMany' };
    const plan = await ports.database.snapshot(
      async (snapshot) => planTable(ports.spec.spec, source, table, await snapshot.columnsOf(table)),
      signal,
    );
    if (plan.kind === 'not compared') return { kind: 'notCompared', reason: plan.reason };
    const { compared } = plan;
    const keys = named.map(({ key }) => framedKey(compared.key.map(({ column }) => key[column] ?? null)));
    return { kind: 'rows', compared, keys };
  }

  /** Keys that the database has no more become deletes. */
  async function rows(
    table: string,
    { compared, keys }: Extract<Found, { kind: 'rows' }>,
    columns: readonly (readonly [name: string, type: ColumnType])[],
    signal: AbortSignal,
  ): Promise<{ readonly at: string; readonly rows: readonly (readonly (string | null)[])[] }> {
    const { map = {} } = datasetOf(ports.spec.spec, feedOf(table))?.use ?? {};
    const from = (column: string) => map[column] ?? column;
    return ports.database.snapshot(async (snapshot) => {
      const own = (await snapshot.columnsOf(table)) ?? [];
      const values = columns.map(([name, type]) => landingValueSql(name, type, own));
      const found: (readonly (string | null)[])[] = [];
      const there = new Set<string>();
      for (let at = 0; at < keys.length; at += KEYS_AT_A_TIME) {
        const wanted = keys
          .slice(at, at + KEYS_AT_A_TIME)
          .map((framed) => ({ framed, texts: framedTexts(framed) }));
        for await (const some of snapshot.rows(databaseLookUpSql(compared, wanted, values))) {
          for (const [key, ...texts] of some) {
            there.add(key ?? '');
            found.push(['U', ...texts]);
          }
        }
      }
      const gone = keys.filter((key) => !there.has(key));
      const removed = gone.map((framed) => {
        const key = keyOfLanding(compared, framed, from);
        return ['D', ...columns.map(([name]) => key[name] ?? null)];
      });
      return { at: snapshot.at, rows: [...found, ...removed] };
    }, signal);
  }

  function feedOf(table: string): string {
    const database = ports.spec.spec.sources[source];
    return (database?.kind === 'database' && database.tables[table]?.feed) || '';
  }

  return { differing, rows };
}
