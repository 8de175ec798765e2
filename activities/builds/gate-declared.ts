import type { BuildManifest } from '../../lake/build.ts';
import type { CheckResult } from '../../lake/gate.ts';
import type { DeclaredCheck } from '../../lake/spec.ts';
import { declaredSql } from '../../lake/sql/compare.ts';
import { viewNames, viewStatements } from '../../lake/sql/read.ts';
import type { DuckDb } from '../duckdb.ts';
import type { GateFiles } from './gate-files.ts';
import type { OpenedPlan } from './plan.ts';

/** What the dataset's own checks find in a build; its rows stand under the dataset's name. */
export async function declaredChecks(
  db: DuckDb,
  files: GateFiles,
  { plan, dataset }: OpenedPlan,
  build: BuildManifest,
): Promise<CheckResult[]> {
  if (dataset.gate.checks.length === 0) return [];
  const untouched = await files.local(build, build.files);
  const own = { untouched, touched: [], tombstones: [] };
  for (const statement of viewStatements(plan.dataset, dataset, own, undefined)) await db.run(statement);
  const results: CheckResult[] = [];
  for (const check of dataset.gate.checks) {
    const [row] = await db.rows(declaredSql(plan.dataset, check));
    results.push(judged(check, Number(row?.['n']), build.classes.out.rows));
  }
  const { view, rows } = viewNames(plan.dataset);
  for (const name of [view, rows]) await db.run(`DROP VIEW ${name}`);
  return results;
}

function judged(check: DeclaredCheck, n: number, rows: number): CheckResult {
  const said = (isFine: boolean, finding: string): CheckResult => ({
    check: 'declared',
    verdict: isFine ? 'ok' : 'beyond',
    finding,
    examples: [],
  });
  switch (check.kind) {
    case 'rows': {
      const { min = 0, max = Infinity } = check;
      return said(n >= min && n <= max, `it has ${n} rows; right would be ${min} to ${max}`);
    }
    case 'nulls': {
      // Below 1 it is a share of the rows.
      const most = check.max < 1 ? check.max * rows : check.max;
      return said(n <= most, `${n} of ${rows} rows have no ${check.column}; right would be at most ${most}`);
    }
    case 'range': {
      const right = `${check.min ?? 'anything'} to ${check.max ?? 'anything'}`;
      return said(n === 0, `${n} of ${rows} rows have ${check.column} outside of ${right}`);
    }
    case 'nothing':
      return said(n === 0, `${check.name} found ${n} rows; right would be none`);
  }
}
