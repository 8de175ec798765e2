import { createHolds } from '../activities/objects/holds.ts';
import type { Ledger } from '../activities/objects/ledger.ts';
import type { ObjectStore } from '../activities/objects/port.ts';
import { createViews } from '../activities/objects/views.ts';
import { type OpenHold, openHold } from '../lake/holds.ts';
import { type LakeSpec, feedsOf } from '../lake/spec.ts';

export interface LakeOverview {
  readonly lake: string;
  /** Number of the newest applied spec. */
  readonly spec: number;
  readonly datasets: Readonly<Record<string, DatasetOverview>>;
  readonly feeds: Readonly<Record<string, readonly LaneOverview[]>>;
}

export interface DatasetOverview {
  /** 0 while nothing is published. */
  readonly version: number;
  readonly publishedAt: string | null;
  /** Partitions with a build. */
  readonly partitions: number;
  /** Late entries, over all partitions. */
  readonly late: number;
  readonly provisional: readonly string[];
  readonly pinned: readonly string[];
  readonly flagged: readonly string[];
  readonly holds: readonly OpenHold[];
}

export interface LaneOverview {
  readonly lane: number;
  /** Ordinal of its newest entry. */
  readonly head: number;
  readonly committedAt: string;
  /** Channels that are open; 0 on a lane of files. */
  readonly channels: number;
}

export interface OverviewPorts {
  readonly store: ObjectStore;
  readonly ledger: Ledger;
  readonly spec: { readonly n: number; readonly spec: LakeSpec };
}

/** What a lake holds now, from its heads alone. It reads a few objects per dataset and per lane. */
export async function lakeOverview(
  { store, ledger, spec: { n, spec } }: OverviewPorts,
  signal: AbortSignal,
): Promise<LakeOverview> {
  const views = createViews({ store });
  const holds = createHolds({ store });
  const datasets: Record<string, DatasetOverview> = {};
  for (const name of Object.keys(spec.datasets)) {
    const head = await views.viewHead(name, signal);
    const { parts } = await views.resolveView(head?.value, signal);
    const held = [...(await holds.allHolds(name, signal)).values()].map(openHold);
    const named = Object.entries(parts);
    datasets[name] = {
      version: head?.n ?? 0,
      publishedAt: head?.value.at ?? null,
      partitions: named.filter(([, part]) => part.build !== undefined).length,
      late: named.reduce((sum, [, part]) => sum + part.late.length, 0),
      provisional: named.filter(([, part]) => part.provisional).map(([partition]) => partition),
      pinned: head?.value.pinned ?? [],
      flagged: Object.keys(head?.value.flagged ?? {}),
      holds: held.filter((hold) => hold !== undefined),
    };
  }
  const feeds: Record<string, readonly LaneOverview[]> = {};
  for (const [name, source] of Object.entries(spec.sources)) {
    for (const feed of feedsOf(name, source)) feeds[feed] = await lanesOf(ledger, feed, signal);
  }
  return { lake: spec.lake.name, spec: n, datasets, feeds };
}

async function lanesOf(ledger: Ledger, feed: string, signal: AbortSignal): Promise<LaneOverview[]> {
  const lanes: LaneOverview[] = [];
  for (const lane of await ledger.lanes(feed, signal)) {
    const head = await ledger.head(feed, lane, signal);
    if (!head) continue;
    const channels = Object.values(head.value.channels ?? {}).filter((channel) => !channel.closed);
    lanes.push({ lane, head: head.n, committedAt: head.value.committedAt, channels: channels.length });
  }
  return lanes;
}
