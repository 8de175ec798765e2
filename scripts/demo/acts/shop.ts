import { SHOP_TABLES, type ShopTable, type TableTruth } from '../../../sample/shop.ts';
import { askAll } from '../asking.ts';
import { byKey, canonicalSelect, checksum, unlike } from '../shop/compare.ts';
import { waitFor } from '../waiting.ts';
import { BY, type Play, update } from './play.ts';
import { bookingsLoaded, reloadBookings } from './shop-reload.ts';

/** So long the shop lives before its bookings may be loaded again, and so long from then on. */
const HALF_A_LIFE_MS = 12_000;

/**
 * Beside all other acts a database is replicated while it changes; one of its tables is loaded again in the middle.
 * Once it has come to rest, the lake, the database and the generator's truth are held against each other.
 */
export async function replicateShop(play: Play): Promise<void> {
  const { stage, promises, say, isBroken } = play;
  const { sample, database } = stage.shop;
  const half = Math.ceil(sample.transactions.length / 2);
  const [first, second] = [sample.transactions.slice(0, half), sample.transactions.slice(half)];
  await database.live(first, HALF_A_LIFE_MS);
  const load = await bookingsLoaded(play);
  const again = load === undefined ? undefined : reloadBookings(play, load);
  await Promise.all([database.live(second, HALF_A_LIFE_MS), again]);
  const rolledBack = sample.transactions.filter(({ ends }) => ends === 'ROLLBACK').length;
  say(`Shop: ${sample.transactions.length} transactions were written, ${rolledBack} of them rolled back`);
  if (isBroken('replicated'))
    await database.write(
      `UPDATE bookings SET note = 'unplanted' WHERE booking_ref = (SELECT min(booking_ref) FROM bookings)`,
    );
  if (isBroken('deleted'))
    await database.write(
      `INSERT INTO customers (customer_id, name) VALUES (${firstGone(play)}, 'unplanted')`,
    );

  const isLive = await waitFor(() => whenAllEqual(play, 'live'), play.patienceMs);
  for (const table of SHOP_TABLES) {
    const request = { reason: 'the shop is closed for today', by: BY };
    await update(stage, `reconcile/${table}`, 'recompute', JSON.stringify(request));
  }
  if (isLive) await waitFor(() => whenAllEqual(play, 'settled'), play.patienceMs);
  const found: Compared[] = [];
  for (const table of SHOP_TABLES) found.push(await compared(play, table));
  const isSame = found.every((one) => one.isSame);
  promises.tell(
    'replicated',
    isSame,
    `the truth has ${found.map(({ words }) => words).join('; ')}${isSame ? '; Postgres, live and settled the same' : ''}`,
  );
  const gone = SHOP_TABLES.flatMap((table) => sample.truth[table].gone).length;
  const back = found.flatMap((one) => one.back);
  promises.tell(
    'deleted',
    back.length === 0 && found.every(({ isThere }) => isThere),
    `${gone} keys were deleted or given up, ${back.length} of them are live or settled${back[0] === undefined ? '' : ` (${back[0]})`}`,
  );
}

async function whenAllEqual(play: Play, mode: 'live' | 'settled'): Promise<true | undefined> {
  for (const table of SHOP_TABLES) {
    const { rows, twice } = await rowsOf(play, table, mode);
    if (twice > 0 || unlike(rows, play.stage.shop.sample.truth[table].rows).length > 0) return undefined;
  }
  return true;
}

interface Compared {
  /** Postgres, live and settled reads and the truth have the same rows. */
  readonly isSame: boolean;
  readonly isThere: boolean;
  readonly words: string;
  /** Keys that are gone, and are read all the same. */
  readonly back: readonly string[];
}

async function compared(play: Play, table: ShopTable): Promise<Compared> {
  const { sample, database } = play.stage.shop;
  const { rows: truth, gone } = sample.truth[table];
  const sides: readonly (readonly [name: string, rows: TableTruth['rows'], twice: number])[] = [
    ['Postgres', await database.rows(table), 0],
    ...(await Promise.all(
      (['live', 'settled'] as const).map(async (mode) => {
        const { rows, twice } = await rowsOf(play, table, mode);
        return [mode, rows, twice] as const;
      }),
    )),
  ];
  const sum = checksum(table, truth);
  const wrong = sides.filter(([, rows, twice]) => twice > 0 || checksum(table, rows) !== sum);
  const unlikes = wrong.map(([name, rows]) => {
    const keys = unlike(rows, truth);
    return `${name} ${rows.size}, of ${keys.length} keys not the same (${keys[0] ?? 'one twice'})`;
  });
  return {
    isSame: wrong.length === 0,
    isThere: sides.every(([, rows]) => rows.size > 0),
    words: [`${truth.size} ${table} (${sum})`, ...unlikes].join(', '),
    back: sides.slice(1).flatMap(([, rows]) => gone.filter((key) => rows.has(key))),
  };
}

async function rowsOf({ stage }: Play, table: ShopTable, mode: 'live' | 'settled') {
  return byKey(table, await askAll(stage, canonicalSelect(table), mode));
}

function firstGone({ stage }: Play): string {
  const [id] = JSON.parse(stage.shop.sample.truth.customers.gone[0] ?? '[]') as readonly string[];
  return id ?? '';
}
