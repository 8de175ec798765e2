import type { Columns } from '../spec.ts';
import { type Problem, firstProblem, foundText } from './refine-cast.ts';
import { type Mapping, mappingProblems } from './refine-mapping.ts';
import { duckType, ident, literal } from './text.ts';

export interface Unfitting {
  /** `total` rows that do not fit, and of the first of them `n` (the `_row`), `why` and `found`. */
  readonly sql: string;
  readonly explain: (why: number, found: string) => string;
}

/**
 * The rows of a rows object that a dataset cannot hold: those that refine would have put in quarantine had they been
 * collected for it. `declared`: the feed's columns; those that the file lacks are null. `undefined` where any row fits.
 */
export function unfitSql(
  path: string,
  mapping: Mapping & { readonly declared: Columns },
  nowUs: number,
  examples: number,
): Unfitting | undefined {
  const { columns, declared } = mapping;
  const value = (column: string) => {
    const type = declared[column];
    return Object.hasOwn(columns, column) || type === undefined ? ident(column) : `NULL::${duckType(type)}`;
  };
  const text = (column: string) => `${value(column)}::VARCHAR`;
  const problems = mappingProblems({ ...mapping, columns: declared }, value, text, nowUs);
  if (problems.length === 0) return undefined;
  return {
    sql: `SELECT _row AS n, _why AS why, ${foundText(problems, '_why')} AS found, (count(*) OVER ())::INTEGER AS total
      FROM (SELECT *, ${firstProblem(problems)} AS _why FROM read_parquet(${literal(path)}))
      WHERE _why IS NOT NULL ORDER BY n LIMIT ${examples}`,
    explain: (why, found) => explain(problems[why], found),
  };
}

function explain(problem: Problem | undefined, found: string): string {
  return problem
    ? `${problem.reason}, ${problem.column} is ${found}; right would be ${problem.right}`
    : found;
}
