import { rm } from 'node:fs/promises';
import { flightsParquet } from '../../../sample/flights.ts';
import { ask, askOriginal } from '../asking.ts';
import { waitFor } from '../waiting.ts';
import { type Play, transfer } from './play.ts';

/** Files of real flights are collected by a bare start, and compared with what they were made from. */
export async function collectFlights(play: Play): Promise<void> {
  const { stage, promises, say, isBroken } = play;
  if (isBroken('collected')) await rm(stage.flights.files[0] ?? '');
  say(
    `Flights: \`temporal workflow start --type transferFiles --task-queue control --input '{"source":"flights"}'\``,
  );
  const flown = await transfer(play, 'flights');
  const airports = await transfer(play, 'airports');
  say(`${flown.rows} rows of flights and ${airports.rows} airports collected`);
  const before = stage.flights.days - 1;
  const days = await waitFor(async () => {
    const { n } = await ask(stage, 'SELECT count(DISTINCT date::date)::INTEGER AS n FROM flights', 'settled');
    return Number(n) >= before ? Number(n) : undefined;
  }, play.patienceMs);
  const lastDay = stage.flights.last;
  const lake = await ask(
    stage,
    `SELECT count(*)::INTEGER AS rows, sum(delay)::VARCHAR AS delay FROM flights WHERE date < TIMESTAMPTZ '${lastDay} 00:00:00Z'`,
    'settled',
  );
  const original = await askOriginal(
    stage,
    `SELECT count(*)::INTEGER AS rows, sum(delay)::VARCHAR AS delay FROM (SELECT DISTINCT * FROM read_parquet('${flightsParquet()}') WHERE date < TIMESTAMP '${lastDay} 00:00:00')`,
  );
  const held = days !== undefined && lake['rows'] === original['rows'] && lake['delay'] === original['delay'];
  promises.tell(
    'collected',
    held,
    `${String(lake['rows'])} rows of ${days ?? 'too few'} days in the view, ${flown.rows - Number(lake['rows'])} exact copies; the original without its copies has ${String(original['rows'])}`,
  );
}
