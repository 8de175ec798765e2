import { heartbeat } from '@temporalio/activity';
import type { BuildManifest } from '../../lake/build.ts';
import {
  batchAgainstStream,
  batchMissing,
  completeness,
  conflicting,
  conservation,
  contiguity,
  rejectedBefore,
} from '../../lake/checks.ts';
import { type CheckResult, type GateReport, type PartitionGate, partitionVerdict } from '../../lake/gate.ts';
import { isoInstant } from '../../lake/instant.ts';
import { keys } from '../../lake/keys.ts';
import type { PlannedPartition } from '../../lake/plan.ts';
import { hasBothRoles } from '../../lake/spec.ts';
import { failure } from '../failure.ts';
import type { BuildMeans } from './activities.ts';
import { compareRoles } from './gate-compare.ts';
import { declaredChecks } from './gate-declared.ts';
import { GateFiles } from './gate-files.ts';
import { homes } from './gate-homes.ts';
import { entryProofs } from './gate-proofs.ts';
import type { OpenedPlan } from './plan.ts';
import type { Work } from './scratch.ts';

/** Every check of a plan's builds. It writes the keys that it found, and no report. */
export async function gateReport(
  { store, ledger, builds: known, holds, clock }: BuildMeans,
  { db, folder, signal }: Work,
  opened: OpenedPlan,
  builds: ReadonlyMap<string, BuildManifest>,
): Promise<GateReport> {
  const { plan, dataset } = opened;
  const files = new GateFiles({ store, builds: known, folder, signal }, opened, builds);
  const held = await holds.holdsAmong(plan.dataset, new Set(builds.keys()), signal);
  const proofs = await entryProofs(ledger, opened, signal);
  const elsewhere = await homes(db, files, opened, builds);
  const partitions: PartitionGate[] = [];
  for (const planned of plan.partitions) {
    heartbeat();
    partitions.push(await gateOne(planned));
  }
  const { dataset: name, planId } = plan;
  return { format: 1, dataset: name, planId, partitions, at: isoInstant(clock.now()) };

  async function gateOne(planned: PlannedPartition): Promise<PartitionGate> {
    const { partition, buildId, inputs, why } = planned;
    const build = builds.get(partition);
    if (!build) throw noBuild(plan.dataset, planned);
    const rejected = await holds.rejectedBefore(plan.dataset, inputs, held.get(partition) ?? [], signal);
    const proof = proofs.of(planned);
    const compared = hasBothRoles(dataset)
      ? await compareRoles({ store, signal }, db, files, opened, build, proof.asOfUs)
      : undefined;
    const home = elsewhere?.of(partition, build.classes.out.rows);
    const checks: CheckResult[] = [
      contiguity(proof.lanes, proof.broken),
      completeness(proof.stated, build.classes.in, proof.problem),
      conservation(build.classes),
      ...(home ? [home] : []),
      ...(dataset.merge === 'append' ? [conflicting(build, dataset.gate)] : []),
      ...(compared ? [batchAgainstStream(compared.comparison, dataset.gate)] : []),
      ...(await declaredChecks(db, files, opened, build)),
      batchMissing(why, dataset.close),
      rejectedBefore(rejected?.buildId),
    ];
    return { partition, buildId, verdict: partitionVerdict(checks), checks, ...compared };
  }
}

export function noBuild(dataset: string, { partition, buildId }: PlannedPartition) {
  return failure(
    'ObjectMissing',
    `${keys.build(dataset, partition, buildId)}: nothing is there; right would be the build of the plan`,
  );
}
