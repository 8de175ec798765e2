import { cancellationSignal } from '@temporalio/activity';
import { canonical } from '../../lake/canonical.ts';
import type { GateReport, PartitionGate } from '../../lake/gate.ts';
import { keys } from '../../lake/keys.ts';
import type { LakeSpec } from '../../lake/spec.ts';
import type { DuckDbOptions } from '../duckdb.ts';
import { failure } from '../failure.ts';
import { type Builds, createBuilds } from '../objects/builds.ts';
import { createOnce } from '../objects/commit.ts';
import { type Holds, createHolds } from '../objects/holds.ts';
import { decode, encode, readObject } from '../objects/json.ts';
import type { Ledger } from '../objects/ledger.ts';
import type { ObjectStore } from '../objects/port.ts';
import { buildBatch } from './build-batch.ts';
import { gateReport } from './gate-plan.ts';
import { type Measured, measure } from './measure.ts';
import { type PlanRef, openPlan } from './plan.ts';
import type { NewestSpec } from './port.ts';
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

export interface GateResult {
  /** Key of the report. */
  readonly report: string;
  /** How many partitions may be published without findings, and how many with. */
  readonly publish: number;
  readonly flagged: number;
  readonly hold: readonly { readonly partition: string; readonly findings: readonly string[] }[];
}

export interface MeasureEntriesInput {
  readonly dataset: string;
  readonly spec?: LakeSpec;
}

export interface BuildPorts {
  readonly store: ObjectStore;
  readonly ledger: Ledger;
  readonly spec: NewestSpec;
  readonly duck: DuckDbOptions;
  readonly clock: { now(): number };
  /** What this process knows of builds; its own unless shared. */
  readonly builds?: Builds;
}

/** The ports, with what this process keeps of them. */
export interface BuildMeans extends BuildPorts {
  readonly builds: Builds;
  readonly holds: Holds;
}

export type BuildActivities = ReturnType<typeof createBuildActivities>;

export function createBuildActivities(ports: BuildPorts) {
  const { store, builds = createBuilds({ store }) } = ports;
  const means = { ...ports, builds, holds: createHolds({ store }) };

  /**
   * Make the builds of some of a plan's partitions. Safe to run twice: the same inputs have the same build id, a build
   * that is there is left alone, and of two attempts `_build.json`, created once, names one's files.
   */
  async function buildPartitionsBatch(input: BuildBatchInput): Promise<BuildBatchResult> {
    const signal = cancellationSignal();
    const opened = await openPlan(store, input, signal);
    const chosen = opened.plan.partitions.slice(input.from, input.to);
    const there = await builds.readAll(input.dataset, chosen, signal);
    const todo = chosen.filter(({ partition }) => !there.has(partition));
    const cached = chosen.length - todo.length;
    if (todo.length === 0) return { built: 0, cached, rows: 0, bytes: 0 };
    const made = await inScratch(ports.duck, (work) => buildBatch(means, work, opened, todo));
    return { built: todo.length, cached, ...made };
  }

  /**
   * Look at a plan's builds and write what was seen. Safe to run twice: the report is created once, and whoever comes
   * later reads that one.
   */
  async function gatePlan(ref: PlanRef): Promise<GateResult> {
    const signal = cancellationSignal();
    const key = keys.gate(ref.dataset, ref.planId);
    const before = await readObject<GateReport>(store, key, signal);
    if (before) return gateResult(key, before);
    const opened = await openPlan(store, ref, signal);
    const made = await builds.readAll(ref.dataset, opened.plan.partitions, signal);
    const report = await inScratch(ports.duck, (work) => gateReport(means, work, opened, made));
    const created = await createOnce(store, key, encode(report), signal);
    return gateResult(key, created.kind === 'created' ? report : decode<GateReport>(key, created.body));
  }

  /**
   * Count the rows of entries that were collected for another mapping than a dataset has, so that it can be planned.
   * Safe to run twice: a count is one object, created once, and what is counted is left alone. `spec`: one that is not
   * applied yet.
   */
  async function measureEntries({ dataset, spec }: MeasureEntriesInput): Promise<Measured> {
    // As it would be stored: a mapping's hash follows the order of columns, which is that of canonical JSON there.
    const given = spec && (JSON.parse(canonical(spec)) as LakeSpec);
    const lake = given ?? (await ports.spec.read(cancellationSignal())).spec;
    const found = lake.datasets[dataset];
    if (!found) throw failure('UnknownSource', `${dataset} is no dataset of the spec`);
    return inScratch(ports.duck, (work) => measure(means, work, { lake, dataset: found }));
  }

  return { buildPartitionsBatch, gatePlan, measureEntries };
}

function gateResult(report: string, { partitions }: GateReport): GateResult {
  const count = (verdict: PartitionGate['verdict']) =>
    partitions.filter((one) => one.verdict === verdict).length;
  return {
    report,
    publish: count('publish'),
    flagged: count('flagged'),
    hold: partitions
      .filter(({ verdict }) => verdict === 'hold')
      .map(({ partition, checks }) => ({
        partition,
        findings: checks
          .filter(({ verdict }) => verdict !== 'ok')
          .map(({ check, finding }) => `${check}: ${finding}`),
      })),
  };
}
