import { join } from 'node:path';
import type { Count, WinnersFile } from '../../lake/build.ts';
import { type DatasetSpec, type Role, hasBothRoles } from '../../lake/spec.ts';
import {
  type BuildTables,
  bucketsSql,
  copyRoleSql,
  copyWinnersSql,
  dropBeatenSql,
  readBackSql,
  rolePartitionsSql,
  writtenSql,
} from '../../lake/sql/build.ts';
import type { DuckDb } from '../duckdb.ts';
import { digestOf } from './scratch.ts';

/** A written file, before it is put anywhere. */
export interface WrittenFile {
  readonly path: string;
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface WrittenRows extends WrittenFile {
  readonly count: Count;
  /** Microseconds since the epoch; null where the dataset has no event time. */
  readonly minUs: number | null;
  readonly maxUs: number | null;
}

export interface WrittenWinners extends WrittenFile {
  readonly rows: number;
  readonly buckets: WinnersFile['buckets'];
}

/** What one partition's build is made of; without rows of a kind there is no file. */
export interface WrittenBuild {
  rows?: WrittenRows;
  tombstones?: WrittenRows;
  readonly winners: Partial<Record<Role, WrittenWinners>>;
}

/** About two row groups of a Parquet file. */
const SMALL_ROWS = 250_000;

/** Called as soon as a file is whole on disk, so that it can be sent while the next is written. */
export type OnWritten = (partition: number, written: WrittenFile) => void;

/**
 * Write the files of these partitions from staged and ranked rows, and read them back. Afterwards the staged rows are
 * the winners alone.
 */
export async function writeBuilds(
  db: DuckDb,
  dataset: DatasetSpec,
  tables: BuildTables,
  partitions: readonly number[],
  folder: string,
  onWritten: OnWritten,
): Promise<Map<number, WrittenBuild>> {
  const builds = new Map<number, WrittenBuild>(partitions.map((partition) => [partition, { winners: {} }]));
  const write = async (partition: number, file: string, sql: (path: string) => string) => {
    const path = join(folder, `${partition}-${file}`);
    await db.run(sql(path));
    const written = { path, file, ...(await digestOf(path)) };
    onWritten(partition, written);
    return { partition, written };
  };
  type One = Awaited<ReturnType<typeof write>>;

  // The beaten rows are needed until each role's own winners are written.
  if (hasBothRoles(dataset)) {
    for (const role of ['batch', 'speed'] as const) {
      const ones: One[] = [];
      for (const partition of await partitionsOfRole(db, dataset, tables, role)) {
        const sql = (path: string) => copyRoleSql(dataset, tables, partition, role, path);
        ones.push(await write(partition, `winners-${role}.parquet`, sql));
      }
      await addWinners(db, builds, role, ones);
    }
  }
  await db.run(dropBeatenSql(tables));
  const [winners, tombstones]: [One[], One[]] = [[], []];
  const toWrite = await db.rows(writtenSql(tables));
  const most = Math.max(0, ...toWrite.map((row) => Number(row['winners'])));
  // Of a file with few row groups a second thread writes nothing, and costs a third more.
  if (most < SMALL_ROWS) await db.run('SET threads=1');
  for (const row of toWrite) {
    const partition = Number(row['p']);
    const sql = (which: 'winners' | 'tombstones') => (path: string) =>
      copyWinnersSql(dataset, tables, partition, which, path);
    if (Number(row['winners']) > 0) winners.push(await write(partition, '0.parquet', sql('winners')));
    if (Number(row['tombstones']) > 0)
      tombstones.push(await write(partition, 'tombstones.parquet', sql('tombstones')));
  }
  for (const [one, rows] of await readBack(db, dataset, winners)) at(builds, one).rows = rows;
  for (const [one, rows] of await readBack(db, dataset, tombstones)) at(builds, one).tombstones = rows;
  return builds;

  async function addWinners(
    connection: DuckDb,
    into: Map<number, WrittenBuild>,
    role: Role,
    ones: readonly One[],
  ): Promise<void> {
    if (ones.length === 0) return;
    const rows = await connection.rows(bucketsSql(ones.map(({ written }) => written.path)));
    for (const [index, { partition, written }] of ones.entries()) {
      const own = rows.filter((row) => Number(row['file']) === index);
      const buckets = own.map(
        (row) => [String(row['bucket']), { rows: Number(row['rows']), match: String(row['match']) }] as const,
      );
      const count = buckets.reduce((sum, [, one]) => sum + one.rows, 0);
      at(into, partition).winners[role] = { ...written, rows: count, buckets: Object.fromEntries(buckets) };
    }
  }

  async function readBack(
    connection: DuckDb,
    spec: DatasetSpec,
    ones: readonly One[],
  ): Promise<(readonly [number, WrittenRows])[]> {
    if (ones.length === 0) return [];
    const rows = await connection.rows(
      readBackSql(
        spec,
        ones.map(({ written }) => written.path),
      ),
    );
    const byFile = new Map(rows.map((row) => [Number(row['file']), row]));
    return ones.map(({ partition, written }, index) => {
      const row = byFile.get(index);
      const count = row ? { rows: Number(row['rows']), hash: String(row['hash']) } : { rows: 0, hash: '0' };
      return [
        partition,
        { ...written, count, minUs: numberOrNull(row?.['min_us']), maxUs: numberOrNull(row?.['max_us']) },
      ] as const;
    });
  }
}

async function partitionsOfRole(
  db: DuckDb,
  dataset: DatasetSpec,
  tables: BuildTables,
  role: Role,
): Promise<number[]> {
  const rows = await db.rows(rolePartitionsSql(dataset, tables, role));
  return rows.map((row) => Number(row['p']));
}

function at(builds: ReadonlyMap<number, WrittenBuild>, partition: number): WrittenBuild {
  const found = builds.get(partition);
  if (!found) throw new Error(`rows of partition ${partition} were staged and nobody asked for them`);
  return found;
}

function numberOrNull(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}
