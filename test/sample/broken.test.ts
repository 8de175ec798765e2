import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { backwardsRevision, oddRecords } from '../../sample/broken-records.ts';
import {
  flightRows,
  oddNames,
  settlementRows,
  writeBrokenQuote,
  writeEmpty,
  writeInvalidUtf8,
  writeMissingColumn,
  writeMixedLineEndings,
  writeOddNames,
  writeTruncatedGzip,
  writeWrongFieldCounts,
  writeWrongTypes,
} from '../../sample/broken.ts';

const SETTLEMENTS = settlementRows('2026-03-01');
const FLIGHTS = flightRows('2001-01-15');
let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sample broken '));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

test('the quote that opens on line 4 never closes', async () => {
  const { path, says } = await writeBrokenQuote({ dir, shape: FLIGHTS, name: 'flights-2001-01-15.csv' });
  const lines = (await readFile(path, 'utf8')).split('\n');
  expect(says).toEqual({ outcome: 'parks', reason: 'quote', line: 4 });
  expect(lines[3]).toBe('"2001-01-15T00:03:00,-2,103,QQQ,JFK');
  expect(lines.join('').split('"').length - 1).toBe(1);
});

test('the places of wrong types are those of the wrong values', async () => {
  for (const shape of [SETTLEMENTS, FLIGHTS]) {
    const { path, says } = await writeWrongTypes({ dir, shape });
    const lines = (await readFile(path, 'utf8')).split('\n');
    if (says.outcome !== 'rows') throw new Error('wrong types leave rows');
    expect(lines.length - 2).toBe(says.rows + says.rejected.length);
    for (const [no, { record, line, column }] of says.rejected.entries()) {
      expect(line).toBe(record + 1);
      const value = lines[line - 1]?.split(',')[shape.columns.indexOf(column ?? '')];
      expect(value).toBe(shape.wrong[no]?.text);
    }
  }
});

test('records with a field too many or too few stand where they are said to', async () => {
  const { path, says } = await writeWrongFieldCounts({ dir, shape: SETTLEMENTS });
  const fields = (await readFile(path, 'utf8')).split('\n').map((line) => line.split(',').length);
  expect(fields).toEqual([6, 6, 7, 6, 5, 6, 6, 1]);
  expect(says).toEqual({
    outcome: 'rows',
    rows: 4,
    rejected: [
      { record: 2, line: 3, reason: 'FieldCount' },
      { record: 4, line: 5, reason: 'FieldCount' },
    ],
  });
});

test('one line is no UTF-8', async () => {
  const { path } = await writeInvalidUtf8({ dir, shape: SETTLEMENTS });
  const lines = (await readFile(path, 'latin1')).split('\n');
  expect(lines.map((line) => line.includes('\xff'))).toEqual([false, false, true, false, false, false]);
});

test('the truncated gzip ends unexpectedly and the empty file has no bytes', async () => {
  const gzip = await readFile((await writeTruncatedGzip({ dir, shape: SETTLEMENTS })).path);
  expect(() => gunzipSync(gzip)).toThrow('unexpected end of file');
  expect((await readFile((await writeEmpty({ dir })).path)).length).toBe(0);
});

test('the file of two line endings has both and the file without a column has five', async () => {
  const mixed = await readFile((await writeMixedLineEndings({ dir, shape: SETTLEMENTS })).path, 'utf8');
  expect([mixed.split('\r\n').length - 1, mixed.split('\n').length - 1]).toEqual([1, 7]);
  const missing = await writeMissingColumn({ dir, shape: SETTLEMENTS });
  expect((await readFile(missing.path, 'utf8')).split('\n')[0]).toBe(
    'payment_id,paid_at,gross,currency,status',
  );
  expect(missing.says).toEqual({ outcome: 'parks', reason: 'revision', line: 1 });
});

test('odd names are all on the disk, the longest with 1,000 bytes, each with a row of its own', async () => {
  const names = join(dir, 'names');
  const files = await writeOddNames({ dir: names, shape: SETTLEMENTS });
  const found = await readdir(names, { recursive: true });
  expect(found.filter((name) => name.endsWith('.csv')).toSorted()).toEqual([...oddNames()].toSorted());
  expect(Buffer.byteLength(oddNames().at(-1) ?? '')).toBe(1_000);
  const texts = await Promise.all(files.map(({ path }) => readFile(path, 'utf8')));
  expect(new Set(texts).size).toBe(oddNames().length);
});

test('odd records are as odd as they say, with a good one before each', () => {
  const records = oddRecords('2026-03-01');
  expect(records.map(({ says }) => says.outcome)).toEqual(
    Array.from({ length: 20 }, (_, no) => (no % 2 === 0 ? 'row' : 'quarantined')),
  );
  const noJson = records.filter(({ data }) => !isJson(data));
  expect(noJson).toEqual(
    records.filter(({ says }) => says.outcome === 'quarantined' && says.reason === 'NotJson'),
  );
  expect(noJson.length).toBe(3);
});

test('the revision that goes backwards comes second and loses', () => {
  const { records, wins } = backwardsRevision('2026-03-01');
  expect(records.map(({ data }) => /"revision":(\d)/.exec(data)?.[1])).toEqual(['3', '2']);
  expect(wins).toEqual({ payment_id: 'odd_000800', revision: 3, status: 'refunded' });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
