import type { Entry } from '../../lake/entry.ts';
import { type LaneId, parseLaneId } from '../../lake/keys.ts';
import type { PlannedPartition } from '../../lake/plan.ts';
import { failure } from '../failure.ts';
import type { Ledger } from '../objects/ledger.ts';
import { type WantedEntry, entriesOf, spansTakenBack } from '../objects/wanted.ts';

/** The entries that these partitions are made from, each with the partitions that want it. */
export async function wantedEntries(
  ledger: Ledger,
  partitions: readonly Pick<PlannedPartition, 'partition' | 'inputs'>[],
  signal: AbortSignal,
): Promise<WantedEntry[]> {
  const lanes = new Map<LaneId, Map<number, Asked>>();
  for (const { partition, inputs } of partitions) {
    const excluded = new Set(
      inputs.undone.flatMap((one) => (one.kind === 'excluded' ? [`${one.lane} ${one.ordinal}`] : [])),
    );
    for (const [lane, ordinals] of Object.entries(inputs.entries) as [LaneId, readonly number[]][]) {
      const asked = lanes.get(lane) ?? new Map<number, Asked>();
      lanes.set(lane, asked);
      for (const ordinal of ordinals) {
        const one = asked.get(ordinal) ?? { partitions: new Map(), takenBack: new Map() };
        asked.set(ordinal, one);
        one.partitions.set(partition, { excluded: excluded.has(`${lane} ${ordinal}`) });
        for (const undone of inputs.undone) {
          if (undone.kind !== 'retracted' || undone.lane !== lane || undone.ordinal !== ordinal) continue;
          one.takenBack.set(`${undone.by} ${undone.item}`, undone);
        }
      }
    }
  }
  const wanted: WantedEntry[] = [];
  for (const [id, asked] of lanes) {
    const { feed, lane } = parseLaneId(id) ?? unknownLane(id);
    const read = (ordinals: readonly number[]) => entriesOf(ledger, feed, lane, ordinals, signal);
    const takers = [...asked.values()].flatMap(({ takenBack }) =>
      [...takenBack.values()].map(({ by }) => by),
    );
    const by = new Map((await read(takers)).map((entry) => [entry.ordinal, entry]));
    for (const entry of await read([...asked.keys()])) {
      const one = asked.get(entry.ordinal);
      if (one) wanted.push({ entry, partitions: one.partitions, retracted: spansOf(entry, one, by) });
    }
  }
  return wanted;
}

interface Asked {
  readonly partitions: Map<string, { readonly excluded: boolean }>;
  readonly takenBack: Map<string, { readonly by: number; readonly item: string }>;
}

function spansOf(entry: Entry, asked: Asked, by: ReadonlyMap<number, Entry>) {
  return [...asked.takenBack.values()].flatMap((one) => {
    const taker = by.get(one.by);
    return taker ? spansTakenBack(taker, entry, one.item) : [];
  });
}

function unknownLane(id: string): never {
  throw failure('MalformedInput', `${id} in a plan is no lane; right would be <feed>/<number>`);
}
