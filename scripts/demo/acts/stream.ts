import type { Child } from '../../local/child.ts';
import { ask } from '../asking.ts';
import { waitFor } from '../waiting.ts';
import type { Play } from './play.ts';

/** Payments flow while a shard splits and the worker is killed; resolves the worker that took over. */
export async function streamPayments(play: Play, worker: Child): Promise<Child> {
  const { stage, promises, say, isBroken } = play;
  const regular = stage.payments.events.filter(({ late }) => !late);
  const [first, second, third] = [
    regular.slice(0, regular.length / 3),
    regular.slice(regular.length / 3, (regular.length / 3) * 2),
    regular.slice((regular.length / 3) * 2),
  ];
  await stage.send(first);
  let split = { parent: 'none', shards: 4 };
  if (!isBroken('split')) split = await stage.splitShard();
  say(`Shard ${split.parent} was split while records flow: ${split.shards} shards`);
  let taker = worker;
  await stage.send(second);
  if (!isBroken('survives')) {
    // Not before the database is followed, too: what is killed is at work on everything.
    await waitFor(async () => {
      const { n } = await ask(stage, 'SELECT count(*)::INTEGER AS n FROM bookings');
      return Number(n) > 0 ? true : undefined;
    }, play.patienceMs);
    await worker.kill();
    say(`Worker ${worker.pid} was killed with SIGKILL`);
    taker = await stage.local.startWorker();
  }
  await stage.send(third);
  const expected = stage.payments.truth.days.reduce((total, { live }) => total + live.payments, 0);
  const seen = await waitFor(async () => {
    const { n } = await ask(stage, 'SELECT count(*)::INTEGER AS n FROM payments');
    return Number(n) >= expected ? Number(n) : undefined;
  }, play.patienceMs);
  const { n } = await ask(stage, 'SELECT count(*)::INTEGER AS n FROM payments');
  promises.tell(
    'split',
    split.shards > 4 && Number(n) === expected,
    `${split.shards} shards, ${String(n)} payments live, ${expected} were sent`,
  );
  promises.tell(
    'survives',
    taker !== worker && seen === expected,
    taker === worker
      ? 'no worker was killed'
      : `worker ${taker.pid} took over from ${worker.pid}; ${String(seen)} payments live`,
  );
  return taker;
}
