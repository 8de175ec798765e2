import { expect, test } from 'vitest';
import { countTests, summaryLine } from '../../scripts/test-summary.mjs';

const file = (status: string, ...tests: string[]) => ({
  status,
  assertionResults: tests.map((each) => ({ status: each })),
});
const report = (...testResults: object[]) => JSON.stringify({ testResults });

test('passed, failed and skipped tests are counted over all files', () => {
  const text = report(file('passed', 'passed', 'pending', 'todo'), file('failed', 'passed', 'failed'));
  expect(countTests(text, 1)).toEqual({ passed: 2, failed: 1, skipped: 2 });
});

test('a file that could not be loaded counts as failed', () => {
  expect(countTests(report(file('passed', 'passed'), file('failed')), 1)).toEqual({
    passed: 1,
    failed: 1,
    skipped: 0,
  });
});

test('a run that ends badly without a failing test counts as failed', () => {
  expect(countTests(report(file('passed', 'passed')), 1)).toEqual({ passed: 1, failed: 1, skipped: 0 });
  expect(countTests('', 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

test('the line names skipped tests only when there are some', () => {
  expect(summaryLine({ passed: 5, failed: 0, skipped: 0 })).toBe('5 passed, 0 failed');
  expect(summaryLine({ passed: 5, failed: 1, skipped: 2 })).toBe('5 passed, 1 failed, 2 skipped');
});
