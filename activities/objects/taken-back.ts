import type { GenerationRetraction } from '../../lake/entry.ts';
import { keys } from '../../lake/keys.ts';
import { tableFacts } from '../../lake/table-lane.ts';
import { failure } from '../failure.ts';
import type { EntryLink } from './lane.ts';
import type { Ledger } from './ledger.ts';

/** Entries read between two looks at the signal. */
const RUN = 500;

/**
 * What the `ready` entry of a generation takes back when it is committed after `head`: every row of the lane below that
 * generation which no `ready` entry before took back. It reads the entries that brought them, and no rows.
 */
export async function takenBack(
  ledger: Ledger,
  head: EntryLink,
  generation: number,
  signal: AbortSignal,
): Promise<GenerationRetraction> {
  const { feed, lane } = head.value;
  const lost = new Map<string, { rows: number; hash: bigint }>();
  let ready: number | undefined;
  for (let to = head.n; to > 0; to -= RUN) {
    signal.throwIfAborted();
    const links = await ledger.range(feed, lane, Math.max(1, to - RUN + 1), to, signal);
    for (const { value } of links.toReversed()) {
      const table = tableFacts(value);
      if (!table) {
        throw failure('ChainBroken', `${keys.entry(feed, lane, value.ordinal)} is no entry of a table`);
      }
      if (table.ready) ready ??= table.generation;
      // Below the last one that was ready, that one took everything back.
      if (ready !== undefined && table.generation < ready) return answer();
      if (table.generation >= generation) continue;
      for (const rows of value.rows) {
        for (const [partition, one] of Object.entries(await ledger.partitions(rows, signal))) {
          const before = lost.get(partition) ?? { rows: 0, hash: 0n };
          lost.set(partition, { rows: before.rows + one.rows, hash: before.hash + BigInt(one.hash) });
        }
      }
    }
  }
  return answer();

  function answer(): GenerationRetraction {
    const partitions = [...lost].map(
      ([partition, { rows, hash }]) => [partition, { rows, hash: String(hash) }] as const,
    );
    return { feed, lane, belowGeneration: generation, partitions: Object.fromEntries(partitions) };
  }
}
