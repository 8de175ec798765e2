import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import {
  type BuildBatchResult,
  type BuildPorts,
  type GateResult,
  createBuildActivities,
} from '../../activities/builds/activities.ts';
import { withDuckDb } from '../../activities/duckdb.ts';
import { encode, sha256Hex } from '../../activities/objects/json.ts';
import { createLedger } from '../../activities/objects/ledger.ts';
import { type BuildManifest, type Undone, buildId } from '../../lake/build.ts';
import type { Entry, ItemSpan } from '../../lake/entry.ts';
import type { GateReport, PartitionGate } from '../../lake/gate.ts';
import { canonical } from '../../lake/canonical.ts';
import { contractHash, mappingHashes, ruleHash } from '../../lake/hashes.ts';
import { isoInstant } from '../../lake/instant.ts';
import { keys, laneId, parseLaneId } from '../../lake/keys.ts';
import type { Plan, PlannedPartition } from '../../lake/plan.ts';
import { type LakeSpec, datasetOf } from '../../lake/spec.ts';
import { literal } from '../../lake/sql/text.ts';
import type { Coverage, ViewVersion } from '../../lake/view.ts';
import { MemoryObjectStore } from '../fakes/memory-object-store.ts';
import { type FeedRow, makeRowsObject } from './rows-object.ts';
import { publishPlan } from './rows-view.ts';

export type { FeedRow };

const QUIET = new DefaultLogger('ERROR');

export interface CommitOptions extends Partial<Entry> {
  /** Rows of each object; one object unless given. */
  readonly objects?: readonly (readonly FeedRow[])[];
}

/** A lake of rows objects, entries and plans, without the workers that would collect and plan them. */
export class RowsLake {
  readonly store = new MemoryObjectStore();
  ledger = createLedger({ store: this.store });
  spec: LakeSpec;
  /** Its number. */
  specNumber = 1;
  readonly scratch: string;
  readonly clock = { now: () => Date.UTC(2026, 10, 24) };
  /** Of its datasets; 1 where it says none. */
  epochs: Readonly<Record<string, number>> = {};
  readonly #heads = new Map<string, { ordinal: number; sha256: string }>();
  #plans = 0;

  constructor(spec: Pick<LakeSpec, 'sources' | 'datasets'>, scratch: string) {
    this.spec = asReadBack(spec);
    this.scratch = scratch;
    this.#putSpec(null);
  }

  /** The next spec of the lake; `epochs` as that one has them. */
  apply(spec: Pick<LakeSpec, 'sources' | 'datasets'>, epochs = this.epochs): void {
    this.epochs = epochs;
    const before = this.store.text(keys.spec(this.specNumber)) ?? '';
    this.spec = asReadBack(spec);
    this.specNumber += 1;
    this.#putSpec(sha256Hex(Buffer.from(before)));
  }

  #putSpec(prev: string | null): void {
    const about = { epochs: this.epochs, by: 'test', reason: '', at: '2026-11-20T00:00:00.000Z' };
    const object = { format: 1, n: this.specNumber, prev, ...this.spec, ...about };
    this.store.put(keys.spec(this.specNumber), encode(object));
  }

  get ports(): BuildPorts {
    const duck = { memoryMb: 256, threads: 1, scratch: this.scratch };
    const spec = { read: async () => ({ spec: this.spec }) };
    return { store: this.store, ledger: this.ledger, spec, duck, clock: this.clock };
  }

  /** Commit rows of a feed; resolves the entry's ordinal. */
  async commit(feed: string, rows: readonly FeedRow[], options: CommitOptions = {}): Promise<number> {
    const { objects = [rows], lane = 0, ...more } = options;
    const id = laneId(feed, lane);
    const head = this.#heads.get(id);
    const ordinal = (head?.ordinal ?? 0) + 1;
    const written = [];
    for (const [index, some] of objects.entries()) {
      if (some.length === 0) continue;
      const { object, body } = await makeRowsObject(this, { feed, lane, ordinal, index }, some);
      this.store.put(object.key, body);
      written.push(object);
    }
    const entry: Entry = {
      format: 1,
      feed,
      lane,
      ordinal,
      prev: head?.sha256 ?? null,
      commit: `c${ordinal}`,
      epoch: { run: 'r' },
      committedAt: isoInstant(Date.UTC(2026, 10, 21) + ordinal * 60_000),
      spec: this.specNumber,
      raw: [],
      rows: written,
      rejected: [],
      ...more,
    };
    const body = encode(entry);
    this.store.put(keys.entry(feed, lane, ordinal), body);
    this.#heads.set(id, { ordinal, sha256: sha256Hex(body) });
    return ordinal;
  }

  /** The same lake in a process that has read nothing yet. */
  withoutCaches(): RowsLake {
    this.ledger = createLedger({ store: this.store });
    return this;
  }

  /** Everything committed so far. */
  get coverage(): Coverage {
    return Object.fromEntries([...this.#heads].map(([id, { ordinal }]) => [id, ordinal]));
  }

  /** A plan of these partitions from every entry that has rows there, up to `coverage`. */
  async plan(dataset: string, partitions: readonly string[], more: PlanOptions = {}): Promise<string> {
    const { coverage = this.coverage, undone = {}, why = 'closed', leaveOut = [], ...rest } = more;
    const planId = `plan-${(this.#plans += 1)}`;
    const planned: PlannedPartition[] = [];
    for (const partition of partitions) {
      const entries: Record<string, number[]> = {};
      for (const [id, through] of Object.entries(coverage)) {
        const { feed, lane } = parseLaneId(id) ?? { feed: '', lane: 0 };
        if (datasetOf(this.spec, feed)?.name !== dataset) continue;
        for (const { value } of await this.ledger.range(
          feed,
          lane,
          1,
          through,
          AbortSignal.timeout(60_000),
        )) {
          const touches = value.rows.some((rows) => rows.partitions[partition]);
          const takes = value.retracts?.some((one) => one.partitions[partition]);
          if (leaveOut.includes(`${id}/${value.ordinal}`)) continue;
          if (touches || takes) (entries[id] ??= []).push(value.ordinal);
        }
      }
      const spec = this.spec.datasets[dataset];
      if (!spec) throw new Error(dataset);
      const inputs = {
        dataset,
        partition,
        entries,
        undone: undone[partition] ?? [],
        asOf: {},
        contract: contractHash(spec, sha256Hex),
        mappings: mappingHashes(this.spec, spec, sha256Hex),
        rule: ruleHash(spec, Object.keys(spec.feeds), sha256Hex),
        code: 1,
      };
      planned.push({ partition, buildId: buildId(inputs, sha256Hex), inputs, why });
    }
    const plan: Plan = {
      format: 1,
      dataset,
      planId,
      spec: this.specNumber,
      datasetEpoch: 1,
      parent: 0,
      coverage,
      partitions: planned,
      watermarks: [],
      by: 'test',
      reason: '',
      at: '2026-11-24T00:00:00.000Z',
      ...rest,
    };
    this.store.put(keys.plan(dataset, planId), encode(plan));
    return planId;
  }

  readPlan(dataset: string, planId: string): Plan {
    return JSON.parse(this.store.text(keys.plan(dataset, planId)) ?? 'null') as Plan;
  }

  /** Build everything that a plan asks for. */
  async build(dataset: string, planId: string): Promise<BuildBatchResult> {
    const { buildPartitionsBatch } = createBuildActivities(this.ports);
    const to = this.readPlan(dataset, planId).partitions.length;
    return inActivity(buildPartitionsBatch, {
      dataset,
      planId,
      from: 0,
      to,
    });
  }

  async gate(dataset: string, planId: string): Promise<GateResult> {
    const { gatePlan } = createBuildActivities(this.ports);
    return inActivity(gatePlan, { dataset, planId });
  }

  /** What the gate wrote of one partition. */
  gated(dataset: string, planId: string, partition: string): PartitionGate {
    const report = JSON.parse(this.store.text(keys.gate(dataset, planId)) ?? 'null') as GateReport;
    const found = report.partitions.find((one) => one.partition === partition);
    if (!found) throw new Error(partition);
    return found;
  }

  /** The next version of a view: a plan's builds, and everything up to its coverage accounted for. */
  publish(dataset: string, planId: string, exclude: ViewVersion['exclude'] = []): Promise<ViewVersion> {
    return publishPlan(this, this.readPlan(dataset, planId), exclude);
  }

  manifest(dataset: string, planId: string, partition: string): BuildManifest {
    const planned = this.readPlan(dataset, planId).partitions.find((one) => one.partition === partition);
    const text = this.store.text(keys.build(dataset, partition, planned?.buildId ?? ''));
    return JSON.parse(text ?? 'null') as BuildManifest;
  }

  /** Rows of a build's file, ordered by all columns. */
  async rows(manifest: BuildManifest, columns: string, file = '0.parquet') {
    const { dataset, partition, buildId: id, attempt } = manifest;
    const key = keys.buildFile(dataset, partition, id, attempt, file);
    const path = join(this.scratch, 'read back.parquet');
    const got = await this.store.getToFile(key, path, {
      signal: AbortSignal.timeout(60_000),
      onProgress: () => undefined,
    });
    if (!got) return [];
    const options = { memoryMb: 128, threads: 1, scratch: this.scratch };
    return withDuckDb(options, (db) => db.rows(`SELECT ${columns} FROM ${literal(path)} ORDER BY ALL`));
  }
}

function inActivity<Input, Result>(
  activity: (input: Input) => Promise<Result>,
  input: Input,
): Promise<Result> {
  return new MockActivityEnvironment({}, { logger: QUIET }).run<[Input], Result, typeof activity>(
    activity,
    input,
  );
}

/** Hashes of mappings follow the order of columns. */
function asReadBack(spec: Pick<LakeSpec, 'sources' | 'datasets'>): LakeSpec {
  return JSON.parse(canonical({ lake: { name: 'test', bucket: 'test' }, ...spec })) as LakeSpec;
}

export interface PlanOptions extends Partial<Omit<Plan, 'partitions'>> {
  readonly undone?: Readonly<Record<string, readonly Undone[]>>;
  readonly why?: PlannedPartition['why'];
  /** `feed/lane/ordinal`: entries that the planner leaves out. */
  readonly leaveOut?: readonly string[];
}

/** Rows `first` to `last` of the entry's first object. */
export function span(first: number, last: number): ItemSpan {
  return { object: 0, firstRow: first, records: last - first + 1, firstRecord: first };
}
