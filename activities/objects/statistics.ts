import type { Entry, ObjectStatistics } from '../../lake/entry.ts';
import { keys } from '../../lake/keys.ts';
import { type DatasetUnder, partitionsHold, sideHash } from '../../lake/statistics.ts';
import { tableFacts } from '../../lake/table-lane.ts';
import { failure } from '../failure.ts';
import { sha256Hex } from './json.ts';
import type { Ledger } from './ledger.ts';
import { type MappedCheck, collectedCheck, mappedCheck } from './mapped.ts';

/** What the rows of entries are to one dataset. */
export interface Statistics {
  /** Do the statistics and `_match` that the entry itself gives hold? */
  readonly isMapped: MappedCheck;
  /** Must its rows be counted under the dataset's mapping before it is used? */
  needsSide(entry: Entry): Promise<boolean>;
  /** Where that count is, or is to be. */
  sideKey(entry: Pick<Entry, 'feed' | 'lane' | 'commit'>): string;
  /** Of each rows object, in their order; `undefined` while it needs a count that is not there. */
  find(entry: Entry): Promise<readonly ObjectStatistics[] | undefined>;
  /** The same of an entry that a plan or version accounts for; `ObjectMissing` where the count is gone. */
  of(entry: Entry): Promise<readonly ObjectStatistics[]>;
  /** Do partitions of which it takes rows back, or of a table, which others may take back, mean the same to the dataset? */
  namesHold(entry: Entry): Promise<boolean>;
}

export function statisticsUnder(
  ledger: Pick<Ledger, 'specOf' | 'partitions' | 'sideStatistics'>,
  now: DatasetUnder,
  signal: AbortSignal,
): Statistics {
  const isMapped = mappedCheck(ledger, now, signal);
  const isAsCollected = collectedCheck(ledger, now, signal);
  const hashes = new Map<string, string>();

  function sideKey({ feed, lane, commit }: Pick<Entry, 'feed' | 'lane' | 'commit'>): string {
    const hash = hashes.get(feed) ?? sideHash(now, feed, sha256Hex);
    hashes.set(feed, hash);
    return keys.statistics(feed, lane, commit, hash);
  }

  async function needsSide(entry: Entry): Promise<boolean> {
    return !(await all(entry, isAsCollected));
  }

  async function find(entry: Entry): Promise<readonly ObjectStatistics[] | undefined> {
    return (await needsSide(entry)) ? sideOf(entry) : ownOf(entry);
  }

  async function of(entry: Entry): Promise<readonly ObjectStatistics[]> {
    if (await all(entry, isMapped)) return ownOf(entry);
    const side = await sideOf(entry);
    if (side) return side;
    const { feed, lane, ordinal } = entry;
    throw failure(
      'ObjectMissing',
      `${sideKey(entry)}: nothing is there; right would be what ${keys.entry(feed, lane, ordinal)} is under the mapping of the dataset that uses it`,
    );
  }

  async function all({ rows, ...entry }: Entry, check: MappedCheck): Promise<boolean> {
    for (const object of rows) if (object.rows > 0 && !(await check(entry, object))) return false;
    return true;
  }

  async function ownOf({ rows }: Entry): Promise<readonly ObjectStatistics[]> {
    const own: ObjectStatistics[] = [];
    for (const object of rows) own.push({ partitions: await ledger.partitions(object, signal) });
    return own;
  }

  async function sideOf(entry: Entry): Promise<readonly ObjectStatistics[] | undefined> {
    return (await ledger.sideStatistics(sideKey(entry), signal))?.objects;
  }

  async function namesHold(entry: Entry): Promise<boolean> {
    const { feed, spec, rows, retracts = [] } = entry;
    const isTaken = tableFacts(entry) !== null && rows.some((object) => object.rows > 0);
    if (!isTaken && retracts.length === 0) return true;
    const then = await ledger.specOf(spec, signal);
    return then === undefined || partitionsHold(feed, then, now, sha256Hex);
  }

  return { isMapped, needsSide, sideKey, find, of, namesHold };
}

/** Why a dataset cannot take an entry, as it was counted; `undefined` where it can. */
export async function barredBy(
  entry: Entry,
  objects: readonly ObjectStatistics[],
  statistics: Statistics,
): Promise<string | undefined> {
  const { feed, lane, ordinal } = entry;
  const where = keys.entry(feed, lane, ordinal);
  const unfit = objects.flatMap((one) => one.unfit ?? []);
  const rows = unfit.reduce((sum, one) => sum + one.rows, 0);
  if (rows > 0) {
    const [example] = unfit.flatMap(({ examples }) => examples);
    return `${where} has ${rows} rows that the dataset cannot hold, such as ${example}`;
  }
  if (await statistics.namesHold(entry)) return undefined;
  const what = tableFacts(entry) ? 'is of a table, whose rows are taken back' : 'takes rows back';
  return `${where} ${what} by the partitions that were: partitions, keys and mappings of such feeds cannot change yet`;
}
