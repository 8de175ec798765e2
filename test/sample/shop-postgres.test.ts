import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  SHOP_COLUMNS,
  SHOP_KEYS,
  SHOP_TABLES,
  type ShopSample,
  type ShopTable,
  generateShop,
  shopSchema,
} from '../../sample/shop.ts';
import { type Postgres, startPostgres } from '../../scripts/postgres/server.ts';

let postgres: Postgres;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

test.each([1, 2, 3])('what Postgres holds in the end is the truth, sample %i', async (seed) => {
  const sample = generateShop({ seed, lastDay: '2026-03-01', customers: 200, events: 300 });
  const database = await makeDatabase(`shop_${seed}`);
  await play(database, sample);
  for (const table of SHOP_TABLES) {
    expect(await rowsOf(database, table), table).toEqual(sample.truth[table].rows);
  }
  await database.end();
});

async function makeDatabase(name: string): Promise<Client> {
  const admin = new Client(postgres.url);
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.end();
  const database = new Client(postgres.url.replace(/postgres$/, name));
  await database.connect();
  return database;
}

async function play(database: Client, { initial, transactions }: ShopSample): Promise<void> {
  const inOrder = [
    ...shopSchema().map((text) => ({ text, values: [] })),
    ...initial,
    ...transactions.flatMap(({ statements, ends }) => [
      { text: 'BEGIN', values: [] },
      ...statements,
      { text: ends, values: [] },
    ]),
  ];
  for (const { text, values } of inOrder) await database.query(text, [...values]);
}

/** Read by texts of Postgres's own, so that nothing is parsed on the way. */
async function rowsOf(
  database: Client,
  table: ShopTable,
): Promise<Map<string, Record<string, string | null>>> {
  const columns = Object.entries(SHOP_COLUMNS[table]).map(([name, type]) =>
    type === 'timestamptz'
      ? `to_char(${name} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS ${name}`
      : `${name}::text AS ${name}`,
  );
  const { rows } = await database.query<Record<string, string | null>>(
    `SELECT ${columns.join(', ')} FROM ${table}`,
  );
  return new Map(rows.map((row) => [JSON.stringify(SHOP_KEYS[table].map((column) => row[column])), row]));
}
