import {
  type Candidate,
  type ComparedReport,
  type NamedRow,
  agrees,
  isSettled,
  lookedAt,
  namedRow,
} from '../../lake/compare-tables.ts';
import type { ComparedTable } from '../../lake/sql/compare-table.ts';
import { type FirstLook, type Found, MOST_FOLLOWED } from './table-look.ts';

/** Of each named kind. */
const MOST_NAMED = 1_000;

/** A table under way: what the first look found, and what differed at every look since. */
export interface Followed {
  readonly table: ComparedTable;
  readonly report: ComparedReport;
  readonly indistinct: readonly NamedRow[];
  readonly candidates: ReadonlyMap<string, Candidate>;
}

/** Of a table that differs in more rows than are followed. */
export function countedReport(
  table: ComparedTable,
  notes: readonly string[],
  first: FirstLook,
): ComparedReport {
  const { counted, sightings } = first.found;
  const note = `more than ${MOST_FOLLOWED} rows differ: they were counted once and not looked at again`;
  const named = [...sightings].slice(0, MOST_NAMED).map(([key, one]) => namedRow(table, key, one, true));
  return {
    ...emptyReport(table, [...notes, note], first),
    ...counted,
    named,
    lookedAgain: false,
  };
}

export function follow(
  table: ComparedTable,
  notes: readonly string[],
  first: FirstLook,
  nowMs: number,
): Followed {
  const { sightings } = first.found;
  const same = [...sightings].filter(([, one]) => agrees(one));
  const indistinct = same.map(([key, one]) => namedRow(table, key, one, true));
  const report = emptyReport(table, notes, first);
  return { table, report, indistinct, candidates: lookedAtAgain(undefined, sightings, nowMs) };
}

/** Is every row that differs a difference? */
export function isThrough({ candidates }: Followed, nowMs: number, settleMs: number): boolean {
  return [...candidates.values()].every((row) => isSettled(row, nowMs, settleMs));
}

function emptyReport(
  { table, dataset, lacking }: ComparedTable,
  notes: readonly string[],
  { rows, chunks }: FirstLook,
): ComparedReport {
  return {
    table,
    dataset,
    rows,
    chunks,
    missing: 0,
    extra: 0,
    differing: 0,
    pending: 0,
    indistinct: { keys: 0, rows: 0 },
    named: [],
    lookedAgain: true,
    lacking,
    notes,
  };
}

/** Those that were followed and differ still; of the first look, all that differ. */
export function lookedAtAgain(
  candidates: ReadonlyMap<string, Candidate> | undefined,
  sightings: Found['sightings'],
  nowMs: number,
): Map<string, Candidate> {
  const still = new Map<string, Candidate>();
  for (const [key, sighting] of sightings) {
    const candidate = lookedAt(candidates?.get(key), sighting, nowMs);
    if (candidate) still.set(key, candidate);
  }
  return still;
}

export function finished(
  { table, report, indistinct, candidates }: Followed,
  nowMs: number,
  settleMs: number,
): ComparedReport {
  const rows = [...candidates].map(([key, candidate]) =>
    namedRow(table, key, candidate.sighting, isSettled(candidate, nowMs, settleMs)),
  );
  const of = (kind: NamedRow['kind']) => rows.filter((row) => row.kind === kind);
  const named = (['missing', 'extra', 'differs', 'pending'] as const).flatMap((kind) =>
    of(kind).slice(0, MOST_NAMED),
  );
  return {
    ...report,
    missing: of('missing').length,
    extra: of('extra').length,
    differing: of('differs').length,
    pending: of('pending').length,
    indistinct: {
      keys: indistinct.length,
      rows: indistinct.reduce((sum, row) => sum + (row.rows ?? 0), 0),
    },
    named: [...named, ...indistinct.slice(0, MOST_NAMED)],
  };
}
