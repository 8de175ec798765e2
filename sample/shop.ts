import { type Random, seededRandom } from './random.ts';
import { drawBooking, drawCustomer, drawRefund } from './shop-draw.ts';
import { EVENTS, type Shop, type ShopEvent, WEIGHTS } from './shop-events.ts';
import { type ShopChange, ShopRows } from './shop-rows.ts';
import { SHOP_TABLES } from './shop-schema.ts';
import { type Statement, insertions, statementOf } from './shop-sql.ts';
import { type ShopTruth, shopTruth } from './shop-truth.ts';

export { SHOP_COLUMNS, SHOP_KEYS, SHOP_TABLES, type ShopTable, shopSchema } from './shop-schema.ts';
export type { Statement } from './shop-sql.ts';
export type { ShopTruth, TableTruth } from './shop-truth.ts';

/** Statements that are committed together, or together leave no trace. */
export interface ShopTransaction {
  readonly event: ShopEvent;
  readonly ends: 'COMMIT' | 'ROLLBACK';
  readonly statements: readonly Statement[];
}

export interface ShopSample {
  readonly seed: number;
  /** Fills the empty tables. */
  readonly initial: readonly Statement[];
  /** What then happens, in its order. */
  readonly transactions: readonly ShopTransaction[];
  readonly truth: ShopTruth;
}

export interface ShopOptions {
  readonly seed: number;
  /** The newest UTC day that rows tell of, as `2026-11-23`. */
  readonly lastDay: string;
  /** There at the beginning, with two bookings each and a refund of every sixth booking; 800 when not given. */
  readonly customers?: number;
  /** How often something happens afterwards, at least twice of each kind; 400 when not given. */
  readonly events?: number;
}

const FEWEST_CUSTOMERS = 50;
const FEWEST_EVENTS = 2 * Object.keys(EVENTS).length;
/** Of the events, how many are thought better of. */
const ROLLED_BACK = 0.04;

/**
 * A travel shop's database: what it holds, what happens in it, and what must be there in the end. The same options
 * give the same sample. Throws a RangeError for options that leave no room for every kind of event.
 */
export function generateShop({ seed, lastDay, customers = 800, events = 400 }: ShopOptions): ShopSample {
  check('customers', customers, FEWEST_CUSTOMERS);
  check('events', events, FEWEST_EVENTS);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(lastDay) || Number.isNaN(Date.parse(`${lastDay}T00:00:00Z`)))
    throw new RangeError(`lastDay is ${lastDay}: give a UTC day, as 2026-11-23`);
  const random = seededRandom(seed);
  const rows = new ShopRows();
  const initial = drawInitial(random, customers, lastDay);
  for (const change of initial) rows.apply(change);

  let [lastCustomer, lastBooking] = [customers, 2 * customers];
  const shop: Shop = {
    random,
    rows,
    lastDay,
    newCustomerId: () => (lastCustomer += 1),
    newBookingRef: () => bookingRef((lastBooking += 1)),
  };
  const happened = drawEvents(random, events).flatMap((event) => {
    const drawn = EVENTS[event](shop);
    const ends = random.below(1000) < ROLLED_BACK * 1000 ? ('ROLLBACK' as const) : ('COMMIT' as const);
    if (ends === 'COMMIT') for (const change of drawn.flat()) rows.apply(change);
    // What follows upon a transaction that was rolled back would not fit.
    return (ends === 'COMMIT' ? drawn : drawn.slice(0, 1)).map((changes) => ({ event, ends, changes }));
  });

  return {
    seed,
    initial: SHOP_TABLES.flatMap((table) =>
      insertions(
        table,
        initial.flatMap((one) => (one.kind === 'insert' && one.table === table ? [one.row] : [])),
      ),
    ),
    transactions: happened.map(({ event, ends, changes }) => ({
      event,
      ends,
      statements: changes.map(statementOf),
    })),
    truth: shopTruth(
      initial,
      happened.flatMap(({ ends, changes }) => (ends === 'COMMIT' ? changes : [])),
    ),
  };
}

function drawInitial(random: Random, customers: number, lastDay: string): readonly ShopChange[] {
  return Array.from({ length: customers }, (_, no): readonly ShopChange[] => {
    const customer = drawCustomer(random, no + 1, lastDay);
    const id = customer['customer_id'] ?? { sent: null, is: null };
    const bookings = [2 * no + 1, 2 * no + 2].map((one) => drawBooking(random, bookingRef(one), id, lastDay));
    const refunds = bookings
      .filter((_booking, at) => (2 * no + at) % 6 === 0)
      .map((booking) => drawRefund(random, booking['booking_ref'] ?? id, 1, lastDay));
    return [
      { kind: 'insert', table: 'customers', row: customer },
      ...bookings.map((row): ShopChange => ({ kind: 'insert', table: 'bookings', row })),
      ...refunds.map((row): ShopChange => ({ kind: 'insert', table: 'refunds', row })),
    ];
  }).flat();
}

/** Each kind twice, the others as their weights have it, in any order. */
function drawEvents(random: Random, count: number): readonly ShopEvent[] {
  const names = WEIGHTS.map(([event]) => event);
  const drawn = Array.from({ length: count - 2 * names.length }, () => random.weighted(WEIGHTS));
  return random.shuffled([...names, ...names, ...drawn]);
}

function bookingRef(no: number): string {
  return `TR${String(no).padStart(6, '0')}`;
}

function check(name: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new RangeError(`${name} is ${value}: give a whole number from ${least}`);
}
