import { findingsOf, gatesOf } from '../asking.ts';
import { waitFor } from '../waiting.ts';
import { BY, type Play, decide, update } from './play.ts';

/** Built again with the late events, batch and stream differ in what was planted; then the held day is approved. */
export async function findWhatDiffers(
  play: Play,
  held: { readonly day: string; readonly plan: string } | undefined,
): Promise<void> {
  const { stage, promises, say } = play;
  const before = (await gatesOf(stage, 'payments')) ?? new Map();
  const request = { reason: 'the late events are in', by: BY };
  if (held) await decide(play, held.plan, held.day, 'recompute', request.reason);
  const others = stage.payments.days.filter((day) => day !== held?.day);
  await update(stage, 'reconcile/payments', 'recompute', JSON.stringify({ ...request, partitions: others }));
  const again = await waitFor(async () => {
    const now = await gatesOf(stage, 'payments');
    return stage.payments.days.every((day) => now.get(day)?.planId !== before.get(day)?.planId)
      ? now
      : undefined;
  }, play.patienceMs);
  const found = await findingsOf(stage, 'payments');
  const { onlyInStream, onlyInBatch, amountDiffers } = stage.payments.truth;
  const planted: Record<string, readonly string[]> = {
    missingInBatch: onlyInStream,
    missingInStream: onlyInBatch,
    differs: amountDiffers,
    moved: [],
    late: [],
    pending: [],
  };
  const wrong = Object.entries(planted).filter(
    ([finding, ids]) => !sameKeys(found.get(finding) ?? new Set(), ids),
  );
  const counts = Object.entries(planted).map(
    ([finding, ids]) => `${finding} ${found.get(finding)?.size ?? 0} of ${ids.length}`,
  );
  promises.tell('findings', again !== undefined && wrong.length === 0, counts.join(', '));
  if (held) {
    const gate = again?.get(held.day);
    say(`${held.day} is approved`);
    if (gate?.verdict === 'hold')
      await decide(play, gate.planId, held.day, 'approve', 'the processor confirmed its amounts');
  }
}

function sameKeys(found: ReadonlySet<string>, planted: readonly string[]): boolean {
  return (
    found.size === planted.length && planted.every((id) => found.has(id) || found.has(JSON.stringify([id])))
  );
}
