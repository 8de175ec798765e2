import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { heartbeat } from '@temporalio/activity';
import { isoInstant } from '../../lake/instant.ts';
import { keys } from '../../lake/keys.ts';
import { partitionNumber } from '../../lake/partition.ts';
import type { PlannedPartition } from '../../lake/plan.ts';
import { hasBothRoles } from '../../lake/spec.ts';
import { buildTables, rankStatements, stagedSql } from '../../lake/sql/build.ts';
import { stagingTables } from '../../lake/sql/staging.ts';
import { failure } from '../failure.ts';
import { ensureFile } from '../objects/commit.ts';
import { eachOf, fetchFile } from '../objects/fetch.ts';
import type { Watch } from '../objects/port.ts';
import { type LocalRows, stageRows } from '../objects/stage.ts';
import { wantedObjects } from '../objects/wanted.ts';
import type { BuildMeans } from './activities.ts';
import { countBeaten, countLanded } from './classes.ts';
import { wantedEntries } from './inputs.ts';
import { buildManifest, bytesOf } from './manifest.ts';
import type { OpenedPlan } from './plan.ts';
import type { Work } from './scratch.ts';
import { Sending } from './sending.ts';
import { type WrittenFile, writeBuilds } from './write.ts';

/** Objects downloaded or sent at a time. */
const WIDTH = 8;

/**
 * Make these partitions' builds in one DuckDB session: each rows object is read once. The files go under an attempt of
 * their own before any `_build.json` names them.
 */
export async function buildBatch(
  { store, ledger, builds, clock }: BuildMeans,
  { db, folder, signal }: Work,
  { plan, spec, dataset }: OpenedPlan,
  todo: readonly PlannedPartition[],
): Promise<{ rows: number; bytes: number }> {
  const watch: Watch = { signal, onProgress: () => heartbeat() };
  const planned = new Map(todo.map((one) => [numberOf(one), one]));
  const local = await fetchRows();
  const tables = buildTables(stagingTables(plan.dataset));
  const files = await stageRows(db, spec, dataset, tables, local);
  const staged = (await db.rows(stagedSql(tables))).map(({ p, rows }) => ({
    p: Number(p),
    rows: Number(rows),
  }));
  for (const statement of rankStatements(dataset, tables, staged)) await db.run(statement);
  const landed = await countLanded(db, dataset, tables, files);
  const counts = { ...landed, ...(await countBeaten(db, dataset, tables)) };

  const attempt = randomUUID();
  const sending = new Sending(WIDTH);
  const send = (number: number, file: WrittenFile) => sending.add(() => put(number, file));
  const written = await writeBuilds(db, dataset, tables, [...planned.keys()], folder, send);
  await sending.done();

  const [engine] = await db.rows('SELECT version() AS version');
  const about = {
    attempt,
    engine: `duckdb ${String(engine?.['version'])}`,
    by: `${hostname()}/${process.pid}`,
    at: isoInstant(clock.now()),
  };
  await eachOf([...planned], WIDTH, async ([number, one]) => {
    const own = written.get(number) ?? { winners: {} };
    const both = hasBothRoles(dataset);
    const manifest = buildManifest(plan.dataset, one, number, own, counts, both, about);
    await builds.commit(manifest, signal);
    heartbeat();
  });
  const all = [...written.values()];
  return {
    rows: all.reduce((sum, { rows }) => sum + (rows?.count.rows ?? 0), 0),
    bytes: all.reduce((sum, one) => sum + bytesOf(one), 0),
  };

  async function fetchRows(): Promise<LocalRows[]> {
    const entries = await wantedEntries(ledger, todo, signal);
    const objects = await wantedObjects(ledger, spec, dataset, entries, signal);
    const rows = objects.map((object, n) => ({ ...object, path: join(folder, `rows-${n}.parquet`) }));
    await eachOf(rows, WIDTH, (object) => fetchFile(store, object, object.path, watch));
    return rows;
  }

  async function put(number: number, { path, file, bytes, sha256 }: WrittenFile): Promise<void> {
    const one = planned.get(number);
    if (!one) throw new Error(`partition ${number} was written and nobody asked for it`);
    const key = keys.buildFile(plan.dataset, one.partition, one.buildId, attempt, file);
    await ensureFile(store, key, { path, expect: { bytes, sha256 } }, watch);
  }

  function numberOf({ partition }: PlannedPartition): number {
    const number = partitionNumber(dataset.partition, partition);
    if (number !== undefined) return number;
    throw failure(
      'MalformedInput',
      `${partition} in ${keys.plan(plan.dataset, plan.planId)} is no partition`,
    );
  }
}
