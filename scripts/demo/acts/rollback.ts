import { ask, versionOf } from '../asking.ts';
import type { Stage } from '../stage.ts';
import { waitFor } from '../waiting.ts';
import { BY, type Play, onDay } from './play.ts';

/** A day goes back to what it was, stays so while new rows come, and goes forward again. */
export async function rollBack(play: Play, held: { readonly day: string } | undefined): Promise<void> {
  const { stage, promises, say, isBroken } = play;
  const day = held?.day ?? stage.payments.days[0] ?? '';
  const truth = stage.payments.truth.days.find((one) => one.day === day);
  const approved = await waitFor(async () => {
    const { n } = await ask(stage, onDay(day), 'settled');
    return Number(n) === truth?.settled.payments ? versionOf(stage, 'payments') : undefined;
  }, play.patienceMs);
  const good = await settledRows(stage);
  const rolled = await stage.tributary(
    'rollback',
    'payments',
    '--to',
    '1',
    '--partitions',
    day,
    '--reason',
    'the books of this day are in doubt',
    '--by',
    BY,
    ...(isBroken('rollback') ? ['--no-pin'] : []),
  );
  say(rolled.stdout.trim());
  const fresh = {
    payment_id: 'pay_fresh',
    paid_at: `${day}T12:00:00.000Z`,
    amount: '12.34',
    currency: 'EUR',
    status: 'captured',
    revision: 1,
  };
  await stage.send([{ partitionKey: fresh.payment_id, data: JSON.stringify(fresh) }]);
  const live = await waitFor(async () => {
    const { n } = await ask(
      stage,
      `SELECT count(*)::INTEGER AS n FROM payments WHERE payment_id = 'pay_fresh'`,
    );
    return Number(n) === 1 ? true : undefined;
  }, play.patienceMs);
  // Nothing undoes it: the reconciliation looks again, and again, and the day stays as the person left it.
  for (let look = 0; look < 3; look += 1) {
    await stage.temporal('workflow', 'signal', '--workflow-id', 'reconcile/payments', '--name', 'nudge');
    await new Promise((pause) => setTimeout(pause, 1500));
  }
  const after = await ask(stage, onDay(day), 'settled');
  promises.tell(
    'rollback',
    approved !== undefined && live === true && Number(after['n']) === 0,
    `${day} settled with ${truth?.settled.payments ?? 0} in version ${approved ?? 'none'}, with ${String(after['n'])} after the rollback; a payment that came since is ${live ? 'live' : 'not live'}`,
  );
  if (approved !== undefined && !isBroken('rollback')) {
    const why = ['--reason', 'the doubt was unfounded', '--by', BY];
    await stage.tributary('rollback', 'payments', '--to', String(approved), '--partitions', day, ...why);
    await stage.tributary('release', 'payments', '--partitions', day, ...why);
    const isAsBefore = (await settledRows(stage)) === good;
    const words = isAsBefore ? 'the same rows are settled as before' : 'other rows are settled than before';
    promises.tell('rollback', isAsBefore, `forward again, ${words}`);
  }
}

async function settledRows(stage: Stage): Promise<string> {
  const { rows } = await ask(
    stage,
    `SELECT count(*)::VARCHAR || ' ' || sum(_hash)::HUGEINT::VARCHAR AS rows FROM "payments$rows"`,
    'settled',
  );
  return String(rows);
}
