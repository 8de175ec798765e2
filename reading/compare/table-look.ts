import type { DuckDb, Row } from '../../activities/duckdb.ts';
import { type ChunkSum, type Sighting, chunkCount, differingChunks } from '../../lake/compare-tables.ts';
import {
  type ComparedTable,
  databaseChunksSql,
  databaseLookUpSql,
  databaseRowsSql,
  framedTexts,
  lakeChunksSql,
  lakeLookUpSql,
  lakeRowsSql,
} from '../../lake/sql/compare-table.ts';
import { ident, literal } from '../../lake/sql/text.ts';
import type { DatabaseSnapshot } from './port.ts';

/** Beyond so many, a table's differing rows are counted and not followed. */
export const MOST_FOLLOWED = 100_000;

/** One table on both sides: a snapshot of the database, and a session with the dataset's view. */
export interface Sides {
  readonly table: ComparedTable;
  readonly snapshot: DatabaseSnapshot;
  readonly db: DuckDb;
}

export interface FirstLook {
  readonly rows: { readonly database: number; readonly lake: number };
  readonly chunks: { readonly all: number; readonly differing: number };
  readonly found: Found;
}

/** What differs, and what the key does not tell apart; `counted` where it is too much to name. */
export interface Found {
  /** Framed key → what both sides have; up to `MOST_FOLLOWED`. */
  readonly sightings: ReadonlyMap<string, Sighting>;
  readonly counted?: { readonly missing: number; readonly extra: number; readonly differing: number };
}

const DATABASE = ident('_compared database');
const LAKE = ident('_compared lake');
const WANTED = ident('_compared keys');
const KEYS_AT_A_TIME = 1_000;

/** The whole table: both sides once by chunks, and the rows of those that differ. */
export async function lookAtAll(sides: Sides): Promise<FirstLook> {
  const { table, snapshot, db } = sides;
  const [counted] = await db.rows(`SELECT count(*)::INTEGER AS rows FROM ${ident(table.dataset)}`);
  const chunks = chunkCount(Number(counted?.['rows']));
  const ofDatabase = new Map<number, ChunkSum>();
  for await (const some of snapshot.rows(databaseChunksSql(table, chunks))) {
    for (const [chunk, rows, sum] of some)
      ofDatabase.set(Number(chunk), { rows: Number(rows), sum: sum ?? '' });
  }
  const ofLake = new Map(
    (await db.rows(lakeChunksSql(table, chunks))).map((row) => [
      Number(row['chunk']),
      { rows: Number(row['rows']), sum: String(row['sum']) },
    ]),
  );
  const differing = differingChunks(ofDatabase, ofLake);
  await createTables(db);
  if (differing.length > 0) {
    await take(sides, databaseRowsSql(table, chunks, differing));
    await db.run(`INSERT INTO ${LAKE} ${lakeRowsSql(table, chunks, differing)}`);
  }
  return {
    rows: { database: rowsOf(ofDatabase), lake: rowsOf(ofLake) },
    chunks: { all: chunks, differing: differing.length },
    found: await compared(sides),
  };
}

/** The rows with these framed keys alone. Those that are not among what is found agree. */
export async function lookAgain(sides: Sides, keys: readonly string[]): Promise<Found> {
  const { table, db } = sides;
  await createTables(db);
  for (let at = 0; at < keys.length; at += KEYS_AT_A_TIME) {
    const some = keys.slice(at, at + KEYS_AT_A_TIME);
    await db.run(`INSERT INTO ${WANTED} VALUES ${some.map((key) => `(${literal(key)})`).join(', ')}`);
    const wanted = some.map((framed) => ({ framed, texts: framedTexts(framed) }));
    await take(sides, databaseLookUpSql(table, wanted));
  }
  await db.run(`INSERT INTO ${LAKE} ${lakeLookUpSql(table, WANTED)}`);
  return compared(sides);
}

async function createTables(db: DuckDb): Promise<void> {
  for (const side of [DATABASE, LAKE]) await db.run(`CREATE TABLE ${side} (k VARCHAR, h BIGINT, c VARCHAR)`);
  await db.run(`CREATE TABLE ${WANTED} (k VARCHAR)`);
}

async function take({ snapshot, db }: Sides, sql: string): Promise<void> {
  for await (const some of snapshot.rows(sql)) {
    const values = some.map(([k, h, c]) => `(${literal(k ?? '')}, ${h}, ${literal(c ?? '')})`);
    await db.run(`INSERT INTO ${DATABASE} VALUES ${values.join(', ')}`);
  }
}

async function compared({ table, db }: Sides): Promise<Found> {
  const both = `SELECT coalesce(d.k, l.k) AS k, coalesce(d.h, []) AS dh, coalesce(l.h, []) AS lh, d.c AS dc, l.c AS lc
    FROM (${grouped(DATABASE)}) d FULL JOIN (${grouped(LAKE)}) l ON d.k = l.k`;
  const same = 'len(lh) = len(dh) AND len(lh) < 2 AND lh = dh';
  const rows = await db.rows(
    `SELECT k, dh::VARCHAR[] AS dh, lh::VARCHAR[] AS lh, dc, lc FROM (${both}) WHERE NOT (${same})
     ORDER BY k LIMIT ${MOST_FOLLOWED + 1}`,
  );
  const sightings = new Map(rows.map((row) => [String(row['k']), sighting(table, row)]));
  if (rows.length <= MOST_FOLLOWED) return { sightings };
  const differs = 'len(dh) > 0 AND NOT (len(lh) = 1 AND list_contains(dh, lh[1]))';
  const [counts] = await db.rows(
    `SELECT count(*) FILTER (len(lh) = 0)::INTEGER AS missing, count(*) FILTER (len(dh) = 0)::INTEGER AS extra,
       count(*) FILTER (len(lh) > 0 AND ${differs})::INTEGER AS differing FROM (${both})`,
  );
  const of = (name: string) => Number(counts?.[name]);
  return {
    sightings,
    counted: { missing: of('missing'), extra: of('extra'), differing: of('differing') },
  };
}

function grouped(side: string): string {
  return `SELECT k, list(h ORDER BY h) AS h, min(c) AS c FROM ${side} GROUP BY k`;
}

function sighting({ rest }: ComparedTable, row: Row): Sighting {
  const hashes = (value: unknown) => (Array.isArray(value) ? value.map(String) : []);
  const texts = (value: unknown) => (typeof value === 'string' ? value.split(',') : []);
  const [database, lake] = [texts(row['dc']), texts(row['lc'])];
  const columns = rest.filter((_, index) => database[index] !== lake[index]).map(({ column }) => column);
  return { database: hashes(row['dh']), lake: hashes(row['lh']), columns };
}

function rowsOf(chunks: ReadonlyMap<number, ChunkSum>): number {
  return [...chunks.values()].reduce((sum, { rows }) => sum + rows, 0);
}
