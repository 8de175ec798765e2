import { setMaxListeners } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { withDuckDb } from '../../activities/duckdb.ts';
import { readObject } from '../../activities/objects/json.ts';
import type { GateReport } from '../../lake/gate.ts';
import type { ReadMode } from '../../lake/view.ts';
import { query } from '../../reading/query.ts';
import type { Stage } from './stage.ts';

export type Answer = Readonly<Record<string, unknown>>;

/** The demo stops nothing halfway. */
export const NEVER = new AbortController().signal;
// Every request in flight listens to it: more than Node's ten, and no leak.
setMaxListeners(0, NEVER);

/** The first row of a query's answer, with the stamp that it is a function of. */
export async function ask(
  stage: Stage,
  sql: string,
  mode: ReadMode = 'live',
): Promise<Answer & { readonly stamp: string }> {
  const [row, result] = await firstRow(stage, sql, mode);
  return { ...row, stamp: result };
}

/** Every row of a query's answer. */
export async function askAll(stage: Stage, sql: string, mode: ReadMode = 'live'): Promise<readonly Answer[]> {
  return (await run(stage, sql, mode)).rows;
}

async function firstRow(stage: Stage, sql: string, mode: ReadMode): Promise<[Answer, string]> {
  const { rows, stamp } = await run(stage, sql, mode);
  return [rows[0] ?? {}, stamp.sha256];
}

async function run(stage: Stage, sql: string, mode: ReadMode) {
  const folder = join(stage.local.logs, '..', 'reading');
  const cache = join(folder, 'cache');
  await mkdir(cache, { recursive: true });
  // Its own: acts that play side by side ask at once.
  const scratch = await mkdtemp(join(folder, 'scratch-'));
  try {
    const spec = await stage.lake.spec.read(NEVER);
    const ports = { ...stage.lake, spec, cache, scratch, memoryMb: stage.env.memoryMb, threads: 2 };
    return await query(ports, { sql, mode }, NEVER);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The newest version's number; 0 while there is none. */
export async function versionOf(stage: Stage, dataset: string): Promise<number> {
  let newest = 0;
  for await (const { key } of stage.lake.store.list(`view/${dataset}/`, { signal: NEVER })) {
    newest = Number(key.slice(-17, -5));
  }
  return newest;
}

/** The newest gate report of each partition. */
export async function gatesOf(
  stage: Stage,
  dataset: string,
): Promise<ReadonlyMap<string, GateReport['partitions'][number] & { readonly planId: string }>> {
  const reports: GateReport[] = [];
  for await (const { key } of stage.lake.store.list(`gate/${dataset}/`, { signal: NEVER })) {
    // The keys that a report found stand in objects below its own.
    if (!/^gate\/[^/]+\/[^/]+\.json$/.test(key)) continue;
    const report = await readObject<GateReport>(stage.lake.store, key, NEVER);
    if (report) reports.push(report);
  }
  reports.sort((a, b) => (a.at < b.at ? -1 : 1));
  return new Map(
    reports.flatMap((report) =>
      report.partitions.map((one) => [one.partition, { ...one, planId: report.planId }]),
    ),
  );
}

/** Finding → every key that the gates' newest reports name. */
export async function findingsOf(
  stage: Stage,
  dataset: string,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const found = new Map<string, Set<string>>();
  for (const gate of (await gatesOf(stage, dataset)).values()) {
    const body = gate.keysIn && (await stage.lake.store.get(gate.keysIn.key, NEVER));
    for (const line of Buffer.from(body ?? [])
      .toString('utf8')
      .split('\n')
      .filter(Boolean)) {
      const { key, finding } = JSON.parse(line) as { key: string; finding: string };
      const keysOfFinding = found.get(finding) ?? new Set();
      found.set(finding, keysOfFinding.add(key));
    }
  }
  return found;
}

/** DuckDB alone over the original Parquet file: what the lake's answers are held against. */
export async function askOriginal(stage: Stage, sql: string): Promise<Answer> {
  const scratch = join(stage.local.logs, '..', 'reading', 'original');
  await mkdir(scratch, { recursive: true });
  return withDuckDb({ memoryMb: 1024, threads: 2, scratch }, async (db) => (await db.rows(sql))[0] ?? {});
}
