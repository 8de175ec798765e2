import { ask, gatesOf, versionOf } from '../asking.ts';
import { waitFor } from '../waiting.ts';
import { type Play, decide, onDay } from './play.ts';

/** One day's books differ too much: its batch rows wait at the gate, the other days are published. */
export async function holdAtTheGate(
  play: Play,
): Promise<{ readonly day: string; readonly plan: string } | undefined> {
  const { stage, promises, say, isBroken } = play;
  const [heldDay = '', ...others] = stage.payments.days;
  const gates = await waitFor(async () => {
    const seen = await gatesOf(stage, 'payments');
    const published = await versionOf(stage, 'payments');
    return seen.get(heldDay)?.verdict === 'hold' && others.every((day) => seen.has(day)) && published > 0
      ? seen
      : undefined;
  }, play.patienceMs);
  const gate = gates?.get(heldDay);
  if (!gate) {
    promises.tell('held', false, `no hold of ${heldDay} within ${play.patienceMs / 1000} s`);
    return undefined;
  }
  say(
    `${heldDay} is held: ${gate.checks
      .filter(({ verdict }) => verdict !== 'ok')
      .map(({ finding }) => finding)
      .join('; ')}`,
  );
  if (isBroken('held')) await decide(play, gate.planId, heldDay, 'approve', 'too early, on purpose');
  const truth = stage.payments.truth.days.find(({ day }) => day === heldDay);
  if (isBroken('held'))
    await waitFor(async () => ((await versionOf(stage, 'payments')) > 1 ? true : undefined), play.patienceMs);
  const live = await ask(stage, onDay(heldDay));
  const batch = await ask(
    stage,
    `SELECT count(*)::INTEGER AS n FROM "payments$rows" WHERE _source = 'settlements' AND paid_at::date = DATE '${heldDay}'`,
  );
  const settled = await ask(stage, onDay(heldDay), 'settled');
  const other = await ask(stage, onDay(others[0] ?? ''), 'settled');
  const truthOfOther = stage.payments.truth.days.find(({ day }) => day === others[0]);
  const held =
    Number(batch['n']) === 0 &&
    Number(settled['n']) === 0 &&
    Number(live['n']) === truth?.live.payments &&
    Number(other['n']) === truthOfOther?.settled.payments;
  promises.tell(
    'held',
    held,
    `${heldDay}: ${String(live['n'])} payments live from the stream, ${String(batch['n'])} rows of the books visible, ${String(settled['n'])} settled; ${others[0]} settled with ${String(other['n'])}`,
  );
  return isBroken('held') ? undefined : { day: heldDay, plan: gate.planId };
}

/** What comes late is live although its day is held. */
export async function sendLate(play: Play, heldDay: string): Promise<void> {
  const { stage, promises, isBroken } = play;
  const truth = stage.payments.truth.days.find(({ day }) => day === heldDay);
  const sentAt = Date.now();
  if (!isBroken('late')) await stage.send(stage.payments.events.filter(({ late }) => late));
  const seen = await waitFor(
    async () => {
      const { n } = await ask(stage, onDay(heldDay));
      return Number(n) === truth?.liveWithLate.payments ? Number(n) : undefined;
    },
    isBroken('late') ? 5000 : play.patienceMs,
  );
  promises.tell(
    'late',
    seen !== undefined,
    seen === undefined
      ? `the late payments of ${heldDay} were not seen`
      : `${seen - (truth?.live.payments ?? 0)} late payments of ${heldDay} live ${((Date.now() - sentAt) / 1000).toFixed(1)} s after they were sent`,
  );
}
