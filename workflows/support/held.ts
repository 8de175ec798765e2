import type { Parked } from '../../lake/decisions.ts';

/** A partition that the gate holds, as what a person decides. */
export function heldPartition({
  partition,
  findings,
}: {
  readonly partition: string;
  readonly findings: readonly string[];
}): Parked {
  const missing = findings.some((finding) => finding.startsWith('batchMissing'));
  return {
    item: partition,
    failure: missing ? 'BatchMissing' : 'GateHeld',
    message: findings.join('; '),
    allowed: ['approve', 'reject', 'recompute'],
  };
}
