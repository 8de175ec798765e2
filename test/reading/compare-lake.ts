import { join } from 'node:path';
import { Client } from 'pg';
import { PostgresDatabase } from '../../activities/postgres/database.ts';
import type { CompareReport, ComparedReport } from '../../lake/compare-tables.ts';
import type { Columns, DatasetSpec, LakeSpec } from '../../lake/spec.ts';
import { type CompareRequest, compareSource } from '../../reading/compare/compare.ts';
import { type FeedRow, RowsLake } from '../support/rows-lake.ts';
import { dataset } from '../support/rows-specs.ts';
import { tmpFolder } from '../support/tmp.ts';

/** A lake with a source `shop` of these tables of `public`, each with a dataset of its name. */
export function shopSpec(
  tables: Readonly<Record<string, { readonly columns: Columns; readonly key: readonly string[] }>>,
  more: Partial<DatasetSpec> = {},
): Pick<LakeSpec, 'sources' | 'datasets'> {
  const own = Object.entries(tables);
  return {
    sources: {
      shop: {
        kind: 'database',
        dms: { task: 'shop-cdc' },
        tables: Object.fromEntries(
          own.map(([name, { columns }]) => [
            `public.${name}`,
            { feed: `shop.public.${name}`, columns: { ...columns, _change: 'decimal(38,0)' } },
          ]),
        ),
        replicate: 'continuous',
        everyMs: 1_000,
      },
    },
    datasets: Object.fromEntries(
      own.map(([name, { columns, key }]) => [
        name,
        dataset({
          merge: 'latest',
          key,
          version: '_change',
          partition: { kind: 'bucket', buckets: 2 },
          columns: { ...columns, _change: 'decimal(38,0)' },
          feeds: { [`shop.public.${name}`]: { role: 'speed', visible: 'commit', map: {} } },
          ...more,
        }),
      ]),
    ),
  };
}

/** A real database of a test's own beside a lake of rows objects. */
export class CompareLake {
  readonly lake: RowsLake;
  readonly #url: string;
  #changes = 0;
  readonly #positions = new Map<string, string>();
  /** The clock moves when one waits for it, and this happens meanwhile. */
  whileWaiting: (round: number) => Promise<unknown> = () => Promise.resolve();

  private constructor(lake: RowsLake, url: string) {
    this.lake = lake;
    this.#url = url;
  }

  static async open(server: string, spec: Pick<LakeSpec, 'sources' | 'datasets'>): Promise<CompareLake> {
    const name = `t${process.hrtime.bigint()}`;
    await run(server, `CREATE DATABASE ${name}`);
    const url = new URL(server);
    url.pathname = `/${name}`;
    return new CompareLake(new RowsLake(spec, await tmpFolder()), url.href);
  }

  async sql(text: string): Promise<void> {
    await run(this.#url, text);
  }

  /** Rows of changes of a table, in their order; the table's first generation is ready before them. */
  async land(table: string, rows: readonly FeedRow[]): Promise<void> {
    const feed = `shop.public.${table}`;
    const landed = rows.map((row) => ({ _change: String((this.#changes += 1)), ...row }));
    if (!this.#positions.has(feed)) {
      await this.#step(feed, [], 'earliest');
      await this.#step(feed, [], '1@-/begin/');
      await this.#step(feed, [], '1@-/ready/', { ready: ['log'] });
    }
    await this.#step(feed, landed, `1@-/cdc/${this.#changes}`);
  }

  /** A second generation begins. */
  async beginLoad(table: string): Promise<void> {
    await this.#step(`shop.public.${table}`, [], '2@2026-11-24T00:00:00.000Z/begin/', {}, 2);
  }

  async #step(
    feed: string,
    rows: readonly FeedRow[],
    through: string,
    more: object = {},
    generation = 1,
  ): Promise<void> {
    const after = this.#positions.get(feed) ?? 'earliest';
    const log = { after, through, generation, watermark: null, caughtUpAt: null };
    await this.lake.commit(feed, rows, { channels: { log }, items: [], ...more });
    this.#positions.set(feed, through);
  }

  compare(request: Partial<CompareRequest> = {}): Promise<CompareReport> {
    const { store, ledger, spec, specNumber: n, scratch } = this.lake;
    let nowMs = 0;
    let round = 0;
    const clock = {
      now: () => nowMs,
      wait: async (ms: number) => {
        nowMs += ms;
        await this.whileWaiting((round += 1));
      },
    };
    const ports = {
      store,
      ledger,
      spec: { n, spec },
      scratch,
      cache: join(scratch, 'cache'),
      memoryMb: 256,
      threads: 1,
      database: new PostgresDatabase(this.#url),
      clock,
    };
    const asked = { source: 'shop', mode: 'live', settleMs: 1_000, withinMs: 10_000, ...request } as const;
    return compareSource(ports, asked, AbortSignal.timeout(60_000));
  }

  /** What is said of one table. */
  async report(table: string, request: Partial<CompareRequest> = {}): Promise<ComparedReport> {
    const { tables } = await this.compare(request);
    const found = tables.find((one) => one.table === `public.${table}`);
    if (found?.kind !== 'compared') throw new Error(found?.reason ?? 'not among the tables');
    return found;
  }
}

async function run(url: string, text: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}
