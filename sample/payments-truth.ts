import {
  decimal,
  statusAt,
  type MalformedRecord,
  type Payment,
  type PaymentStatus,
} from './payments-draw.ts';

/** How many payments (for `malformed`: records) carry each planted flaw. A payment carries at most one. */
export interface PlantSizes {
  readonly duplicates: number;
  readonly late: number;
  readonly onlyInStream: number;
  readonly onlyInBatch: number;
  readonly amountDiffers: number;
  readonly malformed: number;
}

/** The flaws that payments carry. */
export type Flaw = Exclude<keyof PlantSizes, 'malformed'>;

/** A row as the settled view must have it once everything has arrived and every day is published. */
export interface ExpectedRow {
  readonly payment_id: string;
  readonly paid_at: string;
  readonly amount: string;
  readonly currency: string;
  readonly status: PaymentStatus;
  readonly revision: number;
  readonly from: 'batch' | 'stream';
}

export interface PaymentTotals {
  readonly payments: number;
  /** An exact sum over all currencies, with two places. */
  readonly amount: string;
}

export interface DayTruth {
  readonly day: string;
  /** What the view has in the end, live and settled alike: the batch's row wherever it has one. */
  readonly settled: PaymentTotals;
  /** What a live read shows while no settlement is published: regular events, greatest revision. */
  readonly live: PaymentTotals;
  /** The same once the late events have come too. */
  readonly liveWithLate: PaymentTotals;
  /** What the settlement file says. */
  readonly batch: PaymentTotals;
  readonly planted: Readonly<Record<Flaw, number>>;
}

/**
 * Only the demo's checker reads this. Ids are sorted, and no id stands in two lists. Until the late events are sent,
 * the late payments look like those that are only in the batch.
 */
export interface PaymentsTruth {
  /** Their last event is sent twice, byte for byte. */
  readonly duplicates: readonly string[];
  /** All their events are sent after the regular ones. The books have them in time. */
  readonly late: readonly string[];
  /** They never reach the books. */
  readonly onlyInStream: readonly string[];
  /** They never reach the stream. */
  readonly onlyInBatch: readonly string[];
  /** The books have another amount at the same revision. */
  readonly amountDiffers: readonly string[];
  readonly malformed: readonly MalformedRecord[];
  readonly rows: readonly ExpectedRow[];
  readonly days: readonly DayTruth[];
}

export interface Told {
  readonly days: readonly string[];
  readonly payments: readonly Payment[];
  /** What the processor settled, with its own amounts. */
  readonly settled: readonly Payment[];
  readonly planted: Readonly<Record<Flaw, ReadonlySet<string>>>;
  readonly malformed: readonly MalformedRecord[];
}

/** What must be seen of these payments. The greatest revision wins and the batch outranks the stream. */
export function expectedTruth({ days, payments, settled, planted, malformed }: Told): PaymentsTruth {
  const inBatch = new Map(settled.map((payment) => [payment.id, payment]));
  const streamed = payments.filter(({ id }) => !planted.onlyInBatch.has(id));
  const regular = streamed.filter(({ id }) => !planted.late.has(id));
  const winners = payments.map((payment) => inBatch.get(payment.id) ?? payment);
  return {
    duplicates: sorted(planted.duplicates),
    late: sorted(planted.late),
    onlyInStream: sorted(planted.onlyInStream),
    onlyInBatch: sorted(planted.onlyInBatch),
    amountDiffers: sorted(planted.amountDiffers),
    malformed,
    rows: winners.map((payment) => expectedRow(payment, inBatch.has(payment.id) ? 'batch' : 'stream')),
    days: days.map((day) => {
      const idsOfDay = new Set(payments.filter((payment) => payment.day === day).map(({ id }) => id));
      const count = (flaw: Flaw): number => sorted(planted[flaw]).filter((id) => idsOfDay.has(id)).length;
      return {
        day,
        settled: totals(winners, day),
        live: totals(regular, day),
        liveWithLate: totals(streamed, day),
        batch: totals(settled, day),
        planted: {
          duplicates: count('duplicates'),
          late: count('late'),
          onlyInStream: count('onlyInStream'),
          onlyInBatch: count('onlyInBatch'),
          amountDiffers: count('amountDiffers'),
        },
      };
    }),
  };
}

function expectedRow(payment: Payment, from: ExpectedRow['from']): ExpectedRow {
  return {
    payment_id: payment.id,
    paid_at: payment.paidAt,
    amount: decimal(payment.cents),
    currency: payment.currency,
    status: statusAt(payment.revision),
    revision: payment.revision,
    from,
  };
}

/** At most some 300,000 cents a payment: the sum stays far below 2^53. */
function totals(payments: readonly Payment[], day: string): PaymentTotals {
  const ofDay = payments.filter((payment) => payment.day === day);
  return { payments: ofDay.length, amount: decimal(ofDay.reduce((sum, { cents }) => sum + cents, 0)) };
}

function sorted(ids: ReadonlySet<string>): readonly string[] {
  return [...ids].toSorted();
}
