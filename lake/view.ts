import type { LaneId } from './keys.ts';

/** Lane → ordinal: everything up to these entries. An absent lane means no entries. */
export type Coverage = Readonly<Record<LaneId, number>>;

/** `coverage/<dataset>/<sha256>.json`, named by its content. */
export interface CoverageObject {
  readonly format: 1;
  readonly lanes: Coverage;
}

export interface EntryRef {
  readonly feed: string;
  readonly lane: number;
  readonly ordinal: number;
}

/** What serves one partition. With neither build nor late entries: empty within the built range. */
export interface Part {
  readonly build?: string;
  /** sha256 of the coverage this part accounts for; absent: the version's `base`. */
  readonly at?: string;
  /** Entries ≤ the part's coverage with rows of the partition that its build did not use, in chain order per lane. */
  readonly late: readonly EntryRef[];
  /** Published at the deadline without its batch. */
  readonly provisional?: true;
}

/** `part/<dataset>/<sha256>.json`: the parts of one chunk, named by its content. */
export interface PartChunk {
  readonly format: 1;
  readonly parts: Readonly<Record<string, Part>>;
}

/** Kept out of every build from here on, and never read live. */
export interface Exclusion extends EntryRef {
  readonly reason: string;
  readonly by: string;
}

/** A later plan of this partition whose inputs contain these, under the same code and rule, is held. */
export interface Rejection {
  readonly partition: string;
  readonly buildId: string;
  readonly planId: string;
  readonly reason: string;
  readonly by: string;
}

/** `view/<dataset>/<n>.json`: publishing is its conditional create. */
export interface ViewVersion {
  readonly format: 1;
  readonly dataset: string;
  readonly n: number;
  readonly prev: string | null;
  /** The publish it came from: a repeated one finds itself. */
  readonly token: string;
  readonly datasetEpoch: number;
  readonly spec: number;
  /** Hash of the contract. */
  readonly contract: string;
  /** sha256 of the coverage that parts without `at` account for. */
  readonly base: string;
  /** First 2 hex digits of sha256(partition) → sha256 of the chunk. */
  readonly parts: Readonly<Record<string, string>>;
  readonly exclude: readonly Exclusion[];
  /** Partitions that no publish touches until a person releases them. */
  readonly pinned: readonly string[];
  readonly rejected: readonly Rejection[];
  /** Key of the gate's report; null for a rollback. */
  readonly gate: string | null;
  /** Partition → published within tolerance, with these findings. */
  readonly flagged: Readonly<Record<string, readonly string[]>>;
  readonly kind: 'publish' | 'rollback' | 'release';
  readonly by: string;
  readonly reason: string;
  readonly at: string;
}

export type ReadMode = 'live' | 'settled';

/** `stamp/<sha256>.json`: a result is a function of it. It carries no clock. */
export interface Stamp {
  readonly format: 1;
  readonly mode: ReadMode;
  readonly spec: number;
  /** Dataset → view version; 0 = none yet. */
  readonly versions: Readonly<Record<string, number>>;
  readonly heads: Coverage;
  readonly erasure: number;
  /** Raised when readers answer differently from the same objects. */
  readonly reader: 1;
}
