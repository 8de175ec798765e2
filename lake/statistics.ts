import { type Sha256, canonical } from './canonical.ts';
import { mappedColumns, mappingHash, statisticsHash } from './mapping.ts';
import { type DatasetSpec, type FeedUse, type LakeSpec, datasetOf, feedColumns } from './spec.ts';

/** A dataset, and the sources that feed it, as one spec has them. */
export interface DatasetUnder {
  readonly lake: Pick<LakeSpec, 'sources'>;
  readonly dataset: DatasetSpec;
}

/** What an entry says of the rows of one of its objects. */
export interface CollectedUnder {
  readonly feed: string;
  /** Hash of the mapping that their statistics were made for; null: for none. */
  readonly mapping: string | null;
  /** The spec that the entry names; `undefined` where it is unknown. */
  readonly spec: Pick<LakeSpec, 'sources' | 'datasets'> | undefined;
}

/**
 * Do the statistics and `_match` of these rows hold for the dataset, too? They do where the rows were collected under
 * its mapping, or under one that differs in nothing that statistics are made of.
 */
export function statisticsHold(rows: CollectedUnder, now: DatasetUnder, sha256: Sha256): boolean {
  const use = now.dataset.feeds[rows.feed];
  if (!use || rows.mapping === null) return false;
  const columns = feedColumns(now.lake, rows.feed);
  if (rows.mapping === mappingHash(now.dataset, use, columns, sha256)) return true;
  const before = mappedBefore(rows, sha256);
  return (
    before !== undefined &&
    statisticsHash(before.dataset, before.use, feedColumns(before.spec, rows.feed), sha256) ===
      statisticsHash(now.dataset, use, columns, sha256)
  );
}

/**
 * Was every value of these rows that the dataset takes seen to fit when they came? A column that the dataset took
 * then did; one that it takes as its feed has it always does; and of one that the feed lacked then there is none.
 */
export function valuesFit(rows: CollectedUnder, now: DatasetUnder, sha256: Sha256): boolean {
  const use = now.dataset.feeds[rows.feed];
  if (!use || rows.mapping === null) return false;
  const columns = feedColumns(now.lake, rows.feed);
  if (rows.mapping === mappingHash(now.dataset, use, columns, sha256)) return true;
  const before = mappedBefore(rows, sha256);
  if (!before) return false;
  const had = feedColumns(before.spec, rows.feed);
  const seen = mappedColumns(before.dataset, before.use, had);
  return mappedColumns(now.dataset, use, columns).every(({ type, from }) => {
    if (!from || from.type === type || had[from.column] === undefined) return true;
    return seen.some((one) => one.type === type && one.from?.column === from.column);
  });
}

/**
 * Are these rows to the dataset what they would be had they been collected for it? Then what their entry says of them
 * is all that is needed; else it is counted again, under `sideHash`.
 */
export function asCollected(rows: CollectedUnder, now: DatasetUnder, sha256: Sha256): boolean {
  const before = mappedBefore(rows, sha256);
  const { version } = now.dataset;
  // No mapping says which column is the version, and rows without one are not collected.
  if (before && version !== undefined && before.dataset.version !== version) return false;
  return statisticsHold(rows, now, sha256) && valuesFit(rows, now, sha256);
}

/** Names what rows of a feed are to a dataset: their partitions, `_match`, and which of them it can hold. */
export function sideHash({ lake, dataset }: DatasetUnder, feed: string, sha256: Sha256): string {
  const use = dataset.feeds[feed];
  const mapping = use ? mappingHash(dataset, use, feedColumns(lake, feed), sha256) : null;
  return sha256(canonical({ feed, mapping, version: dataset.version }));
}

/** Do the partitions that an entry of this feed names, collected under `then`, mean the same to the dataset? */
export function partitionsHold(
  feed: string,
  then: Pick<LakeSpec, 'sources' | 'datasets'>,
  now: DatasetUnder,
  sha256: Sha256,
): boolean {
  const served = datasetOf(then, feed);
  if (!served) return false;
  const mapping = mappingHash(served.dataset, served.use, feedColumns(then, feed), sha256);
  return statisticsHold({ feed, mapping, spec: then }, now, sha256);
}

interface ServedBefore {
  readonly spec: Pick<LakeSpec, 'sources' | 'datasets'>;
  readonly dataset: DatasetSpec;
  readonly use: FeedUse;
}

/** The dataset that the feed served under the spec of these rows, if its mapping there is the one that they name. */
function mappedBefore({ feed, mapping, spec }: CollectedUnder, sha256: Sha256): ServedBefore | undefined {
  const served = spec && datasetOf(spec, feed);
  if (!served) return undefined;
  const { dataset, use } = served;
  if (mappingHash(dataset, use, feedColumns(spec, feed), sha256) !== mapping) return undefined;
  return { spec, dataset, use };
}
