import type { LakeSpec } from '../lake/spec.ts';
import type { SpecChange } from '../lake/spec-change.ts';
import { openLake } from '../workers/wiring.ts';
import { type Context, EXIT, untilInterrupted } from './context.ts';

/** What `apply` would do with a lake. */
export interface ApplyPlan {
  readonly bucket: string;
  /** The newest applied spec; 0 while there is none. */
  readonly applied: number;
  readonly refused: boolean;
  readonly changes: readonly SpecChange[];
  /** Of each dataset that would be built anew; absent: none. */
  readonly rebuilds?: readonly PlannedRebuild[];
}

export interface PlannedRebuild {
  readonly dataset: string;
  /** Entries whose rows would be counted under it first, with their rows. */
  readonly unmeasured: number;
  readonly rows: number;
  readonly barred: readonly string[];
}

/** `apply --plan`: what applying would change, and its class. It reads the bucket alone; status 1 when `apply` would refuse. */
export async function planApply(io: Context, spec: LakeSpec, file: string, json: boolean): Promise<void> {
  // Where a bucket is set, the workers that would apply it have that one.
  const bucket = io.env.bucket ?? spec.lake.bucket;
  const lake = openLake({ env: io.env, bucket });
  const watch = { signal: untilInterrupted(), onProgress: () => undefined };
  const { head, changes, rebuilds } = await lake.spec.compare(spec, watch);
  const refused = isRefused(changes, rebuilds);
  const plan: ApplyPlan = {
    bucket,
    applied: head?.n ?? 0,
    refused,
    changes,
    ...(rebuilds.length > 0 && { rebuilds }),
  };
  if (json) io.data(JSON.stringify(plan));
  else for (const line of planLines(plan, file)) io.data(line);
  if (refused) io.endWith(EXIT.failed);
}

function isRefused(changes: readonly SpecChange[], rebuilds: readonly PlannedRebuild[]): boolean {
  return (
    changes.some((change) => change.class === 'refused') || rebuilds.some(({ barred }) => barred.length > 0)
  );
}

function rebuildLines({ dataset, unmeasured, rows, barred }: PlannedRebuild): readonly string[] {
  const counts =
    unmeasured === 0
      ? 'every entry is counted for it'
      : `${unmeasured} entries with ${rows} rows are counted for it first`;
  return [
    `datasets.${dataset} would be built anew: ${counts}; then all partitions come as one version, and readers see one switch`,
    ...barred.map((because) => `  refused: ${because}`),
  ];
}

function planLines(
  { applied, changes, rebuilds = [], refused, bucket }: ApplyPlan,
  file: string,
): readonly string[] {
  if (changes.length === 0) return [`${file} says what spec ${applied} says: nothing would change`];
  const lines = changes.flatMap((change) => [
    `${change.class}  ${change.path}: ${change.what}`,
    `  ${change.effect}`,
  ]);
  const barred = changes.filter((change) => change.class === 'refused').length;
  const end = refused
    ? `apply would refuse it and change nothing: ${barred > 0 ? `${barred} of ${changes.length} changes cannot be made` : 'rows that are collected do not fit'}`
    : `apply would write spec ${applied + 1} of ${bucket}`;
  return [...lines, ...rebuilds.flatMap(rebuildLines), end];
}
