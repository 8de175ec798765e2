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
import { type Found, MOST_FOLLOWED } from './table-look.ts';

/** Of each named kind. */
const MOST_NAMED = 1_000;

/** A table under way: what the first look found, and what differed at every look since. */
export interface Followed {
  readonly table: ComparedTable;
  readonly report: ComparedReport;
  readonly indistinct: readonly NamedRow[];
  candidates: Map<string, Candidate>;
}

export function emptyReport({ table, dataset }: ComparedTable, notes: readonly string[]): ComparedReport {
  return {
    table,
    dataset,
    rows: { database: 0, lake: 0 },
    chunks: { all: 0, differing: 0 },
    missing: 0,
    extra: 0,
    differing: 0,
    pending: 0,
    indistinct: { keys: 0, rows: 0 },
    named: [],
    lookedAgain: true,
    notes,
  };
}

export function countedReport(
  table: ComparedTable,
  report: ComparedReport,
  { counted, sightings }: Found,
): ComparedReport {
  const note = `more than ${MOST_FOLLOWED} rows differ: they were counted once and not looked at again`;
  const named = [...sightings].slice(0, MOST_NAMED).map(([key, one]) => namedRow(table, key, one, true));
  return { ...report, ...counted, named, lookedAgain: false, notes: [...report.notes, note] };
}

export function follow(
  table: ComparedTable,
  report: ComparedReport,
  { sightings }: Found,
  nowMs: number,
): Followed {
  const same = [...sightings].filter(([, one]) => agrees(one));
  const indistinct = same.map(([key, one]) => namedRow(table, key, one, true));
  return { table, report, indistinct, candidates: lookedAtAgain(undefined, sightings, nowMs) };
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
