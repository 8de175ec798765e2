import { expect, test } from 'vitest';
import type { DmsTable } from '../../lake/dms-tables.ts';
import { dueLook, lookedAt } from '../../lake/table-looks.ts';

const TABLE: DmsTable = {
  schema: 'public',
  table: 'a',
  state: 'Table completed',
  validation: null,
  rows: 1,
  loadStartedAt: null,
  loadEndedAt: null,
  inserts: 0,
  updates: 0,
  deletes: 0,
  ddls: 0,
  refreshedAt: null,
};
const PACING = { sweepEveryMs: 180_000, wholeEveryMs: 3_600_000, batchMs: 60_000 };
const settled = { isWhole: false, isSettled: true };
const first = lookedAt(undefined, TABLE, { ...settled, atMs: 0, isWhole: true });
/** Two batches later, with nothing new. */
const quiet = lookedAt(first, TABLE, { ...settled, atMs: 130_000 });

test('a table that nobody has looked at is listed whole', () => {
  expect(dueLook(undefined, TABLE, 0, PACING)).toBe('whole');
});

test('a table whose counters stand is left alone, and looked at now and then all the same', () => {
  expect(dueLook(quiet, TABLE, 140_000, PACING)).toBe('none');
  expect(dueLook(quiet, TABLE, 130_000 + 180_000, PACING)).toBe('new');
  expect(dueLook(quiet, TABLE, 3_600_000, PACING)).toBe('whole');
});

test('a table whose counters moved is looked at, and for two batches after that', () => {
  const moved = { ...TABLE, inserts: 1 };
  expect(dueLook(quiet, moved, 140_000, PACING)).toBe('new');
  const then = lookedAt(quiet, moved, { ...settled, atMs: 140_000 });
  expect(dueLook(then, moved, 140_000 + 120_000, PACING)).toBe('new');
  expect(dueLook(then, moved, 140_000 + 121_000, PACING)).toBe('none');
});

test('a table of which something is open is looked at', () => {
  const open = lookedAt(quiet, TABLE, { isWhole: false, isSettled: false, atMs: 140_000 });
  expect(dueLook(open, TABLE, 141_000, PACING)).toBe('new');
});

test('a statement of DDL may have taken landings away: all are listed', () => {
  expect(dueLook(quiet, { ...TABLE, ddls: 1 }, 140_000, PACING)).toBe('whole');
});
