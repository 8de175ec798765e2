import { expect, test } from 'vitest';
import { closesByWatermark, closing } from '../../lake/closing.ts';
import type { DatasetSpec } from '../../lake/spec.ts';
import type { FeedWatermark } from '../../lake/watermark.ts';
import { PAYMENTS } from '../fakes/view-lake.ts';

const HOUR = 3_600_000;
const DAY = '1970-01-02';
const END = 48 * HOUR;

test('a day is closed when its books have covered its end and the stream its end and the grace', () => {
  expect(close(END, END + HOUR).kind).toBe('closed');
  expect(close(END - 1, END + HOUR).kind).toBe('open');
  expect(close(END, END + HOUR - 1).kind).toBe('open');
});

test('an open day says which feed it waits for, and how far that is', () => {
  expect(close(null, END + HOUR, { nowMs: END })).toEqual({
    kind: 'open',
    because: 'books is at nothing of 1970-01-03T00:00:00.000Z (why); deadline 1970-01-04T00:00:00.000Z',
    lookAtMs: 72 * HOUR,
  });
});

test('at its deadline a day is closed without its books, but not without its stream', () => {
  expect(close(null, END + HOUR, { nowMs: 72 * HOUR }).kind).toBe('deadline');
  expect(close(null, null, { nowMs: 72 * HOUR })).toMatchObject({ kind: 'open' });
});

test('without a deadline a day waits for its books for ever', () => {
  const { deadlineMs: _, ...rule } = PAYMENTS.close;
  const patient = { ...PAYMENTS, close: rule };
  expect(close(null, END + HOUR, { nowMs: 9e12, dataset: patient }).kind).toBe('open');
});

test('a day of tables that say no time is closed as soon as there is something of it', () => {
  const said = {
    feed: 'stream',
    role: 'speed',
    ms: null,
    because: 'why',
    speaks: false,
    timeless: true,
  } as const;
  expect(closesByWatermark({ ...PAYMENTS, close: { ...PAYMENTS.close, needs: [] } }, [said])).toBe(false);
});

test('a batch feed that closing does not need holds nothing up', () => {
  const dataset = { ...PAYMENTS, close: { ...PAYMENTS.close, needs: [] } };
  expect(close(null, END + HOUR, { dataset }).kind).toBe('closed');
});

test('files without windows tell nothing, so that nothing closes by them', () => {
  const dataset: DatasetSpec = {
    ...PAYMENTS,
    feeds: { books: { role: 'batch', visible: 'commit', map: {} } },
    close: { ...PAYMENTS.close, needs: [] },
  };
  const books: FeedWatermark = { feed: 'books', role: 'batch', because: 'why', ms: null, speaks: false };
  expect(closesByWatermark(dataset, [books])).toBe(false);
  expect(closing(dataset, DAY, [books], 0)).toEqual({ kind: 'closed' });
});

function close(
  books: number | null,
  stream: number | null,
  { nowMs = 0, dataset = PAYMENTS }: { nowMs?: number; dataset?: DatasetSpec } = {},
) {
  const facts = { because: 'why', speaks: true };
  return closing(
    dataset,
    DAY,
    [
      { feed: 'books', role: 'batch', ms: books, ...facts },
      { feed: 'stream', role: 'speed', ms: stream, ...facts },
    ],
    nowMs,
  );
}
