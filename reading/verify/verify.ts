import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { withDuckDb } from '../../activities/duckdb.ts';
import type { ObjectStore } from '../../activities/objects/port.ts';
import type { Entry } from '../../lake/entry.ts';
import type { SpecObject } from '../../lake/spec.ts';
import type { ViewVersion } from '../../lake/view.ts';
import { QueryRefused } from '../ports.ts';
import { asRead } from './as-read.ts';
import { type Found, readChain } from './chains.ts';
import { verifyLane } from './entries.ts';
import type { Lane } from './means.ts';
import { NamedHeads } from './named.ts';
import { Findings, type DatasetReport, type VerifyReport } from './report.ts';
import { createTable } from './rows.ts';
import { Tables, verifyReach } from './tables.ts';
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
 * was collected in exactly one class of the published builds, or pending, every chain as long as anything says. It shares no SQL and no chain reading with
 * what it checks, and changes nothing. Cost: every object that an entry or the newest versions name, and
 * every plan, outcome, hold, coverage and stamp, is read once. Rejects with `QueryRefused` without a spec, or for a dataset that the newest one lacks.
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
  const newest = specs.at(-1)?.value;
  if (!newest)
    throw new QueryRefused('spec/ holds nothing, so nothing can be proved: is it the right bucket?');
  if (only !== undefined && !newest.datasets[only]) {
    const there = Object.keys(newest.datasets).join(', ');
    throw new QueryRefused(`${only} is no dataset of spec ${specs.length}; there are: ${there || 'none'}`);
  }
  const own = await mkdtemp(join(scratch, 'verify-'));
  try {
    return await withDuckDb({ memoryMb, threads: 2, scratch: own }, async (db) => {
      // What names comes before what is named, so that a lake that goes on meanwhile is not taken for one with gaps.
      const names = Object.keys(newest.datasets).filter((name) => only === undefined || name === only);
      const named = await NamedHeads.read(store, names, findings, signal);
      const versions = new Map<string, readonly Found<ViewVersion>[]>();
      for (const name of names)
        versions.set(name, await readChain<ViewVersion>(store, `view/${name}/`, findings, signal));
      const spec = asRead(specs, versions) ?? newest;
      const all = specs.map(({ value }) => value);
      const epochs = new Map(
        names.map((name) => [
          name,
          versions.get(name)?.at(-1)?.value.datasetEpoch ?? newest.epochs[name] ?? 1,
        ]),
      );
      const uncounted = new Map<string, number>();
      const means = { store, db, scratch: own, spec, specs: all, epochs, uncounted, findings, signal };
      const datasets = Object.entries(spec.datasets).filter(([name]) => names.includes(name));
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
      const tables = new Tables(lanes);
      for (const lane of tables.names) verifyReach(lane, named.reaches(lane), tables, means);
      const reports: Record<string, DatasetReport> = {};
      for (const [name, one] of datasets) {
        say(`${name}: its newest version`);
        const given = { name, dataset: one, lanes, tables, versions: versions.get(name) ?? [], named };
        reports[name] = await verifyView(given, means);
      }
      named.checkLanes(lanes, feeds, findings);
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
    const entries = await readChain<Entry>(store, `ledger/${name}/`, findings, signal);
    lanes.push({ feed, lane: Number(lane), entries });
  }
  for (const { feed, lane } of lanes) {
    if (lane > 0 && !names.has(`${feed}/${lane - 1}`))
      findings.add('gap', `ledger/${feed}/`, `has lane ${lane}, but no lane ${lane - 1}`);
  }
  return lanes;
}
