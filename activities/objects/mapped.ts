import type { Entry, RowsObject } from '../../lake/entry.ts';
import { type DatasetUnder, statisticsHold } from '../../lake/statistics.ts';
import { sha256Hex } from './json.ts';
import type { Ledger } from './ledger.ts';

/** Do the statistics and `_match` of an entry's rows hold for a dataset? */
export type MappedCheck = (
  entry: Pick<Entry, 'feed' | 'spec'>,
  rows: Pick<RowsObject, 'mapping'>,
) => Promise<boolean>;

/** Asked of many entries, it reads each spec once, and those under the dataset's own mapping need none. */
export function mappedCheck(
  ledger: Pick<Ledger, 'specOf'>,
  now: DatasetUnder,
  signal: AbortSignal,
): MappedCheck {
  const known = new Map<string, boolean>();
  return async ({ feed, spec }, { mapping }) => {
    const name = `${feed} ${spec} ${mapping}`;
    const before = known.get(name);
    if (before !== undefined) return before;
    const holds =
      statisticsHold({ feed, mapping, spec: undefined }, now, sha256Hex) ||
      statisticsHold({ feed, mapping, spec: await ledger.specOf(spec, signal) }, now, sha256Hex);
    known.set(name, holds);
    return holds;
  };
}
