import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createChain } from '../../activities/objects/chain.ts';
import { encode, sha256Hex } from '../../activities/objects/json.ts';
import { createLedger } from '../../activities/objects/ledger.ts';
import { createViews } from '../../activities/objects/views.ts';
import { createViewActivities } from '../../activities/views/activities.ts';
import type { BuildManifest } from '../../lake/build.ts';
import type { Entry } from '../../lake/entry.ts';
import type { GateReport, PartitionGate } from '../../lake/gate.ts';
import { canonical } from '../../lake/canonical.ts';
import { mappingHashes } from '../../lake/hashes.ts';
import { keys } from '../../lake/keys.ts';
import type { Plan } from '../../lake/plan.ts';
import type { DatasetSpec, FilesSource, KinesisSource, LakeSpec, SpecObject } from '../../lake/spec.ts';
import { MemoryObjectStore } from './memory-object-store.ts';

const HOUR = 3_600_000;
const COLUMNS = { id: 'string', paid_at: 'timestamp', revision: 'bigint' } as const;

/** Payments by day: books at night, a stream all day. */
export const PAYMENTS: DatasetSpec = {
  merge: 'latest',
  key: ['id'],
  version: 'revision',
  partition: { kind: 'time', column: 'paid_at', unit: 'day', fixed: true, from: '2026-11-20' },
  columns: COLUMNS,
  eventTime: 'paid_at',
  feeds: {
    books: { role: 'batch', visible: 'publish', map: {} },
    stream: { role: 'speed', visible: 'commit', map: {} },
  },
  // oxlint-disable-next-line unicorn/no-thenable
  close: { latenessMs: 0, graceMs: HOUR, needs: ['books'], deadlineMs: 24 * HOUR, then: 'hold' },
  rebuild: { lateRatio: 0.5, lateAfterMs: 24 * HOUR },
  gate: {
    compare: [],
    tolerance: {
      missing: { count: 0 },
      differs: { count: 0 },
      moved: { count: 0 },
      conflicting: { count: 0 },
    },
    settleAfterMs: 72 * HOUR,
    checks: [],
  },
};

const LAKE: LakeSpec = {
  lake: { name: 'test', bucket: 'test' },
  sources: {
    books: {
      kind: 'files',
      from: 'file:///books',
      include: ['*'],
      exclude: [],
      quietMs: 0,
      restated: 'park',
      format: { csv: { header: true, delimiter: ',', quote: '"', nulls: [] } },
      columns: COLUMNS,
    },
    stream: {
      kind: 'kinesis',
      stream: 'stream',
      start: 'earliest',
      format: { json: {} },
      columns: COLUMNS,
      commit: { rows: 1000, bytes: 1000, everyMs: 10_000 },
    },
  },
  datasets: { payments: PAYMENTS },
};

/** The payments and their feeds with a column more. */
export function withColumn(column: string): Pick<LakeSpec, 'sources' | 'datasets'> {
  const columns = { ...COLUMNS, [column]: 'string' } as const;
  const { books, stream } = LAKE.sources as Record<'books' | 'stream', FilesSource | KinesisSource>;
  return {
    sources: { books: { ...books, columns }, stream: { ...stream, columns } },
    datasets: { payments: { ...PAYMENTS, columns } },
  };
}

export type Verdict = PartitionGate['verdict'];

/** A lake of one dataset whose ledger, builds and gate reports the test writes itself. */
export class ViewLake {
  readonly store: MemoryObjectStore;
  nowMs = Date.parse('2026-11-23T12:00:00.000Z');
  /** Of the dataset in the applied spec. */
  epoch = 1;
  #lake: LakeSpec;
  #spec = 1;
  readonly #signal = new AbortController().signal;
  #activities: ReturnType<typeof createViewActivities>;

  constructor(dataset: DatasetSpec = PAYMENTS, store = new MemoryObjectStore()) {
    this.store = store;
    this.#lake = { ...LAKE, datasets: { payments: dataset } };
    this.#activities = this.#wire();
  }

  /** Another worker: it knows what the store holds and nothing else. */
  restart(): void {
    this.#activities = this.#wire();
  }

  /** The same lake, seen by a worker of its own. */
  worker(): ViewLake {
    return new ViewLake(this.#lake.datasets['payments'], this.store);
  }

  /** The next spec of the lake. */
  apply({ sources = this.#lake.sources, datasets }: Partial<LakeSpec>): void {
    const next = { ...this.#lake, sources, ...(datasets && { datasets }) };
    // As it is read back: hashes of mappings follow the order of columns.
    this.store.put(keys.spec(this.#spec), encode(this.#object()));
    this.#lake = JSON.parse(canonical(next)) as LakeSpec;
    this.#spec += 1;
    this.store.put(keys.spec(this.#spec), encode(this.#object()));
  }

  #object(): SpecObject {
    return {
      format: 1,
      n: this.#spec,
      prev: null,
      ...this.#lake,
      epochs: { payments: this.epoch },
      by: 'ana',
      reason: 'first',
      at: '2026-11-20T00:00:00.000Z',
    };
  }

  #wire() {
    return createViewActivities({
      store: this.store,
      ledger: createLedger({ store: this.store }),
      spec: { read: async () => ({ n: this.#spec, spec: this.#lake, object: this.#object() }) },
      clock: { now: () => this.nowMs },
    });
  }

  /** Commit an entry with these rows per partition. */
  async commit(
    feed: 'books' | 'stream',
    rows: Readonly<Record<string, number>>,
    extra: Partial<Entry> = {},
  ): Promise<number> {
    const chain = createChain<Entry>({
      store: this.store,
      prefix: `ledger/${feed}/0/`,
      key: (n) => keys.entry(feed, 0, n),
      numberOf: ({ ordinal }) => ordinal,
    });
    if (!this.store.text(keys.spec(this.#spec)))
      this.store.put(keys.spec(this.#spec), encode(this.#object()));
    const head = await chain.head(this.#signal);
    const ordinal = (head?.n ?? 0) + 1;
    const dataset = this.#lake.datasets['payments'] ?? PAYMENTS;
    const partitions = Object.fromEntries(
      Object.entries(rows).map(([partition, count]) => [
        partition,
        { rows: count, hash: '1', minTime: null, maxTime: null },
      ]),
    );
    await chain.append(
      {
        format: 1,
        feed,
        lane: 0,
        ordinal,
        prev: head?.sha256 ?? null,
        commit: `${feed}-${ordinal}`,
        epoch: { run: 'run' },
        committedAt: new Date(this.nowMs).toISOString(),
        spec: this.#spec,
        raw: [],
        rows: [
          {
            key: `rows/${feed}/0/${ordinal}.parquet`,
            bytes: 1,
            checksum: 'sha256:00',
            rows: Object.values(rows).reduce((sum, count) => sum + count, 0),
            hash: '1',
            schema: 's',
            mapping: mappingHashes(this.#lake, dataset, sha256Hex)[feed] ?? null,
            partitions,
          },
        ],
        rejected: [],
        ...extra,
      },
      this.#signal,
    );
    return ordinal;
  }

  /** A day's books: its rows and the window that they speak for. */
  books(day: string, rows: number): Promise<number> {
    const from = `${day}T00:00:00.000Z`;
    const to = new Date(Date.parse(from) + 24 * HOUR).toISOString();
    return this.commit('books', rows > 0 ? { [day]: rows } : {}, { windows: [{ from, to }], asOf: to });
  }

  /** A commit of the stream, whose one shard was seen to `watermark`. */
  stream(rows: Readonly<Record<string, number>>, watermark: string): Promise<number> {
    const shard = { after: '1', through: '1', generation: 1, watermark, caughtUpAt: null };
    return this.commit('stream', rows, { channels: { 'shard-0': shard } });
  }

  assess(force?: { partitions?: string[]; reason: string; by: string }) {
    return this.#run(this.#activities.assessDataset, { dataset: 'payments', ...(force && { force }) });
  }

  publish(planId: string, approved?: { partitions: string[]; by: string; reason: string; decision: string }) {
    return this.#run(this.#activities.publishPlan, {
      dataset: 'payments',
      planId,
      ...(approved && { approved }),
    });
  }

  openHolds(planId: string) {
    return this.#run(this.#activities.openHolds, { dataset: 'payments', planId });
  }

  close(planId: string, partitions: string[], action: 'approve' | 'reject' | 'recompute') {
    return this.#run(this.#activities.closeHolds, {
      dataset: 'payments',
      planId,
      partitions,
      action,
      decision: 'audit/d/1.json',
      by: 'ana',
      reason: 'looked at',
    });
  }

  abandon(planId: string) {
    return this.#run(this.#activities.abandonPlan, {
      dataset: 'payments',
      planId,
      decision: 'audit/d/1.json',
      by: 'ana',
      reason: 'its rows are lost',
    });
  }

  rollback(input: Partial<Parameters<ReturnType<typeof createViewActivities>['rollbackDataset']>[0]>) {
    const given = { dataset: 'payments', to: 1, pin: true, by: 'ana', reason: 'bad code', token: 't1' };
    return this.#run(this.#activities.rollbackDataset, { ...given, ...input });
  }

  release(partitions: string[], token: string) {
    return this.#run(this.#activities.releasePins, {
      dataset: 'payments',
      partitions,
      by: 'ana',
      reason: 'mended',
      token,
    });
  }

  record(decision: Parameters<ReturnType<typeof createViewActivities>['recordDecision']>[0]['decision']) {
    return this.#run(this.#activities.recordDecision, { decision });
  }

  plan(planId: string): Plan {
    return this.object(keys.plan('payments', planId)) as Plan;
  }

  /** What a key holds. */
  object(key: string): unknown {
    return JSON.parse(this.store.text(key) ?? 'null');
  }

  /** Make the plan's builds and its gate report: every partition with this verdict, or its own. */
  build(planId: string, verdict: Verdict | Readonly<Record<string, Verdict>> = 'publish'): Plan {
    const plan = this.plan(planId);
    for (const { partition, buildId, inputs } of plan.partitions) {
      const file = { file: '0.parquet', bytes: 3, checksum: 'sha256:00', rows: 1 };
      const manifest = {
        format: 1,
        partition,
        buildId,
        inputs,
        attempt: 'a',
        files: [file],
        tombstones: null,
      };
      const { dataset } = plan;
      const facts: Partial<BuildManifest> = { ...manifest, format: 1, dataset, winners: null };
      this.store.put(keys.buildFile(dataset, partition, buildId, 'a', '0.parquet'), 'abc');
      this.store.put(keys.build(dataset, partition, buildId), encode(facts));
    }
    const report: GateReport = {
      format: 1,
      dataset: 'payments',
      planId,
      partitions: plan.partitions.map(({ partition, buildId }) => {
        const of = typeof verdict === 'string' ? verdict : (verdict[partition] ?? 'publish');
        const check = of === 'hold' ? 'beyond' : 'within';
        const checks = { check: 'declared', verdict: check, finding: 'odd', examples: [] } as const;
        return { partition, buildId, verdict: of, checks: of === 'publish' ? [] : [checks] };
      }),
      at: '2026-11-23T12:00:00.000Z',
    };
    this.store.put(keys.gate('payments', planId), encode(report));
    return plan;
  }

  /** Assess, build, publish: what a run does when the gate finds nothing. */
  async reconcile(verdict: Verdict = 'publish') {
    const { plan } = await this.assess();
    if (plan === null) return null;
    this.build(plan, verdict);
    return this.publish(plan);
  }

  /** The newest version, resolved. */
  async view() {
    const views = createViews({ store: this.store });
    const head = await views.viewHead('payments', this.#signal);
    const resolved = await views.resolveView(head?.value, this.#signal);
    return { version: head?.value, ...resolved };
  }

  #run<I, O>(activity: (input: I) => Promise<O>, input: I): Promise<O> {
    return new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(activity, input);
  }
}
