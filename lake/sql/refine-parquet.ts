import type { ColumnType, Columns } from '../spec.ts';
import { type Problem, firstProblem, foundText, notLossless, typed } from './refine-cast.ts';
import type { RefineStatements } from './refine-csv.ts';
import { type Mapping, mappingProblems, matchSql } from './refine-mapping.ts';
import { duckType, framedHash, ident, literal } from './text.ts';

/** A column of a Parquet file, and its type as DuckDB names it. */
export interface ParquetColumn {
  readonly name: string;
  readonly type: string;
}

export interface ParquetRefine {
  /** Local files with this one schema, in the order of `_row`. */
  readonly paths: readonly string[];
  /** Every declared column is among them, with a type that fits it. */
  readonly schema: readonly ParquetColumn[];
  readonly columns: Columns;
  readonly mapping?: Mapping;
  readonly nowUs: number;
}

/**
 * The refine of Parquet files as DuckDB statements. A value of another type than the declared one is taken by its
 * text, by the rules that CSV has; `_hash` frames all columns as text. A record in quarantine is a JSON object.
 */
export function refineParquet({ paths, schema, columns, mapping, nowUs }: ParquetRefine): RefineStatements {
  const names = Object.entries(columns);
  const own = (column: string) => `s${schema.findIndex(({ name }) => name === column)}`;
  const text = (column: string) => `${own(column)}::VARCHAR`;
  const value = (column: string) => `v${names.findIndex(([name]) => name === column)}`;
  const typeOf = (column: string) => schema.find(({ name }) => name === column)?.type ?? '';
  const problems = [
    ...names.flatMap(([name, type]) =>
      isOwnType(typeOf(name), type)
        ? notFinite(name, own(name), text(name), type)
        : (notLossless(name, text(name), value(name), type) ?? []),
    ),
    ...(mapping ? mappingProblems(mapping, value, text, nowUs) : []),
  ];
  const match = mapping && matchSql(mapping, value);
  const member = ({ name, type }: ParquetColumn) => `${literal(name)}, ${jsonOf(own(name), type)}`;
  const extra = schema.filter(({ name }) => !(name in columns)).map(member);
  const sources = schema.map(({ name }, index) => `${ident(name)} AS s${index}`);
  const values = names.map(([name, type], index) =>
    isOwnType(typeOf(name), type) ? `${own(name)} AS v${index}` : `${typed(text(name), type)} AS v${index}`,
  );
  const hash = framedHash(schema.map(({ name }) => text(name)));
  const files = `[${paths.map(literal).join(', ')}], hive_partitioning=false`;
  // All is made below the row number: no filter passes it, so that nothing is made twice.
  const graded = (...more: string[]) => `WITH t AS (SELECT ${sources.join(', ')} FROM read_parquet(${files})),
  v AS (SELECT *, ${values.join(', ')} FROM t),
  g AS (SELECT *, ${firstProblem(problems)} AS why FROM v),
  m AS (SELECT ${['why', ...more].join(', ')} FROM g),
  r AS (SELECT *, row_number() OVER () AS n FROM m)`;
  const made = [
    ...names.map((_, index) => `v${index}`),
    `${hash} AS hash`,
    ...(match === undefined ? [] : [`${match} AS match`]),
    `${extra.length === 0 ? 'NULL' : `json_object(${extra.join(', ')})`}::VARCHAR AS extra`,
  ];
  const stored = [
    ...names.map(([name]) => `${value(name)} AS ${ident(name)}`),
    'n AS _row',
    `'I' AS _op`,
    'hash AS _hash',
    ...(match === undefined ? [] : ['match AS _match']),
    'extra AS _extra',
  ];
  const whole = `CASE WHEN why IS NOT NULL THEN json_object(${schema.map(member).join(', ')})::VARCHAR END AS record`;
  const found = `CASE WHEN why IS NOT NULL THEN ${foundText(problems, 'why')} END AS found`;
  return {
    rows: `${graded(...made)} SELECT ${stored.join(', ')} FROM r WHERE why IS NULL`,
    problemRows: `${graded(found, whole)} SELECT n, why, found, record FROM r WHERE why IS NOT NULL ORDER BY n`,
    problems,
  };
}

const WHOLE = /^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/;
const NUMBER = /^(FLOAT|DOUBLE|DECIMAL.*|VARCHAR)$/;
const FITTING: Readonly<Record<string, RegExp>> = {
  string: /^(?!.*(BLOB|BIT|\[|STRUCT|MAP|UNION|VARIANT|GEOMETRY))/,
  boolean: /^(BOOLEAN|VARCHAR)$/,
  double: NUMBER,
  date: /^(DATE|VARCHAR)$/,
  timestamp: /^(TIMESTAMP.*|DATE|VARCHAR)$/,
  integer: /^VARCHAR$/,
  bigint: /^VARCHAR$/,
};

/** What is wrong with the types of a file as a whole; undefined when each declared column may hold its values. */
export function typeProblem(schema: readonly ParquetColumn[], columns: Columns): string | undefined {
  for (const { name, type } of schema) {
    const declared = columns[name];
    if (declared === undefined || isFitting(type, declared)) continue;
    return `column ${name} is ${type}; right would be ${duckType(declared)}, or a type whose values ${declared} holds`;
  }
  return undefined;
}

function isFitting(type: string, declared: ColumnType): boolean {
  if (WHOLE.test(type)) return !['boolean', 'date', 'timestamp'].includes(declared);
  if (type.endsWith(']')) return false;
  return (FITTING[declared] ?? NUMBER).test(type);
}

function isOwnType(type: string, declared: ColumnType): boolean {
  return type === (declared === 'timestamp' ? 'TIMESTAMP WITH TIME ZONE' : duckType(declared));
}

const NOT_FINITE: Readonly<Record<string, string>> = {
  double: 'NotADouble',
  date: 'NotADate',
  timestamp: 'NotATimestamp',
};

function notFinite(column: string, own: string, found: string, type: ColumnType): Problem[] {
  const reason = NOT_FINITE[type];
  if (reason === undefined) return [];
  return [{ when: `NOT isfinite(${own})`, reason, column, found, right: 'a finite value' }];
}

/** A value within a JSON object: JSON has no bytes, and no number that is not finite. */
export function jsonOf(own: string, type: string): string {
  if (type === 'BLOB') return `base64(${own})`;
  if (type === 'FLOAT' || type === 'DOUBLE')
    return `CASE WHEN isfinite(${own}) THEN to_json(${own}) ELSE to_json(${own}::VARCHAR) END`;
  return own;
}
