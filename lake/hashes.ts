import { type Sha256, canonical } from './canonical.ts';
import { eventTimeColumn, mappedColumns, mappingHash } from './mapping.ts';
import { type DatasetSpec, type LakeSpec, feedColumns } from './spec.ts';

/** What readers of a dataset may rely on: its columns, key and partitions. A view version has one. */
export function contractHash(dataset: DatasetSpec, sha256: Sha256): string {
  const { merge, key, version, partition, columns } = dataset;
  return sha256(
    canonical({
      merge,
      key,
      version,
      partition: { ...partition, from: undefined },
      columns: Object.entries(columns),
      eventTime: eventTimeColumn(dataset),
    }),
  );
}

/** How the rows of these feeds are reduced to one row per key. Feeds that bring nothing change nothing. */
export function ruleHash(dataset: DatasetSpec, feeds: readonly string[], sha256: Sha256): string {
  const { merge, key, version } = dataset;
  const roles = Object.fromEntries(feeds.map((feed) => [feed, dataset.feeds[feed]?.role]));
  return sha256(canonical({ merge, key, version, roles }));
}

/** Feed → hash of its mapping, for every feed of the dataset. */
export function mappingHashes(
  spec: Pick<LakeSpec, 'sources'>,
  dataset: DatasetSpec,
  sha256: Sha256,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(dataset.feeds).map(([feed, use]) => [
      feed,
      mappingHash(dataset, use, feedColumns(spec, feed), sha256),
    ]),
  );
}

/** Batch feeds that map no version column: the `asOf` of a delivery is the version of its rows. */
export function feedsVersionedByAsOf(
  spec: Pick<LakeSpec, 'sources'>,
  dataset: DatasetSpec,
): readonly string[] {
  const { version } = dataset;
  if (version === undefined) return [];
  return Object.entries(dataset.feeds)
    .filter(([feed, use]) => {
      const columns = feedColumns(spec, feed);
      const mapped = mappedColumns(dataset, use, columns).find(({ column }) => column === version);
      return use.role === 'batch' && mapped?.from === undefined;
    })
    .map(([feed]) => feed);
}
