import path from 'node:path';
import type { Columns } from '../../lake/spec.ts';
import { type JsonStatements, refineJson } from '../../lake/sql/refine-json.ts';
import type { Mapping } from '../../lake/sql/refine-mapping.ts';
import { literal } from '../../lake/sql/text.ts';
import { type DuckDb, type DuckDbOptions, type Row, withDuckDb } from '../duckdb.ts';
import { failure } from '../failure.ts';
import { Quarantine } from '../refine/quarantine.ts';
import { type Statistics, readStatistics } from '../refine/statistics.ts';
import type { Framed } from './frames.ts';

export interface RefineOptions {
  readonly columns: Columns;
  readonly mapping: Mapping | undefined;
  readonly nowMs: number;
  readonly duck: DuckDbOptions;
  /** Where what it makes is written. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

export interface Refined {
  /** A local Parquet file; its statistics were read back from it. Absent where every record is in quarantine. */
  readonly parquet?: { readonly path: string; readonly statistics: Statistics };
  readonly rejected: Awaited<ReturnType<Quarantine['finish']>>;
  /** Channel → greatest event time of its rows, capped by arrival, in milliseconds since the epoch. */
  readonly seen: ReadonlyMap<string, number>;
}

/** Rows that wait for each other in memory. More compress no better, and cost more. */
const ROW_GROUP = 32_768;

/** Every record becomes a row or a line of quarantine: by count, or it is `ProofBroken`. */
export async function refineFrames(framed: Framed, options: RefineOptions): Promise<Refined> {
  const quarantine = new Quarantine(path.join(options.folder, 'rejected.ndjson'));
  for (const { channel, position, reason, message, bytes } of framed.cut) {
    await quarantine.add({ channel, position, reason, message }, bytes);
  }
  const refined =
    framed.framed.records === 0
      ? { statistics: undefined, parquet: '', seen: new Map<string, number>() }
      : // Rows are numbered in one pass, which is one thread's: a second one would wait for it, at a CPU's cost.
        await withDuckDb({ ...options.duck, threads: 1 }, (db) =>
          interruptible(db, options.signal, () => refineWith(db, framed, options, quarantine)),
        );
  const { statistics, parquet, seen } = refined;
  const rows = statistics?.rows ?? 0;
  if (rows + quarantine.rows !== framed.records) {
    throw failure(
      'ProofBroken',
      `${framed.records} records were read of ${framed.channels.join(', ')}; ${rows} rows and ${quarantine.rows} rejected records came of them`,
    );
  }
  const rejected = await quarantine.finish();
  return { ...(statistics && rows > 0 && { parquet: { path: parquet, statistics } }), rejected, seen };
}

async function refineWith(db: DuckDb, framed: Framed, options: RefineOptions, quarantine: Quarantine) {
  const { columns, mapping, nowMs, folder } = options;
  const parquet = path.join(folder, 'rows.parquet');
  const { channels } = framed;
  const { path: frames, longest } = framed.framed;
  const nowUs = nowMs * 1000;
  const statements = refineJson({
    path: frames,
    channels,
    columns,
    nowUs,
    longest,
    ...(mapping && { mapping }),
  });
  const form = `FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP}`;
  await db.run(`COPY (${statements.rows}) TO ${literal(parquet)} (${form})`);
  const statistics = await readStatistics(db, parquet, mapping);
  if (statistics.rows < framed.framed.records) await quarantineProblems(db, statements, framed, quarantine);
  const seen = new Map<string, number>();
  for (const row of await db.rows(statements.seen(parquet))) {
    seen.set(channels[Number(row['ch'])] ?? '', Number(row['seen_ms']));
  }
  return { statistics, parquet, seen };
}

async function quarantineProblems(
  db: DuckDb,
  { grade, problemRows, problems }: JsonStatements,
  { channels, originals }: Framed,
  quarantine: Quarantine,
): Promise<void> {
  await db.run(grade);
  for (let last = 0; ;) {
    const rows = await db.rows(problemRows(last));
    if (rows.length === 0) return;
    for (const row of rows) {
      const n = Number(row['n']);
      last = n;
      const problem = problems[Number(row['why'])];
      if (!problem) continue;
      const { reason, column, right } = problem;
      const found = JSON.stringify(textOf(row, 'found')?.slice(0, 100)) ?? 'nothing';
      const place = { channel: channels[Number(row['ch'])] ?? '', position: textOf(row, 'pos') ?? '' };
      const message = `${column ?? 'the record'} has ${found}; right would be ${right}`;
      await quarantine.add(
        { ...place, reason, ...(column !== undefined && { column }), message },
        originals.get(n) ?? Buffer.from(textOf(row, 'line') ?? ''),
      );
    }
  }
}

function textOf(row: Row, name: string): string | undefined {
  const value = row[name];
  return typeof value === 'string' ? value : undefined;
}

/** DuckDB works on its own threads: a cancellation reaches it. */
async function interruptible<T>(db: DuckDb, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const stop = () => db.interrupt();
  signal.addEventListener('abort', stop);
  try {
    signal.throwIfAborted();
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
