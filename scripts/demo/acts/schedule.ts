import { ask } from '../asking.ts';
import { waitFor } from '../waiting.ts';
import type { Play } from './play.ts';

/** A file arrives and nobody asks for it. */
export async function fireSchedule(play: Play): Promise<void> {
  const { stage, promises, isBroken } = play;
  if (isBroken('scheduled'))
    await stage.temporal(
      'schedule',
      'toggle',
      '--schedule-id',
      'schedule/flights',
      '--pause',
      '--reason',
      'sabotage',
    );
  const file = await stage.heldBackFlights.arrive();
  const found = await waitFor(
    async () => {
      const { n } = await ask(
        stage,
        `SELECT count(*)::INTEGER AS n FROM flights WHERE date >= TIMESTAMPTZ '${stage.flights.last} 00:00:00Z'`,
      );
      return Number(n) > 0 ? Number(n) : undefined;
    },
    isBroken('scheduled') ? 20_000 : play.patienceMs,
  );
  promises.tell(
    'scheduled',
    found !== undefined,
    found === undefined
      ? `${file} was not found`
      : `${found} rows of ${stage.flights.last} came without anybody asking`,
  );
}
