import { type LostByPartition, type Retraction, type RowsObject, isOfItem } from '../../lake/entry.ts';
import { readJson } from './chains.ts';
import type { Means } from './means.ts';
import type { Count } from './rows.ts';

/** The statistics of a rows object, wherever they stand; `undefined`, with a finding, where they are lost. */
export async function statisticsOf(
  { partitions, partitionsIn }: RowsObject,
  key: string,
  { store, findings, signal }: Means,
): Promise<RowsObject['partitions'] | undefined> {
  if (!partitionsIn) return partitions;
  const expected = { sha256: partitionsIn.sha256, namedBy: key };
  type Side = { partitions: RowsObject['partitions'] };
  return (await readJson<Side>(store, partitionsIn.key, expected, findings, signal))?.partitions;
}

/** What each partition loses with a retraction, wherever that stands; `undefined`, with a finding, where it is lost. */
export async function lostOf(
  retraction: Retraction,
  key: string,
  { store, findings, signal }: Means,
): Promise<LostByPartition | undefined> {
  if (isOfItem(retraction) || !retraction.partitionsIn) return retraction.partitions;
  const { partitionsIn } = retraction;
  const expected = { sha256: partitionsIn.sha256, namedBy: key };
  type Side = { partitions: LostByPartition };
  return (await readJson<Side>(store, partitionsIn.key, expected, findings, signal))?.partitions;
}

export function shown({ rows, hash }: Count): string {
  return `${rows} rows, hash ${hash}`;
}
