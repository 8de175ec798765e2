import { type Sha256, canonical } from './canonical.ts';
import type { LaneId } from './keys.ts';

/** Raised by hand when the rows that a build makes from the same inputs change. */
export const BUILD_CODE = 1;

/** Lane → the ordinals used, ascending. */
export type EntrySet = Readonly<Record<LaneId, readonly number[]>>;

/** What makes a build what it is: the same inputs and code give the same id, whenever and wherever it runs. */
export interface BuildInputs {
  readonly dataset: string;
  readonly partition: string;
  readonly entries: EntrySet;
  /** Retractions and exclusions that touch these entries in this partition. */
  readonly undone: readonly Undone[];
  /** Batch feed → its greatest `asOf`, where that is the version. */
  readonly asOf: Readonly<Record<string, string>>;
  /** Hashes of the contract, of each feed's mapping, and of the merge rule. */
  readonly contract: string;
  readonly mappings: Readonly<Record<string, string>>;
  readonly rule: string;
  readonly code: number;
}

export type Undone =
  | {
      readonly kind: 'retracted';
      readonly lane: LaneId;
      readonly ordinal: number;
      readonly by: number;
      readonly item: string;
    }
  | { readonly kind: 'excluded'; readonly lane: LaneId; readonly ordinal: number };

export function buildId(inputs: BuildInputs, sha256: Sha256): string {
  return sha256(canonical(inputs)).slice(0, 40);
}

export interface Count {
  readonly rows: number;
  /** Sum of `_hash`, a decimal integer. */
  readonly hash: string;
}

/** Every input row is in exactly one class; each is counted by a query of its own. */
export interface Classes {
  readonly in: Count;
  readonly out: Count;
  readonly deleted: Count;
  readonly lost: Count;
  readonly retracted: Count;
  readonly excluded: Count;
  readonly quarantined: Count;
}

export interface BuildFile {
  /** Below the build's attempt: `0.parquet`, `tombstones.parquet`, `winners-batch.parquet`. */
  readonly file: string;
  readonly bytes: number;
  readonly checksum: string;
  readonly rows: number;
}

/** `build/<dataset>/<partition>/<buildId>/_build.json`: names one attempt's files. Made once. */
export interface BuildManifest {
  readonly format: 1;
  readonly dataset: string;
  readonly partition: string;
  readonly buildId: string;
  readonly inputs: BuildInputs;
  readonly attempt: string;
  readonly files: readonly BuildFile[];
  readonly tombstones: BuildFile | null;
  /** Each role's own winners, where the dataset has both roles. */
  readonly winners: Readonly<Partial<Record<'batch' | 'speed', WinnersFile>>> | null;
  readonly classes: Classes;
  /** `lost` split for people; no part of the proof. */
  readonly lost: { readonly identical: number; readonly superseded: number };
  /** Same key, other content, one role, under `append`. */
  readonly conflicting: { readonly keys: number; readonly examples: readonly string[] };
  readonly minTime: string | null;
  readonly maxTime: string | null;
  readonly engine: string;
  readonly by: string;
  readonly at: string;
}

export interface WinnersFile extends BuildFile {
  /** Key bucket (0–255) → rows and sum of `_match`: comparisons open only what differs. */
  readonly buckets: Readonly<Record<string, { readonly rows: number; readonly match: string }>>;
}
