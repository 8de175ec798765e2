/** What a column holds, as far as landing it goes. Arrays, enumerations, JSON and all others are text. */
export type Kind =
  | 'boolean'
  | 'smallint'
  | 'integer'
  | 'bigint'
  | 'real'
  | 'double'
  | 'decimal'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'bytes'
  | 'text';

export interface Column {
  readonly name: string;
  readonly kind: Kind;
  /** Of a decimal. */
  readonly precision?: number;
  readonly scale?: number;
}

const KINDS: Readonly<Record<number, Kind>> = {
  16: 'boolean',
  17: 'bytes',
  20: 'bigint',
  21: 'smallint',
  23: 'integer',
  700: 'real',
  701: 'double',
  1082: 'date',
  1083: 'time',
  1114: 'timestamp',
  1184: 'timestamp',
};
const NUMERIC = 1700;
const HEADER_BYTES = 4;
/** DMS gives this to a numeric without bounds, and so do we where Parquet cannot hold more digits. */
const UNBOUNDED = { precision: 28, scale: 6 } as const;
const MOST_DIGITS = 38;

/** The column by Postgres's type oid and modifier. */
export function columnOf(name: string, oid: number, modifier: number): Column {
  if (oid !== NUMERIC) return { name, kind: KINDS[oid] ?? 'text' };
  if (modifier < HEADER_BYTES) return { name, kind: 'decimal', ...UNBOUNDED };
  const bits = modifier - HEADER_BYTES;
  const [precision, scale] = [(bits >> 16) & 0xffff, bits & 0x7ff];
  return precision > MOST_DIGITS ? { name, kind: 'text' } : { name, kind: 'decimal', precision, scale };
}

/** A value as DMS writes it, from the text that Postgres writes in UTC. */
export function landed(kind: Kind, text: string): string {
  if (kind === 'boolean') return text === 't' ? 'true' : 'false';
  if (kind === 'bytes') return text.startsWith('\\x') ? text.slice(2) : text;
  if (kind !== 'timestamp') return text;
  const found = /^(\d{4,}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?:\+00)?$/.exec(text);
  return found ? `${found[1]}.${(found[2] ?? '').padEnd(6, '0')}` : text;
}
