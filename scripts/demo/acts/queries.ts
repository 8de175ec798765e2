import { flightsParquet } from '../../../sample/flights.ts';
import { ask, askAll, askOriginal } from '../asking.ts';
import { waitFor } from '../waiting.ts';
import type { Play } from './play.ts';

/** Payments, flights and airports are queried, and held against what the generator and the originals know. */
export async function compareWithTruth(play: Play): Promise<void> {
  const { stage, promises, isBroken } = play;
  if (isBroken('queries')) {
    const day = stage.payments.days[2] ?? '';
    const unplanted = {
      payment_id: 'pay_unplanted',
      paid_at: `${day}T10:00:00.000Z`,
      amount: '1.00',
      currency: 'EUR',
      status: 'captured',
      revision: 1,
    };
    await stage.send([{ partitionKey: unplanted.payment_id, data: JSON.stringify(unplanted) }]);
    await waitFor(async () => {
      const { n } = await ask(
        stage,
        `SELECT count(*)::INTEGER AS n FROM payments WHERE payment_id = 'pay_unplanted'`,
      );
      return Number(n) === 1 ? true : undefined;
    }, play.patienceMs);
  }
  const rows = await askAll(
    stage,
    `SELECT payment_id, amount::VARCHAR AS amount, currency, status, revision::INTEGER AS revision FROM payments WHERE payment_id <> 'pay_fresh' ORDER BY payment_id`,
  );
  const told = new Map(
    rows.map((row) => [
      String(row['payment_id']),
      `${String(row['amount'])} ${String(row['currency'])} ${String(row['status'])} ${String(row['revision'])}`,
    ]),
  );
  const wrong = stage.payments.truth.rows.filter(
    (row) => told.get(row.payment_id) !== `${row.amount} ${row.currency} ${row.status} ${row.revision}`,
  );
  const extra = told.size - stage.payments.truth.rows.length;
  const lake = await ask(
    stage,
    'SELECT count(*)::INTEGER AS rows, sum(distance)::VARCHAR AS distance, min(delay)::INTEGER AS least FROM flights',
  );
  const until = stage.flights.last;
  const original = await askOriginal(
    stage,
    `SELECT count(*)::INTEGER AS rows, sum(distance)::VARCHAR AS distance, min(delay)::INTEGER AS least FROM (SELECT DISTINCT * FROM read_parquet('${flightsParquet()}') WHERE date < TIMESTAMP '${until} 00:00:00' + INTERVAL 1 DAY)`,
  );
  const sameFlights =
    lake['rows'] === original['rows'] &&
    lake['distance'] === original['distance'] &&
    lake['least'] === original['least'];
  const airports = await ask(stage, 'SELECT count(*)::INTEGER AS n FROM airports');
  promises.tell(
    'queries',
    wrong.length === 0 && extra === 0 && sameFlights && Number(airports['n']) === 3376,
    `${told.size} payments, ${wrong.length} unlike the truth${wrong[0] ? ` (${wrong[0].payment_id})` : ''}, ${extra} unknown to it; ${String(lake['rows'])} flights, the original has ${String(original['rows'])}; ${String(airports['n'])} airports; stamp ${lake.stamp.slice(0, 12)}`,
  );
}
