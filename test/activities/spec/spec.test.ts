import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { expect, test } from 'vitest';
import type { Runs, Schedule, Start } from '../../../activities/runs/port.ts';
import { createSpecActivities } from '../../../activities/spec/activities.ts';
import { sha256Hex } from '../../../activities/objects/json.ts';
import { mappingHashes } from '../../../lake/hashes.ts';
import type { DatabaseSource, LakeSpec } from '../../../lake/spec.ts';
import { MemoryObjectStore } from '../../fakes/memory-object-store.ts';
import { createLedger } from '../../../activities/objects/ledger.ts';
import { filesDraft } from '../../fakes/entries.ts';
import { paymentsSpec } from '../../support/rows-specs.ts';
import { shopSpec } from '../../support/shop-spec.ts';

const LAKE: LakeSpec = { lake: { name: 'travel', bucket: 'travel-lake' }, ...paymentsSpec() };
const ANA = { by: 'ana', reason: 'first' };
const payments = paymentsSpec().datasets.payments;
const ROW_RENAMED: LakeSpec = { ...LAKE, datasets: { payments: { ...payments, key: ['id', 'paid_at'] } } };
const LATER_REBUILD: LakeSpec = {
  ...LAKE,
  datasets: { payments: { ...payments, rebuild: { lateRatio: 0, lateAfterMs: 1 } } },
};

/** Runs and schedules of a Temporal namespace, in memory. */
class MemoryRuns implements Runs {
  readonly open = new Map<string, Start>();
  readonly schedules = new Map<string, Schedule>();
  readonly nudged: string[] = [];

  async signalWithStart(): Promise<void> {}

  async start(run: Start): Promise<boolean> {
    if (this.open.has(run.workflowId)) return false;
    this.open.set(run.workflowId, run);
    return true;
  }

  async signal(workflowId: string, signal: string): Promise<boolean> {
    if (signal === 'nudge' && this.open.has(workflowId)) this.nudged.push(workflowId);
    return this.open.has(workflowId);
  }

  async isOpen(workflowId: string): Promise<boolean> {
    return this.open.has(workflowId);
  }

  async setSchedule(schedule: Schedule): Promise<void> {
    this.schedules.set(schedule.scheduleId, schedule);
  }

  async removeSchedule(scheduleId: string): Promise<boolean> {
    return this.schedules.delete(scheduleId);
  }
}

function lake() {
  const store = new MemoryObjectStore();
  const runs = new MemoryRuns();
  const clock = { now: () => Date.UTC(2026, 10, 22) };
  const activities = () => createSpecActivities({ store, runs, clock });
  function run<I, R>(
    pick: (one: ReturnType<typeof activities>) => (input: I) => Promise<R>,
    input: I,
  ): Promise<R> {
    const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
    const activity = pick(activities());
    return environment.run<[I], R, typeof activity>(activity, input);
  }
  const apply = (spec: LakeSpec, by = ANA) => run((one) => one.writeSpec, { spec, ...by });
  const setUp = () => run((one) => () => one.setUpLake(), undefined);
  return { store, runs, run, apply, setUp };
}

test('the first spec is object 1, with epochs; the same again is not written', async () => {
  const { store, apply } = lake();
  expect(await apply(LAKE)).toMatchObject({ n: 1, written: true });
  expect(JSON.parse(store.text('spec/000000000001.json') ?? '')).toMatchObject({
    format: 1,
    n: 1,
    prev: null,
    epochs: { payments: 1 },
    by: 'ana',
    reason: 'first',
    at: '2026-11-22T00:00:00.000Z',
  });
  expect(await apply(LAKE)).toEqual({ n: 1, written: false, changes: [] });
  expect(store.keys()).toEqual(['spec/000000000001.json']);
});

test('a compatible change is the next spec, which names the one before by its hash', async () => {
  const { store, apply } = lake();
  await apply(LAKE);
  expect(await apply(LATER_REBUILD)).toMatchObject({
    n: 2,
    written: true,
    changes: [{ path: 'datasets.payments.rebuild.after' }, { path: 'datasets.payments.rebuild.late' }],
  });
  expect(JSON.parse(store.text('spec/000000000002.json') ?? '')).toMatchObject({
    n: 2,
    prev: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
});

test('a change that would make another lake is refused by name and writes nothing', async () => {
  const { store, apply } = lake();
  await apply(LAKE);
  await expect(apply({ ...LAKE, lake: { name: 'trips', bucket: 'travel-lake' } })).rejects.toMatchObject({
    type: 'SpecRefused',
    message:
      'lake.name: travel cannot become trips: that would be another lake; refused: apply it where the other lake is to be',
  });
  expect(store.keys()).toEqual(['spec/000000000001.json']);
});

test('a change that builds a dataset anew raises its epoch by one, and no other', async () => {
  const { store, apply } = lake();
  await apply(LAKE);
  expect(await apply(ROW_RENAMED)).toMatchObject({ n: 2, written: true });
  expect(await apply(LAKE)).toMatchObject({ n: 3, written: true });
  const epochs = [1, 2, 3].map((n) => JSON.parse(store.text(`spec/00000000000${n}.json`) ?? '').epochs);
  expect(epochs).toEqual([{ payments: 1 }, { payments: 2 }, { payments: 3 }]);
});

test('an apply whose answer was lost is one spec', async () => {
  const { store, apply } = lake();
  store.faultCreates('answer lost');
  expect(await apply(LAKE)).toMatchObject({ n: 1, written: true });
  expect(store.keys()).toEqual(['spec/000000000001.json']);
});

test('of two applies at once, the one that says otherwise is refused, and names the winner', async () => {
  const { store, apply } = lake();
  await apply(LAKE);
  const gate = store.holdCreates();
  const both = Promise.allSettled([
    apply(LATER_REBUILD),
    apply({ ...LATER_REBUILD, datasets: LAKE.datasets, sources: {} }, { by: 'bo', reason: 'other' }),
  ]);
  await gate.waiting(2);
  gate.open();
  const [first, second] = await both;
  const refused = [first, second].filter((one) => one.status === 'rejected');
  expect(refused).toHaveLength(1);
  expect(refused[0]).toMatchObject({
    reason: {
      type: 'SpecRefused',
      message: expect.stringMatching(/^spec 2 was applied by (ana|bo) meanwhile: apply again$/),
    },
  });
  expect(store.keys('spec/')).toHaveLength(2);
});

test('long-lived runs start once; what runs already is nudged', async () => {
  const { runs, apply, setUp } = lake();
  await apply(LAKE);
  expect(await setUp()).toEqual({
    started: ['ingest/events', 'reconcile/payments'],
    schedules: [],
    left: [],
  });
  expect(runs.open.get('ingest/events')).toEqual({
    workflowType: 'ingestStream',
    workflowId: 'ingest/events',
    input: { source: 'events' },
  });
  expect(await setUp()).toEqual({ started: [], schedules: [], left: [] });
  expect(runs.nudged).toEqual(['ingest/events', 'reconcile/payments']);
});

test('a schedule is set to what the spec says, and removed once it says none', async () => {
  const { runs, apply, setUp } = lake();
  const books = { ...paymentsSpec().sources.books, schedule: { everyMs: 3_600_000 } };
  await apply({ ...LAKE, sources: { ...LAKE.sources, books } });
  expect((await setUp()).schedules).toEqual(['schedule/books']);
  expect(runs.schedules.get('schedule/books')).toEqual({
    scheduleId: 'schedule/books',
    everyMs: 3_600_000,
    workflowId: 'transfer/books/scheduled',
    workflowType: 'transferFiles',
    input: { source: 'books', wait: false },
    note: 'Spec 1: looks for new files of books',
  });
  await apply(LAKE);
  expect((await setUp()).schedules).toEqual([]);
  expect(runs.schedules.size).toBe(0);
});

test('a source is described with its dataset; a wrong name says which there are', async () => {
  const { run, apply } = lake();
  await apply(LAKE);
  const describe = (source: string, kind: string) => run((one) => one.describeSource, { source, kind });
  expect(await describe('books', 'files')).toEqual({ kind: 'files', dataset: 'payments' });
  await expect(describe('book', 'files')).rejects.toMatchObject({
    type: 'UnknownSource',
    message: 'book is no source of spec 1; of kind files are: books',
  });
  await expect(describe('books', 'kinesis')).rejects.toMatchObject({
    type: 'UnknownSource',
    message: 'books is a source of kind files; of kind kinesis are: events',
  });
  await expect(run((one) => one.describeDataset, { dataset: 'payment' })).rejects.toMatchObject({
    type: 'UnknownSource',
    message: 'payment is no dataset of spec 1; there are: payments',
  });
});

test('before anything is applied, everything says so', async () => {
  const { run, setUp } = lake();
  await expect(setUp()).rejects.toMatchObject({
    type: 'NoSpec',
    message: expect.stringContaining('tributary apply'),
  });
  await expect(run((one) => one.describeDataset, { dataset: 'payments' })).rejects.toMatchObject({
    type: 'NoSpec',
  });
});

test('runs of what is no longer declared are nudged to their end, or named', async () => {
  const { runs, apply, setUp } = lake();
  await apply(LAKE);
  await setUp();
  const transfer = { workflowType: 'transferFiles', workflowId: 'transfer/books', input: {} };
  await runs.start(transfer);
  await apply({ ...LAKE, sources: {}, datasets: {} });
  expect(await setUp()).toEqual({
    started: [],
    schedules: [],
    left: [
      { workflow: 'transfer/books', endsItself: false },
      { workflow: 'ingest/events', endsItself: true },
      { workflow: 'reconcile/payments', endsItself: true },
    ],
  });
  expect(runs.nudged).toEqual(['ingest/events', 'reconcile/payments']);
});

test('a name that comes again is held against the spec that had it last', async () => {
  const { apply } = lake();
  await apply(LAKE);
  await apply({ ...LAKE, sources: {}, datasets: {} });
  expect((await apply(ROW_RENAMED)).changes).toContainEqual(
    expect.objectContaining({
      path: 'datasets.payments.key',
      class: 'rebuild',
      what: '["id"] becomes ["id","paid_at"]',
    }),
  );
  expect(await apply(LAKE)).toMatchObject({ n: 4, written: true });
});

const SHOP: LakeSpec = { lake: LAKE.lake, ...shopSpec() };

function shopThat(change: Parameters<typeof shopSpec>[0]): LakeSpec {
  return { lake: LAKE.lake, ...shopSpec(change) };
}

test('a database that is replicated for as long as it lives has one run; what runs already is nudged', async () => {
  const { runs, apply, setUp } = lake();
  await apply(SHOP);
  expect((await setUp()).started).toEqual(['replicate/shop', 'reconcile/customers']);
  expect(runs.open.get('replicate/shop')).toEqual({
    workflowType: 'replicateDatabase',
    workflowId: 'replicate/shop',
    input: { source: 'shop' },
  });
  expect((await setUp()).started).toEqual([]);
  expect(runs.nudged).toEqual(['replicate/shop', 'reconcile/customers']);
});

test('a database that is loaded now and then has a schedule, and no run of its own', async () => {
  const { runs, apply, setUp } = lake();
  await apply(shopThat({ replicate: 'load', schedule: { everyMs: 86_400_000 } }));
  expect(await setUp()).toEqual({
    started: ['reconcile/customers'],
    schedules: ['schedule/shop'],
    left: [],
  });
  expect(runs.schedules.get('schedule/shop')).toEqual({
    scheduleId: 'schedule/shop',
    everyMs: 86_400_000,
    workflowId: 'replicate/shop/scheduled',
    workflowType: 'replicateDatabase',
    input: { source: 'shop', wait: false },
    note: 'Spec 1: loads every table of shop',
  });
  await apply(SHOP);
  expect((await setUp()).schedules).toEqual([]);
  expect(runs.schedules.size).toBe(0);
});

test('the run of a database that is no longer declared is nudged to its end', async () => {
  const { runs, apply, setUp } = lake();
  await apply(SHOP);
  await setUp();
  await apply({ ...LAKE, sources: {}, datasets: {} });
  expect((await setUp()).left).toEqual([
    { workflow: 'replicate/shop', endsItself: true },
    { workflow: 'reconcile/customers', endsItself: true },
  ]);
  expect(runs.nudged).toEqual(['replicate/shop', 'reconcile/customers']);
});

test('feeds nudge the datasets that they serve, each once', async () => {
  const { run, runs, apply, setUp } = lake();
  await apply(SHOP);
  await setUp();
  const feeds = ['shop.public.customers', 'shop.public.bookings', 'shop.public.customers'];
  await run((one) => one.nudgeDatasets, { feeds });
  expect(runs.nudged).toEqual(['reconcile/customers']);
  expect(await run((one) => one.describeDatabase, { source: 'shop' })).toEqual({
    replicate: 'continuous',
    tables: 2,
  });
});

test('once something of a database is collected, another task is refused', async () => {
  const { store, apply } = lake();
  await apply(SHOP);
  expect(await apply(shopThat({ dms: { task: 'shop-2' } }))).toMatchObject({ n: 2 });
  const draft = { ...filesDraft('c1', ['LOAD00000001.csv']), feed: 'shop.public.bookings' };
  await createLedger({ store }).appendSet(draft, undefined, AbortSignal.timeout(5000));
  await expect(apply(shopThat({ dms: { task: 'shop-3' } }))).rejects.toMatchObject({
    type: 'SpecRefused',
    message: expect.stringContaining(
      'sources.shop.dms.task: "shop-2" becomes "shop-3"; refused: what its tables hold',
    ),
  });
});

test('a table that comes again is held against the spec that had it last', async () => {
  const { apply } = lake();
  const tables: DatabaseSource['tables'] = shopSpec().sources.shop.tables;
  const { 'public.bookings': bookings, ...others } = tables;
  await apply(SHOP);
  await apply(shopThat({ tables: others }));
  const changed = {
    feed: bookings?.feed ?? '',
    columns: { id: 'string', _change: 'decimal(38,0)' },
  } as const;
  await expect(apply(shopThat({ tables: { ...others, 'public.bookings': changed } }))).rejects.toMatchObject({
    type: 'SpecRefused',
    message: expect.stringContaining('sources.shop.tables.public.bookings.columns.id'),
  });
  expect(await apply(SHOP)).toMatchObject({ n: 3, written: true });
});

test('a dataset that is declared again takes what was collected before a column of it came', async () => {
  const { store, apply } = lake();
  const { books, events } = paymentsSpec().sources;
  const noted: LakeSpec = {
    ...LAKE,
    sources: { books, events: { ...events, columns: { ...events.columns, note: 'string' } } },
    datasets: { payments: { ...payments, columns: { ...payments.columns, note: 'string' } } },
  };
  await apply(LAKE);
  const stored = JSON.parse(store.text('spec/000000000001.json') ?? '') as LakeSpec;
  const mapping = mappingHashes(stored, stored.datasets['payments'] ?? payments, sha256Hex)['books'] ?? null;
  const rows = [
    { key: 'rows/a', bytes: 1, checksum: '', rows: 1, hash: '1', schema: '', mapping, partitions: {} },
  ];
  const draft = { ...filesDraft('c1', ['a.csv']), feed: 'books', rows };
  await createLedger({ store }).appendSet(draft, undefined, AbortSignal.timeout(5000));
  await apply(noted);
  await apply({ ...noted, datasets: {} });
  // Its key is of other columns now, which the rows that are there say nothing of.
  const datasets = { payments: { ...payments, key: ['id', 'paid_at'] } };
  expect(await apply({ ...noted, datasets })).toMatchObject({ written: false, measure: ['payments'] });
  expect(await apply(noted)).toMatchObject({ n: 4, written: true });
});
