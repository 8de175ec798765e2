import { canonical } from './canonical.ts';
import { entryName } from './coverage.ts';
import { partitionName, partitionNumber } from './partition.ts';
import type { Parts } from './parts.ts';
import type { Outcome, Plan, PlannedPartition } from './plan.ts';
import { usesEntry } from './planning.ts';
import type { DatasetSpec } from './spec.ts';
import type { Exclusion, ViewVersion } from './view.ts';

/** How many partitions either side hold keys that might have come from this one. */
const NEIGHBOURS = 3;

/** What publishing looks at of a version; `n` 0 = there is none yet. */
export interface Standing {
  readonly n: number;
  readonly datasetEpoch: number | null;
  readonly contract: string | null;
  readonly exclude: readonly Exclusion[];
  readonly pinned: readonly string[];
  readonly parts: Parts;
}

export function standing(version: ViewVersion | undefined, parts: Parts): Standing {
  if (!version) return { n: 0, datasetEpoch: null, contract: null, exclude: [], pinned: [], parts };
  const { n, datasetEpoch, contract, exclude, pinned } = version;
  return { n, datasetEpoch, contract, exclude, pinned, parts };
}

export interface Publication {
  readonly plan: Plan;
  readonly publishing: readonly PlannedPartition[];
  /** A person decided on exactly these builds: neighbours that changed meanwhile do not undo that. */
  readonly approved: boolean;
  /** The version that it was planned against. */
  readonly parent: Standing;
  readonly head: Standing;
  /** Partition → the plan whose hold is open there. */
  readonly held: ReadonlyMap<string, string>;
  readonly dataset: Pick<DatasetSpec, 'partition' | 'key'>;
}

/** Why these builds may not be published on the head, and are to be planned anew; `undefined` when they may. */
export function supersededBy(publication: Publication): string | undefined {
  const { plan, publishing, parent, head, held } = publication;
  const isFirst = head.datasetEpoch !== null && head.datasetEpoch !== plan.datasetEpoch;
  if (isFirst) {
    const because = epochBarred(publication);
    if (because !== undefined) return because;
  }
  for (const planned of publishing) {
    const { partition, inputs } = planned;
    const barred = barredIn(head, planned);
    if (barred !== undefined) return barred;
    const holder = held.get(partition);
    if (holder !== undefined && holder !== plan.planId) return `${partition} is held by plan ${holder}`;
    const kept = head.contract === inputs.contract ? undefined : keptIn(head, publishing);
    if (!isFirst && head.contract !== null && kept !== undefined) {
      return `version ${head.n} has another contract than the build of ${partition}, and keeps its build of ${kept}`;
    }
  }
  return head.n === parent.n ? undefined : changedSince(publication);
}

/** Why these builds may not begin another epoch: it begins as a whole, on the version that was there when it was planned. */
function epochBarred({ plan, publishing, parent, head }: Publication): string | undefined {
  const epochs = `version ${head.n} is of dataset epoch ${head.datasetEpoch}, the plan of ${plan.datasetEpoch}`;
  if (plan.datasetEpoch < (head.datasetEpoch ?? 0) || plan.whole !== true) return epochs;
  if (head.n !== parent.n) return `${epochs}, and was made against version ${parent.n}`;
  if (publishing.length < plan.partitions.length) return `${epochs}, and not all of it is to be published`;
  const [pinned] = head.pinned;
  return pinned === undefined ? undefined : `${pinned} is pinned in version ${head.n}`;
}

/** A partition whose build stays when these are published: a version has one contract. */
function keptIn({ parts }: Standing, publishing: readonly PlannedPartition[]): string | undefined {
  const made = new Set(publishing.map(({ partition }) => partition));
  return Object.keys(parts).find(
    (partition) => parts[partition]?.build !== undefined && !made.has(partition),
  );
}

/** Why a version does not take this build, whatever its gate says; `undefined` when it may. */
export function barredIn(
  { n, pinned, exclude }: Pick<ViewVersion, 'n' | 'pinned' | 'exclude'>,
  { partition, inputs }: PlannedPartition,
): string | undefined {
  if (pinned.includes(partition)) return `${partition} is pinned in version ${n}`;
  const excluded = exclude.find((entry) => usesEntry(inputs, entry));
  return excluded && `its build of ${partition} uses ${entryName(excluded)}, which version ${n} excludes`;
}

function changedSince({ publishing, approved, parent, head, dataset }: Publication): string | undefined {
  const since = `since version ${parent.n}`;
  if (canonical(head.exclude) !== canonical(parent.exclude)) return `what is excluded changed ${since}`;
  if (parent.contract !== null && head.contract !== parent.contract) return `the contract changed ${since}`;
  const changed = (partition: string) => head.parts[partition]?.build !== parent.parts[partition]?.build;
  for (const { partition } of publishing) {
    if (changed(partition)) return `another build serves ${partition} ${since}`;
    if (approved || !crossesPartitions(dataset)) continue;
    const neighbour = neighbours(dataset, partition).find(changed);
    if (neighbour !== undefined) {
      return `${neighbour}, beside ${partition}, changed ${since}: keys are to be compared again`;
    }
  }
  return undefined;
}

/** Could a key turn up in two partitions? Only where its column is promised, not part of the key. */
function crossesPartitions({ partition, key }: Pick<DatasetSpec, 'partition' | 'key'>): boolean {
  return partition.kind === 'time' && partition.fixed && !key.includes(partition.column);
}

function neighbours(
  { partition: partitioning }: Pick<DatasetSpec, 'partition'>,
  partition: string,
): string[] {
  const number = partitionNumber(partitioning, partition);
  if (number === undefined) return [];
  const offsets = Array.from({ length: 2 * NEIGHBOURS + 1 }, (_, index) => index - NEIGHBOURS);
  return offsets
    .filter((offset) => offset !== 0)
    .map((offset) => partitionName(partitioning, number + offset));
}

/** Who decided: the gate, or a person by the decision at this key. One token, one version. */
export function publishToken(planId: string, decision: string | undefined): string {
  return `${planId}:${decision ?? 'gate'}`;
}

/** The outcome of a plan once each of its partitions has ended; `undefined` before. */
export function outcomeOf(
  plan: Plan,
  ended: ReadonlyMap<string, Outcome['partitions'][string]>,
  facts: Pick<Outcome, 'by' | 'reason' | 'at'> & { readonly version?: number },
): Outcome | undefined {
  const partitions = Object.fromEntries(
    plan.partitions.flatMap(({ partition }) => {
      const end = ended.get(partition);
      return end === undefined ? [] : [[partition, end]];
    }),
  );
  const ends = Object.values(partitions);
  if (ends.length < plan.partitions.length) return undefined;
  const best = (['published', 'rejected', 'superseded'] as const).find((one) => ends.includes(one));
  return {
    format: 1,
    dataset: plan.dataset,
    planId: plan.planId,
    outcome: best ?? 'superseded',
    partitions,
    ...facts,
  };
}
