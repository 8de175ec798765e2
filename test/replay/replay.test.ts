import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { DeterminismViolationError } from '@temporalio/workflow';
import { Worker } from '@temporalio/worker';
import { expect, test } from 'vitest';
import * as workflows from '../../workflows/index.ts';
import { bundleWorkflows } from '../support/bundle.ts';
import { type RecordedHistory, flagsOf, startOf } from './recorded.ts';

/**
 * Histories of released code, replayed by this code. A red test means that deploying it would break runs that are
 * open: guard the change with `patched()`. A history is never recorded anew to turn this green.
 */
const FOLDER = new URL('histories/', import.meta.url);
const files = existsSync(FOLDER) ? readdirSync(FOLDER).filter((file) => file.endsWith('.json')) : [];
const refused = files.filter((file) => file.startsWith('refused-'));
const kept = files.filter((file) => !refused.includes(file));

/** Types that no release has had: the next one records them, at its tag (`scripts/record-histories.ts`). */
const UNRELEASED = ['replicateDatabase', 'runDmsTask'];

let bundle: ReturnType<typeof bundleWorkflows> | undefined;

async function replay(file: string): Promise<void> {
  bundle ??= bundleWorkflows();
  const recorded = history(file);
  // Workflows look at their own id: with another one they would take another turn.
  await Worker.runReplayHistory({ workflowBundle: await bundle }, recorded, startOf(recorded)?.workflowId);
}

function history(file: string): RecordedHistory {
  return JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as RecordedHistory;
}

for (const file of kept) {
  test(`${file} still replays`, async () => {
    await expect(replay(file)).resolves.toBeUndefined();
  });
}

for (const file of refused) {
  test(`${file} is refused`, async () => {
    await expect(replay(file)).rejects.toThrow(DeterminismViolationError);
  });
}

for (const file of files) {
  test(`${file} has the flags without which any other activity would replay, too`, () => {
    expect(flagsOf(history(file))).toEqual(expect.arrayContaining([1, 2, 3]));
  });
}

test.runIf(files.length > 0)(
  'every released workflow type has a history, and one history must be refused',
  () => {
    const types = new Set(kept.map((file) => startOf(history(file))?.workflowType?.name));
    expect([...types].toSorted((a, b) => ((a ?? '') < (b ?? '') ? -1 : 1))).toEqual(
      Object.keys(workflows)
        .filter((type) => !UNRELEASED.includes(type))
        .toSorted(),
    );
    expect(refused.length).toBeGreaterThan(0);
  },
);

test('a history without flags is told from one that has them', () => {
  const completed = (sdkMetadata: object) => ({ workflowTaskCompletedEventAttributes: { sdkMetadata } });
  expect(
    flagsOf({ events: [completed({ coreUsedFlags: [1, 2] }), completed({ coreUsedFlags: [3] })] }),
  ).toEqual([1, 2, 3]);
  expect(flagsOf({ events: [completed({ langUsedFlags: [1, 2, 3] }), {}] })).toEqual([]);
});
