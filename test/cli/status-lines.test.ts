import { expect, test } from 'vitest';
import { statusLines } from '../../cli/status-lines.ts';
import type { Status } from '../../cli/status.ts';

const EMPTY: Status = {
  lake: 'travel',
  spec: 3,
  datasets: {},
  feeds: {},
  watermarks: {},
  databases: {},
  runs: [],
  waiting: [],
};

const SHOP = { tables: 2, shown: 2, ready: 1, generation: 4, waiting: 1, rows: 12 };

test('a database that is replicated has a line of its own, and of many tables only some are told of', () => {
  const lines = statusLines(
    { ...EMPTY, databases: { shop: SHOP, erp: { ...SHOP, tables: 900, shown: 200, ready: 180 } } },
    false,
  );
  const from = lines.indexOf('databases');
  expect(from).toBeGreaterThan(0);
  const told = lines.slice(from + 1).map((line) => line.trim().split(/\s{2,}/));
  expect(told).toContainEqual(['shop', '2', '1', '4', '1', '12']);
  expect(told).toContainEqual(['erp', '900', '180 of 200 told of', '4', '1', '12']);
});

test('a lake without databases says nothing of them', () => {
  expect(statusLines(EMPTY, false)).not.toContain('databases');
});
