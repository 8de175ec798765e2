import type { Count } from './build.ts';

export type CheckName =
  | 'completeness'
  | 'conservation'
  | 'contiguity'
  | 'oneHome'
  | 'conflicting'
  | 'batchAgainstStream'
  | 'declared'
  | 'batchMissing'
  | 'rejectedBefore';

export interface CheckResult {
  readonly check: CheckName;
  /** `residue`: a broken proof, never published. `beyond`: over tolerance. `within`: published flagged. */
  readonly verdict: 'ok' | 'within' | 'beyond' | 'residue';
  /** What was found against what would be right, one sentence. */
  readonly finding: string;
  readonly expected?: Count;
  readonly found?: Count;
  /** Keys, never whole rows. At most 20. */
  readonly examples: readonly string[];
}

/** What batch and stream say of the keys of one partition. `late` and `pending` are not findings yet. */
export interface Comparison {
  readonly equal: number;
  readonly late: number;
  readonly pending: number;
  readonly missingInStream: number;
  readonly missingInBatch: number;
  readonly moved: number;
  readonly differs: number;
  readonly differsBy: Readonly<Record<string, number>>;
  readonly examples: Readonly<
    Record<'late' | 'pending' | 'missingInStream' | 'missingInBatch' | 'moved' | 'differs', readonly string[]>
  >;
  readonly asOf: string | null;
  readonly watermarks: { readonly batch: string | null; readonly speed: string | null };
}

export interface PartitionGate {
  readonly partition: string;
  readonly buildId: string;
  readonly verdict: 'publish' | 'flagged' | 'hold';
  readonly checks: readonly CheckResult[];
  readonly comparison?: Comparison;
  /** Objects with every key found by the comparison, one JSON line each: {key, finding}. */
  readonly keysIn?: { readonly key: string; readonly sha256: string; readonly bytes: number };
}

/** `gate/<dataset>/<planId>.json`: what the gate saw. Made once. */
export interface GateReport {
  readonly format: 1;
  readonly dataset: string;
  readonly planId: string;
  readonly partitions: readonly PartitionGate[];
  readonly at: string;
}

/** The worst check decides. */
export function partitionVerdict(checks: readonly CheckResult[]): PartitionGate['verdict'] {
  if (checks.some(({ verdict }) => verdict === 'residue' || verdict === 'beyond')) return 'hold';
  return checks.some(({ verdict }) => verdict === 'within') ? 'flagged' : 'publish';
}
