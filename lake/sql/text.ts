import type { ColumnType, Partitioning } from '../spec.ts';

/** A column or table name in DuckDB. */
export function ident(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text constant in DuckDB. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The DuckDB type of a declared column. */
export function duckType(type: ColumnType): string {
  switch (type) {
    case 'string':
      return 'VARCHAR';
    case 'boolean':
      return 'BOOLEAN';
    case 'integer':
      return 'INTEGER';
    case 'bigint':
      return 'BIGINT';
    case 'double':
      return 'DOUBLE';
    case 'date':
      return 'DATE';
    case 'timestamp':
      return 'TIMESTAMPTZ';
    default:
      return type.toUpperCase();
  }
}

/**
 * 63 bits over framed texts: each as its UTF-8 byte length, `:`, and its bytes; `-1:` for null. The texts are SQL
 * expressions of type VARCHAR. No unsigned type, for the sake of Spark and Iceberg.
 */
export function framedHash(texts: readonly string[]): string {
  return `(md5_number_lower(${framed(texts)}) >> 1)::BIGINT`;
}

/** The framed text itself, for hashes and bucket numbers. */
export function framed(texts: readonly string[]): string {
  return `concat(${texts.map((text) => `coalesce(strlen(${text}), -1), ':', ${text}`).join(', ')})`;
}

/** Canonical text of a typed value, for `_match` and keys: decimals at their scale, timestamps as microseconds. */
export function canonicalText(expression: string, type: ColumnType): string {
  if (type === 'string') return expression;
  if (type === 'timestamp') return `epoch_us(${expression})::VARCHAR`;
  return `${expression}::VARCHAR`;
}

/**
 * The partition's number (`lake/partition.ts` names it) as a BIGINT. `column` is a SQL expression of a TIMESTAMPTZ
 * (or DATE) under `time`; `key` are canonical texts of the key's columns.
 */
export function partitionNumberSql(
  partitioning: Partitioning,
  column: string,
  key: readonly string[],
): string {
  if (partitioning.kind === 'whole') return '0::BIGINT';
  if (partitioning.kind === 'bucket')
    return `(md5_number_lower(${framed(key)}) % ${partitioning.buckets})::BIGINT`;
  // date_trunc on TIMESTAMPTZ costs several times as much as integer division. Floors before 1970 too.
  const us = `epoch_us(${column})`;
  const floor = (unit: string) => `(${us} - ((${us} % ${unit}) + ${unit}) % ${unit}) // ${unit}`;
  switch (partitioning.unit) {
    case 'hour':
      return floor('3600000000');
    case 'day':
      return floor('86400000000');
    case 'month':
      return `((year(${column}) - 1970) * 12 + month(${column}) - 1)::BIGINT`;
  }
}
