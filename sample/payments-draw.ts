import type { Random } from './random.ts';

export type PaymentStatus = 'authorized' | 'captured' | 'refunded';

/** A payment as it truly is, before two sources tell of it. */
export interface Payment {
  readonly id: string;
  /** The day of `paidAt`. */
  readonly day: string;
  /** Microseconds from the first day's start. */
  readonly paidMicros: number;
  /** UTC, six digits of fraction. */
  readonly paidAt: string;
  readonly cents: number;
  readonly currency: string;
  /** Its last revision, counted from 1: each moves the status on by one. */
  readonly revision: number;
}

/** A record that no reader can take. */
export interface MalformedRecord {
  readonly data: string;
  readonly wrong: 'not JSON' | 'lacks its key';
}

const DAY_MICROS = 86_400_000_000;
const STATUSES = ['authorized', 'captured', 'refunded'] as const;
const DEVICES = ['ios', 'android', 'web'] as const;

export function statusAt(revision: number): PaymentStatus {
  return STATUSES[revision - 1] ?? 'refunded';
}

/** A decimal with two places, as both sources write it. */
export function decimal(cents: number): string {
  return `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
}

/**
 * `perDay` payments a day, ids in the order of `paidAt`. Each day's first payment is at its first microsecond and its
 * last at its last one.
 */
export function drawPayments(random: Random, days: readonly string[], perDay: number): readonly Payment[] {
  return days.flatMap((day, dayNo) => {
    const inner = Array.from({ length: perDay - 2 }, () => random.below(86_400) * 1e6 + random.below(1e6));
    return [0, ...inner.toSorted((a, b) => a - b), DAY_MICROS - 1].map((micros, no) => ({
      id: `pay_${String(dayNo * perDay + no + 1).padStart(6, '0')}`,
      day,
      paidMicros: dayNo * DAY_MICROS + micros,
      paidAt: `${day}T${timeOfDay(micros)}Z`,
      // A product of two draws: many small fares, few large ones.
      cents: 199 + random.below(600) * (1 + random.below(500)),
      currency: random.weighted([
        ['EUR', 6],
        ['USD', 3],
        ['GBP', 1],
      ]),
      revision: random.weighted([
        [1, 35],
        [2, 45],
        [3, 20],
      ]),
    }));
  });
}

/** The payment's events, one a revision, each when its producer has it. */
export function eventsOf(
  random: Random,
  payment: Payment,
): readonly { readonly atMicros: number; readonly data: string }[] {
  let atMicros = payment.paidMicros;
  return Array.from({ length: payment.revision }, (_, no) => {
    atMicros += 1 + random.below(110_000_000);
    const device = random.below(10) < 3 ? { device: DEVICES[random.below(3)] } : {};
    const data = JSON.stringify({
      payment_id: payment.id,
      paid_at: payment.paidAt,
      amount: decimal(payment.cents),
      currency: payment.currency,
      status: statusAt(no + 1),
      revision: no + 1,
      ...device,
    });
    return { atMicros, data };
  });
}

/** The processor's text of one day: its own name for the amount, its own way to write an instant. */
export function settlementCsv(payments: readonly Payment[]): string {
  const lines = payments.map(({ id, paidAt, cents, currency, revision }) => {
    const paid = paidAt.replace('T', ' ').replace('Z', '+00:00');
    return [id, paid, decimal(cents), currency, statusAt(revision), revision].join(',');
  });
  return ['payment_id,paid_at,gross,currency,status,revision', ...lines, ''].join('\n');
}

/** Another amount than this, and above 0. */
export function otherAmount(random: Random, cents: number): number {
  const by = 1 + random.below(100);
  return random.below(2) === 0 ? cents + by : cents - by;
}

/** The partition key of the malformed record `no`, counted from 0. It stands in the record too, so no two are alike. */
export function unreadableKey(no: number): string {
  return `unreadable-${no + 1}`;
}

/** Records that are cut off, have no key, are no JSON at all, or have a null key, in turn. */
export function drawMalformed(random: Random, count: number): readonly MalformedRecord[] {
  return Array.from({ length: count }, (_, no): MalformedRecord => {
    const amount = decimal(199 + random.below(100_000));
    const mark = unreadableKey(no);
    switch (no % 4) {
      case 0:
        return { data: `{"payment_id":"${mark}","amount":"${amount}","curr`, wrong: 'not JSON' };
      case 1:
        return {
          data: JSON.stringify({ amount, currency: 'EUR', status: 'captured', revision: 2, note: mark }),
          wrong: 'lacks its key',
        };
      case 2:
        return { data: `payment ${mark} of ${amount} EUR was captured`, wrong: 'not JSON' };
      default:
        return {
          data: JSON.stringify({ payment_id: null, amount, currency: 'USD', revision: 1, note: mark }),
          wrong: 'lacks its key',
        };
    }
  });
}

function timeOfDay(micros: number): string {
  const seconds = Math.floor(micros / 1e6);
  const fraction = String(micros % 1e6).padStart(6, '0');
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${fraction}`;
}

function two(part: number): string {
  return String(part).padStart(2, '0');
}
