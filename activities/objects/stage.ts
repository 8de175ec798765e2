import { type DatasetSpec, type LakeSpec, feedOf, hasBothRoles } from '../../lake/spec.ts';
import type { RowsFiles } from '../../lake/sql/mapped.ts';
import { type StagingTables, stageSql, stagingStatements } from '../../lake/sql/staging.ts';
import { literal } from '../../lake/sql/text.ts';
import type { DuckDb } from '../duckdb.ts';
import { failure } from '../failure.ts';
import type { WantedObject } from './wanted.ts';

/** A rows object, verified, as a local file. */
export interface LocalRows extends WantedObject {
  readonly path: string;
}

/**
 * Afterwards the tables hold these objects and their wanted rows, mapped. Answers the files by feed and columns, for
 * queries over what landed.
 */
export async function stageRows(
  db: DuckDb,
  spec: Pick<LakeSpec, 'sources'>,
  dataset: DatasetSpec,
  tables: StagingTables,
  objects: readonly LocalRows[],
): Promise<RowsFiles[]> {
  const groups = new Map<string, LocalRows[]>();
  for (const object of objects) {
    const like = `${object.feed} ${object.rows.schema} ${object.isMapped}`;
    const group = groups.get(like);
    if (group) group.push(object);
    else groups.set(like, [object]);
  }
  const ordered = [...groups.values()].flat();
  const statements = stagingStatements(
    dataset,
    tables,
    ordered.map(({ staged }) => staged),
  );
  for (const statement of statements) await db.run(statement);
  const files: RowsFiles[] = [];
  let first = 0;
  for (const group of groups.values()) {
    const some = await describe(db, spec, dataset, group, first);
    await db.run(stageSql(dataset, tables, some));
    files.push(some);
    first += group.length;
  }
  return files;
}

async function describe(
  db: DuckDb,
  spec: Pick<LakeSpec, 'sources'>,
  dataset: DatasetSpec,
  group: readonly LocalRows[],
  first: number,
): Promise<RowsFiles> {
  const [one] = group;
  const use = one && dataset.feeds[one.feed];
  const columns = one && feedOf(spec, one.feed)?.columns;
  if (!one || !use || !columns) {
    throw failure('UnknownSource', `${one?.feed}: the spec of the plan has no such feed for its dataset`);
  }
  const described = await db.rows(`DESCRIBE SELECT * FROM read_parquet(${literal(one.path)})`);
  const present = new Set(described.map(({ column_name: name }) => String(name)));
  return {
    use,
    columns,
    paths: group.map(({ path }) => path),
    first,
    present,
    storedMatch: one.isMapped && hasBothRoles(dataset) && present.has('_match'),
    versionedByAsOf: one.versionedByAsOf,
    hasRetracted: group.some(({ staged }) => staged.retracted.length > 0),
  };
}
