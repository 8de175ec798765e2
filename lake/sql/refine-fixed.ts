import { gapsOf, lastOf, placedColumns } from '../layout.ts';
import type { Columns, FixedLayout } from '../spec.ts';
import { type Problem, firstProblem, foundText, notLossless, typed } from './refine-cast.ts';
import type { RefineStatements } from './refine-csv.ts';
import { lineHash, list, storedColumns } from './refine-json.ts';
import { type Mapping, mappingProblems, matchSql } from './refine-mapping.ts';
import { readLines } from './text-lines.ts';
import { literal } from './text.ts';

export interface FixedRefine {
  /** Local files with one record a line, each as long as the layout, in the order of `_row`. */
  readonly paths: readonly string[];
  /** Every declared column is in it. */
  readonly layout: FixedLayout;
  readonly columns: Columns;
  readonly mapping?: Mapping;
  readonly nowUs: number;
  /** Bytes of the longest record. */
  readonly longest: number;
  /** A table with the `_row`s, as `n`, that framing cut out; their places are taken by other lines. */
  readonly cut?: string;
}

/**
 * The refine of fixed-width files as DuckDB statements. `_hash` is over a line's bytes, padding included. Text where
 * the layout has no column would be lost: its records go to quarantine.
 */
export function refineFixed({
  paths,
  layout,
  columns,
  mapping,
  nowUs,
  longest,
  cut,
}: FixedRefine): RefineStatements {
  const names = Object.entries(columns);
  const placed = placedColumns(layout);
  const text = (column: string) => `c${placed.findIndex(({ name }) => name === column)}`;
  const value = (column: string) => `v${names.findIndex(([name]) => name === column)}`;
  const problems = [
    ...gapsOf(layout).map(outsideLayout),
    ...names.flatMap(([name, type]) => notLossless(name, text(name), value(name), type) ?? []),
    ...(mapping ? mappingProblems(mapping, value, text, nowUs) : []),
  ];
  const match = mapping && matchSql(mapping, value);
  const extra = placed
    .filter(({ name }) => !(name in columns))
    .map(({ name }) => `${literal(name)}, ${text(name)}`);
  const found = `CASE WHEN why IS NOT NULL THEN ${foundText(problems, 'why')} END`;
  const kept = cut === undefined ? '' : ` AND n NOT IN (SELECT n FROM ${cut})`;
  // All is made below the row number: no filter passes it, so that nothing is made twice.
  const graded = (more: string) => `WITH t AS (SELECT line FROM ${readLines(paths, longest)}),
  p AS (SELECT line${list(placed, ({ trim, ...place }, index) => `${trimmed(textAt(place), trim)} AS p${index}`)} FROM t),
  c AS (SELECT line${list(placed, (_, index) => `${nullable(`p${index}`, layout.nulls)} AS c${index}`)} FROM p),
  v AS (SELECT *${list(names, ([name, type], index) => `${typed(text(name), type)} AS v${index}`)} FROM c),
  g AS (SELECT *, ${firstProblem(problems)} AS why FROM v),
  m AS (SELECT why${more} FROM g),
  r AS (SELECT *, row_number() OVER () AS n FROM m)`;
  const made = [
    ...names.map((_, index) => `v${index}`),
    `${lineHash} AS hash`,
    ...(match === undefined ? [] : [`${match} AS match`]),
    `${extra.length === 0 ? 'NULL' : `json_object(${extra.join(', ')})`}::VARCHAR AS extra`,
  ];
  return {
    rows: `${graded(`, ${made.join(', ')}`)} SELECT ${storedColumns(columns, match !== undefined).join(', ')} FROM r WHERE why IS NULL${kept}`,
    problemRows: `${graded(`, ${found} AS found`)} SELECT n, why, found FROM r WHERE why IS NOT NULL${kept} ORDER BY n`,
    problems,
  };
}

interface Place {
  readonly start: number;
  readonly width: number;
}

function textAt({ start, width }: Place): string {
  return `substring(line, ${start}, ${width})`;
}

const TRIMS = { both: 'trim', left: 'ltrim', right: 'rtrim' } as const;

function trimmed(text: string, trim: FixedLayout['columns'][string]['trim']): string {
  // Without the second argument DuckDB takes off other blanks of Unicode too.
  return trim === 'none' ? text : `${TRIMS[trim]}(${text}, ' ')`;
}

function nullable(text: string, nulls: readonly string[]): string {
  return nulls.length === 0
    ? text
    : `CASE WHEN ${text} NOT IN (${nulls.map(literal).join(', ')}) THEN ${text} END`;
}

function outsideLayout(gap: Place): Problem {
  const between = textAt(gap);
  return {
    when: `trim(${between}, ' ') <> ''`,
    reason: 'OutsideLayout',
    found: between,
    right: `spaces from character ${gap.start} to ${lastOf(gap)}, where the layout has no column`,
  };
}
