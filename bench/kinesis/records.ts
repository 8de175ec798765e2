import type { Columns } from '../../lake/spec.ts';
import { seededRandom } from '../../sample/random.ts';

export const STREAM = 'bench-events';
export const RECORD_BYTES = 1000;
export const SHARDS = 4;

/** Every field of a record. */
export const COLUMNS: Columns = {
  id: 'string',
  at: 'timestamp',
  amount: 'decimal(18,2)',
  currency: 'string',
  status: 'string',
  attempts: 'bigint',
  note: 'string',
};

const WORDS =
  'order paid refund card window train harbour invoice parcel winter letter bridge stone river paper salt'.split(
    ' ',
  );
const random = seededRandom(7);
/** Long enough that a note can begin at many places of it. */
const TEXT = Array.from({ length: 40_000 }, () => WORDS[random.below(WORDS.length)]).join(' ');

/** Record number `n`, a payment of 1,000 bytes of JSON: the note fills it up. */
export function recordOf(n: number): Buffer {
  const at = new Date(Date.UTC(2026, 10, 20) + n * 100).toISOString();
  const fields = {
    id: `pay_${String(n).padStart(9, '0')}`,
    at,
    amount: `${n % 5000}.${String(n % 100).padStart(2, '0')}`,
    currency: 'EUR',
    status: n % 7 === 0 ? 'refunded' : 'captured',
    attempts: (n % 3) + 1,
    note: '',
  };
  const room = RECORD_BYTES - JSON.stringify(fields).length;
  const from = (n * 7919) % (TEXT.length - room);
  return Buffer.from(JSON.stringify({ ...fields, note: TEXT.slice(from, from + room) }));
}
