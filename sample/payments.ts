import {
  drawMalformed,
  drawPayments,
  eventsOf,
  otherAmount,
  settlementCsv,
  unreadableKey,
  type Payment,
} from './payments-draw.ts';
import { expectedTruth, type Flaw, type PaymentsTruth, type PlantSizes } from './payments-truth.ts';
import { seededRandom, type Random } from './random.ts';

export type { PaymentsTruth, PlantSizes };

export const PLANTED: PlantSizes = {
  duplicates: 25,
  late: 20,
  onlyInStream: 7,
  onlyInBatch: 9,
  amountDiffers: 6,
  malformed: 3,
};

/** What a producer puts on the stream. */
export interface StreamEvent {
  readonly partitionKey: string;
  readonly data: string;
  /** It is to be sent only once the batch of its day has been built. */
  readonly late: boolean;
}

/** What the processor delivers for one day: the text within the gzip. */
export interface Settlement {
  readonly day: string;
  readonly csv: string;
}

export interface PaymentsSample {
  readonly seed: number;
  /** The three days, oldest first. */
  readonly days: readonly string[];
  /** In the order to send them; all the late ones stand last. */
  readonly events: readonly StreamEvent[];
  readonly settlements: readonly Settlement[];
  readonly truth: PaymentsTruth;
}

export interface PaymentsOptions {
  readonly seed: number;
  /** The last of the three UTC days, as `2026-11-23`. */
  readonly lastDay: string;
  /** Payments a day, the planted ones among them; 4,000 when not given. */
  readonly perDay?: number;
  readonly plant?: Partial<PlantSizes>;
}

/** An event, and when its producer has it: microseconds from the first day's start. */
interface Timed {
  readonly atMicros: number;
  readonly event: StreamEvent;
}

/**
 * Three days of payments as their two sources tell them, and the truth about both. The same options give the same
 * sample. Each payment's events follow its revisions, within 6 minutes of its `paid_at`: but for the late ones, none
 * is older than that when it is sent. Each flaw is spread evenly over the days, the first day first. Throws a
 * RangeError for options that leave no room for what is to be planted.
 */
export function generatePayments({ seed, lastDay, perDay = 4000, plant }: PaymentsOptions): PaymentsSample {
  const sizes = { ...PLANTED, ...plant };
  const days = threeDays(lastDay);
  checkRoom(perDay, sizes);
  const random = seededRandom(seed);
  const payments = drawPayments(random, days, perDay);
  const planted = plantFlaws(random, days, payments, sizes);
  const malformed = drawMalformed(random, sizes.malformed);

  const regular: Timed[] = malformed.map(({ data }, no) => ({
    atMicros: random.below(3 * 86_400) * 1e6,
    event: { partitionKey: unreadableKey(no), data, late: false },
  }));
  const late: Timed[] = [];
  for (const payment of payments) {
    if (planted.onlyInBatch.has(payment.id)) continue;
    const isLate = planted.late.has(payment.id);
    const told = eventsOf(random, payment).map(({ atMicros, data }) => ({
      atMicros,
      event: { partitionKey: payment.id, data, late: isLate },
    }));
    (isLate ? late : regular).push(...told);
    const last = told.at(-1);
    if (last && planted.duplicates.has(payment.id)) {
      regular.push({ ...last, atMicros: last.atMicros + random.below(30_000_000) });
    }
  }
  const settled = payments
    .filter(({ id }) => !planted.onlyInStream.has(id))
    .map((payment) =>
      planted.amountDiffers.has(payment.id)
        ? { ...payment, cents: otherAmount(random, payment.cents) }
        : payment,
    );

  return {
    seed,
    days,
    events: [...inOrder(regular), ...inOrder(late)],
    settlements: days.map((day) => ({ day, csv: settlementCsv(settled.filter((paid) => paid.day === day)) })),
    truth: expectedTruth({ days, payments, settled, planted, malformed }),
  };
}

function threeDays(lastDay: string): readonly string[] {
  const last = /^\d{4}-\d{2}-\d{2}$/.test(lastDay) ? Date.parse(`${lastDay}T00:00:00Z`) : Number.NaN;
  const days = Number.isNaN(last)
    ? []
    : [2, 1, 0].map((before) => new Date(last - before * 86_400_000).toISOString().slice(0, 10));
  if (days.at(-1) !== lastDay) throw new RangeError(`lastDay is ${lastDay}: give a UTC day, as 2026-11-23`);
  return days;
}

function checkRoom(perDay: number, sizes: PlantSizes): void {
  for (const [name, size] of Object.entries(sizes)) {
    if (Number.isInteger(size) && size >= 0) continue;
    throw new RangeError(`${name} is ${size}: give a whole number from 0`);
  }
  const flaws = [sizes.duplicates, sizes.late, sizes.onlyInStream, sizes.onlyInBatch, sizes.amountDiffers];
  const needed = flaws.reduce((total, size) => total + Math.ceil(size / 3), 0);
  const least = Math.max(2, needed);
  if (Number.isInteger(perDay) && perDay >= least) return;
  throw new RangeError(`perDay is ${perDay}: give a whole number from ${least}, for what is to be planted`);
}

/** Draws without putting back, so that no payment carries two flaws. */
function plantFlaws(
  random: Random,
  days: readonly string[],
  payments: readonly Payment[],
  sizes: PlantSizes,
): Readonly<Record<Flaw, ReadonlySet<string>>> {
  const drawn = random.shuffled(payments);
  const stacks = days.map((day) => drawn.filter((payment) => payment.day === day));
  const take = (size: number): ReadonlySet<string> =>
    new Set(
      Array.from({ length: size }, (_, no) => stacks[no % days.length]?.pop()).flatMap((paid) =>
        paid ? [paid.id] : [],
      ),
    );
  return {
    duplicates: take(sizes.duplicates),
    late: take(sizes.late),
    onlyInStream: take(sizes.onlyInStream),
    onlyInBatch: take(sizes.onlyInBatch),
    amountDiffers: take(sizes.amountDiffers),
  };
}

/** A stable sort: of two events of one instant, the one made first stays first. */
function inOrder(timed: readonly Timed[]): readonly StreamEvent[] {
  return timed.toSorted((a, b) => a.atMicros - b.atMicros).map(({ event }) => event);
}
