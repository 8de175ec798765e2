import { mkdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createBuildActivities } from '../../../activities/builds/activities.ts';
import { createFileActivities } from '../../../activities/files/activities.ts';
import { LocalFolder } from '../../../activities/files/local.ts';
import { createLedger } from '../../../activities/objects/ledger.ts';
import type { Runs } from '../../../activities/runs/port.ts';
import { createSpecActivities } from '../../../activities/spec/activities.ts';
import { createSpecReader } from '../../../activities/spec/store.ts';
import { createStreamActivities } from '../../../activities/streams/activities.ts';
import { createViewActivities } from '../../../activities/views/activities.ts';
import { withDuckDb } from '../../../activities/duckdb.ts';
import { readLake } from '../../../config/lake.ts';
import type { Coverage, ReadMode } from '../../../lake/view.ts';
import { makeStamp } from '../../../reading/stamp.ts';
import { openView } from '../../../reading/view.ts';
import { verifyLake } from '../../../reading/verify/verify.ts';
import { MemoryObjectStore } from '../../fakes/memory-object-store.ts';
import { MemoryStream } from '../../fakes/memory-stream.ts';
import { TestClock } from '../../activities/streams/stream-lake.ts';

const LAKE = `
lake: { name: test, bucket: test-lake }
sources:
  flights:
    kind: files
    from: 'file:./flights'
    quiet: 0s
    restated: retract
    format: { csv: {} }
    window: { fromName: 'flights-{day}' }
  books:
    kind: files
    from: 'file:./books'
    quiet: 0s
    format: { csv: {} }
    columns: { id: string, paid_at: timestamp, gross: 'decimal(18,2)', revision: bigint }
    window: { fromName: 'books-{day}' }
  # Collected as it is: no dataset reads it.
  notes:
    kind: files
    from: 'file:./notes'
    quiet: 0s
    format: { csv: {} }
    columns: { note: string }
  events: { kind: kinesis, stream: events, format: { json: {} } }
datasets:
  flights:
    merge: append
    key: [at, origin]
    partition: { day: at, from: '2026-11-20' }
    columns: { at: timestamp, delay: bigint, origin: string }
    feeds: { flights: { role: batch } }
  payments:
    merge: latest
    key: [id]
    version: revision
    partition: { day: paid_at, fixed: true, from: '2026-11-20' }
    columns: { id: string, paid_at: timestamp, amount: 'decimal(18,2)', revision: bigint }
    feeds: { books: { role: batch, map: { amount: gross } }, events: { role: speed } }
    rebuild: { late: 100%, after: 30d }
    gate: { compare: [amount], tolerance: { missing: 10, differs: 10 } }
`;

type FileSource = 'flights' | 'books' | 'notes';

/** A start or signal is somebody else's affair here. */
const NO_RUNS: Runs = {
  signalWithStart: async () => undefined,
  start: async () => true,
  signal: async () => true,
  isOpen: async () => true,
  setSchedule: async () => undefined,
  removeSchedule: async () => true,
};

/** A lake in memory that the real activities fill: files, a stream, builds, versions. `home` = an empty folder. */
export async function wholeLake(home: string) {
  const scratch = path.join(home, 'scratch');
  for (const folder of ['flights', 'books', 'notes', 'scratch']) await mkdir(path.join(home, folder));
  const specFrom = (text: string) => {
    const reading = readLake({ text, file: path.join(home, 'lake.yaml'), variables: {} });
    if (reading.kind === 'refused') throw new Error(JSON.stringify(reading.problems));
    return reading.spec;
  };
  const store = new MemoryObjectStore();
  const clock = new TestClock();
  const stream = new MemoryStream({ shards: 2, clock });
  const ledger = createLedger({ store });
  const spec = createSpecReader({ store });
  const duck = { memoryMb: 256, threads: 1, scratch };
  const pacing = { stretchMs: 3000, wait: async (ms: number) => clock.pass(ms) };
  const files = createFileActivities({ store, ledger, spec, files: new LocalFolder(), duck, clock });
  const streams = createStreamActivities({ store, ledger, spec, stream, duck, clock, pacing });
  const builds = createBuildActivities({ store, ledger, spec, duck, clock });
  const views = createViewActivities({ store, ledger, spec, clock });
  const specs = createSpecActivities({ store, runs: NO_RUNS, clock });
  let attempts = 0;
  function run<I, R>(activity: (input: I) => Promise<R>, input: I): Promise<R> {
    attempts += 1;
    const info = { currentAttemptScheduledTimestampMs: clock.now() + attempts };
    const environment = new MockActivityEnvironment(info, { logger: new DefaultLogger('ERROR') });
    return environment.run<[I], R, typeof activity>(activity, input);
  }
  await run(specs.writeSpec, { spec: specFrom(LAKE), by: 'ana', reason: 'first' });

  return {
    store,
    stream,
    clock,
    run,
    views,
    builds,
    /** Activities of a process that has read nothing yet. */
    restarted: () => createBuildActivities({ store, ledger: createLedger({ store }), spec, duck, clock }),
    /** Apply the lake with `from` replaced by `to`. */
    async apply(...replaced: readonly (readonly [from: string, to: string])[]) {
      const text = replaced.reduce((before, [from, to]) => before.replaceAll(from, to), LAKE);
      const asked = { spec: specFrom(text), by: 'ana', reason: 'changed' };
      const applied = await run(specs.writeSpec, asked);
      let measuredTo: Coverage = {};
      for (const dataset of applied.measure ?? []) {
        const counted = await run(builds.measureEntries, { dataset, spec: asked.spec });
        measuredTo = { ...measuredTo, ...counted.coverage };
      }
      return applied.measure ? run(specs.writeSpec, { ...asked, measuredTo }) : applied;
    },
    /** What readers see of a dataset now, by the newest spec. */
    async read(dataset: string, mode: ReadMode, columns: string) {
      const signal = AbortSignal.timeout(60_000);
      const { n, spec: newest } = await spec.read(signal);
      const of = { store, ledger, spec: { n, spec: newest }, mode, datasets: [dataset] };
      const stamp = await makeStamp(of, signal);
      return withDuckDb(duck, async (db) => {
        await openView({ store, ledger, cache: path.join(home, 'cache') }, db, { stamp, dataset }, signal);
        return db.rows(`SELECT ${columns} FROM ${dataset} ORDER BY ALL`);
      });
    },
    /** Write a file of a source, changed `minutes` after 2026-11-22T10:00Z. */
    async write(source: FileSource, name: string, lines: readonly string[], minutes = 0) {
      const file = path.join(home, source, name);
      await writeFile(file, `${lines.join('\n')}\n`);
      const time = new Date(Date.parse('2026-11-22T10:00:00Z') + minutes * 60_000);
      await utimes(file, time, time);
    },
    async land(source: FileSource) {
      const { manifest, files: to } = await run(files.listFiles, { source });
      return manifest === null ? undefined : run(files.landFiles, { source, manifest, from: 0, to });
    },
    async collect() {
      await run(streams.openLanes, { source: 'events' });
      return run(streams.collectLane, { source: 'events', lane: 0, drain: true });
    },
    /** What one round of reconciliation does: everything that is due, unless the gate holds it. */
    async publish(dataset: string, force?: { readonly partitions?: readonly string[] }) {
      const asked = { dataset, ...(force && { force: { ...force, reason: 'asked', by: 'ana' } }) };
      const { unmeasured } = await run(views.assessDataset, asked);
      if (unmeasured !== undefined) await run(builds.measureEntries, { dataset });
      const { plan: planId, partitions } = await run(views.assessDataset, asked);
      if (planId === null) return undefined;
      const plan = { dataset, planId };
      await run(builds.buildPartitionsBatch, { ...plan, from: 0, to: partitions });
      const gate = await run(builds.gatePlan, plan);
      if (gate.hold.length > 0) await run(views.openHolds, plan);
      return { ...(await run(views.publishPlan, plan)), hold: gate.hold };
    },
    verify: (dataset?: string) => verify(store, scratch, dataset),
  };
}

/** As a process would that has read nothing yet. */
export function verify(store: MemoryObjectStore, scratch: string, dataset?: string) {
  const signal = AbortSignal.timeout(60_000);
  return verifyLake({ store, scratch, memoryMb: 256, signal, ...(dataset !== undefined && { dataset }) });
}

export type WholeLake = Awaited<ReturnType<typeof wholeLake>>;

export const FLIGHTS = 'at,delay,origin';
export const BOOKS = 'id,paid_at,gross,revision';

/** A payment of the stream. */
export function event(id: string, at: string, amount: string, revision = 1): string {
  return JSON.stringify({ id, paid_at: at, amount, revision });
}

export const D1 = '2026-11-20';
export const D2 = '2026-11-21';

/**
 * Two days of flights, one file restated and one record broken; two days of payments in books and in a stream whose
 * first shard split, with late events and an entry that was taken out again; 101 files in one entry.
 */
export async function eventfulLake(home: string): Promise<WholeLake> {
  const lake = await wholeLake(home);
  const d1 = (time: string) => `${D1}T${time}:00Z`;
  const d2 = (time: string) => `${D2}T${time}:00Z`;
  const [flights1, flights2] = [`flights-${D1}.csv`, `flights-${D2}.csv`];
  await lake.write('flights', flights1, [
    FLIGHTS,
    `${d1('08:00')},5,LAX`,
    `${d1('08:00')},5,LAX`,
    `${d1('09:00')},-3,SFO`,
    `${d1('10:00')},not a number,SFO`,
  ]);
  await lake.write('flights', flights2, [FLIGHTS, `${d2('08:00')},1,LAX`, `${d2('09:00')},2,JFK`]);
  await lake.land('flights');
  await lake.publish('flights');
  await lake.write('flights', flights2, [FLIGHTS, `${d2('08:00')},7,LAX`, `${d2('11:00')},3,OAK`], 5);
  await lake.land('flights');
  await lake.publish('flights');

  const [first = '', second = ''] = lake.stream.openShards;
  lake.stream.put(first, event('a', d1('10:00'), '1.00'));
  lake.stream.put(first, event('a', d1('10:00'), '1.50', 2));
  lake.stream.put(second, event('b', d1('11:00'), '2.00'));
  lake.stream.put(second, '{"id":"no time"}');
  await lake.collect();
  const [left, right] = lake.stream.split(first);
  lake.stream.put(left, event('c', d2('10:00'), '3.00'));
  lake.stream.put(right, event('a', d1('10:00'), '1.75', 3));
  lake.stream.put(second, event('d', d2('11:00'), '4.00'));
  await lake.collect();
  await lake.write('books', `books-${D1}.csv`, [BOOKS, `a,${d1('10:00')},1.75,3`, `b,${d1('11:00')},2.00,1`]);
  await lake.land('books');
  await lake.write('books', `books-${D2}.csv`, [BOOKS, `c,${d2('10:00')},3.00,1`, `d,${d2('11:00')},4.00,1`]);
  await lake.land('books');
  await lake.publish('payments');

  lake.stream.put(left, event('e', d1('23:00'), '5.00'));
  lake.stream.put(left, event('c', d2('10:00'), '3.10', 2));
  await lake.collect();
  await lake.publish('payments', { partitions: [D2] });
  lake.stream.put(right, event('bad', d2('12:00'), '-1.00'));
  await lake.collect();
  await lake.publish('payments', { partitions: [D2] });
  const exclude = [{ feed: 'events', lane: 0, ordinal: 7 }];
  const back = { dataset: 'payments', to: 2, partitions: [D2], exclude, pin: false };
  await lake.run(lake.views.rollbackDataset, { ...back, by: 'ana', reason: 'bad data', token: 'back' });
  await lake.publish('payments', { partitions: [D2] });

  for (let n = 1; n <= 101; n += 1) await lake.write('notes', `${n}.csv`, ['note', `note ${n}`]);
  await lake.land('notes');
  return lake;
}
