/** The shop's tables, in an order in which rows can come: those that others name stand first. */
export const SHOP_TABLES = ['customers', 'bookings', 'refunds'] as const;
export type ShopTable = (typeof SHOP_TABLES)[number];

export const SHOP_KEYS: Readonly<Record<ShopTable, readonly string[]>> = {
  customers: ['customer_id'],
  bookings: ['booking_ref'],
  refunds: ['booking_ref', 'refund_no'],
};

/** Column → its type, as Postgres names it. */
export const SHOP_COLUMNS: Readonly<Record<ShopTable, Readonly<Record<string, string>>>> = {
  customers: {
    customer_id: 'bigint',
    name: 'text',
    email: 'text',
    born: 'date',
    subscribed: 'boolean',
    miles: 'numeric(12,2)',
    preferences: 'jsonb',
    joined_at: 'timestamptz',
  },
  bookings: {
    booking_ref: 'text',
    customer_id: 'bigint',
    status: 'booking_status',
    seats: 'integer',
    fare: 'numeric(18,4)',
    note: 'text',
    booked_at: 'timestamptz',
  },
  refunds: {
    booking_ref: 'text',
    refund_no: 'integer',
    amount: 'numeric(18,2)',
    reason: 'text',
    refunded_at: 'timestamptz',
  },
};

export const BOOKING_STATUSES = ['requested', 'confirmed', 'flown', 'cancelled'] as const;

/**
 * Makes the tables in an empty database. A booking's reference may change, and its refunds then follow by themselves;
 * whoever deletes a row deletes first what names it.
 */
export function shopSchema(): readonly string[] {
  const names: Readonly<Partial<Record<ShopTable, string>>> = {
    bookings: 'FOREIGN KEY (customer_id) REFERENCES customers',
    refunds: 'FOREIGN KEY (booking_ref) REFERENCES bookings ON UPDATE CASCADE',
  };
  return [
    `CREATE TYPE booking_status AS ENUM (${BOOKING_STATUSES.map((status) => `'${status}'`).join(', ')})`,
    ...SHOP_TABLES.map((table) => {
      const columns = Object.entries(SHOP_COLUMNS[table]).map(([name, type]) => `${name} ${type}`);
      const rules = [`PRIMARY KEY (${SHOP_KEYS[table].join(', ')})`, names[table] ?? []].flat();
      return `CREATE TABLE ${table} (${[...columns, ...rules].join(', ')})`;
    }),
  ];
}
