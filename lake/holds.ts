import type { BuildInputs } from './build.ts';
import { canonical } from './canonical.ts';
import type { GateReport, PartitionGate } from './gate.ts';
import { parseLaneId } from './keys.ts';
import type { HoldObject, Outcome, Plan } from './plan.ts';
import { usesEntry } from './planning.ts';

export type OpenHold = HoldObject & { readonly state: 'open' };

/** The hold that is open on a partition, from its hold objects in their order. */
export function openHold(holds: readonly HoldObject[]): OpenHold | undefined {
  const last = holds.at(-1);
  return last?.state === 'open' ? last : undefined;
}

/** How the last hold of this plan ended; `undefined` while it is open or when there was none. */
export function holdOutcome(
  holds: readonly HoldObject[],
  planId: string,
): (HoldObject & { readonly state: 'closed' })['action'] | undefined {
  for (let index = holds.length - 1; index > 0; index -= 1) {
    const [opened, closed] = [holds[index - 1], holds[index]];
    if (opened?.state === 'open' && opened.planId === planId && closed?.state === 'closed') {
      return closed.action;
    }
  }
  return undefined;
}

/** Builds of a partition that a person rejected and nobody approved since, oldest first. */
export function rejectedHolds(holds: readonly HoldObject[]): readonly OpenHold[] {
  let rejected: OpenHold[] = [];
  for (const [index, hold] of holds.entries()) {
    if (hold.state !== 'closed') continue;
    const opened = holds[index - 1];
    if (hold.action === 'approve') rejected = [];
    if (hold.action === 'reject' && opened?.state === 'open') rejected.push(opened);
  }
  return rejected;
}

/**
 * Would a build of these inputs bring a rejected one back? It would when it uses all entries of the rejected one under
 * the same code and rule, and takes nothing more away from them. Columns that came since change nothing of that.
 */
export function bringsBack(inputs: BuildInputs, rejected: BuildInputs): boolean {
  if (inputs.code !== rejected.code || inputs.rule !== rejected.rule) return false;
  const entries = Object.entries(rejected.entries).flatMap(([lane, ordinals]) => {
    const place = parseLaneId(lane);
    return place ? ordinals.map((ordinal) => ({ ...place, ordinal })) : [];
  });
  if (!entries.every((entry) => usesEntry(inputs, entry))) return false;
  const known = new Set(rejected.undone.map(canonical));
  return inputs.undone.every((undone) => {
    const place = parseLaneId(undone.lane);
    const touches = place && usesEntry(rejected, { ...place, ordinal: undone.ordinal });
    return !touches || known.has(canonical(undone));
  });
}

export type PartitionEnd = Outcome['partitions'][string];

/** Where each partition of a plan stands: ended, `held` by it, or neither yet. */
export function progressOf(
  plan: Plan,
  holds: ReadonlyMap<string, readonly HoldObject[]>,
  isPublishedByGate: boolean,
): ReadonlyMap<string, PartitionEnd | 'held'> {
  const progress = new Map<string, PartitionEnd | 'held'>();
  for (const { partition } of plan.partitions) {
    const ofPartition = holds.get(partition) ?? [];
    const open = openHold(ofPartition);
    const outcome = holdOutcome(ofPartition, plan.planId);
    if (open?.planId === plan.planId) progress.set(partition, 'held');
    else if (outcome === 'approve') progress.set(partition, 'published');
    else if (outcome === 'reject') progress.set(partition, 'rejected');
    else if (outcome !== undefined) progress.set(partition, 'superseded');
    else if (isPublishedByGate) progress.set(partition, 'published');
    else if (open) progress.set(partition, 'superseded');
  }
  return progress;
}

export interface GatedPartition {
  readonly partition: string;
  readonly buildId: string;
  readonly verdict: PartitionGate['verdict'];
  /** What was found, each as `<check>: <finding>`. */
  readonly findings: readonly string[];
}

/** What is published as one version is held as one: with one partition held, all of the plan are. */
export function heldAsOne(
  plan: Pick<Plan, 'whole'>,
  gatedOnes: readonly GatedPartition[],
): readonly GatedPartition[] {
  const held = gatedOnes.filter(({ verdict }) => verdict === 'hold').map(({ partition }) => partition);
  const [first] = held;
  if (!plan.whole || first === undefined) return gatedOnes;
  const others = held.length > 1 ? ` and ${held.length - 1} more` : '';
  const because = `heldAsOne: ${first}${others} is held, and all partitions of its plan are published as one version`;
  return gatedOnes.map((one) =>
    one.verdict === 'hold' ? one : { ...one, verdict: 'hold', findings: [because, ...one.findings] },
  );
}

/** The report's verdicts; what would bring a rejected build back is held whatever the gate says. */
export function gated(
  report: GateReport,
  rejectedBefore: ReadonlyMap<string, string>,
): readonly GatedPartition[] {
  return report.partitions.map(({ partition, buildId, verdict, checks }) => {
    const findings = checks
      .filter((check) => check.verdict !== 'ok')
      .map(({ check, finding }) => `${check}: ${finding}`);
    const rejected = rejectedBefore.get(partition);
    if (rejected === undefined || findings.some((finding) => finding.startsWith('rejectedBefore:'))) {
      return { partition, buildId, verdict, findings };
    }
    return {
      partition,
      buildId,
      verdict: 'hold',
      findings: [`rejectedBefore: it brings back build ${rejected}, which was rejected`, ...findings],
    };
  });
}
