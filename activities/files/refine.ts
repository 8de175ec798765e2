import { rm } from 'node:fs/promises';
import path from 'node:path';
import { type RefineStatements, refineCsv } from '../../lake/sql/refine-csv.ts';
import { refineFixed } from '../../lake/sql/refine-fixed.ts';
import { refineJsonLines } from '../../lake/sql/refine-json-lines.ts';
import { refineParquet } from '../../lake/sql/refine-parquet.ts';
import type { Mapping } from '../../lake/sql/refine-mapping.ts';
import { literal } from '../../lake/sql/text.ts';
import type { FilesSource } from '../../lake/spec.ts';
import type { DuckDb } from '../duckdb.ts';
import { failure } from '../failure.ts';
import { busy } from '../refine/busy.ts';
import { makeCutTable } from '../refine/cut-table.ts';
import { Quarantine } from '../refine/quarantine.ts';
import { type Statistics, readStatistics } from '../refine/statistics.ts';
import type { ComingFile, Group, Member } from './group.ts';
import type { FileFolder } from './port.ts';
import { itemOf, quarantineProblems } from './problems.ts';

export interface RefineContext {
  readonly db: DuckDb;
  readonly files: FileFolder;
  readonly folder: string;
  readonly source: FilesSource;
  readonly mapping: Mapping | undefined;
  readonly nowMs: number;
  readonly scratch: string;
  readonly signal: AbortSignal;
  readonly onProgress: () => void;
  readonly versionOf: (item: string) => string;
}

/** A member with the `_row` of its first record. */
export interface PlacedMember extends Member {
  readonly firstRow: number;
  /** Of its records, how many are in quarantine. */
  rejected: number;
}

export interface Refined {
  readonly members: readonly PlacedMember[];
  /** A local Parquet file; its statistics were read back from it. */
  readonly parquet: string;
  readonly statistics: Statistics;
  readonly quarantine: Quarantine;
}

/** Refine a group, less the files that turn out to have changed: they are named, and nothing of them is left. */
export async function refineGroup(
  context: RefineContext,
  group: Group,
): Promise<{ readonly refined: Refined | undefined; readonly changed: ReadonlySet<ComingFile> }> {
  const changed = new Set<ComingFile>();
  for (let round = 1; ; round += 1) {
    const all = await group.pieces();
    const pieces = all.filter(({ members }) => !members.some(({ file }) => changed.has(file)));
    // What shares a local file with one that changed is left for the next run too.
    for (const piece of all)
      if (!pieces.includes(piece)) for (const { file } of piece.members) changed.add(file);
    if (pieces.length === 0) return { refined: undefined, changed };
    const members = placed(pieces.flatMap((piece) => piece.members));
    const sources = pieces.filter(({ isSource }) => isSource).flatMap((piece) => piece.members);
    const before = changed.size;
    try {
      const paths = pieces.map((piece) => piece.path);
      const refined = await refineOnce(context, { group, paths, members, round, changed });
      await findChanged(context, sources, changed);
      if (changed.size === before) return { refined, changed };
    } catch (error) {
      // What DuckDB found wrong with a file that is no longer the one we framed says nothing.
      await findChanged(context, sources, changed);
      if (changed.size === before) throw error;
    }
  }
}

interface Round {
  readonly group: Group;
  readonly paths: readonly string[];
  readonly members: readonly PlacedMember[];
  readonly round: number;
  readonly changed: Set<ComingFile>;
}

async function refineOnce(
  context: RefineContext,
  { group, paths, members, round, changed }: Round,
): Promise<Refined> {
  const { db, mapping, scratch } = context;
  const parquet = path.join(scratch, `rows-${round}.parquet`);
  const quarantine = new Quarantine(path.join(scratch, `rejected-${round}.ndjson`));
  const cuts = members.flatMap((member) => cutsOf(member).map((cut) => ({ member, cut })));
  const cutRows = cuts.map(({ member, cut }) => member.firstRow + cut.record - member.firstRecord);
  if (cuts.length > 0) await makeCutTable(db, cutRows);
  const statements = statementsOf(context, group, paths, cuts.length > 0);
  await busy(context, () =>
    db.run(`COPY (${statements.rows}) TO ${literal(parquet)} (FORMAT parquet, COMPRESSION zstd)`),
  );
  const statistics = await readStatistics(db, parquet, mapping);

  for (const { member, cut } of cuts) {
    const { record, line, offset, bytes, reason, message } = cut;
    member.rejected += 1;
    await quarantine.add({ ...itemOf(context, member), record, line, offset, reason, message }, bytes);
  }
  const framed = members.reduce((sum, { records }) => sum + records, 0);
  if (statistics.rows + cuts.length < framed) {
    const list = path.join(scratch, `problems-${round}.json`);
    await busy(context, () => db.run(`COPY (${statements.problemRows}) TO ${literal(list)} (FORMAT json)`));
    await quarantineProblems(context, { list, members, problems: statements.problems, quarantine, changed });
    await rm(list);
  }
  if (changed.size === 0 && statistics.rows + quarantine.rows !== framed) {
    throw failure(
      'ProofBroken',
      `${framed} records were framed in ${members.length} files from ${members[0]?.file.item ?? ''}; ${statistics.rows} rows and ${quarantine.rows} rejected records came of them`,
    );
  }
  return { members, parquet, statistics, quarantine };
}

function statementsOf(
  { source: { format, columns }, mapping, nowMs }: RefineContext,
  { header, types, longest }: Group,
  paths: readonly string[],
  hasCuts: boolean,
): RefineStatements {
  const refine = {
    paths,
    columns,
    ...(mapping && { mapping }),
    nowUs: nowMs * 1000,
    longest,
    ...(hasCuts && { cut: 'cut' }),
  };
  if ('csv' in format) return refineCsv({ ...refine, header, dialect: format.csv });
  if ('fixed' in format) return refineFixed({ ...refine, layout: format.fixed });
  if (!('parquet' in format)) return refineJsonLines(refine);
  const schema = header.map((name, index) => ({ name, type: types[index] ?? '' }));
  return refineParquet({ ...refine, schema });
}

function placed(members: readonly Member[]): PlacedMember[] {
  let row = 1;
  return members.map((member) => {
    const firstRow = row;
    row += member.records;
    return { ...member, firstRow, rejected: 0 };
  });
}

function cutsOf({ file, firstRecord, records }: Member): ComingFile['framed']['cuts'] {
  return file.framed.cuts.filter(({ record }) => record >= firstRecord && record < firstRecord + records);
}

async function findChanged(
  { files, folder, signal }: RefineContext,
  members: readonly Member[],
  changed: Set<ComingFile>,
): Promise<void> {
  for (const { file } of members) {
    const now = await files.stat(folder, file.item, signal);
    if (now?.tag !== file.framed.stat.tag) changed.add(file);
  }
}
