import type { BuildManifest, Classes, Count } from './build.ts';
import type { CheckResult, Comparison } from './gate.ts';
import type { PlannedPartition } from './plan.ts';
import type { CloseRule, GateRule, Tolerance } from './spec.ts';

/** Examples that a report shows of each finding. */
export const MOST_EXAMPLES = 20;

const TAKEN = ['out', 'deleted', 'lost', 'retracted', 'excluded', 'quarantined'] as const;

/** `count` findings among `compared` keys. */
export function judge(tolerance: Tolerance, count: number, compared: number): 'ok' | 'within' | 'beyond' {
  if (count === 0) return 'ok';
  const most = 'count' in tolerance ? tolerance.count : tolerance.ratio * compared;
  return count <= most ? 'within' : 'beyond';
}

/** Every row that went in is in exactly one class, by number and by sum of hashes. */
export function conservation(classes: Classes): CheckResult {
  const found = sum(TAKEN.map((name) => classes[name]));
  const isWhole = same(found, classes.in);
  return {
    check: 'conservation',
    verdict: isWhole ? 'ok' : 'residue',
    finding: isWhole
      ? `all ${classes.in.rows} rows that went in are in one class`
      : `${classes.in.rows} rows went in and ${found.rows} are in classes, hashes ${classes.in.hash} and ${found.hash}; right would be the same`,
    expected: classes.in,
    found,
    examples: [],
  };
}

/** What the statistics of the entries say went in, did. `problem`: why they say nothing. */
export function completeness(stated: Count, found: Count, problem?: string): CheckResult {
  const isWhole = problem === undefined && same(stated, found);
  return {
    check: 'completeness',
    verdict: isWhole ? 'ok' : 'residue',
    finding:
      problem ??
      (isWhole
        ? `the build read all ${found.rows} rows of its entries`
        : `the build read ${found.rows} rows, hash ${found.hash}; its entries say ${stated.rows}, hash ${stated.hash}`),
    expected: stated,
    found,
    examples: [],
  };
}

/** `broken`: what was found of the chains of used lanes that is no chain. */
export function contiguity(lanes: number, broken: readonly string[]): CheckResult {
  return {
    check: 'contiguity',
    verdict: broken.length === 0 ? 'ok' : 'residue',
    finding: broken[0] ?? `the chains of its ${lanes} lanes have no gap up to the plan's coverage`,
    examples: broken.slice(1, MOST_EXAMPLES),
  };
}

/** `elsewhere`: keys of the build that are in a build near it too. */
export function oneHome(
  elsewhere: { readonly count: number; readonly examples: readonly string[] },
  rows: number,
  gate: GateRule,
): CheckResult {
  return {
    check: 'oneHome',
    verdict: judge(gate.tolerance.moved, elsewhere.count, rows),
    finding: `${elsewhere.count} of ${rows} keys are in a build near this one too; right would be 0`,
    examples: elsewhere.examples.slice(0, MOST_EXAMPLES),
  };
}

export function conflicting(
  { conflicting: found, classes }: Pick<BuildManifest, 'conflicting' | 'classes'>,
  gate: GateRule,
): CheckResult {
  return {
    check: 'conflicting',
    verdict: judge(gate.tolerance.conflicting, found.keys, classes.out.rows),
    finding: `${found.keys} keys come with different contents in one role; right would be 0`,
    examples: found.examples.slice(0, MOST_EXAMPLES),
  };
}

/** Each kind of finding against its own tolerance; the worst decides. Late and pending keys are no findings yet. */
export function batchAgainstStream(comparison: Comparison, gate: GateRule): CheckResult {
  const { equal, differs, moved, missingInStream, missingInBatch, late, pending } = comparison;
  const missing = missingInStream + missingInBatch;
  const compared = equal + differs + moved + missing;
  const verdicts = [
    judge(gate.tolerance.missing, missing, compared),
    judge(gate.tolerance.differs, differs, compared),
    judge(gate.tolerance.moved, moved, compared),
  ];
  const worst = (['beyond', 'within'] as const).find((verdict) => verdicts.includes(verdict));
  const columns = Object.entries(comparison.differsBy).map(([column, count]) => `${column} ${count}`);
  return {
    check: 'batchAgainstStream',
    verdict: worst ?? 'ok',
    finding:
      `of ${compared} keys ${equal} are equal, ${missingInStream} are missing in the stream, ` +
      `${missingInBatch} are missing in the batch, ${moved} are in another partition, ` +
      `${differs} differ${columns.length > 0 ? ` (${columns.join(', ')})` : ''}; ` +
      `${late} may still come in the stream and ${pending} in the batch`,
    examples: (['missingInStream', 'missingInBatch', 'moved', 'differs'] as const)
      .flatMap((finding) => comparison.examples[finding].map((key) => `${finding}: ${key}`))
      .slice(0, MOST_EXAMPLES),
  };
}

/** A partition closed at its deadline is flagged, or held, as declared. */
export function batchMissing(why: PlannedPartition['why'], close: CloseRule): CheckResult {
  const isMissing = why === 'deadline';
  return {
    check: 'batchMissing',
    verdict: isMissing ? (close.then === 'hold' ? 'beyond' : 'within') : 'ok',
    finding: isMissing
      ? `the deadline is past and ${close.needs.join(', ') || 'the batch'} has not delivered the whole partition`
      : 'what the partition needs was there when it was planned',
    examples: [],
  };
}

export function rejectedBefore(buildId: string | undefined): CheckResult {
  return {
    check: 'rejectedBefore',
    verdict: buildId === undefined ? 'ok' : 'beyond',
    finding:
      buildId === undefined
        ? 'it brings back nothing that was rejected'
        : `it brings back build ${buildId}, which was rejected`,
    examples: [],
  };
}

export function sum(counts: readonly Count[]): Count {
  return {
    rows: counts.reduce((total, { rows }) => total + rows, 0),
    hash: String(counts.reduce((total, { hash }) => total + BigInt(hash), 0n)),
  };
}

function same(a: Count, b: Count): boolean {
  return a.rows === b.rows && a.hash === b.hash;
}
