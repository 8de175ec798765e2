import type { BuildManifest, Count } from '../../lake/build.ts';
import { MOST_EXAMPLES } from '../../lake/checks.ts';
import type { DatasetSpec } from '../../lake/spec.ts';
import { type BuildTables, conflictingSql, lostSql } from '../../lake/sql/build.ts';
import type { RowsFiles } from '../../lake/sql/mapped.ts';
import { landedSql } from '../../lake/sql/staging.ts';
import type { DuckDb, Row } from '../duckdb.ts';

/** Partition number → what was counted there; a partition without rows of a class is absent. */
export type Counted = ReadonlyMap<number, Count>;

export interface LandedClasses {
  readonly in: Counted;
  readonly excluded: Counted;
  readonly retracted: Counted;
}

export interface BeatenClasses {
  readonly lost: Counted;
  /** Lost rows with the very content of their winner. */
  readonly identical: ReadonlyMap<number, number>;
  readonly conflicting: ReadonlyMap<number, BuildManifest['conflicting']>;
}

const NOTHING: Count = { rows: 0, hash: '0' };

export function countOf(counted: Counted, partition: number): Count {
  return counted.get(partition) ?? NOTHING;
}

/** Over the landed objects, not over what was staged from them. */
export async function countLanded(
  db: DuckDb,
  dataset: DatasetSpec,
  tables: BuildTables,
  files: readonly RowsFiles[],
): Promise<LandedClasses> {
  const [all, excluded, retracted] = [new Map(), new Map(), new Map()] as [
    Map<number, Count>,
    Map<number, Count>,
    Map<number, Count>,
  ];
  for (const some of files) {
    addTo(all, await db.rows(landedSql(dataset, tables, some, 'in')));
    addTo(excluded, await db.rows(landedSql(dataset, tables, some, 'excluded')));
    addTo(retracted, await db.rows(landedSql(dataset, tables, some, 'retracted')));
  }
  return { in: all, excluded, retracted };
}

/** Over the ranks of staged rows, before the beaten ones go. */
export async function countBeaten(
  db: DuckDb,
  dataset: DatasetSpec,
  tables: BuildTables,
): Promise<BeatenClasses> {
  const lost = new Map<number, Count>();
  const rows = await db.rows(lostSql(tables));
  addTo(lost, rows);
  // A key of all columns leaves no content to conflict.
  const mayConflict =
    dataset.merge === 'append' && !Object.keys(dataset.columns).every((name) => dataset.key.includes(name));
  const conflicts = mayConflict ? await db.rows(conflictingSql(dataset, tables, MOST_EXAMPLES)) : [];
  return {
    lost,
    identical: new Map(rows.map((row) => [Number(row['p']), Number(row['identical'])])),
    conflicting: new Map(
      conflicts.map((row) => [
        Number(row['p']),
        { keys: Number(row['keys']), examples: (row['examples'] as unknown[]).map(String) },
      ]),
    ),
  };
}

export function plus(a: Count, b: Count): Count {
  return { rows: a.rows + b.rows, hash: String(BigInt(a.hash) + BigInt(b.hash)) };
}

function addTo(counted: Map<number, Count>, rows: readonly Row[]): void {
  for (const row of rows) {
    const p = Number(row['p']);
    const one = { rows: Number(row['rows']), hash: String(row['hash']) };
    counted.set(p, plus(countOf(counted, p), one));
  }
}
