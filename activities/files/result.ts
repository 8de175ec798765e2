import type { Parked } from '../../lake/decisions.ts';

export interface LandFilesResult {
  readonly collected: number;
  /** Files that brought nothing: known bytes, older or restated versions, decided so. */
  readonly skipped: number;
  readonly rows: number;
  readonly rejected: number;
  /** Of collected files, as they came. */
  readonly bytes: number;
  readonly entries: number;
  readonly parked: readonly Parked[];
  /** Files that changed since they were listed, or while they were read: the next run takes them. */
  readonly changed: number;
}

export const NOTHING_LANDED: LandFilesResult = {
  collected: 0,
  skipped: 0,
  rows: 0,
  rejected: 0,
  bytes: 0,
  entries: 0,
  parked: [],
  changed: 0,
};

export function plus(a: LandFilesResult, b: LandFilesResult): LandFilesResult {
  return {
    collected: a.collected + b.collected,
    skipped: a.skipped + b.skipped,
    rows: a.rows + b.rows,
    rejected: a.rejected + b.rejected,
    bytes: a.bytes + b.bytes,
    entries: a.entries + b.entries,
    parked: [...a.parked, ...b.parked],
    changed: a.changed + b.changed,
  };
}
