import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { EVENTS } from '../../sample/shop-events.ts';
import { SHOP_COLUMNS, SHOP_TABLES, generateShop } from '../../sample/shop.ts';

const LAST_DAY = '2026-03-01';
const SAMPLE = generateShop({ seed: 7, lastDay: LAST_DAY });
const seeds = fc.integer({ min: 0, max: 2 ** 40 });
const SMALL = { lastDay: LAST_DAY, customers: 50, events: 60 };

test('the same seed makes the same sample and another seed another one', () => {
  expect(generateShop({ seed: 7, lastDay: LAST_DAY })).toEqual(SAMPLE);
  expect(generateShop({ seed: 8, lastDay: LAST_DAY }).transactions).not.toEqual(SAMPLE.transactions);
});

test('everything that can happen in the shop happens at least twice, and something is rolled back', () => {
  const times = new Map<string, number>();
  for (const { event } of SAMPLE.transactions) times.set(event, (times.get(event) ?? 0) + 1);
  expect([...times.keys()].toSorted()).toEqual(Object.keys(EVENTS).toSorted());
  expect(Math.min(...times.values())).toBeGreaterThanOrEqual(2);
  expect(SAMPLE.transactions.some(({ ends }) => ends === 'ROLLBACK')).toBe(true);
  expect(SAMPLE.transactions.length).toBeGreaterThanOrEqual(400);
});

test('rows come, change and go: some are steady, some new, some gone', () => {
  for (const table of SHOP_TABLES) {
    const { rows, steady, gone } = SAMPLE.truth[table];
    expect(steady.length, table).toBeGreaterThan(100);
    expect(rows.size, table).toBeGreaterThan(steady.length);
    expect(gone.length, table).toBeGreaterThan(10);
  }
});

test('the truth has texts that trip, nulls beside empty texts, long notes, and numbers at their ends', () => {
  const bookings = [...SAMPLE.truth.bookings.rows.values()];
  const names = [...SAMPLE.truth.customers.rows.values()].map((row) => row['name'] ?? '');
  for (const part of ["'", '"', '\n', '\r\n', '\\', '🛫']) {
    expect(
      names.some((name) => name.includes(part)),
      JSON.stringify(part),
    ).toBe(true);
  }
  const notes = bookings.map((row) => row['note']);
  expect(new Set(notes.filter((note) => note === null || note === '' || note === 'NULL')).size).toBe(3);
  expect(notes.some((note) => (note?.length ?? 0) > 10_000)).toBe(true);
  expect(bookings.some((row) => row['fare'] === '99999999999999.9999')).toBe(true);
  expect(bookings.some((row) => row['fare'] === '-99999999999999.9999')).toBe(true);
});

test('for any seed every row has every column, and every row that another names is there', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const { truth } = generateShop({ ...SMALL, seed });
      for (const table of SHOP_TABLES) {
        for (const row of truth[table].rows.values()) {
          expect(Object.keys(row).toSorted()).toEqual(Object.keys(SHOP_COLUMNS[table]).toSorted());
        }
      }
      for (const row of truth.bookings.rows.values())
        expect(truth.customers.rows.has(JSON.stringify([row['customer_id']]))).toBe(true);
      for (const row of truth.refunds.rows.values())
        expect(truth.bookings.rows.has(JSON.stringify([row['booking_ref']]))).toBe(true);
    }),
    { numRuns: 30 },
  );
});

test('for any seed a steady key has a row in the end and a key that is gone has none', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const { truth } = generateShop({ ...SMALL, seed });
      for (const table of SHOP_TABLES) {
        const { rows, steady, gone } = truth[table];
        expect(steady.filter((key) => !rows.has(key))).toEqual([]);
        expect(gone.filter((key) => rows.has(key))).toEqual([]);
      }
    }),
    { numRuns: 30 },
  );
});

test('options without room for every kind of event are refused', () => {
  expect(() => generateShop({ seed: 1, lastDay: LAST_DAY, events: 10 })).toThrow('events is 10');
  expect(() => generateShop({ seed: 1, lastDay: LAST_DAY, customers: 1.5 })).toThrow('customers is 1.5');
  expect(() => generateShop({ seed: 1, lastDay: '1 March' })).toThrow('lastDay is 1 March');
});
