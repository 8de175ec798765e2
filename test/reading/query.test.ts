import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createLedger } from '../../activities/objects/ledger.ts';
import { decode, encode } from '../../activities/objects/json.ts';
import { keys } from '../../lake/keys.ts';
import type { ReadMode } from '../../lake/view.ts';
import { query } from '../../reading/query.ts';
import { RowsLake } from '../support/rows-lake.ts';
import { flightsSpec, paymentsSpec } from '../support/rows-specs.ts';
import { tmpFolder } from '../support/tmp.ts';

const D1 = '2001-01-01';
const D2 = '2001-01-02';
const flight = (at: string, delay: number, origin = 'LAX') => ({ at, delay, origin });

function ask(lake: RowsLake, sql: string, mode: ReadMode = 'live', at?: string) {
  const { store, ledger, spec, scratch } = lake;
  const ports = {
    store,
    ledger,
    spec: { n: 1, spec },
    scratch,
    cache: join(scratch, 'cache'),
    memoryMb: 256,
    threads: 1,
  };
  return query(ports, { sql, mode, ...(at !== undefined && { at }) }, AbortSignal.timeout(60_000));
}

async function flightsLake() {
  const lake = new RowsLake(flightsSpec(), await tmpFolder());
  await lake.commit('flights', [flight(`${D1}T00:01:00Z`, 5), flight(`${D1}T00:02:00Z`, 6)]);
  const plan = await lake.plan('flights', [D1]);
  await lake.build('flights', plan);
  await lake.publish('flights', plan);
  return lake;
}

test('before anything is published a live read has what was committed, and a settled one nothing', async () => {
  const lake = new RowsLake(flightsSpec(), await tmpFolder());
  await lake.commit('flights', [flight(`${D1}T00:01:00Z`, 5), flight(`${D1}T00:01:00Z`, 5)]);
  expect(await ask(lake, 'SELECT delay FROM flights')).toMatchObject({
    columns: [{ name: 'delay', type: 'BIGINT' }],
    rows: [{ delay: '5' }],
  });
  expect((await ask(lake, 'SELECT * FROM flights', 'settled')).rows).toEqual([]);
});

test('a settled read has the builds; a live one also late rows, those of new partitions, and no key twice', async () => {
  const lake = await flightsLake();
  await lake.commit('flights', [
    flight(`${D1}T00:02:00Z`, 6),
    flight(`${D1}T00:03:00Z`, 7),
    flight(`${D2}T00:00:00Z`, 8),
  ]);
  const sql = 'SELECT delay, _ordinal FROM "flights$rows" ORDER BY delay';
  expect((await ask(lake, sql, 'settled')).rows).toEqual([
    { delay: '5', _ordinal: '1' },
    { delay: '6', _ordinal: '1' },
  ]);
  expect((await ask(lake, sql)).rows).toEqual([
    { delay: '5', _ordinal: '1' },
    { delay: '6', _ordinal: '1' },
    { delay: '7', _ordinal: '2' },
    { delay: '8', _ordinal: '2' },
  ]);
});

test('lineage shows only where it is asked for', async () => {
  const lake = await flightsLake();
  const { columns } = await ask(lake, 'SELECT * FROM flights');
  expect(columns.map(({ name }) => name)).toEqual(['at', 'delay', 'origin']);
});

test('an old stamp answers as it did, whatever came since', async () => {
  const lake = await flightsLake();
  const sql = 'SELECT count(*) AS n FROM flights';
  const before = await ask(lake, sql);
  await lake.commit('flights', [flight(`${D1}T00:03:00Z`, 7)]);
  const plan = await lake.plan('flights', [D1]);
  await lake.build('flights', plan);
  await lake.publish('flights', plan);
  expect((await ask(lake, sql)).rows).toEqual([{ n: '3' }]);
  expect((await ask(lake, sql, 'live', before.stamp.sha256)).rows).toEqual([{ n: '2' }]);
});

test('rows of a feed visible at publish reach no live reader before they are published', async () => {
  const lake = new RowsLake(paymentsSpec(), await tmpFolder());
  const at = `${D1}T09:00:00Z`;
  await lake.commit('events', [{ id: 'a', paid_at: at, amount: '1.00', revision: 1 }]);
  await lake.commit('books', [{ id: 'a', paid_at: at, gross: '1.10', revision: 1 }]);
  const sql = 'SELECT id, amount FROM payments';
  expect((await ask(lake, sql)).rows).toEqual([{ id: 'a', amount: '1.00' }]);
  const plan = await lake.plan('payments', [D1]);
  await lake.build('payments', plan);
  await lake.publish('payments', plan);
  expect((await ask(lake, sql)).rows).toEqual([{ id: 'a', amount: '1.10' }]);
});

test('a row older than a delete does not bring its key back, and a newer one does', async () => {
  const lake = new RowsLake(paymentsSpec(), await tmpFolder());
  const row = { id: 'a', paid_at: `${D1}T09:00:00Z`, amount: '1.00' };
  await lake.commit('events', [{ ...row, revision: 2, _op: 'D' }]);
  const plan = await lake.plan('payments', [D1]);
  await lake.build('payments', plan);
  await lake.publish('payments', plan);
  await lake.commit('events', [{ ...row, revision: 1 }]);
  expect((await ask(lake, 'SELECT id FROM payments')).rows).toEqual([]);
  await lake.commit('events', [{ ...row, revision: 3 }]);
  expect((await ask(lake, 'SELECT id FROM payments')).rows).toEqual([{ id: 'a' }]);
});

test('an entry taken away, or an object gone, is an error and never a low number', async () => {
  const lake = await flightsLake();
  await lake.commit('flights', [flight(`${D1}T00:03:00Z`, 7)]);
  await lake.commit('flights', [flight(`${D1}T00:04:00Z`, 8)]);
  const sql = 'SELECT count(*) FROM flights';
  const { stamp } = await ask(lake, sql);
  const fresh = new RowsLakeReader(lake);
  const file = lake.store.keys('build/').find((key) => key.endsWith('0.parquet')) ?? '';
  lake.store.delete(file);
  await expect(fresh.ask(sql)).rejects.toMatchObject({ type: 'ObjectMissing' });
  lake.store.delete('ledger/flights/0/000000000002.json');
  await expect(fresh.ask(sql, stamp.sha256)).rejects.toMatchObject({ type: 'ChainBroken' });
});

test.each([
  ['DROP TABLE flights', /SELECT/],
  ['SELECT 1 FROM flights; SELECT 2', /2 statements/],
  ['SELEC 1', /syntax/i],
  ['SELECT 1', /names none of flights/],
  ["COPY flights TO '/tmp/x'", /SELECT/],
])('%s is refused', async (sql, why) => {
  const lake = await flightsLake();
  await expect(ask(lake, sql)).rejects.toMatchObject({
    name: 'QueryRefused',
    message: expect.stringMatching(why),
  });
});

test('a query sees the views and no file of the machine', async () => {
  const lake = await flightsLake();
  await expect(ask(lake, "SELECT * FROM read_text('/etc/hostname'), flights")).rejects.toThrow(/Permission/);
});

test('a second query downloads nothing', async () => {
  const lake = await flightsLake();
  await ask(lake, 'SELECT count(*) FROM flights');
  for (const key of lake.store.keys().filter((one) => one.endsWith('.parquet'))) lake.store.delete(key);
  expect((await ask(lake, 'SELECT count(*) AS n FROM flights')).rows).toEqual([{ n: '2' }]);
});

/** Reads without what was kept before. */
class RowsLakeReader {
  readonly #lake: RowsLake;

  constructor(lake: RowsLake) {
    this.#lake = lake;
  }

  async ask(sql: string, at?: string) {
    const { store, spec } = this.#lake;
    const scratch = await tmpFolder();
    const ledger = createLedger({ store });
    const ports = {
      store,
      ledger,
      spec: { n: 1, spec },
      scratch,
      cache: join(scratch, 'cache'),
      memoryMb: 256,
      threads: 1,
    };
    return query(ports, { sql, mode: 'live', ...(at !== undefined && { at }) }, AbortSignal.timeout(60_000));
  }
}

test('rows that were collected under another mapping are an error, never none', async () => {
  const lake = new RowsLake(flightsSpec(), await tmpFolder());
  await lake.commit('flights', [flight(`${D1}T00:01:00Z`, 5)]);
  const bytes = await lake.store.get(keys.spec(1), AbortSignal.timeout(1000));
  const before = decode<object>(keys.spec(1), bytes ?? Buffer.alloc(0));
  lake.store.put(keys.spec(1), encode({ ...before, ...flightsSpec(['at', 'origin']) }));
  await expect(ask(lake, 'SELECT count(*) FROM flights')).rejects.toMatchObject({
    name: 'QueryRefused',
    message: expect.stringContaining('ledger/flights/0/000000000001.json') as unknown,
  });
});
