import type { LandingColumns } from '../landing-columns.ts';
import { mappedColumns } from '../mapping.ts';
import { CHANGE_COLUMN, type ColumnType, type Columns } from '../spec.ts';
import { TABLE_CHANNEL } from '../table-position.ts';
import { landingProblems } from './landing-problems.ts';
import { type LandingFiles, type LandingSource, landingSource } from './landing-source.ts';
import { firstProblem, foundText } from './refine-cast.ts';
import type { RefineStatements } from './refine-csv.ts';
import { type Mapping, matchSql } from './refine-mapping.ts';
import { duckType, framedHash, ident, literal } from './text.ts';

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

/**
 * The refine of landings as DuckDB statements, in one pass. `_row` is twice the number of a record; an update that
 * changes the key takes the number before too, for the delete of the old key. `_hash` frames all columns as text.
 */
export function refineLanding(refine: LandingRefine): RefineStatements {
  const { files, bound, columns, mapping, cut } = refine;
  const source = landingSource(files);
  const names = Object.entries(columns);
  const at = (column: string) => names.findIndex(([name]) => name === column);
  const value = (column: string) => `v${at(column)}`;
  const op = bound.op === undefined ? `'I'` : source.text(bound.op);
  const images = names.filter(([name]) => bound.before[name] !== undefined);
  const old = (column: string) => (bound.before[column] === undefined ? value(column) : `b${at(column)}`);
  const split = splitSql(mapping, bound, value, old);
  const splitting = split === undefined ? undefined : { condition: split, old };
  const problems = landingProblems(refine, source, value, splitting);
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

function valueSql(
  { bound, loadChange }: LandingRefine,
  source: LandingSource,
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
