import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { withDuckDb } from '../../../activities/duckdb.ts';
import type { FileFolder } from '../../../activities/files/port.ts';
import { literal } from '../../../lake/sql/text.ts';
import { tmpFolder } from '../../support/tmp.ts';
import { PAYMENTS, folderSource } from './folder-source.ts';

const FORMAT = { source: { format: { parquet: {} } } };
const AT = "timestamptz '2026-11-20 10:00:00+00'";
const GOOD = `SELECT 'n1' AS id, ${AT} AS at, 1::DECIMAL(18,2) AS amount`;

/** What a query brings, as a Parquet file's bytes. */
async function parquet(sql: string): Promise<Buffer> {
  const scratch = await tmpFolder();
  const file = path.join(scratch, 'a.parquet');
  await withDuckDb({ memoryMb: 256, threads: 1, scratch }, (db) =>
    db.run(`COPY (${sql}) TO ${literal(file)} (FORMAT parquet, ROW_GROUP_SIZE 2048)`),
  );
  return readFile(file);
}

test('records come in the order of the files, with lineage and what is not declared', async () => {
  const source = await folderSource(FORMAT);
  const more = `{'x': 1} AS s, [1, 2] AS l, 'ab'::BLOB AS b, 'nan'::DOUBLE AS d`;
  await source.write(
    'a.parquet',
    await parquet(`SELECT 'p' || i AS id, ${AT} AS at, i::DECIMAL(18,2) AS amount FROM range(1, 5001) r(i)`),
  );
  await source.write('b [1].parquet', await parquet(GOOD));
  await source.write('year=2026/c.parquet', await parquet(`SELECT *, ${more} FROM (${GOOD})`));
  expect(await source.land()).toMatchObject({ collected: 3, rows: 5002, rejected: 0, parked: [] });
  const [entry] = await source.entries();
  expect(entry?.items?.map(({ spans }) => spans)).toEqual([
    [{ object: 0, firstRow: 1, records: 5000, firstRecord: 1 }],
    [{ object: 0, firstRow: 5001, records: 1, firstRecord: 1 }],
    [{ object: 1, firstRow: 1, records: 1, firstRecord: 1 }],
  ]);
  const rows = await source.rows(entry, 'id, amount, _row, _op, _extra');
  expect(rows[2047]).toEqual({ id: 'p2048', amount: '2048.00', _row: '2048', _op: 'I', _extra: null });
  expect(rows[5000]).toMatchObject({ id: 'n1', _row: '5001' });
  expect(rows[5001]?.['_extra']).toBe('{"s":{"x":1},"l":[1,2],"b":"YWI=","d":"nan"}');
});

test('other types are taken by their text, as CSV is, and say the same by _match', async () => {
  const source = await folderSource({
    source: { format: { parquet: {} }, columns: { ref: 'string', at: 'timestamp', gross: 'decimal(18,2)' } },
    dataset: {
      feeds: {
        payments: { role: 'batch', visible: 'publish', map: { id: 'ref', amount: 'gross' } },
        events: { role: 'speed', visible: 'commit', map: {} },
      },
      gate: { ...PAYMENTS.gate, compare: ['amount', 'at'] },
    },
  });
  await source.write(
    'a.parquet',
    await parquet(`SELECT 'p1' AS ref, ${AT} AS at, 12.5::DECIMAL(18,2) AS gross`),
  );
  await source.write(
    'b.parquet',
    await parquet(`SELECT 'p1' AS ref, timestamp '2026-11-20 10:00:00' AS at, 12.5::DOUBLE AS gross`),
  );
  await source.write(
    'c.parquet',
    await parquet(`SELECT 'p1' AS ref, '2026-11-20T10:00:00Z' AS at, '12.50' AS gross`),
  );
  expect(await source.land()).toMatchObject({ collected: 3, rows: 3, rejected: 0, parked: [] });
  const [entry] = await source.entries();
  const match = { _match: '6393394952830678729' };
  expect(await source.rows(entry, '_match')).toEqual([match, match, match]);
});

test('a record that cannot be a row is in quarantine, with its number and what it has', async () => {
  const source = await folderSource(FORMAT);
  const values = [
    `('p1', ${AT}, 1.005)`,
    `('p2', ${AT}, 2.25)`,
    `(NULL, ${AT}, 3)`,
    `('p4', timestamptz '1970-01-01 00:00:00+00', 4)`,
    `('p5', timestamptz 'infinity', 5)`,
  ];
  await source.write(
    'a.parquet',
    await parquet(`SELECT * FROM (VALUES ${values.join(', ')}) t(id, "at", amount)`),
  );
  expect(await source.land()).toMatchObject({ collected: 1, rows: 1, rejected: 4 });
  const [entry] = await source.entries();
  expect(await source.rows(entry, 'id, amount, _row')).toEqual([{ id: 'p2', amount: '2.25', _row: '2' }]);
  const rejected = await source.rejected(entry);
  expect(rejected.map(({ record, line, reason, column }) => [record, line, reason, column])).toEqual([
    [1, undefined, 'NotADecimal(18,2)', 'amount'],
    [3, undefined, 'Missing', 'id'],
    [4, undefined, 'EventTimeOutOfRange', 'at'],
    [5, undefined, 'NotATimestamp', 'at'],
  ]);
  expect(rejected[0]?.message).toBe(
    'record 1: amount has "1.005"; right would be a decimal with at most 16 digits before the point and 2 after it',
  );
  expect(Buffer.from(rejected[0]?.bytes ?? '', 'base64').toString()).toMatch(
    /^\{"id":"p1","at":"2026-11-20 /,
  );
});

const BAD_FILES = [
  [
    'that is cut short',
    async () => (await parquet(GOOD)).subarray(0, -20),
    /^DuckDB says ".*a\.parquet.*"; right would be a whole Parquet file$/,
  ],
  [
    'of text',
    async () => Buffer.from('id,at,amount\n'),
    /^DuckDB says ".*"; right would be a whole Parquet file$/,
  ],
  ['of 0 bytes', async () => Buffer.alloc(0), /^DuckDB says ".*"; right would be a whole Parquet file$/],
  [
    'with a broken page',
    async () => {
      const bytes = await parquet(
        `SELECT 'p' || random() AS id, ${AT} AS at, 1::DECIMAL(18,2) AS amount FROM range(4000)`,
      );
      return Buffer.concat([bytes.subarray(0, 60), Buffer.alloc(4000, 0xff), bytes.subarray(4060)]);
    },
    /^DuckDB says ".*"; right would be a whole Parquet file$/,
  ],
  [
    'without a declared column',
    () => parquet(`SELECT 'p1' AS id, ${AT} AS at`),
    /^the header has no column amount: it is id, at; right would be id, at, amount$/,
  ],
  [
    'with a list for a number',
    () => parquet(`SELECT 'p1' AS id, ${AT} AS at, [1] AS amount`),
    /^column amount is INTEGER\[\]; right would be DECIMAL\(18,2\), or a type whose values decimal\(18,2\) holds$/,
  ],
  [
    'with bytes for a text',
    () => parquet(`SELECT 'p1'::BLOB AS id, ${AT} AS at, 1 AS amount`),
    /^column id is BLOB; right would be VARCHAR, or a type whose values string holds$/,
  ],
] as const;

test.each(BAD_FILES)('a Parquet file %s parks alone, once', async (_, content, message) => {
  const source = await folderSource(FORMAT);
  await source.write('a.parquet', await content());
  await source.write('b.parquet', await parquet(GOOD));
  const landed = await source.land();
  expect(landed).toMatchObject({
    collected: 1,
    rows: 1,
    entries: 1,
    parked: [{ item: 'a.parquet', failure: 'BadFile' }],
  });
  expect(landed?.parked[0]?.message).toMatch(message);
  expect(await source.list()).toMatchObject({ manifest: null });
});

test('a Parquet file that only a port can read is copied for DuckDB, and its copy is gone afterwards', async () => {
  const source = await folderSource({
    ...FORMAT,
    wrap: (files): FileFolder => ({
      listsInOrder: files.listsInOrder,
      list: (folder, signal) => files.list(folder, signal),
      stat: (folder, item, signal) => files.stat(folder, item, signal),
      read: (folder, item, of, signal) => files.read(folder, item, of, signal),
      path: () => undefined,
    }),
  });
  const content = await parquet(GOOD);
  await source.write('a.parquet', content);
  expect(await source.land()).toMatchObject({ collected: 1, rows: 1 });
  const [entry] = await source.entries();
  expect(await readdir(source.scratch)).toEqual([]);
  const key = entry?.raw[0]?.uri.replace('s3://test-lake/', '') ?? '';
  expect(await source.store.get(key, new AbortController().signal)).toEqual(content);
  expect(await source.rows(entry, '_hash')).toEqual([{ _hash: '7043648126045305915' }]);
});
