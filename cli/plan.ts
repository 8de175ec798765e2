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
}

/** `apply --plan`: what applying would change, and its class. It reads the bucket alone; status 1 when `apply` would refuse. */
export async function planApply(io: Context, spec: LakeSpec, file: string, json: boolean): Promise<void> {
  // Where a bucket is set, the workers that would apply it have that one.
  const bucket = io.env.bucket ?? spec.lake.bucket;
  const lake = openLake({ env: io.env, bucket });
  const watch = { signal: untilInterrupted(), onProgress: () => undefined };
  const { head, changes } = await lake.spec.compare(spec, watch);
  const refused = changes.some((change) => change.class !== 'compatible');
  const plan: ApplyPlan = { bucket, applied: head?.n ?? 0, refused, changes };
  if (json) io.data(JSON.stringify(plan));
  else for (const line of planLines(plan, file)) io.data(line);
  if (refused) io.endWith(EXIT.failed);
}

function planLines({ applied, changes, refused, bucket }: ApplyPlan, file: string): readonly string[] {
  if (changes.length === 0) return [`${file} says what spec ${applied} says: nothing would change`];
  const lines = changes.flatMap((change) => [
    `${change.class}  ${change.path}: ${change.what}`,
    `  ${change.effect}`,
  ]);
  const barred = changes.filter((change) => change.class !== 'compatible').length;
  const end = refused
    ? `apply would refuse it and change nothing: ${barred} of ${changes.length} changes cannot be made`
    : `apply would write spec ${applied + 1} of ${bucket}`;
  return [...lines, end];
}
