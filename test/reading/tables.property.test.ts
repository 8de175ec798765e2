import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { reach } from '../../lake/coverage.ts';
import { type MergeRow, merge, visible } from '../../lake/merge.ts';
import { failedWith } from '../../activities/failure.ts';
import { verifyLake } from '../../reading/verify/verify.ts';
import type { FeedRow } from '../support/rows-lake.ts';
import { FEED, LANE, TableLake } from '../support/table-lake.ts';
import { tmpFolder } from '../support/tmp.ts';

/** Above this the gate holds. */
const BAD = 100;

interface Change {
  readonly id: string;
  readonly amount: number;
  /** Null, or where it stands among the changes: below a load, beside it, after it. */
  readonly at: number | null;
  readonly op: 'I' | 'U' | 'D';
}

const changes = fc.array(
  fc.record<Change>({
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    amount: fc.constantFrom(1, 2, 3, BAD),
    at: fc.option(fc.integer({ min: -1, max: 2 }), { nil: null, freq: 5 }),
    op: fc.constantFrom('I' as const, 'U' as const, 'D' as const),
  }),
  { minLength: 1, maxLength: 4 },
);

const bare = <T extends string>(name: T) => fc.record({ do: fc.constant(name) });
const withRows = <T extends string>(name: T) => fc.record({ do: fc.constant(name), rows: changes });

const step = fc.oneof(
  { weight: 2, arbitrary: bare('begin') },
  { weight: 2, arbitrary: withRows('load') },
  { weight: 2, arbitrary: bare('ready') },
  { weight: 4, arbitrary: withRows('reload') },
  { weight: 4, arbitrary: withRows('change') },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('replay'), renumbered: fc.boolean() }) },
  { weight: 3, arbitrary: bare('plan') },
  { weight: 2, arbitrary: bare('finish') },
  { weight: 4, arbitrary: bare('publish') },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('decide'), approve: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('rollback'),
      by: fc.nat(3),
      exclude: fc.option(fc.nat(9)),
      partition: fc.option(fc.nat(2)),
    }),
  },
  { weight: 1, arbitrary: bare('release') },
  { weight: 2, arbitrary: bare('column') },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface Landed extends MergeRow {
  readonly amount: number;
  readonly city: string | null;
}

/** The table as it should be, kept beside the lake. */
class Model {
  readonly table: TableLake;
  readonly #rows: Landed[] = [];
  /** Ordinal → generation, from the lane's first entry on. */
  readonly #entries: number[] = [1];
  readonly #ready = new Map<number, number>();
  #last: readonly Change[] = [];
  #open: string | undefined;
  #hasCity = false;

  constructor(table: TableLake) {
    this.table = table;
  }

  async take(one: Step): Promise<void> {
    const { table } = this;
    const isReady = [...this.#ready.values()].includes(table.generation);
    switch (one.do) {
      case 'reload':
        for (const what of ['begin', 'load', 'ready'] as const) await this.take({ do: what, rows: one.rows });
        return;
      case 'begin':
        return this.#entry(await table.begin(), []);
      case 'load':
        if (table.generation === 0 || isReady) return;
        return this.#entry(await table.load(this.#rowsOf(one.rows, 0)), one.rows, true);
      case 'ready':
        if (table.generation === 0 || isReady) return;
        this.#ready.set(await table.ready(), table.generation);
        return this.#entry(this.#entries.length + 1, []);
      case 'change':
        if (table.generation === 0) return;
        this.#last = one.rows;
        return this.#entry(await table.change(this.#rowsOf(one.rows)), one.rows);
      case 'replay': {
        if (table.generation === 0 || this.#last.length === 0) return;
        const again = this.#last.map((row) => ({
          ...row,
          at: row.at === null || !one.renumbered ? row.at : row.at + 3,
        }));
        return this.#entry(await table.change(this.#rowsOf(again)), again);
      }
      case 'plan':
        this.#open = (await table.assess()).plan ?? this.#open;
        return;
      case 'finish':
        if (this.#open !== undefined) await table.finish(this.#open);
        return;
      case 'publish':
        return table.reconcile();
      case 'decide':
        return this.decide(one.approve ? 'approve' : 'recompute');
      case 'rollback':
        return this.#rollback(one);
      case 'release':
        return table.release();
      case 'column':
        this.#hasCity = true;
        return table.addCity();
    }
  }

  async decide(action: 'approve' | 'recompute'): Promise<void> {
    const { holds } = await this.table.assess();
    for (const { planId, partition } of holds) await this.table.decide(planId, [partition], action);
  }

  /** What readers of this generation see, as far as it was collected. */
  state(generation: number, excluded: ReadonlySet<number>): Record<string, number> {
    return Object.fromEntries(this.#seen(generation, excluded).map(({ key, amount }) => [key, amount]));
  }

  /** The same of the column that may come; `undefined` until it came. */
  cities(generation: number, excluded: ReadonlySet<number>): Record<string, string | null> | undefined {
    const seen = this.#seen(generation, excluded);
    if (!this.#hasCity || seen.length === 0) return undefined;
    return Object.fromEntries(seen.map(({ key, city }) => [key, city]));
  }

  #seen(generation: number, excluded: ReadonlySet<number>): readonly Landed[] {
    const rows = this.#rows.filter((row) => row.generation === generation && !excluded.has(row.ordinal));
    return visible(merge('latest', rows)).toSorted((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** The generation of an entry. */
  generationAt(ordinal: number): number {
    return this.#entries[ordinal - 1] ?? 0;
  }

  /** The first, or the last, generation that is whole. */
  whole(which: 'first' | 'last', excluded: ReadonlySet<number>): number {
    const ready = [...this.#ready]
      .filter(([ordinal]) => !excluded.has(ordinal))
      .map(([, generation]) => generation);
    return ready.at(which === 'first' ? 0 : -1) ?? 0;
  }

  #entry(ordinal: number, rows: readonly Change[], isLoad = false): void {
    const { generation } = this.table;
    while (this.#entries.length < ordinal) this.#entries.push(generation);
    for (const [index, { id, amount, at, op }] of rows.entries()) {
      this.#rows.push({
        key: id,
        amount,
        city: this.#hasCity ? cityOf(id, amount) : null,
        op: isLoad ? 'I' : op,
        version: isLoad ? BigInt(generation * 10) : at === null ? null : BigInt(generation * 10 + at),
        role: 'speed',
        generation,
        ordinal,
        object: 0,
        row: index + 1,
        feed: FEED,
        lane: 0,
      });
    }
  }

  #rowsOf(rows: readonly Change[], fixed?: number): FeedRow[] {
    const base = this.table.generation * 10;
    return rows.map(({ id, amount, at, op }) => ({
      id,
      amount,
      // Not declared, it is not in the rows.
      city: cityOf(id, amount),
      _op: fixed === undefined ? op : 'I',
      _change: fixed !== undefined ? base + fixed : at === null ? null : base + at,
    }));
  }

  async #rollback({ by, exclude, partition }: Extract<Step, { readonly do: 'rollback' }>): Promise<void> {
    const { version, parts } = await this.table.view();
    if (!version) return;
    const ordinal = 1 + ((exclude ?? 0) % this.#entries.length);
    const names = Object.keys(parts);
    const alone = partition === null ? undefined : names[partition % names.length];
    try {
      await this.table.rollback(Math.max(1, version.n - by), {
        pin: exclude === null,
        ...(exclude !== null && { exclude: [{ feed: FEED, lane: 0, ordinal }] }),
        ...(alone !== undefined && { partitions: [alone] }),
      });
    } catch (error) {
      // A build used it, or another generation would be back in one partition alone.
      if (!failedWith(error, 'MalformedInput')) throw error;
    }
  }
}

function cityOf(id: string, amount: number): string {
  return `${id} of ${amount}`;
}

test('whatever comes, readers see one generation of a table, whole, and at the end the last one', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 22, size: 'max' }), async (steps) => {
      const table = new TableLake(await tmpFolder());
      const model = new Model(table);
      for (const one of steps) {
        await model.take(one);
        await check(table, model);
      }
      expect(await table.chain()).toEqual([]);
      await table.release();
      for (let round = 0; round < 20; round += 1) {
        await table.reconcile();
        const { plan, holds } = await table.assess();
        if (plan === null && holds.length === 0) break;
        await model.decide('approve');
      }
      const excluded = await excludedOf(table);
      const generation = model.whole('last', excluded);
      const right = generation === 0 ? {} : model.state(generation, excluded);
      const live = await table.read('live');
      expect(live.rows).toEqual(right);
      expect(live.cities).toEqual(generation === 0 ? undefined : model.cities(generation, excluded));
      const settled = await table.read('settled');
      expect(settled.hash).toEqual(live.hash);
      expect(settled.cities).toEqual(live.cities);
      const { store, scratch } = table.lake;
      const signal = AbortSignal.timeout(60_000);
      const report = await verifyLake({ store, scratch, memoryMb: 256, signal });
      expect(report.findings).toEqual([]);
    }),
    { numRuns: 12, interruptAfterTimeLimit: 60_000 },
  );
}, 120_000);

async function check(table: TableLake, model: Model): Promise<void> {
  const { base } = await table.view();
  const excluded = await excludedOf(table);
  const last = reach(base, LANE);
  const generation = last > 0 ? model.generationAt(last) : model.whole('first', excluded);
  const live = await table.read('live');
  expect(live.rows).toEqual(generation === 0 ? {} : model.state(generation, excluded));
  const settled = await table.read('settled');
  expect(settled.generations.every((one) => one === generation)).toBe(true);
}

async function excludedOf(table: TableLake): Promise<ReadonlySet<number>> {
  const { version } = await table.view();
  return new Set((version?.exclude ?? []).map(({ ordinal }) => ordinal));
}
