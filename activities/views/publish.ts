import { join } from '../../lake/coverage.ts';
import { openHold } from '../../lake/holds.ts';
import { keys } from '../../lake/keys.ts';
import { EMPTY_VIEW, type ViewParts, advance } from '../../lake/parts.ts';
import type { HoldObject, Plan, PlannedPartition } from '../../lake/plan.ts';
import { publishToken, standing, supersededBy } from '../../lake/publish.ts';
import type { DatasetSpec } from '../../lake/spec.ts';
import type { DatasetUnder } from '../../lake/statistics.ts';
import type { ViewVersion } from '../../lake/view.ts';
import { failure } from '../failure.ts';
import { eachOf } from '../objects/fetch.ts';
import type { Builds } from '../objects/builds.ts';
import { sha256Hex } from '../objects/json.ts';
import type { Ledger } from '../objects/ledger.ts';
import type { ObjectStore } from '../objects/port.ts';
import type { ViewLink, Views } from '../objects/views.ts';
import type { FactReader, Watch } from './facts.ts';
import type { VersionWriter } from './versions.ts';

const PARALLEL_HEADS = 16;

export interface Approval {
  readonly partitions: readonly string[];
  readonly by: string;
  readonly reason: string;
  /** Key of the decision's audit object. */
  readonly decision: string;
}

export interface PublishRequest {
  readonly plan: Plan;
  readonly dataset: DatasetSpec;
  /** Of the dataset in the applied spec. */
  readonly epoch: number;
  readonly publishing: readonly PlannedPartition[];
  /** Partition → what the gate found, of those published in spite of it. */
  readonly flagged: Readonly<Record<string, readonly string[]>>;
  readonly approved: Approval | undefined;
  readonly holds: ReadonlyMap<string, readonly HoldObject[]>;
  readonly rejected: ViewVersion['rejected'];
  readonly at: string;
}

export type Published =
  | { readonly kind: 'published'; readonly link: ViewLink }
  | { readonly kind: 'superseded'; readonly because: string };

export interface PublisherPorts {
  readonly store: ObjectStore;
  readonly builds: Builds;
  readonly views: Views;
  readonly facts: FactReader;
  readonly versions: VersionWriter;
  readonly ledger: Ledger;
}

export type Publisher = ReturnType<typeof createPublisher>;

/** Publishing builds as a version: `reconciliation.md` section 7. */
export function createPublisher({ store, builds, views, facts, versions, ledger }: PublisherPorts) {
  /**
   * Safe to run twice: the token is found in the version that an earlier attempt made. The commit point is the
   * conditional create of that version.
   */
  async function publish(request: PublishRequest, watch: Watch): Promise<Published> {
    const { plan, approved, publishing } = request;
    const { signal } = watch;
    const token = publishToken(plan.planId, approved?.decision);
    let buildsAreThere = false;
    for (;;) {
      const done = await versions.withToken(plan.dataset, token, plan.parent, signal);
      if (done) return { kind: 'published', link: done };
      const head = await views.viewHead(plan.dataset, signal);
      const view = await views.resolveView(head?.value, signal);
      const because = await judge(request, head, view, signal);
      if (because !== undefined) return { kind: 'superseded', because };
      if (!buildsAreThere) await checkBuilds(publishing, watch);
      buildsAreThere = true;
      const link = await append(request, token, head, view, watch);
      if (link) return { kind: 'published', link };
    }
  }

  async function judge(
    { plan, publishing, approved, holds, dataset, epoch }: PublishRequest,
    head: ViewLink | undefined,
    view: ViewParts,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    if (plan.datasetEpoch !== epoch)
      return `it was made under dataset epoch ${plan.datasetEpoch}, the applied spec is of ${epoch}`;
    const parent = await views.readView(plan.dataset, plan.parent, signal);
    const turned = await turnedSince(plan, head, signal);
    if (turned !== undefined) return turned;
    const parentParts = parent ? await views.allParts(parent.value, signal) : {};
    const held = [...holds].flatMap(([partition, ofPartition]) => {
      const open = openHold(ofPartition);
      return open ? [[partition, open.planId] as const] : [];
    });
    return supersededBy({
      plan,
      publishing,
      approved: approved !== undefined,
      parent: standing(parent?.value, parentParts),
      head: standing(head?.value, view.parts),
      held: new Map(held),
      dataset,
    });
  }

  /** A rollback moves the base only where it brings back another generation of a table. */
  async function turnedSince(
    { dataset, parent }: Plan,
    head: ViewLink | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    if (!head || head.n === parent) return undefined;
    const since = await views.chain(dataset).range(Math.max(1, parent), head.n, signal);
    const turned = since.find(
      ({ n, value }, index) =>
        n > parent && value.kind === 'rollback' && since[index - 1]?.value.base !== value.base,
    );
    return turned && `version ${turned.n} brought back another generation of a table`;
  }

  /** The dataset under the spec that a plan was made under: its partitions are that one's. */
  async function madeUnder({ dataset, planId, spec: n }: Plan, signal: AbortSignal): Promise<DatasetUnder> {
    const lake = await ledger.specOf(n, signal);
    const found = lake?.datasets[dataset];
    if (lake && found) return { lake, dataset: found };
    throw failure(
      'ObjectMissing',
      `${keys.spec(n)}: there is no ${dataset}, and ${keys.plan(dataset, planId)} was made under it`,
    );
  }

  /** Every file that the version will newly name is there, with its length. */
  async function checkBuilds(publishing: readonly PlannedPartition[], { signal, onProgress }: Watch) {
    await eachOf(publishing, PARALLEL_HEADS, async ({ partition, buildId, inputs }) => {
      const key = keys.build(inputs.dataset, partition, buildId);
      const manifest = await builds.read(inputs.dataset, { partition, buildId }, signal);
      if (!manifest) throw failure('ObjectMissing', `${key}: the build of ${partition} is not there`);
      const { files, tombstones, winners, attempt } = manifest;
      const named = [...files, tombstones, winners?.batch, winners?.speed];
      for (const file of named) {
        if (!file) continue;
        const at = keys.buildFile(inputs.dataset, partition, buildId, attempt, file.file);
        const found = await store.head(at, signal);
        if (!found) throw failure('ObjectMissing', `${at}: nothing is there, but ${key} names it`);
        if (found.bytes !== file.bytes) {
          throw failure('ChecksumMismatch', `${at} holds ${found.bytes} bytes; ${key} says ${file.bytes}`);
        }
      }
      onProgress();
    });
  }

  async function append(
    { plan, publishing, flagged, approved, rejected, at }: PublishRequest,
    token: string,
    head: ViewLink | undefined,
    view: ViewParts,
    watch: Watch,
  ): Promise<ViewLink | undefined> {
    const exclude = head?.value.exclude ?? [];
    // The first version of an epoch takes nothing over: its partitions, and what it accounts for, are its plan's.
    const isFirst = head !== undefined && head.value.datasetEpoch !== plan.datasetEpoch;
    const from = isFirst ? EMPTY_VIEW : view;
    const under = await madeUnder(plan, watch.signal);
    const moved = advance(
      {
        view: from,
        builds: publishing,
        coverage: plan.coverage,
        entries: await facts.between(from.base, join(from.base, plan.coverage), under, watch),
        exclude,
      },
      sha256Hex,
    );
    const touched = new Set(publishing.map(({ partition }) => partition));
    const flags = isFirst ? {} : (head?.value.flagged ?? {});
    const kept = Object.entries(flags).filter(([partition]) => !touched.has(partition));
    const contract = publishing[0]?.inputs.contract ?? '';
    return versions.append(
      head,
      from,
      moved,
      {
        dataset: plan.dataset,
        token,
        datasetEpoch: plan.datasetEpoch,
        spec: plan.spec,
        contract,
        exclude,
        pinned: head?.value.pinned ?? [],
        rejected,
        gate: keys.gate(plan.dataset, plan.planId),
        flagged: { ...Object.fromEntries(kept), ...flagged },
        kind: 'publish',
        by: approved?.by ?? plan.by,
        reason: approved?.reason ?? plan.reason,
        at,
      },
      watch.signal,
    );
  }

  return { publish };
}
