/**
 * @typedef {{ readonly passed: number, readonly failed: number, readonly skipped: number }} Counts
 */

/**
 * What Vitest's JSON report counts. A file that could not be loaded, and a run that failed without a failing test,
 * each count as one failed: nothing that ended badly adds up to a fine run.
 *
 * @param {string} report Empty when there is none.
 * @param {number} exitCode
 * @returns {Counts}
 */
export function countTests(report, exitCode) {
  const { testResults = [] } = report === '' ? {} : JSON.parse(report);
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { status, assertionResults } of testResults) {
    const before = counts.failed;
    for (const test of assertionResults) {
      if (test.status === 'passed') counts.passed += 1;
      else if (test.status === 'failed') counts.failed += 1;
      else counts.skipped += 1;
    }
    if (status === 'failed' && counts.failed === before) counts.failed += 1;
  }
  if (exitCode !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

/** @param {Counts} counts */
export function summaryLine({ passed, failed, skipped }) {
  const skippedToo = skipped > 0 ? `, ${skipped} skipped` : '';
  return `${passed} passed, ${failed} failed${skippedToo}`;
}
