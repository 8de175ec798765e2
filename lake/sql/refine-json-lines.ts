import type { Columns } from '../spec.ts';
import type { RefineStatements } from './refine-csv.ts';
import { gradeJson, lineHash, list, storedColumns } from './refine-json.ts';
import type { Mapping } from './refine-mapping.ts';
import { readLines } from './text-lines.ts';

export interface JsonLinesRefine {
  /** Local files with one record a line, in the order of `_row`. */
  readonly paths: readonly string[];
  readonly columns: Columns;
  readonly mapping?: Mapping;
  readonly nowUs: number;
  /** Bytes of the longest record. */
  readonly longest: number;
  /** A table with the `_row`s, as `n`, that framing cut out; their places are taken by other lines. */
  readonly cut?: string;
}

/** The refine of JSON lines as DuckDB statements. `_hash` is over a line's bytes, as it is for records of streams. */
export function refineJsonLines({
  paths,
  columns,
  mapping,
  nowUs,
  longest,
  cut,
}: JsonLinesRefine): RefineStatements {
  const { problems, steps, match, extra, found } = gradeJson({ columns, nowUs, ...(mapping && { mapping }) });
  const kept = cut === undefined ? '' : ` AND n NOT IN (SELECT n FROM ${cut})`;
  const values = list(Object.keys(columns), (_, index) => `v${index}`);
  // All is made below the row number: no filter passes it, so that nothing is made twice.
  const graded = (more: string) => `WITH t AS (SELECT line FROM ${readLines(paths, longest)}),
  ${steps},
  m AS (SELECT why${more} FROM g),
  r AS (SELECT *, row_number() OVER () AS n FROM m)`;
  const made = `${values}, ${lineHash} AS hash${match === undefined ? '' : `, ${match} AS match`}, ${extra} AS extra`;
  return {
    rows: `${graded(made)} SELECT ${storedColumns(columns, match !== undefined).join(', ')} FROM r WHERE why IS NULL${kept}`,
    problemRows: `${graded(`, ${found} AS found`)} SELECT n, why, found FROM r WHERE why IS NOT NULL${kept} ORDER BY n`,
    problems,
  };
}
