import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Problem } from '../../lake/sql/refine-cast.ts';
import { type RefineStatements, refineCsv } from '../../lake/sql/refine-csv.ts';
import { refineJsonLines } from '../../lake/sql/refine-json-lines.ts';
import type { Mapping } from '../../lake/sql/refine-mapping.ts';
import { literal } from '../../lake/sql/text.ts';
import type { FilesSource } from '../../lake/spec.ts';
import type { DuckDb } from '../duckdb.ts';
import { failure } from '../failure.ts';
import { Quarantine } from '../refine/quarantine.ts';
import { type Statistics, readStatistics } from '../refine/statistics.ts';
import type { FramedRecord } from './framing.ts';
import type { ComingFile, Group, Member } from './group.ts';
import type { FileFolder } from './port.ts';
import { reframe } from './survey.ts';

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
  { header, longest }: Group,
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
  return 'csv' in format ? refineCsv({ ...refine, header, dialect: format.csv }) : refineJsonLines(refine);
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

async function makeCutTable(db: DuckDb, rows: readonly number[]): Promise<void> {
  await db.run('CREATE OR REPLACE TEMP TABLE cut (n BIGINT)');
  for (let at = 0; at < rows.length; at += 10_000) {
    await db.run(`INSERT INTO cut SELECT unnest([${rows.slice(at, at + 10_000).join(', ')}])`);
  }
}

interface ListedProblem {
  readonly n: number;
  readonly why: number;
  readonly found: string | null;
}

/** Records are fetched for so many problems at once; each time, their file is read again. */
const PROBLEMS_AT_ONCE = 100_000;

async function quarantineProblems(
  context: RefineContext,
  {
    list,
    members,
    problems,
    quarantine,
    changed,
  }: {
    readonly list: string;
    readonly members: readonly PlacedMember[];
    readonly problems: readonly Problem[];
    readonly quarantine: Quarantine;
    readonly changed: Set<ComingFile>;
  },
): Promise<void> {
  let at = 0;
  let some: ListedProblem[] = [];
  const settle = async () => {
    const member = members[at];
    if (member && some.length > 0 && !(await quarantineOf(context, member, { some, problems, quarantine })))
      changed.add(member.file);
    some = [];
  };
  for await (const line of createInterface({ input: createReadStream(list), crlfDelay: Infinity })) {
    const problem = JSON.parse(line) as ListedProblem;
    const isWithin = (member: PlacedMember | undefined) =>
      member !== undefined && problem.n < member.firstRow + member.records;
    if (!isWithin(members[at]) || some.length === PROBLEMS_AT_ONCE) await settle();
    while (at < members.length && !isWithin(members[at])) at += 1;
    some.push(problem);
  }
  await settle();
}

async function quarantineOf(
  context: RefineContext,
  member: PlacedMember,
  {
    some,
    problems,
    quarantine,
  }: {
    readonly some: readonly ListedProblem[];
    readonly problems: readonly Problem[];
    readonly quarantine: Quarantine;
  },
): Promise<boolean> {
  const { files, folder, signal, onProgress, source } = context;
  const wanted = some.map(({ n }) => member.firstRecord + n - member.firstRow);
  let next = 0;
  const take = async ({ record, line, offset, bytes }: FramedRecord) => {
    const listed = some[next];
    const problem = listed && problems[listed.why];
    next += 1;
    if (!listed || !problem) return;
    const { reason, column, right } = problem;
    const found = listed.found === null ? 'nothing' : JSON.stringify(listed.found);
    const message = `line ${line}: ${column ?? 'the record'} has ${found}; right would be ${right}`;
    member.rejected += 1;
    await quarantine.add(
      {
        ...itemOf(context, member),
        record,
        line,
        offset,
        reason,
        ...(column !== undefined && { column }),
        message,
      },
      bytes,
    );
  };
  return reframe(
    files,
    {
      folder,
      item: member.file.item,
      stat: member.file.framed.stat,
      sha256: member.file.framed.sha256,
      signal,
      onProgress,
      format: source.format,
      wanted,
    },
    async (block) => {
      for (const record of block.wanted) await take(record);
    },
  );
}

function itemOf(
  { versionOf }: RefineContext,
  { file }: Member,
): { readonly item: string; readonly version: string } {
  return { item: file.item, version: versionOf(file.item) };
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

/** DuckDB works on its own threads: heartbeats go on, and a cancellation reaches it. */
async function busy({ db, signal, onProgress }: RefineContext, work: () => Promise<void>): Promise<void> {
  const beat = setInterval(onProgress, 5000);
  const stop = () => db.interrupt();
  signal.addEventListener('abort', stop);
  try {
    await work();
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    clearInterval(beat);
    signal.removeEventListener('abort', stop);
  }
}
