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

/** A column where it comes from. */
export interface SourceColumn extends Column {
  /** Part of the primary key. */
  readonly isKey: boolean;
  /** DMS counts it among the large objects. */
  readonly isLob: boolean;
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
const VARCHAR = 1043;
/** bytea, text, json, xml, tsvector, tsquery, jsonb, and the arrays of common types. */
const LOBS: readonly number[] = [
  17, 25, 114, 142, 199, 1000, 1001, 1005, 1007, 1009, 1014, 1015, 1016, 1021, 1022, 1115, 1182, 1183, 1185,
  1231, 2951, 3614, 3615, 3802, 3807,
];
const HEADER_BYTES = 4;
/** DMS gives this to a numeric without bounds, and so do we where Parquet cannot hold more digits. */
const UNBOUNDED = { precision: 28, scale: 6 } as const;
const MOST_DIGITS = 38;

/** The column by Postgres's type oid and modifier. */
function columnOf(name: string, oid: number, modifier: number): Column {
  if (oid !== NUMERIC) return { name, kind: KINDS[oid] ?? 'text' };
  if (modifier < HEADER_BYTES) return { name, kind: 'decimal', ...UNBOUNDED };
  const bits = modifier - HEADER_BYTES;
  const [precision, scale] = [(bits >> 16) & 0xffff, bits & 0x7ff];
  return precision > MOST_DIGITS ? { name, kind: 'text' } : { name, kind: 'decimal', precision, scale };
}

/** As `columnOf`, with what before-images ask of a column. */
export function sourceColumn(name: string, oid: number, modifier: number, isKey: boolean): SourceColumn {
  const isLob = LOBS.includes(oid) || (oid === VARCHAR && modifier < HEADER_BYTES);
  return { ...columnOf(name, oid, modifier), isKey, isLob };
}

/** A value as DMS writes it, from the text that Postgres writes in UTC. */
export function landed(kind: Kind, text: string): string {
  if (kind === 'boolean') return text === 't' ? 'true' : 'false';
  if (kind === 'bytes') return text.startsWith('\\x') ? text.slice(2) : text;
  if (kind !== 'timestamp') return text;
  const found = /^(\d{4,}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?:\+00)?$/.exec(text);
  return found ? `${found[1]}.${(found[2] ?? '').padEnd(6, '0')}` : text;
}
