import type { Random } from './random.ts';
import { type Cell, type ShopRow, same } from './shop-rows.ts';

/** Texts that trip whoever writes them into a file and reads them back. */
export const ODD_TEXTS = [
  `Siobhán O'Brien`,
  'Ann "Ace" Lee',
  'two\nlines',
  'carriage\r\nreturn',
  'tab\there',
  'comma, semicolon; pipe|',
  String.raw`back\slash \n`,
  'NULL',
  String.raw`\N`,
  '',
  ' spaces around ',
  '花子 日本',
  '🛫 Fly High',
  'cafe\u0301',
  'separated\u2028lines',
  `'; DROP TABLE customers; --`,
  '"',
  '$1 {x} %s',
] as const;

const FIRST = ['Ada', 'Bo', 'Chloé', 'Dmitri', 'Esra', 'Femi', 'Gül', 'Hana', 'Iñigo', 'Jo'] as const;
const LAST = ['Ångström', 'Baker', 'Costa', 'Díaz', 'Evans', 'Fischer', 'Gupta', 'Hansen', 'Ito'] as const;
const REASONS = ['weather', 'illness', `carrier's fault`, 'double booking'] as const;
const MEALS = ['vegan', 'halal', 'none'] as const;
const ZONES = [0, 330, -180] as const;
const DAY_MICROS = 86_400_000_000;
/** Bookings are of so many days up to the last one. */
const DAYS = 90;

export function drawCustomer(random: Random, id: number, lastDay: string): ShopRow {
  const name = drawName(random);
  return {
    customer_id: same(id),
    name,
    email: random.below(4) === 0 ? same(null) : same(`c${id}@example.org`),
    born: random.below(10) === 0 ? same(null) : same(drawDay(random, '1995-03-01', 20_000)),
    subscribed: same(['true', 'false', null][random.below(3)] ?? null),
    miles: same(decimal(random.below(2 ** 31), 2)),
    preferences: drawPreferences(random),
    joined_at: drawInstant(random, lastDay),
  };
}

export function drawBooking(random: Random, ref: string, customer: Cell, lastDay: string): ShopRow {
  return {
    booking_ref: same(ref),
    customer_id: customer,
    status: same(random.below(2) === 0 ? 'requested' : 'confirmed'),
    seats: random.below(12) === 0 ? same(null) : same(1 + random.below(9)),
    fare: drawFare(random),
    note: drawNote(random),
    booked_at: drawInstant(random, lastDay),
  };
}

export function drawRefund(random: Random, booking: Cell, no: number, lastDay: string): ShopRow {
  return {
    booking_ref: booking,
    refund_no: same(no),
    amount: same(decimal(1 + random.below(100_000), 2)),
    reason: random.below(5) === 0 ? same(null) : same(REASONS[random.below(REASONS.length)] ?? ''),
    refunded_at: drawInstant(random, lastDay),
  };
}

export function drawName(random: Random): Cell {
  if (random.below(8) === 0) return same(ODD_TEXTS[random.below(ODD_TEXTS.length)] ?? '');
  return same(`${FIRST[random.below(FIRST.length)]} ${LAST[random.below(LAST.length)]}`);
}

/** Now and then so long that Postgres keeps it beside the row, and an update that leaves it alone does not tell it. */
export function drawNote(random: Random): Cell {
  const kind = random.below(40);
  if (kind === 0) {
    return same(Array.from({ length: 2000 }, () => random.below(2 ** 32).toString(36)).join(' '));
  }
  if (kind < 8) return same(ODD_TEXTS[random.below(ODD_TEXTS.length)] ?? '');
  return same(kind < 20 ? null : `seat ${1 + random.below(60)}`);
}

/** Four places; a few at the ends of what the column holds. */
export function drawFare(random: Random): Cell {
  const kind = random.below(60);
  if (kind === 0) return same('99999999999999.9999');
  if (kind === 1) return same('-99999999999999.9999');
  if (kind === 2) return same('0.0000');
  return same(decimal(random.below(2 ** 24), 4));
}

/** An instant with microseconds, written in one of three zones. */
export function drawInstant(random: Random, lastDay: string): Cell {
  const micros = random.below(DAYS * 86_400) * 1e6 + random.below(1e6);
  const firstMs = Date.parse(`${lastDay}T00:00:00Z`) - ((DAYS - 1) * DAY_MICROS) / 1000;
  const ms = firstMs + Math.floor(micros / 1000);
  const digits = `${String(ms % 1000).padStart(3, '0')}${String(micros % 1000).padStart(3, '0')}`;
  const zone = ZONES[random.below(ZONES.length)] ?? 0;
  return {
    sent: `${seconds(ms + zone * 60_000).replace('T', ' ')}.${digits}${offset(zone)}`,
    is: `${seconds(ms)}.${digits}Z`,
  };
}

/**
 * An object as JSON, written without spaces, its keys in any order and one of them twice at times. jsonb keeps the
 * last of each key, sorted by length and then by bytes, and a number's digits as they were.
 */
export function drawPreferences(random: Random): Cell {
  if (random.below(6) === 0) return same(null);
  const meals = random.shuffled(MEALS).slice(0, random.below(3));
  const members: readonly (readonly [key: string, value: string])[] = [
    ['seat', JSON.stringify(random.below(2) === 0 ? 'aisle' : 'window')],
    ['note', JSON.stringify(ODD_TEXTS[random.below(ODD_TEXTS.length)])],
    ['limit', decimal(random.below(100_000) * 10, 2)],
    ['agent', random.below(2) === 0 ? 'null' : 'true'],
    ['meals', `[${meals.map((meal) => `"${meal}"`).join(', ')}]`],
  ];
  const told = random.shuffled(members).slice(0, 1 + random.below(members.length));
  const twice = told.slice(0, random.below(2)).map(([key]) => [key, '"changed my mind"'] as const);
  const sorted = told.toSorted(([a], [b]) => a.length - b.length || (a < b ? -1 : 1));
  return {
    sent: `{${[...twice, ...told].map(([key, value]) => `"${key}":${value}`).join(',')}}`,
    is: `{${sorted.map(([key, value]) => `"${key}": ${value}`).join(', ')}}`,
  };
}

/** `units` of the last of so many places. */
export function decimal(units: number, places: number): string {
  const digits = String(units).padStart(places + 1, '0');
  return `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

function drawDay(random: Random, last: string, days: number): string {
  return new Date(Date.parse(`${last}T00:00:00Z`) - random.below(days) * 86_400_000)
    .toISOString()
    .slice(0, 10);
}

function seconds(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19);
}

function offset(minutes: number): string {
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `${minutes < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}:${String(rest).padStart(2, '0')}`;
}
