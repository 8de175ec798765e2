import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DmsTable, summariseTables } from '../../lake/dms-tables.ts';
import { type DmsLook, type DmsWish, hasNews, judgeTask, knownOf } from '../../lake/dms.ts';

const WISH: DmsWish = { until: 'stopped', isBounded: false, skipped: [], reloads: {} };
const HOUR_AGO = '2026-11-22T11:00:00.000Z';

const COUNTED = { loadStartedAt: null, loadEndedAt: null, inserts: 0, updates: 0, deletes: 0, ddls: 0 };

function table(name: string, state = 'Table completed', more: Partial<DmsTable> = {}): DmsTable {
  const [schema = '', own = ''] = name.split('.');
  const loaded = { ...COUNTED, rows: 5, refreshedAt: HOUR_AGO };
  return { schema, table: own, state, validation: 'Not enabled', ...loaded, ...more };
}

const LOADED = [table('public.customers'), table('public.bookings')];

function look(
  status: string,
  more: Partial<DmsLook> = {},
  tables: readonly DmsTable[] = LOADED,
  expected: readonly string[] = [],
): DmsLook {
  return {
    identifier: 'shop',
    arn: 'arn:aws:dms:eu-west-1:123456789012:task:SHOP',
    migrationType: 'full-load',
    status,
    stopReason: null,
    startedAt: HOUR_AGO,
    stoppedAt: null,
    lastFailure: null,
    checkpoint: null,
    progressPercent: 100,
    tablesErrored: 0,
    tables: summariseTables(tables, expected),
    lookedAt: '2026-11-22T12:00:00.000Z',
    ...more,
  };
}

function stopped(reason: string, more: Partial<DmsLook> = {}, tables: readonly DmsTable[] = LOADED): DmsLook {
  return look('stopped', { stopReason: `Stop Reason ${reason}`, ...more }, tables);
}

/** A verdict in one word, and the failures and actions of what waits. */
function told(seen: DmsLook, wish: Partial<DmsWish> = {}): string {
  const verdict = judgeTask(seen, { ...WISH, ...wish });
  const findings = 'findings' in verdict ? verdict.findings : [];
  const waits = findings.map(({ item, failure, allowed }) => `${item} ${failure} ${allowed.join('/')}`);
  return [verdict.kind, ...waits].join(': ');
}

const FAILED = 'shop DmsTaskFailed retry/reload/abort';
const STOPPED = 'shop DmsTaskStopped retry/reload/abort';

test.each([
  ['NORMAL', 'full-load', 'finished'],
  ['NORMAL', 'cdc', 'stands: shop DmsTaskStopped retry/abort'],
  ['NORMAL', 'full-load-and-cdc', `stands: ${STOPPED}`],
  ['FULL_LOAD_ONLY_FINISHED', 'full-load', 'finished'],
  ['STOPPED_AFTER_FULL_LOAD', 'full-load-and-cdc', 'resume'],
  ['STOPPED_AFTER_CACHED_EVENTS', 'full-load-and-cdc', 'resume'],
  ['STOPPED_AT_SERVER_TIME', 'cdc', 'finished'],
  ['STOPPED_AT_COMMIT_TIME', 'full-load-and-cdc', 'finished'],
  ['STOPPED_AFTER_DDL_APPLY', 'full-load-and-cdc', `stands: ${STOPPED}`],
  ['RECOVERABLE_ERROR', 'cdc', 'resume'],
  ['RECONFIGURATION_RESTART', 'cdc', 'resume'],
  ['RECYCLE_TASK', 'cdc', 'resume'],
  ['STOPPED_DUE_TO_LOW_MEMORY', 'cdc', 'stands: shop DmsOutOfCapacity retry/abort'],
  ['STOPPED_DUE_TO_LOW_DISK', 'full-load', 'stands: shop DmsOutOfCapacity retry/reload/abort'],
  ['FATAL_ERROR', 'full-load-and-cdc', `stands: ${FAILED}`],
  ['EXPRESS_LICENSE_LIMITS_REACHED', 'full-load', `stands: ${FAILED}`],
  ['SOMETHING_NEW', 'full-load', `stands: ${STOPPED}`],
])('a task that stopped for %s (%s): %s', (reason, migrationType, verdict) => {
  expect(told(stopped(reason, { migrationType }))).toBe(verdict);
});

test('DMS may add a level to its reason', () => {
  expect(told(stopped('FATAL_ERROR Error Level FATAL'))).toBe(`stands: ${FAILED}`);
  expect(told(stopped('RECOVERABLE_ERROR Error Level RECOVERABLE', { status: 'failed' }))).toBe('resume');
});

test('stopped without a reason is no success', () => {
  expect(told(look('stopped'))).toBe(`stands: ${STOPPED}`);
});

test.each([
  ['running', 'running'],
  ['failed', `stands: ${FAILED}`],
  ['failed-move', `stands: ${FAILED}`],
  ['ready', `stands: ${STOPPED}`],
  ['creating', 'keepLooking'],
  ['starting', 'keepLooking'],
  ['stopping', 'keepLooking'],
  ['modifying', 'keepLooking'],
  ['moving', 'keepLooking'],
  ['deleting', 'keepLooking'],
  ['testing', 'keepLooking'],
])('a task that is %s: %s', (status, verdict) => {
  expect(told(look(status))).toBe(verdict);
});

test('a status that nobody knows says nothing, and that is told', () => {
  expect(judgeTask(look('hibernating'), WISH)).toEqual({
    kind: 'keepLooking',
    because: 'unknown status "hibernating"',
    isUnknown: true,
  });
});

test('zero tables are no success, whatever the reason', () => {
  for (const reason of ['NORMAL', 'FULL_LOAD_ONLY_FINISHED', 'STOPPED_AT_SERVER_TIME']) {
    expect(told(stopped(reason, {}, []))).toBe('stands: shop DmsNoTables retry/reload/abort');
  }
});

test('a running task without tables is a finding only after ten minutes', () => {
  const since = (startedAt: string) => told(look('running', { startedAt }, []));
  expect(since('2026-11-22T11:51:00.000Z')).toBe('running');
  expect(since('2026-11-22T11:49:00.000Z')).toBe('running: shop DmsNoTables retry/abort');
});

test.each(['Table error', 'Table cancelled', 'Table does not exist', 'Table suspended'])(
  'a table in state "%s" is a finding beside the task that runs, and holds up its end',
  (state) => {
    const tables = [table('public.customers'), table('public.bookings', state)];
    expect(told(look('running', {}, tables))).toBe(
      'running: public.bookings DmsTableError retry/reload/skip',
    );
    expect(told(stopped('FULL_LOAD_ONLY_FINISHED', {}, tables))).toBe(
      'stands: public.bookings DmsTableError retry/skip',
    );
  },
);

test('a table of a cdc task cannot be reloaded', () => {
  const tables = [table('public.bookings', 'Table error')];
  expect(told(look('running', { migrationType: 'cdc' }, tables))).toBe(
    'running: public.bookings DmsTableError retry/skip',
  );
});

test.each(['Before load', 'Full load', 'Table is being reloaded', 'Something new'])(
  'a table in state "%s" may still come while the task runs, and is missing at its end',
  (state) => {
    const tables = [table('public.customers', state)];
    expect(told(look('running', {}, tables))).toBe('running');
    expect(told(stopped('NORMAL', {}, tables))).toBe('stands: public.customers DmsTableError retry/skip');
  },
);

test('a validation that found differences is a finding', () => {
  const tables = [table('public.customers', 'Table completed', { validation: 'Mismatched records' })];
  expect(told(look('running', {}, tables))).toBe('running: public.customers DmsTableError retry/reload/skip');
});

test('an expected table that is not captured is a finding', () => {
  const seen = look('stopped', { stopReason: 'Stop Reason NORMAL' }, LOADED, ['public.refunds']);
  expect(told(seen)).toBe('stands: public.refunds DmsTableError retry/skip');
});

test('errors that DMS counts without naming their tables are a finding', () => {
  expect(told(stopped('FULL_LOAD_ONLY_FINISHED', { tablesErrored: 2 }))).toBe(
    'stands: shop DmsTableError retry/skip',
  );
  expect(told(stopped('FULL_LOAD_ONLY_FINISHED', { tablesErrored: 2 }), { skipped: ['shop'] })).toBe(
    'finished',
  );
});

test('a table that a person left out holds nothing up', () => {
  const tables = [table('public.customers'), table('public.bookings', 'Table error')];
  const skipped = ['public.bookings'];
  expect(told(stopped('NORMAL', { tablesErrored: 1 }, tables), { skipped })).toBe('finished');
  expect(told(look('running', { tablesErrored: 1 }, tables), { skipped })).toBe('running');
});

test('statistics from before a reload say nothing about it', () => {
  const reloads = { 'public.bookings': '2026-11-22T11:30:00.000Z' };
  const seen = (refreshedAt: string) =>
    told(look('running', {}, [table('public.bookings', 'Table error', { refreshedAt })]), { reloads });
  expect(seen('2026-11-22T11:29:00.000Z')).toBe('running');
  expect(seen('2026-11-22T11:31:00.000Z')).toBe('running: public.bookings DmsTableError retry/reload/skip');
});

test('until loaded: a load that is complete is an end, though the task runs on or pauses', () => {
  const wish = { until: 'loaded' } as const;
  const both = { migrationType: 'full-load-and-cdc' };
  expect(told(look('running', both), wish)).toBe('finished');
  expect(told(look('running', both, [...LOADED, table('public.refunds', 'Full load')]), wish)).toBe(
    'running',
  );
  expect(told(look('running', both, [...LOADED, table('public.refunds', 'Table error')]), wish)).toBe(
    'running: public.refunds DmsTableError retry/reload/skip',
  );
  expect(told(stopped('STOPPED_AFTER_FULL_LOAD', both), wish)).toBe('finished');
});

test('a stop position makes a normal end of CDC a success', () => {
  expect(told(stopped('NORMAL', { migrationType: 'cdc' }), { isBounded: true })).toBe('finished');
});

test('a finding says where, why, and when the last failure may have been', () => {
  const seen = stopped('FATAL_ERROR', {
    lastFailure: 'Last Error Replication slot was dropped',
    stoppedAt: '2026-11-22T11:40:00.000Z',
  });
  const verdict = judgeTask(seen, WISH);
  expect('findings' in verdict && verdict.findings[0]?.message).toBe(
    'arn:aws:dms:eu-west-1:123456789012:task:SHOP is stopped (Stop Reason FATAL_ERROR); last failure (last stop 2026-11-22T11:40:00.000Z): Last Error Replication slot was dropped',
  );
});

test('of thousands of tables at most 200 are named, those in error first, and the rest is counted', () => {
  const many = Array.from({ length: 1000 }, (_, n) => table(`public.t${n}`, 'Before load'));
  const seen = summariseTables([...many, table('public.last', 'Table error')]);
  expect(seen).toMatchObject({ total: 1001, completed: 0, troubled: 1, rows: 5005 });
  expect(seen.leftOver).toHaveLength(200);
  expect(seen.leftOver[0]).toMatchObject({ table: 'last', state: 'Table error' });
  const findings = told(stopped('NORMAL', { tables: seen })).split(': ');
  expect(findings).toHaveLength(202);
  expect(findings.at(-1)).toBe('shop DmsTableError retry/skip');
});

test('rows are no news; a status, an error and the end of the load are', () => {
  const before = look('running', { progressPercent: 40 });
  expect(knownOf(before)).toEqual({
    status: 'running',
    stopReason: null,
    startedAt: HOUR_AGO,
    stoppedAt: null,
    tablesErrored: 0,
    progressPercent: 40,
  });
  expect(hasNews(before, { ...before, progressPercent: 80 })).toBe(false);
  expect(hasNews(before, { ...before, progressPercent: 100 })).toBe(true);
  expect(hasNews(before, { ...before, tablesErrored: 1 })).toBe(true);
  expect(hasNews(before, { ...before, status: 'stopping' })).toBe(true);
});

const anyTable = fc.record({
  schema: fc.constant('public'),
  table: fc.string({ minLength: 1, maxLength: 3 }),
  state: fc.constantFrom(
    'Table completed',
    'Table error',
    'Full load',
    'Before load',
    'Table suspended',
    'x',
  ),
  validation: fc.constantFrom(null, 'Not enabled', 'Suspended records'),
  rows: fc.nat(),
  loadStartedAt: fc.constant(null),
  loadEndedAt: fc.constant(null),
  inserts: fc.nat(),
  updates: fc.nat(),
  deletes: fc.nat(),
  ddls: fc.nat(),
  refreshedAt: fc.constantFrom(null, HOUR_AGO),
});

test('whatever DMS says, a load has finished only with tables, all of them well', () => {
  const reasons = fc.constantFrom(null, 'NORMAL', 'FULL_LOAD_ONLY_FINISHED', 'STOPPED_AT_SERVER_TIME', 'x');
  const statuses = fc.oneof(fc.constantFrom('stopped', 'running', 'failed', 'ready'), fc.string());
  fc.assert(
    fc.property(statuses, reasons, fc.array(anyTable), fc.nat(3), (status, reason, tables, tablesErrored) => {
      const stopReason = reason === null ? null : `Stop Reason ${reason}`;
      const { kind } = judgeTask(look(status, { stopReason, tablesErrored }, tables), WISH);
      const isWell =
        status === 'stopped' &&
        tablesErrored === 0 &&
        tables.length > 0 &&
        tables.every((one) => one.state === 'Table completed' && one.validation !== 'Suspended records');
      expect(kind !== 'finished' || isWell).toBe(true);
    }),
  );
});

test('a task that stands for a person always says what waits', () => {
  const reasons = fc.string().map((text) => `Stop Reason ${text}`);
  fc.assert(
    fc.property(
      fc.constantFrom('stopped', 'failed', 'ready'),
      reasons,
      fc.array(anyTable),
      (status, stopReason, tables) => {
        const verdict = judgeTask(look(status, { stopReason }, tables), WISH);
        expect(verdict.kind !== 'stands' || verdict.findings.length > 0).toBe(true);
      },
    ),
  );
});
