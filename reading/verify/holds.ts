import { ordinalOf } from '../../lake/keys.ts';
import type { HoldObject, Outcome } from '../../lake/plan.ts';
import { readJson } from './chains.ts';
import type { Means } from './means.ts';

interface FoundHold {
  readonly key: string;
  readonly hold: HoldObject;
}

/**
 * The holds of each partition are numbered from 1 without gaps, opened by odd numbers and closed by even ones; and
 * what the outcome of a plan has as rejected was rejected, and what it has as published is not held by it any more.
 */
export async function verifyHolds(
  dataset: string,
  outcomes: ReadonlyMap<string, Outcome>,
  means: Means,
): Promise<void> {
  const { findings } = means;
  const all = await holdsOf(dataset, means);
  for (const [partition, holds] of all) {
    let before = 0;
    for (const { key, hold } of holds) {
      const number = ordinalOf(key) ?? 0;
      const missing = number - before - 1;
      if (missing > 0)
        findings.add('gap', key, `follows number ${before}: ${missing} holds of the partition are missing`);
      before = number;
      const right = number % 2 === 1 ? 'open' : 'closed';
      const isItself = hold.n === number && hold.dataset === dataset && hold.partition === partition;
      if (!isItself || hold.state !== right)
        findings.add(
          'altered',
          key,
          `says it is hold ${hold.n} of ${hold.dataset} ${hold.partition}, ${hold.state}; right would be ${number}, ${right}`,
        );
    }
  }
  for (const [key, { planId, partitions }] of outcomes) {
    for (const [partition, outcome] of Object.entries(partitions)) {
      const holds = all.get(partition) ?? [];
      const where = `hold/${dataset}/${partition}/`;
      const last = holds.at(-1)?.hold;
      // Superseded ones aside: an attempt that comes back late may hold what was overtaken meanwhile.
      if (outcome === 'published' && last?.state === 'open' && last.planId === planId)
        findings.add('gap', where, `ends open with hold ${last.n}, but ${key} ended its plan as ${outcome}`);
      else if (outcome === 'rejected' && !isRejected(holds, planId))
        findings.add('gap', where, `has no rejection of plan ${planId}, but ${key} says there was one`);
    }
  }
}

function isRejected(holds: readonly FoundHold[], planId: string): boolean {
  return holds.some(({ hold }, index) => {
    const opened = holds[index - 1]?.hold;
    const isOfPlan = opened?.state === 'open' && opened.planId === planId;
    return isOfPlan && hold.state === 'closed' && hold.action === 'reject';
  });
}

/** Partition → its holds, by number. */
async function holdsOf(
  dataset: string,
  { store, findings, signal }: Means,
): Promise<ReadonlyMap<string, readonly FoundHold[]>> {
  const prefix = `hold/${dataset}/`;
  const found = new Map<string, FoundHold[]>();
  for await (const { key } of store.list(prefix, { signal })) {
    const partition = key.slice(prefix.length).split('/')[0];
    if (partition === undefined || ordinalOf(key) === undefined) continue;
    const hold = await readJson<HoldObject>(store, key, { namedBy: 'the listing' }, findings, signal);
    if (hold) found.set(partition, [...(found.get(partition) ?? []), { key, hold }]);
  }
  return found;
}
