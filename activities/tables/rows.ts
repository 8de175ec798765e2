import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { canonical } from '../../lake/canonical.ts';
import type { ItemSpan, RejectedObject, RejectedRecord, RowsObject } from '../../lake/entry.ts';
import { keys } from '../../lake/keys.ts';
import type { LandingColumns } from '../../lake/landing-columns.ts';
import { loadChange } from '../../lake/landings.ts';
import { mappingHash, schemaHash } from '../../lake/mapping.ts';
import { type LandingFiles, type LandingStatements, refineLanding } from '../../lake/sql/refine-landing.ts';
import { literal } from '../../lake/sql/text.ts';
import type { DuckDb } from '../duckdb.ts';
import { failure } from '../failure.ts';
import { ensureFile } from '../objects/commit.ts';
import { sha256Hex } from '../objects/json.ts';
import { busy } from '../refine/busy.ts';
import { CsvFramer } from '../refine/csv-framer.ts';
import { digestFile } from '../refine/hash.ts';
import { Quarantine } from '../refine/quarantine.ts';
import { type Statistics, readStatistics } from '../refine/statistics.ts';
import type { DatabaseContext, DeclaredTable } from './context.ts';
import type { FetchedLanding } from './fetch.ts';

/** Two row groups of DuckDB's own size are the 250,000 rows that an object should have. */
const ROW_GROUP = 122_880;
const SMALLEST_ROW_GROUP = 2048;
/** A row group is held in memory until it is written. */
const ROW_GROUP_BYTES = 32 * 1024 * 1024;

/** A landing that was read and whose columns are known, as it goes into rows. */
export interface BoundLanding extends FetchedLanding {
  readonly bound: LandingColumns;
  readonly item: string;
  readonly version: string;
}

export interface RowsOptions {
  readonly context: DatabaseContext;
  readonly table: DeclaredTable;
  readonly db: DuckDb;
  readonly scratch: string;
  readonly commit: string;
  /** When the load of their generation began. */
  readonly loadStartedAt: string | null;
  readonly onProgress: () => void;
}

export interface LandingRows {
  readonly rows: number;
  readonly rejected: number;
  readonly spans: readonly ItemSpan[];
}

export interface MadeRows {
  readonly objects: readonly RowsObject[];
  readonly rejected: readonly RejectedObject[];
  /** By item. */
  readonly landings: ReadonlyMap<string, LandingRows>;
}

/** A landing with the number, within its refine, of its first record, from 1. */
interface Member {
  readonly landing: BoundLanding;
  readonly first: number;
  rejected: number;
}

/** Makes rows objects of landings, in their order: one refine for neighbours of one schema. Stored, and named by nobody yet. */
export async function makeRows(options: RowsOptions, landings: readonly BoundLanding[]): Promise<MadeRows> {
  const objects: RowsObject[] = [];
  const rejected: RejectedObject[] = [];
  const found = new Map<string, LandingRows>();
  let index = 0;
  for (const group of groupsOf(landings)) {
    index += 1;
    const scratch = path.join(options.scratch, `refine-${index}`);
    await mkdir(scratch);
    const refined = await refineGroup({ ...options, scratch }, group);
    const { context, table, commit } = options;
    const name = (at: number) => ({ feed: table.feed, lane: 0, commit, attempt: context.attempt, index: at });
    const base = objects.length;
    for (const file of refined.files)
      objects.push(await storeRows(options, keys.rows(name(objects.length)), file));
    const quarantine = await refined.quarantine.finish();
    if (quarantine) {
      const key = keys.rejected(name(rejected.length));
      const { path: local, sha256, object } = quarantine;
      await put(options, key, local, { bytes: object.bytes, sha256 });
      rejected.push({ key, ...object });
    }
    for (const [item, made] of refined.landings) {
      const spans = made.spans.map((span) => ({ ...span, object: span.object + base }));
      found.set(item, { ...made, spans });
    }
    await rm(scratch, { recursive: true, force: true });
  }
  return { objects, rejected, landings: found };
}

/** Neighbours with the same columns. */
function groupsOf(landings: readonly BoundLanding[]): BoundLanding[][] {
  const groups: BoundLanding[][] = [];
  let last = '';
  for (const landing of landings) {
    if (landing.records === 0) continue;
    const { header, types, crlf, bound, listed } = landing;
    const like = canonical([header, types, crlf, bound, listed.name.kind]);
    if (like === last) groups.at(-1)?.push(landing);
    else groups.push([landing]);
    last = like;
  }
  return groups;
}

interface RefinedFile {
  readonly path: string;
  readonly statistics: Statistics;
  /** Its last `_row`. */
  readonly last: number;
}

interface RefinedGroup {
  readonly files: readonly RefinedFile[];
  readonly quarantine: Quarantine;
  readonly landings: ReadonlyMap<string, LandingRows>;
}

async function refineGroup(options: RowsOptions, group: readonly BoundLanding[]): Promise<RefinedGroup> {
  const { context, db, scratch, onProgress } = options;
  const members = membersOf(group);
  const records = group.reduce((sum, one) => sum + one.records, 0);
  const quarantine = new Quarantine(path.join(scratch, 'rejected.ndjson'));
  const cuts = await quarantineCuts(members, quarantine);
  const files = await filesOf(context, members, scratch);
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
    await quarantineProblems(options, { list, members, statements, quarantine });
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

function membersOf(group: readonly BoundLanding[]): Member[] {
  let first = 1;
  return group.map((landing) => {
    const member = { landing, first, rejected: 0 };
    first += landing.records;
    return member;
  });
}

function statementsOf(
  { table, context, loadStartedAt }: RowsOptions,
  group: readonly BoundLanding[],
  files: LandingFiles,
  hasCuts: boolean,
): LandingStatements {
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

async function filesOf(
  { target }: DatabaseContext,
  members: readonly Member[],
  scratch: string,
): Promise<LandingFiles> {
  const [first] = members;
  if (!first) throw new Error('a group has landings');
  const { header, types, listed } = first.landing;
  const paths: string[] = [];
  for (const { landing } of members) {
    paths.push(
      landing.cuts.length === 0 ? landing.body : await withoutCuts(landing, target.delimiter, scratch),
    );
  }
  if (listed.name.format === 'parquet') {
    return { format: 'parquet', paths, schema: header.map((name, at) => ({ name, type: types[at] ?? '' })) };
  }
  const dialect = {
    header: true,
    delimiter: target.delimiter,
    quote: '"',
    nulls: [target.nullText],
  } as const;
  const longest = Math.max(...members.map(({ landing }) => landing.longest));
  return { format: 'csv', paths, header, dialect, longest };
}

/** A copy in which every record that was cut out is an empty one: the others keep their numbers. */
async function withoutCuts(
  { body, header, cuts, sha256 }: BoundLanding,
  delimiter: string,
  scratch: string,
): Promise<string> {
  const copy = path.join(scratch, `${sha256}.kept`);
  const empty = Buffer.from(`x${delimiter.repeat(Math.max(0, header.length - 1))}`);
  const handle = await open(copy, 'wx');
  try {
    let at = 0;
    for (const { offset, bytes } of cuts) {
      await pipe(body, at, offset, handle.writeFile.bind(handle));
      await handle.writeFile(empty);
      at = offset + bytes.length;
    }
    await pipe(body, at, Infinity, handle.writeFile.bind(handle));
  } finally {
    await handle.close();
  }
  return copy;
}

async function pipe(
  file: string,
  from: number,
  to: number,
  write: (chunk: Buffer) => Promise<void>,
): Promise<void> {
  if (to <= from) return;
  const chunks: AsyncIterable<Buffer> = createReadStream(file, { start: from, end: to - 1 });
  for await (const chunk of chunks) await write(chunk);
}

async function makeCutTable(db: DuckDb, rows: readonly number[]): Promise<void> {
  await db.run('CREATE OR REPLACE TEMP TABLE cut (n BIGINT)');
  for (let at = 0; at < rows.length; at += 10_000) {
    await db.run(`INSERT INTO cut SELECT unnest([${rows.slice(at, at + 10_000).join(', ')}])`);
  }
}

/** What was written, read back from it: this is what proves it. */
async function readBack(
  { db, table }: RowsOptions,
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

/** How many records of each member became two rows, by its place. */
async function splitsOf(
  db: DuckDb,
  files: readonly RefinedFile[],
  members: readonly Member[],
): Promise<Map<number, number>> {
  const ranges = members.map(({ first, landing }, at) => `(${at}, ${first}, ${first + landing.records - 1})`);
  const rows = await db.rows(`SELECT m.member, count(*)::INTEGER AS n
    FROM read_parquet([${files.map((file) => literal(file.path)).join(', ')}]) r
    JOIN (VALUES ${ranges.join(', ')}) m(member, first, last) ON (r._row + 1) // 2 BETWEEN m.first AND m.last
    WHERE r._row % 2 = 1 GROUP BY m.member`);
  return new Map(rows.map((row) => [Number(row['member']), Number(row['n'])]));
}

/** Which rows of which object are a landing's, by its item. A record has two numbers of `_row`. */
function placesOf(
  members: readonly Member[],
  files: readonly RefinedFile[],
  splits: ReadonlyMap<number, number>,
): Map<string, LandingRows> {
  const places = new Map<string, LandingRows>();
  for (const [at, { landing, first, rejected }] of members.entries()) {
    const { item, records } = landing;
    const [from, to] = [2 * first - 1, 2 * (first + records - 1)];
    const spans: ItemSpan[] = [];
    let begin = 1;
    for (const [object, { last }] of files.entries()) {
      // What follows the last row of the last object is in quarantine: it has its numbers there.
      const end = object === files.length - 1 ? Infinity : last;
      const [low, high] = [Math.max(begin, from), Math.min(end, to)];
      begin = last + 1;
      if (low > high) continue;
      spans.push({
        object,
        firstRow: low,
        records: high - low + 1,
        firstRecord: 1 + Math.floor((low - from) / 2),
      });
    }
    places.set(item, { rows: records - rejected + (splits.get(at) ?? 0), rejected, spans });
  }
  return places;
}

async function quarantineCuts(members: readonly Member[], quarantine: Quarantine): Promise<number[]> {
  const rows: number[] = [];
  for (const member of members) {
    const { item, version, cuts } = member.landing;
    for (const { record, line, offset, bytes, reason, message } of cuts) {
      rows.push(member.first + record - 1);
      member.rejected += 1;
      await quarantine.add({ item, version, record, line, offset, reason, message }, bytes);
    }
  }
  return rows;
}

interface ListedProblem {
  readonly n: number;
  readonly why: number;
  readonly found: string | null;
  /** The record itself, where files have no bytes for each. */
  readonly record: string | null;
}

/** Bytes of so many records are fetched at once; each time, their file is read again. */
const PROBLEMS_AT_ONCE = 100_000;

async function quarantineProblems(
  options: RowsOptions,
  given: {
    readonly list: string;
    readonly members: readonly Member[];
    readonly statements: LandingStatements;
    readonly quarantine: Quarantine;
  },
): Promise<void> {
  const { list, members } = given;
  let at = 0;
  let some: ListedProblem[] = [];
  const settle = async () => {
    const member = members[at];
    if (member && some.length > 0) await quarantineOf(options, member, some, given);
    some = [];
  };
  for await (const line of createInterface({ input: createReadStream(list), crlfDelay: Infinity })) {
    const problem = JSON.parse(line) as ListedProblem;
    const isWithin = (member: Member | undefined) =>
      member !== undefined && problem.n < member.first + member.landing.records;
    if (!isWithin(members[at]) || some.length === PROBLEMS_AT_ONCE) await settle();
    while (at < members.length && !isWithin(members[at])) at += 1;
    some.push(problem);
  }
  await settle();
}

async function quarantineOf(
  options: RowsOptions,
  member: Member,
  some: readonly ListedProblem[],
  { statements, quarantine }: { readonly statements: LandingStatements; readonly quarantine: Quarantine },
): Promise<void> {
  const { item, version, listed } = member.landing;
  const add = async (
    { why, found }: ListedProblem,
    place: Pick<RejectedRecord, 'line' | 'offset'> & { readonly record: number },
    bytes: Uint8Array,
  ) => {
    const problem = statements.problems[why];
    if (!problem) return;
    const { reason, column, right } = problem;
    const where = place.line === undefined ? `record ${place.record}` : `line ${place.line}`;
    const has = found === null ? 'nothing' : JSON.stringify(found);
    const message = `${where}: ${column ?? 'the record'} has ${has}; right would be ${right}`;
    member.rejected += 1;
    const of = column === undefined ? {} : { column };
    await quarantine.add({ item, version, ...place, reason, ...of, message }, bytes);
  };
  const numberOf = ({ n }: ListedProblem) => n - member.first + 1;
  if (listed.name.format === 'parquet') {
    for (const one of some) await add(one, { record: numberOf(one) }, Buffer.from(one.record ?? ''));
    return;
  }
  const { delimiter } = options.context.target;
  const framer = new CsvFramer({ delimiter, quote: '"', emptyIsNull: false, wanted: some.map(numberOf) });
  let next = 0;
  const take = async (block: ReturnType<CsvFramer['push']>) => {
    for (const { record, line, offset, bytes } of block?.wanted ?? []) {
      const one = some[next];
      next += 1;
      if (one) await add(one, { record, line, offset }, bytes);
    }
  };
  const chunks: AsyncIterable<Buffer> = createReadStream(member.landing.body, { highWaterMark: 1024 * 1024 });
  for await (const chunk of chunks) await take(framer.push(chunk));
  await take(framer.end());
}

async function storeRows(
  options: RowsOptions,
  key: string,
  { path: file, statistics }: RefinedFile,
): Promise<RowsObject> {
  const { context, table } = options;
  const { columns, mapping } = table;
  const expect = await digestFile(file, context.signal);
  await put(options, key, file, expect);
  return {
    key,
    bytes: expect.bytes,
    checksum: `sha256:${expect.sha256}`,
    schema: schemaHash(columns, sha256Hex),
    mapping: mapping ? mappingHash(mapping.dataset, mapping.use, columns, sha256Hex) : null,
    ...statistics,
  };
}

async function put(
  { context: { store, signal }, onProgress }: RowsOptions,
  key: string,
  file: string,
  expect: { readonly bytes: number; readonly sha256: string },
): Promise<void> {
  await ensureFile(store, key, { path: file, expect }, { signal, onProgress });
}
