import type { Sendable } from './replay.ts';

export interface OddRecord extends Sendable {
  /** What the lake must say: the reason of its quarantine, or that it is a row. */
  readonly says:
    | { readonly outcome: 'quarantined'; readonly reason: string; readonly column?: string }
    | { readonly outcome: 'row' };
}

/** Stream records that must be quarantined, with a good one between any two. `day`, as `2026-11-23`, is the good ones'. */
export function oddRecords(day: string): readonly OddRecord[] {
  const wrong: readonly (readonly [data: string, reason: string, column?: string])[] = [
    ['this is not JSON', 'NotJson'],
    [event(day, 901).slice(0, -9), 'NotJson'],
    ['', 'NotJson'],
    ['["pay"]', 'NotAnObject'],
    [event(day, 905, { payment_id: undefined }), 'Missing', 'payment_id'],
    [event(day, 906, { payment_id: null }), 'Missing', 'payment_id'],
    [event(day, 907, { paid_at: '2099-01-01T00:00:00.000000Z' }), 'EventTimeOutOfRange', 'paid_at'],
    [event(day, 908, { paid_at: '1970-01-01T00:00:00.000000Z' }), 'EventTimeOutOfRange', 'paid_at'],
    [event(day, 909, { amount: '1.005' }), 'NotADecimal(18,2)', 'amount'],
    [event(day, 910, { revision: '1.7' }), 'NotABigint', 'revision'],
  ];
  return wrong.flatMap(([data, reason, column], no): OddRecord[] => [
    { partitionKey: oddId(no + 1), data: event(day, no + 1), says: { outcome: 'row' } },
    {
      partitionKey: oddId(no + 901),
      data,
      says: { outcome: 'quarantined', reason, ...(column === undefined ? {} : { column }) },
    },
  ]);
}

/** Revision 3 of a payment, then its revision 2: both are rows, and the view keeps revision 3 whatever came last. */
export function backwardsRevision(day: string): {
  readonly records: readonly OddRecord[];
  readonly wins: { readonly payment_id: string; readonly revision: number; readonly status: string };
} {
  const told = [
    { revision: 3, status: 'refunded' },
    { revision: 2, status: 'captured' },
  ];
  return {
    records: told.map((fields) => ({
      partitionKey: oddId(800),
      data: event(day, 800, fields),
      says: { outcome: 'row' },
    })),
    wins: { payment_id: oddId(800), revision: 3, status: 'refunded' },
  };
}

function oddId(no: number): string {
  return `odd_${String(no).padStart(6, '0')}`;
}

function event(day: string, no: number, other: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    payment_id: oddId(no),
    paid_at: `${day}T12:00:00.000000Z`,
    amount: '10.00',
    currency: 'EUR',
    status: 'authorized',
    revision: 1,
    ...other,
  });
}
