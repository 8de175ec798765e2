import type { LandingColumns } from '../landing-columns.ts';
import { mappedColumns } from '../mapping.ts';
import { CHANGE_COLUMN, type ColumnType, type Columns, type CsvDialect } from '../spec.ts';
import { TABLE_CHANNEL } from '../table-position.ts';
import { type Problem, firstProblem, foundText, notLossless, typed } from './refine-cast.ts';
import { type RefineStatements, readCsv } from './refine-csv.ts';
import { type Mapping, mappingProblems, matchSql } from './refine-mapping.ts';
import { type ParquetColumn, jsonOf } from './refine-parquet.ts';
import { duckType, framedHash, ident, literal } from './text.ts';

/** Local files with the same columns, in the order of their rows. */
export type LandingFiles =
  | {
      readonly format: 'csv';
      readonly paths: readonly string[];
      readonly header: readonly string[];
      readonly dialect: CsvDialect;
      /** Bytes of the longest record. */
      readonly longest: number;
    }
  | {
      readonly format: 'parquet';
      readonly paths: readonly string[];
      readonly schema: readonly ParquetColumn[];
    };

export interface LandingRefine {
  readonly files: LandingFiles;
  readonly bound: LandingColumns;
  /** As the feed declares them, `_change` among them. */
  readonly columns: Columns;
  readonly mapping?: Mapping;
  /** `_change` of every row of a load; `undefined` for changes, which have their own. */
  readonly loadChange?: string | null;
  readonly nowUs: number;
  /** A table with the numbers, as `n`, of the records that framing cut out; their places are taken by empty ones. */
  readonly cut?: string;
}

export interface LandingStatements extends RefineStatements {
  /** May one record become two rows? */
  readonly splits: boolean;
}

/** SQL of what a file's column holds: as text, as a value, as a member of a JSON object. */
interface Source {
  readonly from: string;
  readonly name: (at: number) => string;
  readonly text: (at: number) => string;
  readonly value: (at: number, type: ColumnType) => string;
  readonly problem: (at: number, column: string, value: string, type: ColumnType) => Problem[];
  readonly json: (at: number) => string;
  readonly width: number;
}

const OPERATIONS = `('I', 'U', 'D')`;

/**
 * The refine of landings as DuckDB statements, in one pass. `_row` is twice the number of a record; an update that
 * changes the key takes the number before too, for the delete of the old key. `_hash` frames all columns as text.
 */
export function refineLanding(refine: LandingRefine): LandingStatements {
  const { files, bound, columns, mapping, cut } = refine;
  const source = files.format === 'csv' ? csvSource(files) : parquetSource(files);
  const names = Object.entries(columns);
  const at = (column: string) => names.findIndex(([name]) => name === column);
  const value = (column: string) => `v${at(column)}`;
  const op = bound.op === undefined ? `'I'` : source.text(bound.op);
  const images = names.filter(([name]) => bound.before[name] !== undefined);
  const old = (column: string) => (bound.before[column] === undefined ? value(column) : `b${at(column)}`);
  const split = splitSql(mapping, bound, value, old);
  const splitting = split === undefined ? undefined : { condition: split, old };
  const problems = problemsOf(refine, source, value, splitting);
  const values = names.map(([name, type]) => `${valueSql(refine, source, name, type)} AS ${value(name)}`);
  const befores =
    split === undefined
      ? []
      : images.map(([name, type]) => `${source.value(bound.before[name] ?? 0, type)} AS ${old(name)}`);
  const all = Array.from({ length: source.width }, (_, index) => index);
  const match = mapping && matchSql(mapping, value);
  const oldMatch = mapping && matchSql(mapping, old);
  const member = (index: number) => `${literal(source.name(index))}, ${source.json(index)}`;
  const extra = bound.extra.length === 0 ? 'NULL' : `json_object(${bound.extra.map(member).join(', ')})`;
  const made = [
    ...names.map(([name]) => value(name)),
    ...(split === undefined ? [] : [...images.map(([name]) => old(name)), `(${split}) IS TRUE AS split`]),
    `${op} AS op`,
    `${framedHash(all.map(source.text))} AS hash`,
    ...(match === undefined
      ? []
      : [`${match} AS match`, ...(split === undefined ? [] : [`${oldMatch} AS old_match`])]),
    `${extra}::VARCHAR AS extra`,
  ];
  // All is made below the row number: no filter passes it, so that nothing is made twice.
  const graded = (...more: readonly string[]) => `WITH t AS (${source.from}),
  v AS (SELECT ${['*', ...values, ...befores].join(', ')} FROM t),
  g AS (SELECT *, ${firstProblem(problems)} AS why FROM v),
  m AS (SELECT ${['why', ...more].join(', ')} FROM g),
  r AS (SELECT *, row_number() OVER () AS n FROM m)`;
  const kept = cut === undefined ? [] : [`n NOT IN (SELECT n FROM ${cut})`];
  const good = ['why IS NULL', ...kept].join(' AND ');
  const bad = ['why IS NOT NULL', ...kept].join(' AND ');
  const pick = (before: string, after: string) =>
    split === undefined || before === after ? after : `CASE WHEN part = 0 THEN ${before} ELSE ${after} END`;
  const parts =
    split === undefined
      ? `r WHERE ${good}`
      : `(SELECT *, unnest(CASE WHEN split THEN [0, 1] ELSE [1] END) AS part FROM r WHERE ${good})`;
  const stored = [
    ...names.map(([name]) => `${pick(old(name), value(name))} AS ${ident(name)}`),
    `${split === undefined ? '2 * n' : '2 * n - 1 + part'} AS _row`,
    `${pick(`'D'`, 'op')} AS _op`,
    'hash AS _hash',
    ...(match === undefined ? [] : [`${pick('old_match', 'match')} AS _match`]),
    'extra AS _extra',
    `${literal(TABLE_CHANNEL)} AS _channel`,
  ];
  const found = `CASE WHEN why IS NOT NULL THEN ${foundText(problems, 'why')} END AS found`;
  const record =
    files.format === 'csv'
      ? 'NULL AS record'
      : `CASE WHEN why IS NOT NULL THEN json_object(${all.map(member).join(', ')})::VARCHAR END AS record`;
  return {
    rows: `${graded(...made)} SELECT ${stored.join(', ')} FROM ${parts}`,
    problemRows: `${graded(found, record)} SELECT n, why, found, record FROM r WHERE ${bad} ORDER BY n`,
    problems,
    splits: split !== undefined,
  };
}

/** True for updates whose key is another than before; `undefined` where nothing tells. */
function splitSql(
  mapping: Mapping | undefined,
  { op, before }: LandingColumns,
  value: (column: string) => string,
  old: (column: string) => string,
): string | undefined {
  if (!mapping || op === undefined) return undefined;
  const { dataset, use, columns } = mapping;
  const keys = mappedColumns(dataset, use, columns)
    .filter(({ column, from }) => from && dataset.key.includes(column) && before[from.column] !== undefined)
    .map(({ from }) => from?.column ?? '');
  if (keys.length === 0) return undefined;
  const isThere = keys.map((key) => `${old(key)} IS NOT NULL`).join(' OR ');
  const differs = keys.map((key) => `${old(key)} IS DISTINCT FROM ${value(key)}`).join(' OR ');
  return `c${op} = 'U' AND (${isThere}) AND (${differs})`;
}

interface Splitting {
  readonly condition: string;
  readonly old: (column: string) => string;
}

function problemsOf(
  refine: LandingRefine,
  source: Source,
  value: (column: string) => string,
  split: Splitting | undefined,
): Problem[] {
  const { bound, columns, mapping, nowUs } = refine;
  const place = (column: string) => (column === CHANGE_COLUMN.name ? bound.change : bound.declared[column]);
  const text = (column: string) => {
    const at = place(column);
    return at === undefined ? 'NULL::VARCHAR' : source.text(at);
  };
  const isConstant = refine.loadChange !== undefined;
  const ofValues = Object.entries(columns).flatMap(([name, type]) => {
    const at = place(name);
    if (at === undefined || (name === CHANGE_COLUMN.name && isConstant)) return [];
    return source.problem(at, name, value(name), type);
  });
  // Where the task numbers no changes, nothing is missing.
  const isNumbered = isConstant ? refine.loadChange !== null : bound.change !== undefined;
  const fits = ({ reason, column }: Problem) =>
    isNumbered || reason !== 'Missing' || column !== CHANGE_COLUMN.name;
  const ofMapping = mapping ? mappingProblems(mapping, value, text, nowUs).filter(fits) : [];
  return [
    ...operationProblems(bound, source),
    ...ofValues,
    ...ofMapping,
    ...splitProblems(refine, source, split),
  ];
}

function operationProblems({ op }: LandingColumns, source: Source): Problem[] {
  if (op === undefined) return [];
  const text = source.text(op);
  return [
    {
      when: `${text} IS NULL OR ${text} NOT IN ${OPERATIONS}`,
      reason: 'NotAnOperation',
      column: 'Op',
      found: text,
      right: 'I, U or D',
    },
  ];
}

/** What is wrong with the row of the old key, where there is one. */
function splitProblems(
  { bound, columns, mapping, nowUs }: LandingRefine,
  source: Source,
  split: Splitting | undefined,
): Problem[] {
  if (!split || !mapping) return [];
  const { condition, old } = split;
  const imageText = (column: string) => {
    const at = bound.before[column] ?? bound.declared[column];
    return at === undefined ? 'NULL::VARCHAR' : source.text(at);
  };
  const ofValues = Object.entries(columns).flatMap(([name, type]) => {
    const at = bound.before[name];
    return at === undefined ? [] : source.problem(at, source.name(at), old(name), type);
  });
  const ofMapping = mappingProblems(mapping, old, imageText, nowUs).filter(
    ({ column }) => column !== undefined && bound.before[column] !== undefined,
  );
  return [...ofValues, ...ofMapping].map((problem) => ({
    ...problem,
    when: `(${condition}) AND (${problem.when})`,
  }));
}

function valueSql(
  { bound, loadChange }: LandingRefine,
  source: Source,
  name: string,
  type: ColumnType,
): string {
  const nothing = `NULL::${duckType(type)}`;
  if (name === CHANGE_COLUMN.name) {
    if (loadChange !== undefined) return loadChange === null ? nothing : `${loadChange}::${duckType(type)}`;
    return bound.change === undefined ? nothing : source.value(bound.change, type);
  }
  const at = bound.declared[name];
  return at === undefined ? nothing : source.value(at, type);
}

function csvSource(files: LandingFiles & { readonly format: 'csv' }): Source {
  const texts = files.header.map((_, index) => `c${index}`);
  return {
    from: `SELECT * FROM ${readCsv(files, texts)}`,
    name: (at) => files.header[at] ?? '',
    text: (at) => `c${at}`,
    value: (at, type) => typed(`c${at}`, type),
    problem: (at, column, value, type) => [notLossless(column, `c${at}`, value, type) ?? []].flat(),
    json: (at) => `c${at}`,
    width: texts.length,
  };
}

function parquetSource({ paths, schema }: LandingFiles & { readonly format: 'parquet' }): Source {
  const typeAt = (at: number) => schema[at]?.type ?? '';
  const text = (at: number) => textOf(`c${at}`, typeAt(at));
  const list = `[${paths.map(literal).join(', ')}], hive_partitioning=false`;
  const own = schema.map(({ name }, index) => `${ident(name)} AS c${index}`);
  return {
    from: `SELECT ${own.join(', ')} FROM read_parquet(${list})`,
    name: (at) => schema[at]?.name ?? '',
    text,
    value: (at, type) => widened(`c${at}`, typeAt(at), type) ?? typed(text(at), type),
    problem(at, column, value, type) {
      const wide = widened(`c${at}`, typeAt(at), type);
      if (wide === undefined) return [notLossless(column, text(at), value, type) ?? []].flat();
      const right = FINITE[type];
      if (right === undefined) return [];
      const when = `NOT isfinite(c${at})`;
      return [{ when, reason: right, column, found: text(at), right: 'a finite value' }];
    },
    json: (at) => jsonOf(`c${at}`, typeAt(at)),
    width: schema.length,
  };
}

const FINITE: Readonly<Record<string, string>> = {
  double: 'NotADouble',
  date: 'NotADate',
  timestamp: 'NotATimestamp',
};

/** As `string` columns have it, and `_hash`: bytes as Postgres writes them, without its `\x`. */
function textOf(own: string, type: string): string {
  if (type === 'VARCHAR') return own;
  return type === 'BLOB' ? `lower(hex(${own}))` : `${own}::VARCHAR`;
}

const WHOLE: Readonly<Record<string, number>> = { TINYINT: 3, SMALLINT: 5, INTEGER: 10, BIGINT: 19 };

/** The value itself where every one of its type is one of the declared type: no text needs to be made of it. */
function widened(own: string, type: string, declared: ColumnType): string | undefined {
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
