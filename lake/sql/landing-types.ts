import type { LandingColumns } from '../landing-columns.ts';
import type { ColumnType, Columns } from '../spec.ts';
import type { ParquetColumn } from './refine-parquet.ts';
import { duckType } from './text.ts';

/** As `string` columns have it, and `_hash`: bytes as Postgres writes them, without its `\x`. */
export function textOf(own: string, type: string): string {
  if (type === 'VARCHAR') return own;
  return type === 'BLOB' ? `lower(hex(${own}))` : `${own}::VARCHAR`;
}

const WHOLE: Readonly<Record<string, number>> = { TINYINT: 3, SMALLINT: 5, INTEGER: 10, BIGINT: 19 };

/** The value itself where every one of its type is one of the declared type: no text needs to be made of it. */
export function widened(own: string, type: string, declared: ColumnType): string | undefined {
  const wanted = duckType(declared);
  if (type === wanted) return own;
  if (declared === 'string') return textOf(own, type);
  if (declared === 'timestamp' && type === 'TIMESTAMP') return `make_timestamptz(epoch_us(${own}))`;
  const digits = WHOLE[type];
  const most = WHOLE[wanted];
  if (digits !== undefined && most !== undefined && digits <= most) return `${own}::${wanted}`;
  const [precision, scale] = decimalOf(wanted) ?? [0, 0];
  if (digits !== undefined && precision - scale >= digits) return `${own}::${wanted}`;
  const [from, places] = decimalOf(type) ?? [];
  if (from === undefined || places === undefined || places > scale || from - places > precision - scale)
    return undefined;
  return `${own}::${wanted}`;
}

function decimalOf(type: string): readonly [number, number] | undefined {
  const [, precision, scale] = /^DECIMAL\((\d+),\s*(\d+)\)$/.exec(type) ?? [];
  return precision === undefined ? undefined : [Number(precision), Number(scale)];
}

/** What is wrong with the types of a landing as a whole; undefined where each declared column may hold its values. */
export function landingTypeProblem(
  schema: readonly ParquetColumn[],
  { declared }: Pick<LandingColumns, 'declared'>,
  columns: Columns,
): string | undefined {
  for (const [name, at] of Object.entries(declared)) {
    const { type = '', name: own = '' } = schema[at] ?? {};
    const wanted = columns[name];
    if (wanted === undefined || mayHold(type, wanted)) continue;
    return `column ${own} is ${type}; right would be ${duckType(wanted)}, or a type whose values ${wanted} holds`;
  }
  return undefined;
}

const NESTED = /\[\]$|^(STRUCT|MAP|UNION|VARIANT|GEOMETRY|BIT)/;

function mayHold(type: string, declared: ColumnType): boolean {
  if (type === 'VARCHAR' || widened('c', type, declared) !== undefined) return !NESTED.test(type);
  if (NESTED.test(type)) return false;
  if (declared === 'boolean' || declared === 'date') return false;
  if (declared === 'timestamp') return type.startsWith('TIMESTAMP') || type === 'DATE';
  return /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL.*)$/.test(type);
}
