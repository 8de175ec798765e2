import { expect, test } from 'vitest';
import { withDuckDb } from '../../../activities/duckdb.ts';
import { notLossless, typed } from '../../../lake/sql/refine-cast.ts';
import type { ColumnType } from '../../../lake/spec.ts';
import { literal } from '../../../lake/sql/text.ts';
import { tmpFolder } from '../../support/tmp.ts';

const CASES: readonly (readonly [ColumnType, readonly string[], readonly string[]])[] = [
  ['boolean', ['true', 'FALSE', 't', '0'], ['yes', '2', '', ' true']],
  [
    'integer',
    ['0', '-7', '+7', '007', '2147483647'],
    ['2147483648', '1.7', '1_000', '0x10', ' 1', '1e3', ''],
  ],
  ['bigint', ['9223372036854775807'], ['9223372036854775808', '1.0', '']],
  ['double', ['1', '-1.5', '.5', '5.', '1e-3'], ['infinity', 'nan', '1e999', '1_0', '']],
  ['date', ['2026-02-28', '0001-01-01'], ['2026-02-30', '2026-2-3', '28.02.2026', 'infinity', '']],
  [
    'timestamp',
    ['2026-11-20', '2026-11-20 10:00', '2026-11-20T10:00:00Z', '2026-11-20 10:00:00.123456+05:30'],
    [
      '2026-11-20T24:00:00Z',
      '2026-11-20T10:00:60Z',
      '2026-11-20 10:00:00.1234567',
      '2026-11-20 10',
      'epoch',
      'now',
      '',
    ],
  ],
  [
    'decimal(18,2)',
    ['1', '-1.5', '+1.50', '1.500', '0001.00', '9999999999999999.99'],
    ['1.005', '1e2', '10000000000000000', '1,5', '.', '', '-'],
  ],
  ['decimal(4,0)', ['9999', '1.0'], ['10000', '1.5']],
  [
    'decimal(38,0)',
    ['9'.repeat(38), `-${'9'.repeat(38)}`, '+5', '007', '5.', '1.000'],
    [`1${'0'.repeat(38)}`, '1.5', '1e3', '', ' 5'],
  ],
  ['decimal(2,2)', ['0.25', '.25'], ['1.25', '0.255', '1']],
];

test.each(CASES)('%s takes %j and refuses %j', async (type, good, bad) => {
  const scratch = await tmpFolder();
  const problem = notLossless('c', 'c', 'v', type);
  const texts = [...good, ...bad].map((text) => `(${literal(text)})`).join(', ');
  const rows = await withDuckDb({ memoryMb: 128, threads: 1, scratch }, (db) =>
    db.rows(
      `SELECT c FROM (SELECT c, ${typed('c', type)} AS v FROM (VALUES ${texts}) t(c)) WHERE ${problem?.when ?? 'false'}`,
    ),
  );
  expect(new Set(rows.map(({ c }) => c))).toEqual(new Set(bad));
});

test('every text is a string', () => {
  expect(notLossless('c', 'c', 'v', 'string')).toBeUndefined();
});

const LOCAL = ['2026-11-20', '2026-11-20 10:00', '1969-12-31T23:59:59.999999', '0001-01-01T00:00:00'];
const OFFSET = ['Z', '+02', '-0330', '+05:30', '-11:59', '+00:00'];

test('a time without an offset is UTC, and with one it is what TIMESTAMPTZ reads', async () => {
  const texts = LOCAL.flatMap((text) => [text, ...OFFSET.map((offset) => text + offset)]);
  const scratch = await tmpFolder();
  const rows = await withDuckDb({ memoryMb: 128, threads: 1, scratch }, (db) =>
    db.rows(`SELECT c FROM (SELECT c, ${typed('c', 'timestamp')} AS v
        FROM (VALUES ${texts.map((text) => `(${literal(text)})`).join(', ')}) t(c))
      WHERE v IS DISTINCT FROM try_cast(c AS TIMESTAMPTZ)`),
  );
  expect(rows).toEqual([]);
});
