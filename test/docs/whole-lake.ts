import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createBuildActivities } from '../../activities/builds/activities.ts';
import { createFileActivities } from '../../activities/files/activities.ts';
import { LocalFolder } from '../../activities/files/local.ts';
import { createLedger } from '../../activities/objects/ledger.ts';
import { TemporalRuns } from '../../activities/runs/temporal.ts';
import { createSpecActivities } from '../../activities/spec/activities.ts';
import { createSpecReader } from '../../activities/spec/store.ts';
import { createStreamActivities } from '../../activities/streams/activities.ts';
import { createViewActivities } from '../../activities/views/activities.ts';
import { readLake } from '../../config/lake.ts';
import type { LakeSpec } from '../../lake/spec.ts';
import { makeStamp } from '../../reading/stamp.ts';
import type { ReadMode } from '../../lake/view.ts';
import { MemoryObjectStore } from '../fakes/memory-object-store.ts';
import { MemoryStream } from '../fakes/memory-stream.ts';

const LAKE = `
lake: { name: docs, bucket: docs-lake }
sources:
  books:
    { kind: files, from: 'file:./books', include: ['*.csv'], quiet: 0s, format: { csv: {} },
      columns: { id: string, at: timestamp, gross: 'decimal(18,2)' }, window: { fromName: 'books-{day}' }, schedule: { every: 1d } }
  events: { kind: kinesis, stream: events, format: { json: {} }, commit: { every: 1s } }
  orders: { kind: files, from: 'file:./orders', include: ['*.csv'], quiet: 0s, restated: retract, format: { csv: {} } }
  notes: { kind: files, from: 'file:./notes', quiet: 0s, format: { csv: {} }, columns: { text: string } }
  lines: { kind: files, from: 's3://elsewhere/lines', region: eu-central-1, format: { json: {} }, columns: { id: string } }
  tables: { kind: files, from: 'file:./tables', format: { parquet: {} }, columns: { id: string } }
  statements: { kind: files, from: 'file:./statements', columns: { id: string }, format: { fixed: { columns: { id: { start: 1, width: 5 } }, skip: 1 } } }
  blobs: { kind: files, from: 'file:./blobs', format: { raw: {} } }
datasets:
  payments:
    merge: latest
    key: [id]
    version: at
    partition: { day: at, fixed: true, from: '2026-11-20' }
    columns: { id: string, at: timestamp, amount: 'decimal(18,2)' }
    feeds: { books: { role: batch, map: { amount: gross } }, events: { role: speed } }
    close: { lateness: 1m, grace: 1m, needs: [books], deadline: 30d, then: hold }
    gate: { compare: [amount], tolerance: { missing: 1, differs: 0.1% }, checks: [{ rows: { min: 1 } }, { nulls: { column: amount, max: 10% } }] }
  orders:
    merge: append
    key: [number, day]
    partition: { day: day }
    columns: { number: bigint, day: timestamp }
    feeds: { orders: { role: batch } }
`;

/** Time that passes only when somebody waits, or a test says so. */
class Clock {
  #ms = Date.parse('2026-11-22T12:00:00.000Z');
  now = () => this.#ms;
  pass(ms: number): void {
    this.#ms += ms;
  }
}

/** A whole lake in memory: the real activities over one store, in the order in which workflows call them. */
export class WholeLake {
  readonly store = new MemoryObjectStore();
  readonly clock = new Clock();
  readonly stream = new MemoryStream({ shards: 1, clock: this.clock });
  readonly #home: string;
  readonly #spec: LakeSpec;
  #scheduled = 0;

  constructor(home: string) {
    this.#home = home;
    const reading = readLake({ text: LAKE, file: path.join(home, 'lake.yaml'), variables: {} });
    if (reading.kind === 'refused') throw new Error(JSON.stringify(reading.problems));
    this.#spec = reading.spec;
  }

  async apply(): Promise<void> {
    for (const folder of ['books', 'orders', 'notes', 'scratch'])
      await mkdir(path.join(this.#home, folder), { recursive: true });
    const runs = new TemporalRuns(() => {
      throw new Error('writing a spec asks nothing of Temporal');
    }, 'control');
    const { writeSpec } = createSpecActivities({ store: this.store, runs, clock: this.clock });
    await this.#run(writeSpec, { spec: this.#spec, by: 'ana', reason: 'the first' });
  }

  async write(source: string, item: string, text: string): Promise<void> {
    await writeFile(path.join(this.#home, source, item), text);
    // Files carry the time of this machine, which must have passed for the lake.
    this.clock.pass(Math.max(0, Date.now() + 1000 - this.clock.now()));
  }

  async land(source: string): Promise<void> {
    const { listFiles, landFiles } = this.#files();
    const { manifest, files } = await this.#run(listFiles, { source });
    if (manifest !== null) await this.#run(landFiles, { source, manifest, from: 0, to: files });
  }

  async skip(source: string, item: string): Promise<void> {
    const decision = await this.decide(`transfer/${source}`, [item], 'skip');
    const decided = { source, items: [item], action: 'skip', decision, by: 'ana', reason: 'a test' } as const;
    await this.#run(this.#files().decideFiles, decided);
  }

  async collect(): Promise<void> {
    const pacing = {
      stretchMs: 3000,
      hintEveryMs: 0,
      wait: async (ms: number) => this.clock.pass(ms),
    };
    const { openLanes, collectLane } = createStreamActivities({
      ...this.#ports(),
      stream: this.stream,
      pacing,
    });
    await this.#run(openLanes, { source: 'events' });
    await this.#run(collectLane, { source: 'events', lane: 0, drain: true });
  }

  /** One look at a dataset and what follows from it; resolves what the gate held. */
  async reconcile(
    dataset: string,
  ): Promise<{ readonly plan: string | null; readonly held: readonly string[] }> {
    const { assessDataset, openHolds, publishPlan } = this.#views();
    const { plan, partitions } = await this.#run(assessDataset, { dataset });
    if (plan === null) return { plan, held: [] };
    const ref = { dataset, planId: plan };
    const { buildPartitionsBatch, gatePlan } = createBuildActivities(this.#ports());
    await this.#run(buildPartitionsBatch, { ...ref, from: 0, to: partitions });
    const { hold } = await this.#run(gatePlan, ref);
    if (hold.length > 0) await this.#run(openHolds, ref);
    await this.#run(publishPlan, ref);
    return { plan, held: hold.map(({ partition }) => partition) };
  }

  async approve(dataset: string, planId: string, partitions: readonly string[]): Promise<void> {
    const decision = await this.decide(`build/${dataset}/${planId}`, partitions, 'approve');
    const approved = { partitions, by: 'ana', reason: 'looked at', decision };
    await this.#run(this.#views().publishPlan, { dataset, planId, approved });
  }

  async rollback(dataset: string, to: number, partitions: readonly string[]): Promise<void> {
    const { rollbackDataset, releasePins } = this.#views();
    const said = { dataset, partitions, by: 'ana', reason: 'in doubt' };
    await this.#run(rollbackDataset, { ...said, to, pin: true, token: 'back' });
    await this.#run(releasePins, { ...said, token: 'release' });
  }

  async decide(workflow: string, items: readonly string[], action: 'skip' | 'approve'): Promise<string> {
    const facts = { workflow, run: 'run', items, action, reason: 'looked at', by: 'ana' };
    const id = `${workflow.replaceAll('/', '-')}-${action}`;
    return (await this.#run(this.#views().recordDecision, { decision: { id, ...facts } })).key;
  }

  async stamp(mode: ReadMode): Promise<void> {
    const { store } = this;
    const spec = { n: 1, spec: this.#spec };
    const ledger = createLedger({ store });
    const datasets = Object.keys(this.#spec.datasets);
    await makeStamp({ store, ledger, spec, mode, datasets }, AbortSignal.timeout(60_000));
  }

  #files() {
    return createFileActivities({ ...this.#ports(), files: new LocalFolder() });
  }

  #views() {
    return createViewActivities(this.#ports());
  }

  #ports() {
    const { store, clock } = this;
    const duck = { memoryMb: 256, threads: 1, scratch: path.join(this.#home, 'scratch') };
    return { store, ledger: createLedger({ store }), spec: createSpecReader({ store }), clock, duck };
  }

  #run<I, O>(activity: (input: I) => Promise<O>, input: I): Promise<O> {
    this.#scheduled += 1;
    const info = { currentAttemptScheduledTimestampMs: Date.parse('2026-11-22T12:00:00Z') + this.#scheduled };
    return new MockActivityEnvironment(info, { logger: new DefaultLogger('ERROR') }).run(activity, input);
  }
}
