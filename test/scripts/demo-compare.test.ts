import { expect, test } from 'vitest';
import { byKey, checksum, unlike } from '../../scripts/demo/shop/compare.ts';

const refund = (no: string, reason: string | null) => ({
  booking_ref: 'TR000001',
  refund_no: no,
  amount: '12.50',
  reason,
  refunded_at: '2026-03-01T10:00:00.000000Z',
});
const rows = (...list: ReturnType<typeof refund>[]) => byKey('refunds', list).rows;

test('rows that are equal in every column are alike, in whatever order they come', () => {
  const [one, other] = [refund('1', 'weather'), refund('2', null)];
  expect(unlike(rows(one, other), rows(other, one))).toEqual([]);
  expect(checksum('refunds', rows(one, other))).toBe(checksum('refunds', rows(other, one)));
});

test('a row that one side alone has, and one that differs in a column, are unlike', () => {
  const first = refund('1', 'weather');
  const [second, third] = ['["TR000001","2"]', '["TR000001","3"]'];
  expect(unlike(rows(first, refund('2', null)), rows(first))).toEqual([second]);
  expect(unlike(rows(first), rows(first, refund('3', null)))).toEqual([third]);
  expect(unlike(rows(refund('2', 'illness')), rows(refund('2', 'weather')))).toEqual([second]);
});

test('no value is another value than an empty text', () => {
  expect(unlike(rows(refund('2', null)), rows(refund('2', '')))).toEqual(['["TR000001","2"]']);
  expect(checksum('refunds', rows(refund('2', null)))).not.toBe(checksum('refunds', rows(refund('2', ''))));
});

test('a key that comes twice is counted', () => {
  expect(byKey('refunds', [refund('1', 'weather'), refund('1', null)])).toMatchObject({ twice: 1 });
});
