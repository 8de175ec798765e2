import { DuckDBInstance } from '@duckdb/node-api';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeAirports } from '../../sample/airports.ts';
import { flightsParquet, writeFlights } from '../../sample/flights.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sample flights' "));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a cut of 14 days holds exactly the rows that the Parquet file has of these days', async () => {
  const dir = join(folder, 'two weeks');
  const cut = await writeFlights({ dir, days: 14 });
  expect(cut).toMatchObject({
    days: 14,
    first: '2001-01-01',
    last: '2001-01-14',
    rows: 228_738,
    duplicates: 14,
  });
  const csv = `SELECT * FROM read_csv('${join(dir, '*.csv').replaceAll("'", "''")}', auto_detect = false, header = true,
    columns = {date: 'TIMESTAMP', delay: 'BIGINT', distance: 'BIGINT', origin: 'VARCHAR', destination: 'VARCHAR'})`;
  const real = `SELECT * FROM '${flightsParquet()}' WHERE date < TIMESTAMP '2001-01-15'`;
  expect(await count(`(${csv}) EXCEPT ALL (${real})`)).toBe(0);
  expect(await count(`(${real}) EXCEPT ALL (${csv})`)).toBe(0);
});

test('a file begins with its header, keeps the order of the rows and names its day', async () => {
  const dir = join(folder, 'one day');
  const cut = await writeFlights({ dir, days: 1 });
  expect(await readdir(dir)).toEqual(['flights-2001-01-01.csv']);
  const text = await readFile(cut.files[0] ?? '', 'utf8');
  expect(text.split('\n').slice(0, 3)).toEqual([
    'date,delay,distance,origin,destination',
    '2001-01-01T00:01:00,33,2176,LAS,PHL',
    '2001-01-01T00:01:00,19,215,ATL,SAV',
  ]);
  expect(text.endsWith('\n')).toBe(true);
  expect(text).not.toContain('\r');
});

test('cutting again leaves the same bytes and the same old times', async () => {
  const dir = join(folder, 'again');
  const before = await digests((await writeFlights({ dir, days: 2 })).files);
  const after = await writeFlights({ dir, days: 2 });
  expect(await digests(after.files)).toEqual(before);
  expect((await stat(after.files[1] ?? '')).mtime.toISOString()).toBe('2002-01-01T00:00:00.000Z');
});

test('the whole cut has 3,000,000 rows in 182 files, 191 of them copies', async () => {
  const cut = await writeFlights({ dir: join(folder, 'all'), days: 'all' });
  expect({ ...cut, files: cut.files.length }).toEqual({
    files: 182,
    rows: 3_000_000,
    days: 182,
    first: '2001-01-01',
    last: '2001-07-01',
    duplicates: 191,
  });
});

test('a number of days that the data does not have is refused', async () => {
  await expect(writeFlights({ dir: folder, days: 183 })).rejects.toThrow('days is 183, and there are 182');
  await expect(writeFlights({ dir: folder, days: 0 })).rejects.toThrow('days is 0');
});

test('the airports are the 3,376 of the package', async () => {
  const { file, rows } = await writeAirports({ dir: join(folder, 'airports') });
  expect(rows).toBe(3376);
  expect((await readFile(file, 'utf8')).split('\n')[0]).toBe(
    'iata,name,city,state,country,latitude,longitude',
  );
});

async function count(sql: string): Promise<number> {
  const database = await DuckDBInstance.create();
  const connection = await database.connect();
  const [row] = (await connection.runAndReadAll(`SELECT count(*) FROM (${sql})`)).getRowsJson();
  connection.closeSync();
  database.closeSync();
  return Number(row?.[0]);
}

function digests(files: readonly string[]): Promise<readonly string[]> {
  return Promise.all(
    files.map(async (file) =>
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    ),
  );
}
