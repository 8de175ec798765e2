import type { ColumnType } from '../spec.ts';
import { ident } from './text.ts';

/** A column as both sides have it. */
export interface ComparedColumn {
  /** In the dataset. */
  readonly column: string;
  readonly type: ColumnType;
  /** In the database. */
  readonly source: string;
  /** The type's name in `pg_type`, of a domain that of its base: `int4`, `numeric`, `timestamptz`. */
  readonly sourceType: string;
  /** As SQL writes it: `numeric(38,10)`, `shop.mood`. */
  readonly sourceForm: string;
}

const WHOLE = new Set(['int2', 'int4', 'int8']);
const FLOAT = new Set(['float4', 'float8']);
const STAMP = new Set(['timestamp', 'timestamptz']);

/**
 * The text that stands for a value, in Postgres: the one that `lakeText` makes of the same value. Undefined where the
 * lake's type cannot hold what the column holds. Needs a session with `TimeZone` UTC and `DateStyle` ISO.
 */
export function databaseText({ source, sourceType, type }: ComparedColumn): string | undefined {
  const value = ident(source);
  const isNumber = WHOLE.has(sourceType) || sourceType === 'numeric';
  switch (type) {
    case 'string':
      // How DMS writes an instant depends on the file's format, so as text it has no one form.
      if (STAMP.has(sourceType)) return undefined;
      return sourceType === 'bytea' ? `encode(${value}, 'hex')` : `${value}::text`;
    case 'boolean':
      return sourceType === 'bool' ? `${value}::text` : undefined;
    case 'integer':
    case 'bigint':
      if (WHOLE.has(sourceType)) return `${value}::text`;
      return sourceType === 'numeric' ? scaled(value, 0) : undefined;
    case 'double':
      return isNumber || FLOAT.has(sourceType) ? `${value}::float8::text` : undefined;
    case 'date':
      return sourceType === 'date' ? finite(value, `(${value} - date '1970-01-01')`) : undefined;
    case 'timestamp':
      if (sourceType === 'date') return finite(value, microseconds(`${value}::timestamp`));
      return STAMP.has(sourceType) ? finite(value, microseconds(value)) : undefined;
    default: {
      const scale = Number(/,(\d+)/.exec(type)?.[1] ?? 0);
      if (isNumber) return scaled(`${value}::numeric`, scale);
      return FLOAT.has(sourceType) ? scaled(`${value}::text::numeric`, scale) : undefined;
    }
  }
}

/** The text that stands for a value, in DuckDB. */
export function lakeText({ column, sourceType, type }: ComparedColumn): string {
  const value = ident(column);
  switch (type) {
    case 'string':
      // Of char(n), trailing blanks mean nothing.
      return sourceType === 'bpchar' ? `rtrim(${value}, ' ')` : value;
    case 'double':
      return doubleText(sourceType === 'float4' ? `${value}::FLOAT::DOUBLE` : value);
    case 'date':
      return `(${value} - DATE '1970-01-01')::VARCHAR`;
    case 'timestamp':
      return `epoch_us(${value})::VARCHAR`;
    case 'boolean':
    case 'integer':
    case 'bigint':
      return `${value}::VARCHAR`;
    default: {
      const [precision, scale] = /\d+,\d+/.exec(type)?.[0].split(',') ?? [];
      // Without digits before the point, DuckDB writes none.
      return precision === scale
        ? `CASE WHEN ${value} < 0 THEN '-0' ELSE '0' END || ltrim(${value}::VARCHAR, '-')`
        : `${value}::VARCHAR`;
    }
  }
}

/** A value of the column's own type in Postgres from its text, so that an index finds it. */
export function databaseValue({ sourceType, sourceForm, type }: ComparedColumn, text: string): string {
  if (sourceType === 'bytea') return `decode(${text}, 'hex')`;
  if (type === 'date') return `(date '1970-01-01' + ${text}::int)`;
  if (type === 'timestamp') {
    // Of whole numbers: a text of microseconds would go through a float.
    const whole = `${text}::bigint`;
    const instant = `(timestamp 'epoch' + (${whole} / 1000000) * interval '1 second' + (${whole} % 1000000) * interval '1 microsecond')`;
    return sourceType === 'timestamptz' ? `(${instant} AT TIME ZONE 'UTC')` : `${instant}::${sourceForm}`;
  }
  return `${text}::${sourceForm}`;
}

// Places that the lake's scale has no room for are kept, so that they differ.
function scaled(value: string, scale: number): string {
  return `CASE WHEN ${value} = round(${value}, ${scale}) THEN round(${value}, ${scale})::text ELSE ${value}::text END`;
}

function finite(value: string, text: string): string {
  return `CASE WHEN isfinite(${value}) THEN ${text}::text ELSE ${value}::text END`;
}

// Before version 14 an epoch with a fraction is a float; its whole seconds are exact in every version.
function microseconds(value: string): string {
  return `(extract(epoch FROM date_trunc('second', ${value}))::bigint * 1000000 + extract(microseconds FROM ${value})::bigint % 1000000)`;
}

// Postgres writes whole numbers without a point, and those from 1e15 on with an exponent.
function doubleText(value: string): string {
  const digits = `rtrim(replace(abs(${value})::VARCHAR, '.', ''), '0')`;
  const long = `CASE WHEN ${value} < 0 THEN '-' ELSE '' END || left(${digits}, 1)
    || CASE WHEN length(${digits}) > 1 THEN '.' || substr(${digits}, 2) ELSE '' END || 'e+15'`;
  return `CASE WHEN abs(${value}) >= 1e15 AND abs(${value}) < 1e16 THEN ${long}
    ELSE regexp_replace(${value}::VARCHAR, '[.]0$', '') END`;
}
