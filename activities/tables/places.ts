import type { ItemSpan } from '../../lake/entry.ts';
import { literal } from '../../lake/sql/text.ts';
import type { DuckDb } from '../duckdb.ts';
import type { BoundLanding } from './bind.ts';

/** A landing of a refine, with the number there of its first record, from 1. */
export interface Member {
  readonly landing: BoundLanding;
  readonly first: number;
  /** Of its records, how many are in quarantine. */
  rejected: number;
}

/** What became of a landing. */
export interface LandingRows {
  readonly rows: number;
  readonly rejected: number;
  readonly spans: readonly ItemSpan[];
}

/** A local Parquet file of rows. */
export interface PlacedFile {
  readonly path: string;
  /** Its last `_row`. */
  readonly last: number;
}

export function membersOf(group: readonly BoundLanding[]): Member[] {
  let first = 1;
  return group.map((landing) => {
    const member = { landing, first, rejected: 0 };
    first += landing.records;
    return member;
  });
}

/** How many records of each member became two rows, by its place. */
export async function splitsOf(
  db: DuckDb,
  files: readonly PlacedFile[],
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
export function placesOf(
  members: readonly Member[],
  files: readonly PlacedFile[],
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
