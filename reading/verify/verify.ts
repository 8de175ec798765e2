import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { withDuckDb } from '../../activities/duckdb.ts';
import type { ObjectStore } from '../../activities/objects/port.ts';
import type { Entry } from '../../lake/entry.ts';
import type { SpecObject } from '../../lake/spec.ts';
import { readChain } from './chains.ts';
import { type Lane, verifyLane } from './entries.ts';
import { Findings, type DatasetReport, type VerifyReport } from './report.ts';
import { createTable } from './rows.ts';
import { verifyView } from './views.ts';

export interface VerifyOptions {
  readonly store: ObjectStore;
  /** An existing folder. */
  readonly scratch: string;
  readonly memoryMb: number;
  /** Only this dataset and the feeds it is made from. */
  readonly dataset?: string;
  readonly signal: AbortSignal;
  readonly say?: (text: string) => void;
}

/**
 * Derive the proof again from the objects alone: every chain unbroken, every object as its entry says, every row that
 * was collected in exactly one class of the published builds, or pending. It shares no SQL and no chain reading with
 * what it checks, and changes nothing. Cost: every object of the lake is read once.
 */
export async function verifyLake({
  store,
  scratch,
  memoryMb,
  dataset: only,
  signal,
  say = () => undefined,
}: VerifyOptions): Promise<VerifyReport> {
  const findings = new Findings();
  const specs = await readChain<SpecObject>(store, 'spec/', findings, signal);
  const spec = specs.at(-1)?.value;
  if (!spec)
    return { lanes: 0, entries: 0, objects: 0, rows: 0, rejected: 0, datasets: {}, findings: findings.all };
  const own = await mkdtemp(join(scratch, 'verify-'));
  try {
    return await withDuckDb({ memoryMb, threads: 2, scratch: own }, async (db) => {
      const means = { store, db, scratch: own, spec, findings, signal };
      const datasets = Object.entries(spec.datasets).filter(([name]) => only === undefined || name === only);
      for (const [name, one] of datasets) await db.run(createTable(name, one));
      const feeds =
        only === undefined ? undefined : new Set(datasets.flatMap(([, one]) => Object.keys(one.feeds)));
      const lanes = await readLanes(store, findings, signal, feeds);
      const count = { objects: 0, rows: 0, rejected: 0 };
      for (const lane of lanes) {
        say(`${lane.feed}/${lane.lane}: ${lane.entries.length} entries`);
        const one = await verifyLane(lane, means);
        count.objects += one.objects;
        count.rows += one.rows;
        count.rejected += one.rejected;
      }
      const reports: Record<string, DatasetReport> = {};
      for (const [name, one] of datasets) {
        say(`${name}: its newest version`);
        reports[name] = await verifyView(name, one, lanes, means);
      }
      const entries = lanes.reduce((total, lane) => total + lane.entries.length, 0);
      return { lanes: lanes.length, entries, ...count, datasets: reports, findings: findings.all };
    });
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

async function readLanes(
  store: ObjectStore,
  findings: Findings,
  signal: AbortSignal,
  feeds: ReadonlySet<string> | undefined,
): Promise<readonly Lane[]> {
  const names = new Set<string>();
  for await (const { key } of store.list('ledger/', { signal })) {
    const [, feed, lane] = /^ledger\/([^/]+)\/(\d+)\//.exec(key) ?? [];
    if (feed !== undefined && lane !== undefined && (feeds?.has(feed) ?? true)) names.add(`${feed}/${lane}`);
  }
  const lanes: Lane[] = [];
  for (const name of [...names].sort()) {
    const [feed = '', lane = '0'] = name.split('/');
    lanes.push({
      feed,
      lane: Number(lane),
      entries: await readChain<Entry>(store, `ledger/${name}/`, findings, signal),
    });
  }
  return lanes;
}
