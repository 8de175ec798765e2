import type { DuckDb } from '../../activities/duckdb.ts';
import type { ObjectStore } from '../../activities/objects/port.ts';
import type { Entry } from '../../lake/entry.ts';
import type { LakeSpec, SpecObject } from '../../lake/spec.ts';
import type { Found } from './chains.ts';
import type { Findings } from './report.ts';

export interface Means {
  readonly store: ObjectStore;
  readonly db: DuckDb;
  readonly scratch: string;
  /** The newest, as readers of the newest versions have it. */
  readonly spec: LakeSpec;
  /** Every spec, in their order: what was collected names one of them. */
  readonly specs: readonly SpecObject[];
  /** Dataset → epoch of its newest version, or of the newest spec before there is one. */
  readonly epochs: ReadonlyMap<string, number>;
  /** Dataset → rows of entries that no version can have yet: they are to be counted under its mapping first. */
  readonly uncounted: Map<string, number>;
  readonly findings: Findings;
  readonly signal: AbortSignal;
}

export interface Lane {
  readonly feed: string;
  readonly lane: number;
  readonly entries: readonly Found<Entry>[];
}
