import type { BuildInputs } from './build.ts';
import type { Coverage } from './view.ts';

/** `plan/<dataset>/<planId>.json`: what one round of builds makes, against which version. Made once. */
export interface Plan {
  readonly format: 1;
  readonly dataset: string;
  readonly planId: string;
  readonly spec: number;
  readonly datasetEpoch: number;
  /** The view version it was planned against; 0 = none yet. */
  readonly parent: number;
  /** The plan accounts for everything up to here. */
  readonly coverage: Coverage;
  readonly partitions: readonly PlannedPartition[];
  /** It brings another generation of a table, or columns: published, or held, as one version for all of its partitions. */
  readonly whole?: true;
  readonly watermarks: readonly WatermarkEvidence[];
  readonly by: string;
  readonly reason: string;
  readonly at: string;
}

export interface PlannedPartition {
  readonly partition: string;
  readonly buildId: string;
  readonly inputs: BuildInputs;
  readonly why: 'closed' | 'deadline' | 'late' | 'batch' | 'undone' | 'recompute' | 'changed';
  readonly provisional?: true;
}

/** Why a feed's watermark stands where it does: a stuck shard or a late file is named. */
export interface WatermarkEvidence {
  readonly feed: string;
  readonly role: 'batch' | 'speed';
  /** ISO; null: no evidence yet. */
  readonly watermark: string | null;
  /** The channel, window or lack of evidence that holds it there. */
  readonly because: string;
}

/** `outcome/<dataset>/<planId>.json`: ends a plan. Made once. */
export interface Outcome {
  readonly format: 1;
  readonly dataset: string;
  readonly planId: string;
  readonly outcome: 'published' | 'rejected' | 'superseded';
  /** The version that published it (or found it unneeded). */
  readonly version?: number;
  readonly partitions: Readonly<Record<string, 'published' | 'rejected' | 'superseded'>>;
  readonly by: string;
  readonly reason: string;
  readonly at: string;
}

/** `hold/<dataset>/<partition>/<n>.json`: odd numbers open a hold, even ones close it. */
export type HoldObject =
  | {
      readonly format: 1;
      readonly dataset: string;
      readonly partition: string;
      readonly n: number;
      readonly state: 'open';
      readonly planId: string;
      readonly buildId: string;
      readonly findings: readonly string[];
      readonly at: string;
    }
  | {
      readonly format: 1;
      readonly dataset: string;
      readonly partition: string;
      readonly n: number;
      readonly state: 'closed';
      readonly action: 'approve' | 'reject' | 'recompute' | 'superseded';
      /** Key of the decision's audit object; null when a publish made the hold moot. */
      readonly decision: string | null;
      readonly at: string;
    };
