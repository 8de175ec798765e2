import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import {
  SHOP_COLUMNS,
  SHOP_KEYS,
  type ShopSample,
  type ShopTable,
  type Statement,
  type TableTruth,
  shopSchema,
} from '../../../sample/shop.ts';

/** The shop's own database. The caller owes a `close`. */
export class ShopDatabase {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  /** Made and filled, in an empty database. */
  static async fill(url: string, { initial }: Pick<ShopSample, 'initial'>): Promise<ShopDatabase> {
    const client = new Client(url);
    // One that is cut off has nobody to hear of it but the next query, which says so.
    client.on('error', () => undefined);
    await client.connect();
    const database = new ShopDatabase(client);
    for (const text of shopSchema()) await client.query(text);
    await database.transact(initial, 'COMMIT');
    return database;
  }

  async transact(statements: readonly Statement[], ends: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    await this.#client.query('BEGIN');
    for (const { text, values } of statements) await this.#client.query(text, [...values]);
    await this.#client.query(ends);
  }

  /** Everything in its order, spread over so long. */
  async live(transactions: ShopSample['transactions'], overMs: number): Promise<void> {
    const started = Date.now();
    for (const [no, { statements, ends }] of transactions.entries()) {
      const due = started + (overMs * no) / transactions.length;
      if (due > Date.now()) await pause(due - Date.now());
      await this.transact(statements, ends);
    }
  }

  /** For sabotage alone. */
  async write(sql: string): Promise<void> {
    await this.#client.query(sql);
  }

  /** What a table holds now, in canonical text, as Postgres writes it itself. */
  async rows(table: ShopTable): Promise<TableTruth['rows']> {
    const columns = Object.entries(SHOP_COLUMNS[table]).map(([name, type]) =>
      type === 'timestamptz'
        ? `to_char(${name} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS ${name}`
        : `${name}::text AS ${name}`,
    );
    const { rows } = await this.#client.query<Record<string, string | null>>(
      `SELECT ${columns.join(', ')} FROM ${table}`,
    );
    return new Map(rows.map((row) => [JSON.stringify(SHOP_KEYS[table].map((key) => row[key])), row]));
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}
