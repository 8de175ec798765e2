import { cancellationSignal } from '@temporalio/activity';
import type { DuckDbOptions } from '../duckdb.ts';
import type { Ledger } from '../objects/ledger.ts';
import type { ObjectStore } from '../objects/port.ts';
import { buildBatch } from './build-batch.ts';
import { type PlanRef, openPlan, readBuilds } from './plan.ts';
import { inScratch } from './scratch.ts';

export interface BuildBatchInput extends PlanRef {
  /** The plan's partitions `[from, to)`, by their place in it. */
  readonly from: number;
  readonly to: number;
}

export interface BuildBatchResult {
  readonly built: number;
  /** Builds that were there already. */
  readonly cached: number;
  /** Of what was built now: rows of the dataset, and bytes of its files. */
  readonly rows: number;
  readonly bytes: number;
}

export interface BuildPorts {
  readonly store: ObjectStore;
  readonly ledger: Ledger;
  readonly duck: DuckDbOptions;
  readonly clock: { now(): number };
}

export type BuildActivities = ReturnType<typeof createBuildActivities>;

export function createBuildActivities(ports: BuildPorts) {
  /**
   * Make the builds of some of a plan's partitions. Safe to run twice: the same inputs have the same build id, a build
   * that is there is left alone, and of two attempts `_build.json`, created once, names one's files.
   */
  async function buildPartitionsBatch(input: BuildBatchInput): Promise<BuildBatchResult> {
    const signal = cancellationSignal();
    const opened = await openPlan(ports.store, input, signal);
    const chosen = opened.plan.partitions.slice(input.from, input.to);
    const there = await readBuilds(ports.store, input.dataset, chosen, signal);
    const todo = chosen.filter(({ partition }) => !there.has(partition));
    const cached = chosen.length - todo.length;
    if (todo.length === 0) return { built: 0, cached, rows: 0, bytes: 0 };
    const made = await inScratch(ports.duck, (work) => buildBatch(ports, work, opened, todo));
    return { built: todo.length, cached, ...made };
  }

  return { buildPartitionsBatch };
}
