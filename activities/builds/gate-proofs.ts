import { sum } from '../../lake/checks.ts';
import type { Count } from '../../lake/build.ts';
import type { Entry, ObjectStatistics } from '../../lake/entry.ts';
import { instantMs } from '../../lake/instant.ts';
import { type LaneId, keys, laneId, parseLaneId } from '../../lake/keys.ts';
import type { PlannedPartition } from '../../lake/plan.ts';
import { failedWith } from '../failure.ts';
import type { Ledger } from '../objects/ledger.ts';
import { statisticsUnder } from '../objects/statistics.ts';
import { asOfUs } from '../objects/wanted.ts';
import type { OpenedPlan } from './plan.ts';

/** What a partition's entries say of it. */
export interface EntryProof {
  /** Rows and hashes of their statistics. */
  readonly stated: Count;
  /** Why the statistics do not say. */
  readonly problem?: string;
  readonly lanes: number;
  /** What is no chain in the lanes used, up to the plan's coverage. */
  readonly broken: readonly string[];
  /** As of when the batch side speaks, microseconds: the least over its feeds; null without a word of one. */
  readonly asOfUs: number | null;
}

/** Reads each used lane once, from the first entry that any partition used to the plan's coverage. */
export async function entryProofs(
  ledger: Ledger,
  { plan, spec, dataset }: OpenedPlan,
  signal: AbortSignal,
): Promise<{ of(planned: PlannedPartition): EntryProof }> {
  const entries = new Map<string, Entry>();
  const stated = new Map<string, Map<string, Count>>();
  const unmapped = new Set<string>();
  const statistics = statisticsUnder(ledger, { lake: spec, dataset }, signal);
  const broken = new Map<LaneId, string>();
  for (const [id, first] of firstUsed(plan.partitions)) {
    const { feed, lane } = parseLaneId(id) ?? { feed: '', lane: 0 };
    try {
      for (const { value } of await ledger.range(feed, lane, first, plan.coverage[id] ?? 0, signal)) {
        entries.set(`${id}/${value.ordinal}`, value);
        const found = await statistics.find(value);
        if (found) stated.set(`${id}/${value.ordinal}`, statedBy(found));
        else unmapped.add(`${id}/${value.ordinal}`);
      }
    } catch (error) {
      if (!failedWith(error, 'ChainBroken') || !(error instanceof Error)) throw error;
      broken.set(id, error.message);
    }
  }
  return { of };

  function of({ partition, inputs }: PlannedPartition): EntryProof {
    const lanes = Object.entries(inputs.entries) as [LaneId, readonly number[]][];
    const used = lanes.flatMap(([id, ordinals]) =>
      ordinals.map((ordinal) => ({ id, name: `${id}/${ordinal}` })),
    );
    const problem = used.map(({ id, name }) => problemOf(id, name)).find((found) => found !== undefined);
    return {
      stated: sum(used.flatMap(({ name }) => stated.get(name)?.get(partition) ?? [])),
      ...(problem !== undefined && { problem }),
      lanes: lanes.length,
      broken: lanes.flatMap(([id]) => broken.get(id) ?? []),
      asOfUs: leastAsOf(used.flatMap(({ name }) => entries.get(name) ?? [])),
    };
  }

  function statedBy(objects: readonly ObjectStatistics[]): Map<string, Count> {
    const counts = new Map<string, Count>();
    for (const { partitions } of objects) {
      for (const [partition, { rows: count, hash }] of Object.entries(partitions)) {
        const before = counts.get(partition);
        counts.set(partition, sum([{ rows: count, hash }, ...(before ? [before] : [])]));
      }
    }
    return counts;
  }

  function problemOf(id: LaneId, name: string): string | undefined {
    const entry = entries.get(name);
    if (!entry) return `${name} could not be read: its chain is broken, or it is beyond the plan's coverage`;
    if (!unmapped.has(name)) return undefined;
    return `${keys.entry(entry.feed, entry.lane, entry.ordinal)} has statistics of another mapping of ${id}`;
  }

  function leastAsOf(used: readonly Entry[]): number | null {
    const feeds = Object.keys(dataset.feeds).filter((feed) => dataset.feeds[feed]?.role === 'batch');
    const said = feeds.map((feed) => {
      const watermark = plan.watermarks.find((one) => one.feed === feed)?.watermark;
      const ms = watermark === undefined || watermark === null ? undefined : instantMs(watermark);
      const deliveries = used.filter((entry) => entry.feed === feed).map((entry) => asOfUs(entry));
      const known = [...deliveries, ms === undefined ? undefined : ms * 1000 - 1].filter(
        (us) => us !== undefined,
      );
      return known.length === 0 ? null : Math.max(...known);
    });
    return said.reduce<number | null>(
      (least, us, index) => (index === 0 ? us : least === null || us === null ? null : Math.min(least, us)),
      null,
    );
  }
}

function firstUsed(partitions: readonly PlannedPartition[]): Map<LaneId, number> {
  const first = new Map<LaneId, number>();
  for (const { inputs } of partitions) {
    for (const [lane, ordinals] of Object.entries(inputs.entries)) {
      const { feed, lane: number } = parseLaneId(lane) ?? { feed: '', lane: 0 };
      const id = laneId(feed, number);
      first.set(id, Math.min(first.get(id) ?? Infinity, ...ordinals));
    }
  }
  return first;
}
