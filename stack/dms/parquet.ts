import { stat } from 'node:fs/promises';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { Column } from './kinds.ts';

const LARGEST_ROW_BYTES = 64 << 20;
const SMALLEST_BUFFER_BYTES = 64 << 10;

/** A value does not fit its column. */
export class ConversionError extends Error {}

let opened: Promise<DuckDBConnection> | undefined;

/**
 * Writes the Parquet file `to` from the CSV file `from`, whose values are all quoted and whose nulls are not. DuckDB
 * works on threads of its own, one file at a time. Rejects when a value does not fit its column.
 */
export async function csvToParquet(
  from: string,
  to: string,
  columns: readonly Column[],
  options: { readonly gzip: boolean; readonly milliseconds: boolean },
): Promise<void> {
  opened ??= open();
  const connection = await opened;
  // Buffers as large as a long row needs and no larger than the file: they are allocated whole.
  const line = Math.min(LARGEST_ROW_BYTES, (await stat(from)).size + SMALLEST_BUFFER_BYTES);
  const read = [...columns.keys(), columns.length].map((at) => `'c${at}': 'VARCHAR'`).join(', ');
  const list = columns.map(
    (column, at) => `${cast(column, `c${at}`, options.milliseconds)} AS ${name(column.name)}`,
  );
  const written = connection.run(
    `COPY (SELECT ${list.join(', ')} FROM read_csv(${text(from)}, auto_detect = false, header = false, delim = ',',
       quote = '"', escape = '"', nullstr = '', allow_quoted_nulls = false, parallel = false, new_line = '\\n',
       max_line_size = ${line}, buffer_size = ${2 * line}, columns = {${read}}))
     TO ${text(to)} (FORMAT parquet, COMPRESSION ${options.gzip ? 'gzip' : 'uncompressed'})`,
  );
  await written.catch((error: unknown) => {
    throw new ConversionError(error instanceof Error ? error.message : String(error));
  });
}

async function open(): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '512MB' });
  const connection = await instance.connect();
  await connection.run('SET autoinstall_known_extensions = false; SET autoload_known_extensions = false');
  await connection.run('SET preserve_insertion_order = true');
  return connection;
}

function cast({ kind, precision, scale }: Column, value: string, milliseconds: boolean): string {
  if (kind === 'text') return value;
  if (kind === 'bytes') return `unhex(${value})`;
  if (kind === 'decimal') return `CAST(${value} AS DECIMAL(${precision}, ${scale}))`;
  if (kind === 'timestamp' && milliseconds) return `CAST(${value} AS TIMESTAMP_MS)`;
  return `CAST(${value} AS ${kind})`;
}

function name(column: string): string {
  return `"${column.replaceAll('"', '""')}"`;
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
