import type { Random } from './random.ts';
import { drawBooking, drawCustomer, drawName, drawRefund } from './shop-draw.ts';
import { type Cell, type ShopChange, type ShopRow, type ShopRows, keyOf, same } from './shop-rows.ts';
import type { ShopTable } from './shop-schema.ts';

/** What the shop's people draw from: chance, the rows as they are now, and names that nobody had before. */
export interface Shop {
  readonly random: Random;
  readonly rows: ShopRows;
  readonly lastDay: string;
  newCustomerId(): number;
  newBookingRef(): string;
}

/** Changes of one transaction, in their order. */
type Transaction = readonly ShopChange[];

/** Something that happens in the shop: name → its transactions, mostly one. */
export const EVENTS = {
  /** A new customer books at once. */
  joins({ random, lastDay, ...shop }) {
    const customer = drawCustomer(random, shop.newCustomerId(), lastDay);
    const refs = Array.from({ length: 1 + random.below(3) }, () => shop.newBookingRef());
    const id = cell(customer, 'customer_id');
    const booked = refs.map((ref) => inserted('bookings', drawBooking(random, ref, id, lastDay)));
    return [[inserted('customers', customer), ...booked]];
  },
  books(shop) {
    const id = cell(pick(shop, 'customers'), 'customer_id');
    return [[inserted('bookings', drawBooking(shop.random, shop.newBookingRef(), id, shop.lastDay))]];
  },
  /** The same row twice in one transaction: the last word counts. */
  flies(shop) {
    const booking = pick(shop, 'bookings');
    const seats = { seats: same(1 + shop.random.below(9)) };
    return [
      [
        updated('bookings', booking, seats),
        updated('bookings', booking, { status: same('flown'), ...seats }),
      ],
    ];
  },
  renames(shop) {
    return [[updated('customers', pick(shop, 'customers'), { name: drawName(shop.random) })]];
  },
  /** What was known is known no more. */
  forgetsDetails(shop) {
    const nothing = { email: same(null), born: same(null), preferences: same(null) };
    return [[updated('customers', pick(shop, 'customers'), nothing)]];
  },
  /** One transaction over three tables. */
  refunds(shop) {
    const booking = pick(shop, 'bookings');
    const customer = shop.rows.of('customers').find((one) => isSame(one, booking, 'customer_id')) ?? booking;
    const taken = refundsOf(shop, booking).map((one) => Number(cell(one, 'refund_no').is));
    const ref = cell(booking, 'booking_ref');
    return [
      [
        updated('bookings', booking, { status: same('cancelled') }),
        inserted('refunds', drawRefund(shop.random, ref, 1 + Math.max(0, ...taken), shop.lastDay)),
        updated('customers', customer, { miles: same(`${shop.random.below(1e6)}.50`) }),
      ],
    ];
  },
  withdrawsRefund(shop) {
    return [[deleted('refunds', pick(shop, 'refunds'))]];
  },
  /** The key of a booking that has refunds changes, and their keys with it. */
  rebooks(shop) {
    const ref = cell(pick(shop, 'refunds'), 'booking_ref');
    return [[rekeyed(ref, same(shop.newBookingRef()))]];
  },
  /** A key is given away, and then given to another row. */
  reusesReference(shop) {
    const booking = pick(shop, 'bookings');
    const [ref, id] = [cell(booking, 'booking_ref'), cell(booking, 'customer_id')];
    const next = drawBooking(shop.random, ref.is ?? '', id, shop.lastDay);
    return [[rekeyed(ref, same(shop.newBookingRef()))], [inserted('bookings', next)]];
  },
  /** Two rows change their keys with each other, by way of a third key, in one transaction. */
  swapsReferences(shop) {
    const [one, other] = shop.random
      .shuffled(shop.rows.of('bookings'))
      .map((booking) => cell(booking, 'booking_ref'));
    const aside = same(shop.newBookingRef());
    return one && other ? [[rekeyed(one, aside), rekeyed(other, one), rekeyed(aside, other)]] : [];
  },
  /** A customer leaves, with all that names them. */
  leaves(shop) {
    return [departure(shop, pick(shop, 'customers'))];
  },
  /** Who left comes back under the same number. */
  returns(shop) {
    const customer = pick(shop, 'customers');
    const id = Number(cell(customer, 'customer_id').is);
    const back = drawCustomer(shop.random, id, shop.lastDay);
    return [departure(shop, customer), [inserted('customers', back)]];
  },
  /** A row that comes and goes within one transaction was never there. */
  changesTheirMind(shop) {
    const id = cell(pick(shop, 'customers'), 'customer_id');
    const booking = drawBooking(shop.random, shop.newBookingRef(), id, shop.lastDay);
    return [[inserted('bookings', booking), deleted('bookings', booking)]];
  },
  /** Many rows at once. */
  thanksEverybody(shop) {
    const some = shop.random.shuffled(shop.rows.of('customers')).slice(0, 25);
    return [some.map((one) => updated('customers', one, { miles: same(`${shop.random.below(1e7)}.00`) }))];
  },
} satisfies Readonly<Record<string, (shop: Shop) => readonly Transaction[]>>;

export type ShopEvent = keyof typeof EVENTS;

/** How often each is drawn. More come than leave. */
export const WEIGHTS: readonly (readonly [event: ShopEvent, weight: number])[] = [
  ['joins', 12],
  ['books', 20],
  ['flies', 18],
  ['renames', 10],
  ['forgetsDetails', 4],
  ['refunds', 14],
  ['withdrawsRefund', 4],
  ['rebooks', 4],
  ['reusesReference', 3],
  ['swapsReferences', 2],
  ['leaves', 4],
  ['returns', 2],
  ['changesTheirMind', 2],
  ['thanksEverybody', 1],
];

function departure(shop: Shop, customer: ShopRow): Transaction {
  const bookings = shop.rows.of('bookings').filter((one) => isSame(one, customer, 'customer_id'));
  const refunds = bookings.flatMap((booking) => refundsOf(shop, booking));
  return [
    ...refunds.map((one) => deleted('refunds', one)),
    ...bookings.map((one) => deleted('bookings', one)),
    deleted('customers', customer),
  ];
}

function refundsOf(shop: Shop, booking: ShopRow): readonly ShopRow[] {
  return shop.rows.of('refunds').filter((one) => isSame(one, booking, 'booking_ref'));
}

function pick({ rows, random }: Shop, table: ShopTable): ShopRow {
  const all = rows.of(table);
  const row = all[random.below(all.length)];
  if (!row) throw new Error(`${table} is empty`);
  return row;
}

function inserted(table: ShopTable, row: ShopRow): ShopChange {
  return { kind: 'insert', table, row };
}

function updated(table: ShopTable, row: ShopRow, set: ShopRow): ShopChange {
  return { kind: 'update', table, key: keyOf(table, row), set };
}

function deleted(table: ShopTable, row: ShopRow): ShopChange {
  return { kind: 'delete', table, key: keyOf(table, row) };
}

function rekeyed(from: Cell, to: Cell): ShopChange {
  return { kind: 'update', table: 'bookings', key: { booking_ref: from }, set: { booking_ref: to } };
}

function cell(row: ShopRow, column: string): Cell {
  const found = row[column];
  if (!found) throw new Error(`no ${column} in ${Object.keys(row).join(', ')}`);
  return found;
}

function isSame(one: ShopRow, other: ShopRow, column: string): boolean {
  return one[column]?.is === other[column]?.is;
}
