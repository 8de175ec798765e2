import { CHANGE_COLUMN, type LakeSpec, datasetOf } from './spec.ts';
import { type ComparedTable, framedTexts } from './sql/compare-table.ts';
import { type ComparedColumn, databaseText } from './sql/compared-text.ts';

/** A column of a table as the database's catalogue has it. */
export interface DatabaseColumn {
  readonly name: string;
  /** `pg_type.typname`, of a domain that of its base. */
  readonly type: string;
  /** As SQL writes it. */
  readonly form: string;
  readonly notNull: boolean;
}

export type TablePlan =
  | { readonly kind: 'compared'; readonly compared: ComparedTable; readonly notes: readonly string[] }
  | { readonly kind: 'not compared'; readonly reason: string };

/**
 * How a table is compared with the dataset that its feed serves: by the dataset's key, in every column of the dataset
 * that the table has. `columns` is undefined where the database has no such table.
 */
export function planTable(
  spec: Pick<LakeSpec, 'sources' | 'datasets'>,
  source: string,
  table: string,
  columns: readonly DatabaseColumn[] | undefined,
): TablePlan {
  const database = spec.sources[source];
  const declared = database?.kind === 'database' ? database.tables[table] : undefined;
  if (!declared) return notCompared(`${source} declares no table ${table}`);
  const served = datasetOf(spec, declared.feed);
  if (!served) return notCompared(`its feed ${declared.feed} serves no dataset`);
  const { name, dataset, use } = served;
  if (Object.keys(dataset.feeds).length > 1)
    return notCompared(`${name} is fed by other feeds too: its rows are not those of one table`);
  if (dataset.merge !== 'latest')
    return notCompared(`${name} is merged by ${dataset.merge}: right for a table would be latest`);
  if (!columns) return notCompared('the database has no such table');

  const compared: ComparedColumn[] = [];
  const lacking: string[] = [];
  for (const [column, type] of Object.entries(dataset.columns)) {
    const from = use.map[column] ?? column;
    if (from === CHANGE_COLUMN.name || !Object.hasOwn(declared.columns, from)) continue;
    const found =
      columns.find(({ name: own }) => own === from) ??
      columns.find(({ name: own }) => own.toLowerCase() === from);
    if (!found) {
      if (dataset.key.includes(column)) return notCompared(`the database's table has no column ${from}`);
      lacking.push(from);
      continue;
    }
    const one = { column, type, source: found.name, sourceType: found.type, sourceForm: found.form };
    if (databaseText(one) === undefined)
      return notCompared(`column ${found.name} is ${found.form}, which ${type} cannot hold as it is`);
    compared.push(one);
  }
  const key = dataset.key.flatMap((column) => compared.filter((one) => one.column === column));
  if (key.length < dataset.key.length)
    return notCompared(`not all of the key ${dataset.key.join(', ')} comes from it`);
  const notNull = new Set(columns.filter((one) => one.notNull).map((one) => one.name));
  return {
    kind: 'compared',
    compared: {
      table,
      dataset: name,
      key,
      rest: compared.filter((one) => !key.includes(one)),
      byIndex: key.every((one) => notNull.has(one.source)),
      lacking,
    },
    notes: lacking.map((column) => `column ${column} is not in the database: not compared`),
  };
}

function notCompared(reason: string): TablePlan {
  return { kind: 'not compared', reason };
}

const ROWS_OF_A_CHUNK = 256;
const MOST_CHUNKS = 65_536;

/** In how many chunks so many rows are compared: a few hundred rows in each, as long as the answer stays small. */
export function chunkCount(rows: number): number {
  let chunks = 1;
  while (chunks < MOST_CHUNKS && chunks * ROWS_OF_A_CHUNK < rows) chunks *= 2;
  return chunks;
}

/** One side's answer about a chunk. */
export interface ChunkSum {
  readonly rows: number;
  /** Of the rows' hashes, as text: it does not fit a number. */
  readonly sum: string;
}

/** Chunks, ascending, in which one side has other rows than the other. */
export function differingChunks(
  database: ReadonlyMap<number, ChunkSum>,
  lake: ReadonlyMap<number, ChunkSum>,
): number[] {
  const all = new Set([...database.keys(), ...lake.keys()]);
  return [...all]
    .filter((chunk) => {
      const [a, b] = [database.get(chunk), lake.get(chunk)];
      return a?.rows !== b?.rows || a?.sum !== b?.sum;
    })
    .sort((a, b) => a - b);
}

/** What both sides have of a key at one look: hashes of whole rows, and what tells columns apart where both have one. */
export interface Sighting {
  /** Several where a key does not tell the table's rows apart. */
  readonly database: readonly string[];
  /** More than one is wrong whatever the database has. */
  readonly lake: readonly string[];
  /** Columns that differ. */
  readonly columns: readonly string[];
}

/** A key that differed at every look so far. */
export interface Candidate {
  readonly sighting: Sighting;
  /** What the database had at earlier looks. */
  readonly before: readonly string[];
  /** Since when neither side changed, ms. */
  readonly sinceMs: number;
  /** How often it was seen since then. */
  readonly looks: number;
}

/** Does the lake have the row that the database has, or one of those that its key does not tell apart? */
export function agrees({ database, lake }: Pick<Sighting, 'database' | 'lake'>): boolean {
  const [row, second] = lake;
  if (row === undefined) return database.length === 0;
  return second === undefined && database.includes(row);
}

/**
 * What is known of a key after one more look; undefined once it agrees. A row that changes at every look agrees when
 * the lake comes to have what the database had at an earlier one: it follows.
 */
export function lookedAt(
  candidate: Candidate | undefined,
  sighting: Sighting,
  nowMs: number,
): Candidate | undefined {
  if (agrees(sighting)) return undefined;
  if (!candidate) return { sighting, before: [], sinceMs: nowMs, looks: 1 };
  const was = candidate.sighting;
  const before = [...new Set([...candidate.before, stateOf(was.database)])];
  if (sighting.lake.length < 2 && before.includes(stateOf(sighting.lake))) return undefined;
  const isUnchanged =
    stateOf(was.database) === stateOf(sighting.database) && stateOf(was.lake) === stateOf(sighting.lake);
  return isUnchanged
    ? { sighting, before, sinceMs: candidate.sinceMs, looks: candidate.looks + 1 }
    : { sighting, before, sinceMs: nowMs, looks: 1 };
}

function stateOf(hashes: readonly string[]): string {
  return hashes.join(',');
}

const FEWEST_LOOKS = 3;

/** Has it differed for so long that no change of it can still be under way? */
export function isSettled({ sinceMs, looks }: Candidate, nowMs: number, settleMs: number): boolean {
  return looks >= FEWEST_LOOKS && nowMs - sinceMs >= settleMs;
}

/** `missing`: the lake has no such row; `extra`: the database has none; `pending`: it changed while it was looked at. */
export interface NamedRow {
  readonly kind: 'missing' | 'extra' | 'differs' | 'pending' | 'indistinct';
  readonly key: Readonly<Record<string, string | null>>;
  /** Of one that differs: in which columns. */
  readonly columns?: readonly string[];
  /** Of rows that the key does not tell apart: how many the database has. */
  readonly rows?: number;
}

/** The row of a framed key, by its kind. */
export function namedRow(
  table: ComparedTable,
  framed: string,
  { database, lake, columns }: Sighting,
  isOver: boolean,
): NamedRow {
  const texts = framedTexts(framed);
  const key = Object.fromEntries(table.key.map(({ column }, index) => [column, texts[index] ?? null]));
  if (!isOver) return { kind: 'pending', key };
  if (agrees({ database, lake })) return { kind: 'indistinct', key, rows: database.length };
  if (lake.length === 0) return { kind: 'missing', key };
  if (database.length === 0) return { kind: 'extra', key };
  return { kind: 'differs', key, columns };
}

/** Of one table: what both sides have, and where they differ. */
export interface ComparedReport {
  readonly table: string;
  readonly dataset: string;
  /** At the first look. */
  readonly rows: { readonly database: number; readonly lake: number };
  readonly chunks: { readonly all: number; readonly differing: number };
  readonly missing: number;
  readonly extra: number;
  readonly differing: number;
  /** Changed between the looks until time was up: neither equal nor different. */
  readonly pending: number;
  /** Rows of the database that the dataset's key does not tell apart: no differences. */
  readonly indistinct: { readonly keys: number; readonly rows: number };
  /** The first of each kind. */
  readonly named: readonly NamedRow[];
  /** False where so many differ that they were counted once and not looked at again. */
  readonly lookedAgain: boolean;
  /** Columns that should come from the database and are not in it. */
  readonly lacking: readonly string[];
  readonly notes: readonly string[];
}

export type TableReport =
  | ({ readonly kind: 'compared' } & ComparedReport)
  | { readonly kind: 'not compared'; readonly table: string; readonly reason: string };

/** One look at all tables: the database's snapshot and the lake's stamp, which was made right after it. */
export interface Look {
  readonly at: string;
  /** Where the database's log stood. */
  readonly lsn: string;
  readonly stamp: string;
}

export interface CompareReport {
  readonly source: string;
  readonly mode: 'live' | 'settled';
  readonly looks: readonly Look[];
  readonly tables: readonly TableReport[];
}

/** `differs` wins over `unsure`: tables or columns not compared, or rows that would not hold still. */
export function verdictOf({ tables }: Pick<CompareReport, 'tables'>): 'equal' | 'differs' | 'unsure' {
  const differs = tables.some(
    (one) => one.kind === 'compared' && one.missing + one.extra + one.differing > 0,
  );
  if (differs) return 'differs';
  const isUnsure = tables.some(
    (one) => one.kind === 'not compared' || one.pending > 0 || one.lacking.length > 0,
  );
  return isUnsure ? 'unsure' : 'equal';
}
