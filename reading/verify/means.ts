import type { DuckDb } from '../../activities/duckdb.ts';
import type { ObjectStore } from '../../activities/objects/port.ts';
import type { Entry } from '../../lake/entry.ts';
import type { LakeSpec } from '../../lake/spec.ts';
import type { Found } from './chains.ts';
import type { Findings } from './report.ts';

export interface Means {
  readonly store: ObjectStore;
  readonly db: DuckDb;
  readonly scratch: string;
  readonly spec: LakeSpec;
  /** Number of the newest spec. */
  readonly specs: number;
  readonly findings: Findings;
  readonly signal: AbortSignal;
}

export interface Lane {
  readonly feed: string;
  readonly lane: number;
  readonly entries: readonly Found<Entry>[];
}
