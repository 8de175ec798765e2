import { expect, test } from 'vitest';
import { type StartWish, pauseBeforeResume, planStart, startedSince } from '../../lake/dms-start.ts';
import type { DmsTask } from '../../lake/dms.ts';

const T1 = '2026-11-22T11:00:00.000Z';
const T2 = '2026-11-22T12:00:00.000Z';

function task(migrationType: string, status: string, startedAt: string | null): DmsTask {
  return {
    identifier: 'shop',
    arn: 'arn:aws:dms:eu-west-1:123456789012:task:SHOP',
    migrationType,
    status,
    stopReason: null,
    startedAt,
    stoppedAt: null,
    lastFailure: null,
    checkpoint: null,
    progressPercent: 0,
    tablesErrored: 0,
  };
}

function told(seen: DmsTask, wish: StartWish = {}): string {
  const plan = planStart(seen, wish);
  if (plan.kind === 'refused') return `refused: ${plan.reason}`;
  return plan.kind === 'start' ? plan.type : plan.kind;
}

const POSITION = { cdcStartPosition: 'checkpoint:V1#27' };

test.each<[string, string, string | null, StartWish, string]>([
  ['full-load', 'ready', null, {}, 'start-replication'],
  ['cdc', 'ready', null, POSITION, 'start-replication'],
  ['full-load', 'failed', null, {}, 'start-replication'],
  ['full-load', 'stopped', T1, {}, 'resume-processing'],
  ['full-load-and-cdc', 'stopped', T1, {}, 'resume-processing'],
  ['cdc', 'failed', T1, {}, 'resume-processing'],
  ['cdc', 'stopped', null, {}, 'resume-processing'],
  ['full-load-and-cdc', 'failed-move', T1, {}, 'resume-processing'],
  ['full-load-and-cdc', 'ready', T1, {}, 'resume-processing'],
  ['full-load', 'stopped', T1, { startType: 'reload-target' }, 'reload-target'],
  ['full-load-and-cdc', 'failed', T1, { startType: 'reload-target' }, 'reload-target'],
  ['cdc', 'stopped', T1, { startType: 'start-replication', ...POSITION }, 'start-replication'],
  ['cdc', 'stopped', T1, POSITION, 'start-replication'],
  ['cdc', 'running', T1, {}, 'adopt'],
  ['cdc', 'starting', T1, { startType: 'start-replication' }, 'adopt'],
  ['cdc', 'creating', null, {}, 'wait'],
  ['cdc', 'modifying', T1, {}, 'wait'],
  ['cdc', 'stopping', T1, {}, 'wait'],
  ['cdc', 'hibernating', T1, {}, 'wait'],
])('a %s task that is %s (started %s), asked %j: %s', (type, status, startedAt, wish, plan) => {
  expect(told(task(type, status, startedAt), wish)).toBe(plan);
});

test.each<[string, string, string | null, StartWish, string]>([
  ['full-load', 'ready', null, { startType: 'resume-processing' }, 'startType must be start-replication'],
  ['full-load', 'ready', null, { startType: 'reload-target' }, 'startType must be start-replication'],
  [
    'full-load',
    'stopped',
    T1,
    { startType: 'start-replication' },
    'startType must be resume-processing or reload-target',
  ],
  ['full-load-and-cdc', 'failed', T1, POSITION, 'startType must be resume-processing or reload-target'],
  ['cdc', 'stopped', T1, { startType: 'start-replication' }, 'start-replication needs cdcStartPosition'],
  ['cdc', 'stopped', T1, { startType: 'reload-target' }, 'a cdc task has no load to do again'],
  ['full-load', 'running', T1, { startType: 'reload-target' }, 'stop it before it loads everything again'],
  ['cdc', 'running', T1, { until: 'loaded' }, 'until must be stopped'],
])('a %s task that is %s (started %s) refuses %j: %s', (type, status, startedAt, wish, reason) => {
  expect(told(task(type, status, startedAt), wish)).toContain(reason);
});

const BEFORE = { status: 'stopped', startedAt: T1, stoppedAt: T1 };

test.each([
  ['starts or runs', { ...BEFORE, status: 'starting' }, true],
  ['runs', { ...BEFORE, status: 'running' }, true],
  ['ran and has ended again', { status: 'stopped', startedAt: T2, stoppedAt: T2 }, true],
  ['failed before it ran', { ...BEFORE, status: 'failed' }, true],
  ['failed again at once', { ...BEFORE, stoppedAt: T2 }, true],
  ['is as it was', BEFORE, false],
  ['is shown as it was before', { status: 'stopped', startedAt: null, stoppedAt: null }, false],
  ['is being modified', { ...BEFORE, status: 'modifying' }, false],
  ['was modified', { ...BEFORE, status: 'ready' }, false],
])('a task that %s was started since: %s', (_, now, since) => {
  expect(startedSince(BEFORE, now)).toBe(since);
});

test('a task is resumed five times in a row, at once and then ever later', () => {
  expect([0, 1, 2, 3, 4, 5].map(pauseBeforeResume)).toEqual([
    0,
    30_000,
    120_000,
    600_000,
    1_800_000,
    undefined,
  ]);
});
