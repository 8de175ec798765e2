import { withDuckDb } from '../activities/duckdb.ts';
import type { LakeSpec } from '../lake/spec.ts';
import { literal } from '../lake/sql/text.ts';
import type { ReadMode } from '../lake/view.ts';
import { QueryRefused, type ReadingPorts } from './ports.ts';
import { type NamedStamp, makeStamp, readStamp } from './stamp.ts';
import { openView } from './view.ts';

export interface QueryRequest {
  /** One SELECT in DuckDB's SQL over the lake's datasets; `"<dataset>$rows"` shows lineage too. */
  readonly sql: string;
  readonly mode: ReadMode;
  /** sha256 of a stamp made before; now unless given. */
  readonly at?: string;
}

export interface QueryResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** With DuckDB's JSON conventions: big integers, decimals and timestamps as text. */
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly stamp: NamedStamp;
}

/** Answer a query from one stamp. It sees the lake's views and nothing else of the machine. */
export async function query(
  ports: ReadingPorts & {
    readonly spec: { readonly n: number; readonly spec: Pick<LakeSpec, 'datasets'> };
  },
  { sql, mode, at }: QueryRequest,
  signal: AbortSignal,
): Promise<QueryResult> {
  return withDuckDb(ports, async (db) => {
    const stop = () => db.interrupt();
    signal.addEventListener('abort', stop);
    try {
      const [parsed] = await db.rows(`SELECT json_serialize_sql(${literal(sql)}) AS tree`);
      checkSelect(String(parsed?.['tree']));
      const given = at === undefined ? undefined : await readStamp(ports.store, at, signal);
      const known = given ? Object.keys(given.stamp.versions) : Object.keys(ports.spec.spec.datasets);
      const datasets = named(sql, known);
      if (datasets.length === 0) throw new QueryRefused(`the query names none of ${known.join(', ')}`);
      const stamp = given ?? (await makeStamp({ ...ports, mode, datasets }, signal));
      for (const dataset of datasets) await openView(ports, db, { stamp, dataset }, signal);
      await db.run(`SET allowed_directories=[${literal(ports.cache)}]`);
      await db.run('SET enable_external_access=false');
      await db.run('SET lock_configuration=true');
      return { ...(await db.table(sql)), stamp };
    } finally {
      signal.removeEventListener('abort', stop);
    }
  });
}

/** The datasets whose name stands in the text as a word, quoted or not. */
export function named(sql: string, datasets: readonly string[]): string[] {
  return datasets.filter((name) => {
    const escaped = name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
    return new RegExp(`(?<![\\w-])${escaped}(?![\\w-])`, 'i').test(sql);
  });
}

function checkSelect(tree: string): void {
  const {
    error,
    error_message: message,
    statements,
  } = JSON.parse(tree) as {
    readonly error: boolean;
    readonly error_message?: string;
    readonly statements?: readonly unknown[];
  };
  if (error) throw new QueryRefused(message ?? 'the query is no SQL that DuckDB reads');
  if (statements?.length !== 1) {
    throw new QueryRefused(`the query has ${statements?.length ?? 0} statements; right would be one SELECT`);
  }
}
