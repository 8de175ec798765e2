import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
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
import { createViews } from '../../activities/objects/views.ts';
import { type BuildManifest, type Undone, buildId } from '../../lake/build.ts';
import type { Entry, ItemSpan } from '../../lake/entry.ts';
import { entryFacts } from '../../lake/entry-facts.ts';
import type { GateReport, PartitionGate } from '../../lake/gate.ts';
import { canonical } from '../../lake/canonical.ts';
import { contractHash, mappingHashes, ruleHash } from '../../lake/hashes.ts';
import { isoInstant } from '../../lake/instant.ts';
import { keys, laneId, parseLaneId } from '../../lake/keys.ts';
import { matchColumns } from '../../lake/mapping.ts';
import { partitionName } from '../../lake/partition.ts';
import { advance, chunksOf, coverageHash, coverageObject } from '../../lake/parts.ts';
import type { Plan, PlannedPartition } from '../../lake/plan.ts';
import { type LakeSpec, datasetOf, feedOf } from '../../lake/spec.ts';
import { matchSql } from '../../lake/sql/refine-mapping.ts';
import { statisticsSql } from '../../lake/sql/statistics.ts';
import { duckType, ident, literal } from '../../lake/sql/text.ts';
import type { Coverage, ViewVersion } from '../../lake/view.ts';
import { MemoryObjectStore } from '../fakes/memory-object-store.ts';

const QUIET = new DefaultLogger('ERROR');

/** Values of a feed's columns, as text; `_op` is `I` unless given. */
export type FeedRow = Readonly<Record<string, string | number | null>>;

export interface CommitOptions extends Partial<Entry> {
  /** Rows of each object; one object unless given. */
  readonly objects?: readonly (readonly FeedRow[])[];
}

/** A lake of rows objects, entries and plans, without the workers that would collect and plan them. */
export class RowsLake {
  readonly store = new MemoryObjectStore();
  ledger = createLedger({ store: this.store });
  readonly spec: LakeSpec;
  readonly scratch: string;
  readonly clock = { now: () => Date.UTC(2026, 10, 24) };
  readonly #heads = new Map<string, { ordinal: number; sha256: string }>();
  #plans = 0;

  constructor(spec: Pick<LakeSpec, 'sources' | 'datasets'>, scratch: string) {
    // As it is read back: hashes of mappings follow the order of columns.
    this.spec = JSON.parse(canonical({ lake: { name: 'test', bucket: 'test' }, ...spec })) as LakeSpec;
    this.scratch = scratch;
    this.store.put(
      keys.spec(1),
      encode({ format: 1, n: 1, prev: null, ...this.spec, epochs: {}, by: 'test', reason: '', at: '' }),
    );
  }

  get ports(): BuildPorts {
    const duck = { memoryMb: 256, threads: 1, scratch: this.scratch };
    return { store: this.store, ledger: this.ledger, duck, clock: this.clock };
  }

  /** Commit rows of a feed; resolves the entry's ordinal. */
  async commit(feed: string, rows: readonly FeedRow[], options: CommitOptions = {}): Promise<number> {
    const { objects = [rows], lane = 0, ...more } = options;
    const id = laneId(feed, lane);
    const head = this.#heads.get(id);
    const ordinal = (head?.ordinal ?? 0) + 1;
    const written = [];
    for (const [index, some] of objects.entries()) {
      if (some.length > 0) written.push(await this.#rowsObject(feed, lane, ordinal, index, some));
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
      spec: 1,
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
      spec: 1,
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
  async publish(dataset: string, planId: string, exclude: ViewVersion['exclude'] = []): Promise<ViewVersion> {
    const signal = AbortSignal.timeout(60_000);
    const views = createViews({ store: this.store });
    const head = await views.viewHead(dataset, signal);
    const { coverage, partitions } = this.readPlan(dataset, planId);
    const entries = [];
    for (const [id, through] of Object.entries(coverage)) {
      const { feed, lane } = parseLaneId(id) ?? { feed: '', lane: 0 };
      for (const { value } of await this.ledger.range(feed, lane, 1, through, signal)) {
        entries.push(
          entryFacts(
            value,
            await Promise.all(value.rows.map((rows) => this.ledger.partitions(rows, signal))),
          ),
        );
      }
    }
    const before = await views.resolveView(head?.value, signal);
    const after = advance({ view: before, builds: partitions, coverage, entries, exclude }, sha256Hex);
    const parts: Record<string, string> = {};
    for (const [chunk, object] of Object.entries(chunksOf(after.parts, sha256Hex))) {
      const body = encode(object);
      parts[chunk] = sha256Hex(body);
      this.store.put(keys.part(dataset, parts[chunk]), body);
    }
    for (const lanes of [after.base, ...Object.values(after.coverages)]) {
      this.store.put(keys.coverage(dataset, coverageHash(lanes, sha256Hex)), encode(coverageObject(lanes)));
    }
    const n = (head?.n ?? 0) + 1;
    const version: ViewVersion = {
      format: 1,
      dataset,
      n,
      prev: head?.sha256 ?? null,
      token: planId,
      datasetEpoch: 1,
      spec: 1,
      contract: '',
      base: coverageHash(after.base, sha256Hex),
      parts,
      exclude,
      pinned: [],
      rejected: [],
      gate: null,
      flagged: {},
      kind: 'publish',
      by: 'test',
      reason: '',
      at: '',
    };
    this.store.put(keys.view(dataset, n), encode(version));
    return version;
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

  async #rowsObject(
    feed: string,
    lane: number,
    ordinal: number,
    index: number,
    rows: readonly FeedRow[],
  ): Promise<Entry['rows'][number]> {
    const source = feedOf(this.spec, feed);
    const served = datasetOf(this.spec, feed);
    if (!source) throw new Error(feed);
    const mapping = served && { dataset: served.dataset, use: served.use, columns: source.columns };
    const isStream = source.spec.kind === 'kinesis';
    const path = join(this.scratch, `${feed}-${lane}-${ordinal}-${index}.parquet`);
    const values = rows.map((row, n) => {
      const own = Object.entries(source.columns).map(([name, type]) => {
        const value = row[name] ?? null;
        return `${value === null ? 'NULL' : literal(String(value))}::${duckType(type)} AS ${ident(name)}`;
      });
      const { _channel: channel, _op: op = 'I', ...content } = row;
      const hash = BigInt(
        `0x${createHash('md5').update(JSON.stringify(content)).digest('hex').slice(0, 15)}`,
      );
      const stream = isStream
        ? [`${literal(String(channel ?? 'c'))} AS _channel`, `'${n}' AS _position`]
        : source.table === undefined
          ? []
          : [`'log' AS _channel`];
      // A record of a landing has two numbers.
      const place = source.table === undefined ? n + 1 : 2 * (n + 1);
      const lineage = [`${place}::BIGINT AS _row`, `'${op}' AS _op`, `${hash}::BIGINT AS _hash`];
      return `SELECT ${[...own, ...lineage, 'NULL::VARCHAR AS _extra', ...stream].join(', ')}`;
    });
    const match = mapping && matchColumns(mapping.dataset) ? matchSql(mapping, ident) : undefined;
    const select = `SELECT *${match ? `, ${match} AS _match` : ''} FROM (${values.join(' UNION ALL ')})`;
    const options = { memoryMb: 256, threads: 1, scratch: this.scratch };
    const statistics = await withDuckDb(options, async (db) => {
      await db.run(`COPY (${select}) TO ${literal(path)} (FORMAT parquet)`);
      return db.rows(statisticsSql(path, mapping));
    });
    const body = await readFile(path);
    const key = keys.rows({ feed, lane, commit: `c${ordinal}`, attempt: 'a', index });
    this.store.put(key, body);
    const iso = (us: unknown) => (us === null ? null : isoInstant(Math.floor(Number(us) / 1000)));
    const partitions = statistics.map((row) => [
      served ? partitionName(served.dataset.partition, Number(row['partition'])) : 'all',
      {
        rows: Number(row['rows']),
        hash: String(row['hash']),
        minTime: iso(row['min_us']),
        maxTime: iso(row['max_us']),
      },
    ]);
    return {
      key,
      bytes: body.byteLength,
      checksum: `sha256:${sha256Hex(body)}`,
      rows: rows.length,
      hash: String(statistics.reduce((sum, row) => sum + BigInt(String(row['hash'])), 0n)),
      schema: 's',
      mapping: served ? (mappingHashes(this.spec, served.dataset, sha256Hex)[feed] ?? null) : null,
      partitions: Object.fromEntries(partitions),
    };
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
