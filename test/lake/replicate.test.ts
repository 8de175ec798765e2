import { expect, test } from 'vitest';
import type { DmsTask } from '../../lake/dms.ts';
import { loadStart, refuseReload, stopPosition, unfitTask } from '../../lake/replicate.ts';

const KNOWN = new Set(['public.customers', 'public.bookings']);

test('a reload names declared tables, each once', () => {
  expect(refuseReload(['public.customers', 'public.bookings'], KNOWN)).toBeUndefined();
});

test.each([
  ['nothing', undefined, 'tables must list at least one schema.table'],
  ['a text', 'public.customers', 'tables must list at least one schema.table'],
  ['an empty list', [], 'tables must list at least one schema.table'],
  [
    'a table that nobody declares',
    ['public.refunds'],
    '"public.refunds" is no declared table; there are: public.customers, public.bookings',
  ],
  ['a number', [5], '"number" is no declared table; there are: public.customers, public.bookings'],
  [
    'a table twice',
    ['public.bookings', 'public.bookings'],
    'public.bookings stands twice in tables: give it once',
  ],
  ['too many', Array.from({ length: 1001 }, () => 'a.b'), 'tables lists 1001 names: at most 1000 at once'],
])('a reload of %s is refused, saying what would be right', (_what, tables, reason) => {
  expect(refuseReload(tables, KNOWN)).toBe(reason);
});

test.each([
  ['full-load', 'load', true],
  ['full-load', 'continuous', false],
  ['full-load', 'changes', false],
  ['full-load-and-cdc', 'continuous', true],
  ['full-load-and-cdc', 'changes', true],
  ['full-load-and-cdc', 'load', false],
  ['cdc', 'continuous', true],
  ['cdc', 'changes', true],
  ['cdc', 'load', false],
] as const)('a task of type %s is fit for %s: %s', (migrationType, replicate, isFit) => {
  expect(unfitTask({ identifier: 'shop-cdc', migrationType }, replicate) === undefined).toBe(isFit);
});

test('a window ends at a commit time, in whole seconds of UTC', () => {
  expect(stopPosition('2026-11-22T12:00:00.123Z')).toBe('commit_time:2026-11-22T12:00:00');
});

test.each([
  ['ready', null, { startType: 'start-replication' }],
  ['stopped', '2026-11-22T12:00:00.000Z', { startType: 'reload-target' }],
  ['failed', '2026-11-22T12:00:00.000Z', { startType: 'reload-target' }],
  ['running', '2026-11-22T12:00:00.000Z', {}],
  ['starting', '2026-11-22T12:00:00.000Z', {}],
])('a task that is %s since %s loads anew by %j', (status, startedAt, wish) => {
  const task: DmsTask = {
    identifier: 'shop-load',
    arn: 'arn:shop-load',
    migrationType: 'full-load',
    status,
    stopReason: null,
    startedAt,
    stoppedAt: null,
    lastFailure: null,
    checkpoint: null,
    progressPercent: 0,
    tablesErrored: 0,
  };
  expect(loadStart(task)).toEqual(wish);
});
