import { compareText } from '../../lake/canonical.ts';
import { isWithin } from '../../lake/coverage.ts';
import type { LakeSpec } from '../../lake/spec.ts';
import { type SpecChange, rebuiltBy } from '../../lake/spec-change.ts';
import type { Coverage } from '../../lake/view.ts';
import type { Ledger } from '../objects/ledger.ts';
import type { Watch } from '../objects/port.ts';
import { barredBy, statisticsUnder } from '../objects/statistics.ts';

/** Entries read between two signs of life. */
const RUN = 500;
const MOST_SAID = 5;

/** What a spec asks of a dataset's entries before it may be applied. */
export interface Rebuild {
  readonly dataset: string;
  /** Entries whose rows are to be counted under the new mapping, and those rows. */
  readonly unmeasured: number;
  readonly rows: number;
  /** Why entries cannot be taken, the first few; empty where all can, as far as they are counted. */
  readonly barred: readonly string[];
}

/**
 * Of each dataset that the changes build anew, what of its entries is not counted yet, and what does not fit. `within`:
 * those entries alone; whatever came since is counted before it is planned. It only reads.
 */
export async function rebuildsOf(
  ledger: Ledger,
  next: LakeSpec,
  changes: readonly SpecChange[],
  watch: Watch,
  within?: Coverage,
): Promise<readonly Rebuild[]> {
  const found: Rebuild[] = [];
  for (const dataset of [...rebuiltBy(changes, next)].sort(compareText))
    found.push(await rebuildOf(ledger, next, dataset, watch, within));
  return found;
}

async function rebuildOf(
  ledger: Ledger,
  lake: LakeSpec,
  dataset: string,
  { signal, onProgress }: Watch,
  within: Coverage | undefined,
): Promise<Rebuild> {
  const spec = lake.datasets[dataset];
  const barred: string[] = [];
  let unmeasured = 0;
  let rows = 0;
  if (!spec) return { dataset, unmeasured, rows, barred };
  const statistics = statisticsUnder(ledger, { lake, dataset: spec }, signal);
  for (const feed of Object.keys(spec.feeds)) {
    for (const lane of await ledger.lanes(feed, signal)) {
      const head = (await ledger.head(feed, lane, signal))?.n ?? 0;
      for (let from = 1; from <= head; from += RUN) {
        const links = await ledger.range(feed, lane, from, Math.min(head, from + RUN - 1), signal);
        onProgress();
        for (const { value } of links) {
          if (within && !isWithin(within, value)) continue;
          const objects = await statistics.find(value);
          if (!objects) {
            unmeasured += 1;
            rows += value.rows.reduce((sum, object) => sum + object.rows, 0);
          }
          // What stands in the way of it whatever its rows are is said before anything is counted.
          const because = await barredBy(value, objects ?? [], statistics);
          if (because !== undefined && barred.length < MOST_SAID) barred.push(because);
        }
      }
    }
  }
  return { dataset, unmeasured, rows, barred };
}
