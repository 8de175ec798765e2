import { mappingHash, schemaHash } from '../../lake/mapping.ts';
import type { Entry } from '../../lake/entry.ts';
import { keys } from '../../lake/keys.ts';
import { ensureFile } from '../objects/commit.ts';
import { sha256Hex } from '../objects/json.ts';
import { digestFile } from '../refine/hash.ts';
import type { StreamContext } from './context.ts';
import type { Framed } from './frames.ts';
import type { Refined } from './refine.ts';

/** What an entry names of one commit's records. */
export type StoredObjects = Pick<Entry, 'raw' | 'rows' | 'rejected'>;

export const NO_OBJECTS: StoredObjects = { raw: [], rows: [], rejected: [] };

/** Puts what one commit made under names that no other attempt uses. Nobody reads it before an entry names it. */
export async function storeObjects(
  context: StreamContext,
  {
    lane,
    commit,
    framed,
    refined,
    onProgress,
  }: {
    readonly lane: number;
    readonly commit: string;
    readonly framed: Framed;
    readonly refined: Refined;
    readonly onProgress: () => void;
  },
): Promise<StoredObjects> {
  const { store, feed, bucket, source, mapping, attempt, signal } = context;
  const name = { feed, lane, commit, attempt, index: 0 };
  const put = (key: string, path: string, expect: { readonly bytes: number; readonly sha256: string }) =>
    ensureFile(store, key, { path, expect }, { signal, onProgress });
  const { raw } = framed;
  const { parquet, rejected } = refined;
  const rawKey = keys.rawStream(feed, lane, commit, 0);
  const rowsFile = parquet && (await digestFile(parquet.path, signal));
  await Promise.all([
    put(rawKey, raw.path, raw),
    parquet && rowsFile && put(keys.rows(name), parquet.path, rowsFile),
    rejected &&
      put(keys.rejected(name), rejected.path, { bytes: rejected.object.bytes, sha256: rejected.sha256 }),
  ]);
  const rows = parquet &&
    rowsFile && {
      key: keys.rows(name),
      bytes: rowsFile.bytes,
      checksum: `sha256:${rowsFile.sha256}`,
      schema: schemaHash(source.columns, sha256Hex),
      mapping: mapping ? mappingHash(mapping.dataset, mapping.use, source.columns, sha256Hex) : null,
      ...parquet.statistics,
    };
  return {
    raw: [{ uri: `s3://${bucket}/${rawKey}`, bytes: raw.bytes, checksum: `sha256:${raw.sha256}` }],
    rows: rows ? [rows] : [],
    rejected: rejected ? [{ key: keys.rejected(name), ...rejected.object }] : [],
  };
}
