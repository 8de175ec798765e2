import { expect, test } from 'vitest';
import { quoted, waitingHolds } from '../../cli/runs.ts';
import { cellText, tableLines } from '../../cli/table.ts';

test('texts stand on the left, numbers on the right, and nothing trails', () => {
  const columns = [
    { name: 'n', type: 'DECIMAL(18,2)' },
    { name: 'name', type: 'VARCHAR' },
  ];
  const rows = [
    { n: '12.50', name: 'Ana' },
    { n: null, name: 'B' },
  ];
  expect(tableLines(columns, rows, false)).toEqual(['    n  name', '─────  ────', '12.50  Ana', ' NULL  B']);
});

test('without rows the names stand alone', () => {
  expect(tableLines([{ name: 'delay', type: 'BIGINT' }], [], false)).toEqual(['delay', '─────']);
});

test.each([
  ['a\nb', String.raw`a\u000ab`],
  ['\u001b[31mred', String.raw`\u001b[31mred`],
  [{ a: [1] }, '{"a":[1]}'],
  [true, 'true'],
  [null, 'NULL'],
])('%j is one line that drives no terminal', (value, text) => {
  expect(cellText(value)).toBe(text);
});

test.each([
  ['transfer/flights', 'transfer/flights'],
  ['in coming.csv', "'in coming.csv'"],
  ["it's.csv", String.raw`'it'\''s.csv'`],
  ['', "''"],
])('%j is one word of a shell', (text, word) => {
  expect(quoted(text)).toBe(word);
});

test('a hold waits with the command that decides it', () => {
  const hold = {
    format: 1,
    dataset: 'payments',
    partition: '2026-11-21',
    n: 1,
    state: 'open',
    planId: 'p1',
    buildId: 'b1',
    findings: ['batchAgainstStream: 3 differ'],
    at: '2026-11-22T00:00:00.000Z',
  } as const;
  expect(waitingHolds([hold])).toEqual([
    {
      workflow: 'build/payments/p1',
      item: '2026-11-21',
      failure: 'GateHeld',
      message: 'batchAgainstStream: 3 differ',
      allowed: ['approve', 'reject', 'recompute'],
      command: "tributary decide build/payments/p1 approve --items 2026-11-21 --reason '…'",
    },
  ]);
});
