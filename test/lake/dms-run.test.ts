import { expect, test } from 'vitest';
import { refuseDmsRequest } from '../../lake/dms-request.ts';
import { type DmsRun, nextStep } from '../../lake/dms-run.ts';
import type { DmsLook } from '../../lake/dms.ts';

const T1 = '2026-11-22T11:00:00.000Z';
const RUN: DmsRun = {
  due: null,
  unseen: null,
  isUnseenLong: false,
  resumes: 0,
  wish: { until: 'stopped', isBounded: false, skipped: [], reloads: {} },
};

function look(more: Partial<DmsLook> = {}): DmsLook {
  return {
    identifier: 'shop',
    arn: 'arn:aws:dms:eu-west-1:123456789012:task:SHOP',
    migrationType: 'full-load',
    status: 'stopped',
    stopReason: 'Stop Reason FULL_LOAD_ONLY_FINISHED',
    startedAt: T1,
    stoppedAt: T1,
    lastFailure: null,
    checkpoint: null,
    progressPercent: 100,
    tablesErrored: 0,
    tables: { total: 2, completed: 2, troubled: 0, rows: 10, leftOver: [] },
    lookedAt: T1,
    ...more,
  };
}

test('a load that is complete is not done again unless it is asked for', () => {
  expect(nextStep(look(), { ...RUN, due: {} })).toMatchObject({ kind: 'finished' });
  expect(nextStep(look(), { ...RUN, due: { startType: 'reload-target' } })).toMatchObject({
    kind: 'start',
    type: 'reload-target',
  });
});

test('a load that ended with an error is resumed', () => {
  expect(nextStep(look({ tablesErrored: 1 }), { ...RUN, due: {} })).toMatchObject({
    kind: 'start',
    type: 'resume-processing',
  });
});

test('a window of changes that has ended is followed by the next', () => {
  const window = look({ migrationType: 'cdc', stopReason: 'Stop Reason STOPPED_AT_SERVER_TIME' });
  expect(nextStep(window, RUN)).toMatchObject({ kind: 'finished' });
  expect(nextStep(window, { ...RUN, due: {} })).toMatchObject({ kind: 'start', type: 'resume-processing' });
});

test('what DMS showed before a start is not taken for its end', () => {
  const unseen = { status: 'stopped', startedAt: T1, stoppedAt: T1 };
  expect(nextStep(look(), { ...RUN, unseen })).toMatchObject({ kind: 'wait', findings: [] });
  expect(nextStep(look(), { ...RUN, unseen, isUnseenLong: true })).toMatchObject({
    kind: 'wait',
    findings: [{ failure: 'DmsTaskStopped' }],
  });
});

test('a task that stops again and again for a passing reason waits for a person', () => {
  const recycled = look({ stopReason: 'Stop Reason RECYCLE_TASK' });
  expect(nextStep(recycled, RUN)).toMatchObject({ kind: 'start', afterMs: 0, isResume: true });
  expect(nextStep(recycled, { ...RUN, resumes: 2 })).toMatchObject({ kind: 'start', afterMs: 120_000 });
  expect(nextStep(recycled, { ...RUN, resumes: 5 })).toMatchObject({
    kind: 'wait',
    findings: [{ failure: 'DmsTaskStopped' }],
  });
});

test('a name is enough for a request', () => {
  expect(refuseDmsRequest({ task: 'shop-cdc' })).toBeUndefined();
});

test.each<[unknown, string]>([
  [undefined, 'the input is one JSON object: {"task": "shop-cdc"}'],
  [{}, 'task is missing: {"task": "<identifier or ARN of a replication task>"}'],
  [
    { task: 'a', startType: 'start' },
    'startType is "start": it must be one of start-replication, resume-processing, reload-target',
  ],
  [{ task: 'a', onCancel: 'leave' }, 'onCancel is "leave": it must be one of stop, detach'],
  [{ task: 'a', until: 'done' }, 'until is "done": it must be one of stopped, loaded'],
  [{ task: 'a', wait: 1 }, 'wait is number: it must be one of true, false'],
  [{ task: 'a', cdcStartPosition: 5 }, 'cdcStartPosition is number: it must be a text'],
  [
    { task: 'a', cdcStopPosition: 'noon' },
    'cdcStopPosition is "noon": it must be server_time:… or commit_time:…',
  ],
  [{ task: 'a', tables: [] }, 'tables must list at least one schema.table'],
  [{ task: 'a', tables: ['customers'] }, 'tables names "customers": a table is written schema.table'],
])('the request %j is refused: %s', (request, reason) => {
  expect(refuseDmsRequest(request)).toBe(reason);
});
