import type { Entry, RowsObject } from '../../lake/entry.ts';
import {
  type CollectedUnder,
  type DatasetUnder,
  asCollected,
  statisticsHold,
} from '../../lake/statistics.ts';
import { sha256Hex } from './json.ts';
import type { Ledger } from './ledger.ts';

/** Does something hold of an entry's rows for a dataset? */
export type MappedCheck = (
  entry: Pick<Entry, 'feed' | 'spec'>,
  rows: Pick<RowsObject, 'mapping'>,
) => Promise<boolean>;

type Holds = (rows: CollectedUnder, now: DatasetUnder, sha256: typeof sha256Hex) => boolean;

/**
 * Do the statistics and `_match` of an entry's rows hold? Asked of many entries, it reads each spec once, and those
 * under the dataset's own mapping need none.
 */
export function mappedCheck(
  ledger: Pick<Ledger, 'specOf'>,
  now: DatasetUnder,
  signal: AbortSignal,
): MappedCheck {
  const isHeld = check(ledger, now, statisticsHold, signal);
  return async (entry, rows) =>
    statisticsHold({ feed: entry.feed, mapping: rows.mapping, spec: undefined }, now, sha256Hex) ||
    isHeld(entry, rows);
}

/** Are they to the dataset what they would be had they been collected for it? */
export function collectedCheck(
  ledger: Pick<Ledger, 'specOf'>,
  now: DatasetUnder,
  signal: AbortSignal,
): MappedCheck {
  return check(ledger, now, asCollected, signal);
}

function check(
  ledger: Pick<Ledger, 'specOf'>,
  now: DatasetUnder,
  holds: Holds,
  signal: AbortSignal,
): MappedCheck {
  const known = new Map<string, boolean>();
  return async ({ feed, spec }, { mapping }) => {
    const name = `${feed} ${spec} ${mapping}`;
    const before = known.get(name);
    if (before !== undefined) return before;
    const found = holds({ feed, mapping, spec: await ledger.specOf(spec, signal) }, now, sha256Hex);
    known.set(name, found);
    return found;
  };
}
