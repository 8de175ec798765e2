import { BUILD_CODE, type BuildInputs, type EntrySet, type Undone, buildId } from './build.ts';
import { type Sha256, canonical, compareText } from './canonical.ts';
import { entryName, isWithin } from './coverage.ts';
import type { EntryFacts } from './entry-facts.ts';
import { type Generations, isCurrent } from './generations.ts';
import { contractHash, feedsVersionedByAsOf, mappingHashes, ruleHash } from './hashes.ts';
import { type LaneId, laneId } from './keys.ts';
import { inChainOrder } from './parts.ts';
import type { PlannedPartition } from './plan.ts';
import type { DatasetSpec, LakeSpec } from './spec.ts';
import type { Coverage, EntryRef } from './view.ts';

/** What of a spec goes into every build of a dataset. */
export interface BuildContext {
  readonly dataset: string;
  readonly spec: DatasetSpec;
  readonly contract: string;
  readonly mappings: Readonly<Record<string, string>>;
  readonly versionedByAsOf: readonly string[];
  readonly sha256: Sha256;
}

export function buildContext(
  lake: Pick<LakeSpec, 'sources'>,
  dataset: string,
  spec: DatasetSpec,
  sha256: Sha256,
): BuildContext {
  return {
    dataset,
    spec,
    contract: contractHash(spec, sha256),
    mappings: mappingHashes(lake, spec, sha256),
    versionedByAsOf: feedsVersionedByAsOf(lake, spec),
    sha256,
  };
}

/**
 * What a build of a partition takes in when it uses these entries. `undone` names, of the rows there, what the used
 * entries take back, and the entries up to `coverage` that are excluded.
 */
export function inputsOf(
  { dataset, contract, mappings, spec, versionedByAsOf, sha256 }: BuildContext,
  partition: string,
  used: readonly EntryFacts[],
  excluded: readonly EntryRef[],
): { readonly buildId: string; readonly inputs: BuildInputs } {
  const feeds = [...new Set(used.map(({ feed }) => feed))].sort(compareText);
  const inputs: BuildInputs = {
    dataset,
    partition,
    entries: entrySet(used),
    undone: undoneIn(partition, used, excluded),
    asOf: Object.fromEntries(
      feeds
        .filter((feed) => versionedByAsOf.includes(feed))
        .flatMap((feed) => {
          const asOfs = used.flatMap((one) => (one.feed === feed && one.asOf !== null ? [one.asOf] : []));
          const greatest = asOfs.sort(compareText).at(-1);
          return greatest === undefined ? [] : [[feed, greatest]];
        }),
    ),
    contract,
    mappings: Object.fromEntries(feeds.map((feed) => [feed, mappings[feed] ?? ''])),
    rule: ruleHash(spec, feeds, sha256),
    code: BUILD_CODE,
  };
  return { buildId: buildId(inputs, sha256), inputs };
}

/**
 * Of the entries that touch a partition, those that a build up to `coverage` uses, and those it may not. Of a table it
 * is about the current generation alone: what is of another one is in neither.
 */
export function split(
  entries: readonly EntryFacts[],
  coverage: Coverage,
  exclude: readonly EntryRef[],
  current: Generations,
): { readonly used: readonly EntryFacts[]; readonly excluded: readonly EntryFacts[] } {
  const barred = new Set(exclude.map(entryName));
  const within = entries.filter((entry) => isWithin(coverage, entry) && isCurrent(entry, current));
  return {
    used: within.filter((entry) => !barred.has(entryName(entry))),
    excluded: within.filter((entry) => barred.has(entryName(entry))),
  };
}

export function entrySet(entries: readonly EntryRef[]): EntrySet {
  const set: Record<LaneId, number[]> = {};
  for (const { feed, lane, ordinal } of [...entries].sort(inChainOrder)) {
    (set[laneId(feed, lane)] ??= []).push(ordinal);
  }
  return set;
}

export function usesEntry(inputs: BuildInputs, { feed, lane, ordinal }: EntryRef): boolean {
  return inputs.entries[laneId(feed, lane)]?.includes(ordinal) ?? false;
}

/**
 * Names a plan by what it builds against which version: planned again after a crash, it is the same plan. `again`
 * tells apart plans that equal one that has ended.
 */
export function planIdOf(
  plan: {
    readonly dataset: string;
    readonly parent: number;
    readonly epoch: number;
    readonly partitions: readonly PlannedPartition[];
    readonly force?: unknown;
    readonly again: number;
  },
  sha256: Sha256,
): string {
  const partitions = Object.fromEntries(
    plan.partitions.map(({ partition, buildId: id, provisional }) => [
      partition,
      provisional ? [id, 'provisional'] : id,
    ]),
  );
  return sha256(canonical({ ...plan, partitions })).slice(0, 32);
}

function undoneIn(
  partition: string,
  used: readonly EntryFacts[],
  excluded: readonly EntryRef[],
): readonly Undone[] {
  const taken = used.flatMap((by) =>
    (by.undoes[partition] ?? []).map(({ feed, lane, ordinal, item }): Undone => ({
      kind: 'retracted',
      lane: laneId(feed, lane),
      ordinal,
      by: by.ordinal,
      item,
    })),
  );
  const barred = excluded.map(({ feed, lane, ordinal }): Undone => ({
    kind: 'excluded',
    lane: laneId(feed, lane),
    ordinal,
  }));
  return [...taken, ...barred].sort((a, b) => compareText(canonical(a), canonical(b)));
}
