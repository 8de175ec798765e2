import { setTimeout as pause } from 'node:timers/promises';
import type { ReadMode } from '../../../lake/view.ts';
import { askAll } from '../asking.ts';
import { waitFor } from '../waiting.ts';
import { BY, type Play, update } from './play.ts';

const LOOK_EVERY_MS = 700;
/** Nothing sabotages the first load: it may take its time. */
const LOADED_WITHIN_MS = 90_000;

/** What a reader saw of the bookings. */
interface Look {
  /** Bookings that are there all along, and that it did not see. */
  readonly missing: number;
  /** Keys that it saw more than once. */
  readonly twice: number;
  /** Which loads of the table its rows are of, with what changed since. */
  readonly generations: ReadonlySet<number>;
}

/** Once every booking that is there all along is read, live and settled: of which load they are. */
export async function bookingsLoaded(play: Play): Promise<number | undefined> {
  return waitFor(async () => {
    const [live, settled] = await lookBothWays(play);
    return live.missing + settled.missing === 0 ? Math.max(...live.generations) : undefined;
  }, LOADED_WITHIN_MS);
}

/** The bookings are loaded again while they change and while somebody reads them, until only the new load is seen. */
export async function reloadBookings(play: Play, before: number): Promise<void> {
  const { stage, promises, say, isBroken } = play;
  if (!isBroken('reloaded')) {
    const request = JSON.stringify({ tables: ['public.bookings'], reason: 'to be sure', by: BY });
    say(
      `Shop: \`temporal workflow update execute --workflow-id replicate/shop --name reloadTables --input '${request}'\``,
    );
    await update(stage, 'replicate/shop', 'reloadTables', request);
  }
  const looks: Look[] = [];
  const until = Date.now() + play.patienceMs;
  let isNew = false;
  while (!isNew && Date.now() < until) {
    const seen = await lookBothWays(play);
    looks.push(...seen);
    isNew = seen.every(({ generations }) => generations.size > 0 && Math.min(...generations) > before);
    await pause(LOOK_EVERY_MS);
  }
  const halves = looks.filter((seen) => seen.missing > 0 || seen.twice > 0 || seen.generations.size !== 1);
  const steady = stage.shop.sample.truth.bookings.steady.length;
  promises.tell(
    'reloaded',
    isNew && halves.length === 0,
    `${looks.length} looks, live and settled, while the bookings were loaded again, ${halves.length} of them without one of the ${steady} that are always there, with one twice, or with rows of two loads; at last ${isNew ? `load ${before + 1} alone is seen` : `load ${before} is still seen`}`,
  );
}

async function lookBothWays(play: Play): Promise<readonly [live: Look, settled: Look]> {
  return [await look(play, 'live'), await look(play, 'settled')];
}

async function look({ stage }: Play, mode: ReadMode): Promise<Look> {
  const rows = await askAll(
    stage,
    `SELECT booking_ref, _generation::INTEGER AS generation FROM "bookings$rows"`,
    mode,
  );
  const keys = new Set(rows.map((row) => JSON.stringify([row['booking_ref']])));
  return {
    missing: stage.shop.sample.truth.bookings.steady.filter((key) => !keys.has(key)).length,
    twice: rows.length - keys.size,
    generations: new Set(rows.map((row) => Number(row['generation']))),
  };
}
