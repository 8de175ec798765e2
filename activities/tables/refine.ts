import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { loadChange } from '../../lake/landings.ts';
import type { LandingFiles } from '../../lake/sql/landing-source.ts';
import type { RefineStatements } from '../../lake/sql/refine-csv.ts';
import { refineLanding } from '../../lake/sql/refine-landing.ts';
import { literal } from '../../lake/sql/text.ts';
import type { DuckDb } from '../duckdb.ts';
import { failure } from '../failure.ts';
import { busy } from '../refine/busy.ts';
import { makeCutTable } from '../refine/cut-table.ts';
import { Quarantine } from '../refine/quarantine.ts';
import { type Statistics, readStatistics } from '../refine/statistics.ts';
import type { BoundLanding } from './bind.ts';
import { bodiesOf } from './bodies.ts';
import type { DatabaseContext, DeclaredTable } from './context.ts';
import { type LandingRows, type PlacedFile, membersOf, placesOf, splitsOf } from './places.ts';
import { quarantineCuts, quarantineProblems } from './problems.ts';

/** Two row groups of DuckDB's own size are the 250,000 rows that an object should have. */
const ROW_GROUP = 122_880;
const SMALLEST_ROW_GROUP = 2048;
/** A row group is held in memory until it is written. */
const ROW_GROUP_BYTES = 32 * 1024 * 1024;

export interface RefineOptions {
  readonly context: DatabaseContext;
  readonly table: DeclaredTable;
  readonly db: DuckDb;
  /** An existing folder, empty. */
  readonly scratch: string;
  /** When the load of their generation began. */
  readonly loadStartedAt: string | null;
  readonly onProgress: () => void;
}

export interface RefinedFile extends PlacedFile {
  /** Read back from it. */
  readonly statistics: Statistics;
}

export interface RefinedGroup {
  readonly files: readonly RefinedFile[];
  readonly quarantine: Quarantine;
  /** By item. */
  readonly landings: ReadonlyMap<string, LandingRows>;
}

/** Every record of landings of one schema becomes rows or a line of quarantine: by count, or it is `ProofBroken`. */
export async function refineGroup(
  options: RefineOptions,
  group: readonly BoundLanding[],
): Promise<RefinedGroup> {
  const { context, db, scratch, onProgress } = options;
  const members = membersOf(group);
  const records = group.reduce((sum, one) => sum + one.records, 0);
  const quarantine = new Quarantine(path.join(scratch, 'rejected.ndjson'));
  const cuts = await quarantineCuts(members, quarantine);
  const files = await bodiesOf(context, members, scratch);
  if (cuts.length > 0) await makeCutTable(db, cuts);
  const statements = statementsOf(options, group, files, cuts.length > 0);
  const folder = path.join(scratch, 'rows');
  const bytes = group.reduce((sum, one) => sum + one.bodyBytes, 0);
  const rowGroup = Math.floor(ROW_GROUP_BYTES / Math.max(1, bytes / records));
  const size = Math.min(ROW_GROUP, Math.max(SMALLEST_ROW_GROUP, rowGroup));
  const watch = { db, signal: context.signal, onProgress };
  await busy(watch, () =>
    db.run(
      `COPY (${statements.rows}) TO ${literal(folder)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${size}, ROW_GROUPS_PER_FILE 2)`,
    ),
  );
  const made = await busy(watch, () => readBack(options, folder));
  const whole = made.files.reduce((sum, { statistics }) => sum + statistics.rows, 0) - made.splits;
  if (whole + cuts.length < records) {
    const list = path.join(scratch, 'problems.json');
    await busy(watch, () => db.run(`COPY (${statements.problemRows}) TO ${literal(list)} (FORMAT json)`));
    await quarantineProblems(context.target, { list, members, problems: statements.problems, quarantine });
  }
  if (whole + quarantine.rows !== records) {
    throw failure(
      'ProofBroken',
      `${records} records were counted in ${group.length} landings from ${group[0]?.item ?? ''}; ${whole} rows and ${quarantine.rows} rejected records came of them`,
    );
  }
  const splits = made.splits === 0 ? new Map<number, number>() : await splitsOf(db, made.files, members);
  return { files: made.files, quarantine, landings: placesOf(members, made.files, splits) };
}

function statementsOf(
  { table, context, loadStartedAt }: RefineOptions,
  group: readonly BoundLanding[],
  files: LandingFiles,
  hasCuts: boolean,
): RefineStatements {
  const [one] = group;
  if (!one) throw new Error('a group has landings');
  const { columns, mapping, landed } = table;
  const isLoad = one.listed.name.kind === 'load';
  // Rows of a load compare with changes only where those have numbers.
  const ofLoad =
    landed.changeColumn === undefined || loadStartedAt === null ? null : loadChange(loadStartedAt);
  return refineLanding({
    files,
    bound: one.bound,
    columns,
    ...(mapping && { mapping }),
    ...(isLoad && { loadChange: ofLoad }),
    nowUs: context.clock.now() * 1000,
    ...(hasCuts && { cut: 'cut' }),
  });
}

/** What was written, read back from it: this is what proves it. */
async function readBack(
  { db, table }: RefineOptions,
  folder: string,
): Promise<{ readonly files: readonly RefinedFile[]; readonly splits: number }> {
  const files: RefinedFile[] = [];
  let splits = 0;
  const names = (await readdir(folder)).toSorted((a, b) => numberIn(a) - numberIn(b));
  for (const name of names) {
    const file = path.join(folder, name);
    const statistics = await readStatistics(db, file, table.mapping);
    if (statistics.rows === 0) continue;
    const [ends] = await db.rows(
      `SELECT max(_row)::BIGINT AS last, count(*) FILTER (_row % 2 = 1)::INTEGER AS splits FROM read_parquet(${literal(file)})`,
    );
    splits += Number(ends?.['splits']);
    files.push({ path: file, statistics, last: Number(ends?.['last']) });
  }
  return { files, splits };
}

function numberIn(name: string): number {
  return Number(/(\d+)\.parquet$/.exec(name)?.[1] ?? 0);
}
