import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { mkdir, rename, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { LONG_AGO, vegaFile } from './vega.ts';

export interface FlightsSample {
  /** Paths, in the order of their days. */
  readonly files: readonly string[];
  readonly rows: number;
  readonly days: number;
  /** The first and the last day, as `2001-01-01`. */
  readonly first: string;
  readonly last: string;
  /** Rows beyond the first of each that is alike in all five columns. */
  readonly duplicates: number;
}

/** The real rows, for whoever checks a lake against them. */
export function flightsParquet(): string {
  return vegaFile('flights-3m.parquet');
}

/**
 * The folder holds one `flights-2001-01-01.csv` a day, from the first day on: header, LF, the rows in the order and
 * with the values of the Parquet file. The same call writes the same bytes; files of other days are left alone.
 */
export async function writeFlights({
  dir,
  days,
}: {
  readonly dir: string;
  readonly days: number | 'all';
}): Promise<FlightsSample> {
  if (days !== 'all' && (!Number.isInteger(days) || days < 1)) {
    throw new RangeError(`days is ${days}: give a whole number from 1, or 'all'`);
  }
  await mkdir(dir, { recursive: true });
  const database = await DuckDBInstance.create();
  const connection = await database.connect();
  try {
    const chosen = await loadDays(connection, days);
    const files: string[] = [];
    for (const day of chosen) files.push(await writeDay(connection, dir, day));
    const [counts] = await texts(
      connection,
      'SELECT (SELECT count(*) FROM flights), (SELECT count(*) FROM (SELECT DISTINCT * FROM flights))',
    );
    const rows = Number(counts?.[0]);
    return {
      files,
      rows,
      days: files.length,
      first: chosen[0] ?? '',
      last: chosen.at(-1) ?? '',
      duplicates: rows - Number(counts?.[1]),
    };
  } finally {
    connection.closeSync();
    database.closeSync();
  }
}

/** `flights` holds the chosen days, in the order of the file. */
async function loadDays(connection: DuckDBConnection, days: number | 'all'): Promise<readonly string[]> {
  const all = await texts(
    connection,
    `SELECT DISTINCT strftime(date, '%Y-%m-%d') AS day FROM read_parquet(${literal(flightsParquet())}) ORDER BY day`,
  );
  const chosen = all.map(([day]) => String(day)).slice(0, days === 'all' ? undefined : days);
  if (days !== 'all' && chosen.length < days) {
    throw new RangeError(`days is ${days}, and there are ${all.length}: give at most these, or 'all'`);
  }
  await connection.run(
    `CREATE TEMP TABLE flights AS SELECT * FROM read_parquet(${literal(flightsParquet())})
     WHERE date < DATE '${chosen.at(-1)}' + INTERVAL 1 DAY`,
  );
  return chosen;
}

async function writeDay(connection: DuckDBConnection, dir: string, day: string): Promise<string> {
  const file = join(dir, `flights-${day}.csv`);
  // A timestamp as text shows a fraction exactly where there is one, so nothing is cut.
  await connection.run(
    `COPY (SELECT replace(date::VARCHAR, ' ', 'T') AS date, delay, distance, origin, destination FROM flights
       WHERE date >= DATE '${day}' AND date < DATE '${day}' + INTERVAL 1 DAY)
     TO ${literal(`${file}.part`)} (FORMAT csv, HEADER true)`,
  );
  await utimes(`${file}.part`, LONG_AGO, LONG_AGO);
  await rename(`${file}.part`, file);
  return file;
}

async function texts(connection: DuckDBConnection, sql: string): Promise<readonly (readonly unknown[])[]> {
  return (await connection.runAndReadAll(sql)).getRowsJson();
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
