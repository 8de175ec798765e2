import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { withDuckDb } from '../../activities/duckdb.ts';
import { takenBack } from '../../activities/objects/taken-back.ts';
import { createViews } from '../../activities/objects/views.ts';
import { createViewActivities } from '../../activities/views/activities.ts';
import { LaneHistory, checkFollows } from '../../lake/chain.ts';
import type { Entry, EntryItem } from '../../lake/entry.ts';
import { loadItem } from '../../lake/table-lane.ts';
import { TABLE_CHANNEL, type TablePlace, tablePositionText } from '../../lake/table-position.ts';
import { type Columns, type DatasetSpec, type SpecObject, CHANGE_COLUMN } from '../../lake/spec.ts';
import type { EntryRef, ReadMode } from '../../lake/view.ts';
import { makeStamp } from '../../reading/stamp.ts';
import { openView, viewHash } from '../../reading/view.ts';
import { type FeedRow, RowsLake, span } from './rows-lake.ts';
import { dataset } from './rows-specs.ts';

export const FEED = 'shop.public.customers';
export const LANE = `${FEED}/0` as const;

const COLUMNS: Columns = { id: 'string', amount: 'bigint', [CHANGE_COLUMN.name]: CHANGE_COLUMN.type };

/**
 * Customers of the tests: one table in three buckets; an amount above 99 is held by the gate. `added`: columns more, of
 * the table and of the dataset.
 */
export function customersSpec(more: Partial<DatasetSpec> = {}, added: Columns = {}) {
  const columns = { ...COLUMNS, ...added };
  const base = dataset({
    merge: 'latest',
    key: ['id'],
    version: CHANGE_COLUMN.name,
    partition: { kind: 'bucket', buckets: 3 },
    columns,
    feeds: { [FEED]: { role: 'speed', visible: 'commit', map: {} } },
  });
  const checks = [{ kind: 'range', column: 'amount', max: '99' }] as const;
  return {
    sources: {
      shop: {
        kind: 'database' as const,
        dms: { task: 'shop-cdc' },
        tables: { 'public.customers': { feed: FEED, columns } },
        replicate: 'continuous' as const,
        everyMs: 10_000,
      },
    },
    datasets: { customers: { ...base, gate: { ...base.gate, checks }, ...more } },
  };
}

/** A lake of one table: its entries as a collector writes them, and what plans, builds and publishes them. */
export class TableLake {
  readonly lake: RowsLake;
  readonly #signal = AbortSignal.timeout(600_000);
  readonly #views: ReturnType<typeof createViewActivities>;
  #place: TablePlace | undefined;
  #ordinal = 0;
  #landings = 0;
  #tokens = 0;

  constructor(scratch: string, more: Partial<DatasetSpec> = {}) {
    this.lake = new RowsLake(customersSpec(more), scratch);
    const { store, ledger, clock } = this.lake;
    const about = { by: 'test', reason: '', at: '' };
    const read = async () => {
      const { spec, specNumber: n, epochs } = this.lake;
      const object: SpecObject = { format: 1, n, prev: null, ...spec, epochs, ...about };
      return { n, spec, object };
    };
    this.#views = createViewActivities({
      store,
      ledger,
      spec: { read },
      clock,
    });
  }

  /** The table and the dataset have a column `city` from here on. */
  addCity(): void {
    this.lake.apply(customersSpec({}, { city: 'string' }));
  }

  get generation(): number {
    return this.#place?.generation ?? 0;
  }

  /** The next generation begins; without a time there is no load. The lane opens with the first. */
  async begin(loadStartedAt: string | null = '2026-11-21T03:00:00.000Z'): Promise<number> {
    if (!this.#place) await this.#commit(undefined, [], {});
    return this.#commit(
      { generation: this.generation + 1, loadStartedAt, phase: 'begin', landing: '' },
      [],
      {},
    );
  }

  /** A landing of the load with these rows. */
  load(rows: readonly FeedRow[], more: Partial<Entry> = {}): Promise<number> {
    const landing = `LOAD${(this.#landings += 1)}.parquet`;
    const item = loadItem(this.generation, landing);
    return this.#commit({ ...this.#now(), phase: 'load', landing }, rows, {
      items: [itemOf(item, rows.length)],
      ...more,
    });
  }

  /** A landing of changes. */
  change(rows: readonly FeedRow[], more: Partial<Entry> = {}): Promise<number> {
    const landing = `2026/11/21/${(this.#landings += 1)}.parquet`;
    return this.#commit({ ...this.#now(), phase: 'cdc', landing }, rows, {
      items: [itemOf(landing, rows.length)],
      ...more,
    });
  }

  /** The generation is whole. */
  async ready(more: Partial<Entry> = {}): Promise<number> {
    const head = await this.lake.ledger.head(FEED, 0, this.#signal);
    const { generation } = this.#now();
    const retracts =
      generation > 1 && head
        ? [await takenBack(this.lake.ledger, head, generation, this.#signal)]
        : undefined;
    return this.#commit({ ...this.#now(), phase: 'ready', landing: '' }, [], {
      ready: [TABLE_CHANNEL],
      ...(retracts && { retracts }),
      ...more,
    });
  }

  /** A whole generation at once; resolves the ordinal of its `ready` entry. */
  async reload(rows: readonly FeedRow[]): Promise<number> {
    await this.begin();
    if (rows.length > 0) await this.load(rows);
    return this.ready();
  }

  /** Every entry may stand where it does. */
  async chain(): Promise<string[]> {
    const links = await this.lake.ledger.range(FEED, 0, 1, this.#ordinal, this.#signal);
    const history = new LaneHistory();
    let previous: Entry | undefined;
    const broken: string[] = [];
    for (const { value } of links) {
      const items = await this.lake.ledger.items(value, this.#signal);
      const follows = checkFollows(previous, value, { known: history, items });
      if (follows.kind === 'broken') broken.push(`${value.ordinal}: ${follows.reason}`);
      history.add(value, items);
      previous = value;
    }
    return broken;
  }

  assess(force?: { partitions?: string[]; reason: string; by: string }) {
    return run(this.#views.assessDataset, { dataset: 'customers', ...(force && { force }) });
  }

  /** Build, gate and publish a plan. */
  async finish(planId: string) {
    await this.lake.build('customers', planId);
    await this.lake.gate('customers', planId);
    await run(this.#views.openHolds, { dataset: 'customers', planId });
    return run(this.#views.publishPlan, { dataset: 'customers', planId });
  }

  /** Look, and finish what is planned, until nothing is. */
  async reconcile(): Promise<void> {
    for (;;) {
      const { plan, holds } = await this.assess();
      if (plan === null || holds.some(({ planId }) => planId === plan)) return;
      await this.finish(plan);
    }
  }

  async decide(planId: string, partitions: string[], action: 'approve' | 'reject' | 'recompute') {
    const facts = { by: 'ana', reason: 'looked at', decision: `audit/d/${(this.#tokens += 1)}.json` };
    const plan = { dataset: 'customers', planId };
    if (action === 'approve') {
      await run(this.#views.publishPlan, { ...plan, approved: { partitions, ...facts } });
    }
    return run(this.#views.closeHolds, { ...plan, partitions, action, ...facts });
  }

  rollback(
    to: number,
    more: { exclude?: readonly EntryRef[]; partitions?: readonly string[]; pin?: boolean } = {},
  ) {
    const token = `rollback-${(this.#tokens += 1)}`;
    const given = { dataset: 'customers', to, pin: true, by: 'ana', reason: 'in doubt', token };
    return run(this.#views.rollbackDataset, { ...given, ...more });
  }

  /** Let whatever is pinned be built again. */
  async release(): Promise<void> {
    const { version } = await this.view();
    const partitions = version?.pinned ?? [];
    if (partitions.length === 0) return;
    const token = `release-${(this.#tokens += 1)}`;
    await run(this.#views.releasePins, {
      dataset: 'customers',
      partitions,
      by: 'ana',
      reason: 'mended',
      token,
    });
  }

  /** The newest version, or version `n`, resolved. */
  async view(n?: number) {
    const views = createViews({ store: this.lake.store });
    const head = await (n === undefined
      ? views.viewHead('customers', this.#signal)
      : views.readView('customers', n, this.#signal));
    return { version: head?.value, ...(await views.resolveView(head?.value, this.#signal)) };
  }

  /** What readers see now: the rows by key, and where each came from. */
  async read(mode: ReadMode) {
    const { store, ledger, spec, specNumber: n, scratch } = this.lake;
    const stamp = await makeStamp(
      { store, ledger, spec: { n, spec }, mode, datasets: ['customers'] },
      this.#signal,
    );
    return withDuckDb({ memoryMb: 256, threads: 1, scratch }, async (db) => {
      const ports = { store, ledger, cache: join(scratch, 'cache') };
      const view = await openView(ports, db, { stamp, dataset: 'customers' }, this.#signal);
      const rows = await db.rows(`SELECT *, amount::INTEGER AS amount_no FROM "customers$rows" ORDER BY id`);
      return {
        hash: await viewHash(db, view),
        stamp: stamp.stamp,
        generations: [...new Set(rows.map((row) => Number(row['_generation'])))],
        rows: Object.fromEntries(rows.map((row) => [String(row['id']), Number(row['amount_no'])])),
        /** Whether there is a column `city`, and what it says by key. */
        cities: rows.some((row) => 'city' in row)
          ? Object.fromEntries(rows.map((row) => [String(row['id']), row['city']]))
          : undefined,
      };
    });
  }

  #now(): TablePlace {
    if (!this.#place) throw new Error('no generation began');
    return this.#place;
  }

  async #commit(
    place: TablePlace | undefined,
    rows: readonly FeedRow[],
    more: Partial<Entry>,
  ): Promise<number> {
    const after = this.#place ? tablePositionText(this.#place) : 'earliest';
    const through = place ? tablePositionText(place) : 'earliest';
    const state = { after, through, generation: place?.generation ?? 1, watermark: null, caughtUpAt: null };
    this.#ordinal = await this.lake.commit(FEED, rows, {
      items: [],
      channels: { [TABLE_CHANNEL]: state },
      ...more,
    });
    this.#place = place;
    return this.#ordinal;
  }
}

function itemOf(item: string, rows: number): EntryItem {
  const checksum = createHash('sha256').update(item).digest('hex');
  return {
    no: 1,
    item,
    version: checksum,
    checksum: `sha256:${checksum}`,
    bytes: 42,
    modifiedAt: '2026-11-21T06:00:00.000Z',
    state: 'collected',
    rows,
    rejected: 0,
    spans: rows === 0 ? [] : [span(1, 2 * rows)],
  };
}

function run<I, O>(activity: (input: I) => Promise<O>, input: I): Promise<O> {
  return new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(activity, input);
}
