import { mappingHash, schemaHash } from '../../lake/mapping.ts';
import type { Entry } from '../../lake/entry.ts';
import { keys } from '../../lake/keys.ts';
import { ensureFile } from '../objects/commit.ts';
import { sha256Hex } from '../objects/json.ts';
import { digestFile } from '../refine/hash.ts';
import type { Batch, BatchFiles } from './batch.ts';
import type { StreamContext } from './context.ts';
import { type Refined, refineFrames } from './refine.ts';

/** What an entry names of one commit's records. */
export type StoredObjects = Pick<Entry, 'raw' | 'rows' | 'rejected'>;

/** What became of one commit's records. */
export interface Made {
  readonly objects: StoredObjects;
  readonly rows: number;
  readonly rejected: number;
  /** Channel → greatest event time of its rows, capped by arrival, in milliseconds since the epoch. */
  readonly seen: ReadonlyMap<string, number>;
}

export const NO_OBJECTS: StoredObjects = { raw: [], rows: [], rejected: [] };

/** Where the objects of a commit belong, and where they are made. */
export interface Making {
  readonly lane: number;
  readonly commit: string;
  /** A folder of the caller's own. */
  readonly folder: string;
  readonly onProgress: () => void;
}

/** Refines what was read and stores it, under names that no other attempt uses. Nobody reads it before an entry names it. */
export async function makeObjects(
  context: StreamContext,
  batch: Batch | undefined,
  making: Making,
): Promise<Made> {
  if (!batch) return { objects: NO_OBJECTS, rows: 0, rejected: 0, seen: new Map() };
  const { source, mapping, clock, duck, signal } = context;
  const { framed, raw } = await batch.finish();
  const refined = await refineFrames(framed, {
    columns: source.columns,
    mapping,
    nowMs: clock.now(),
    duck,
    folder: making.folder,
    signal,
  });
  const objects = await storeObjects(context, raw, refined, making);
  return {
    objects,
    rows: refined.parquet?.statistics.rows ?? 0,
    rejected: refined.rejected?.object.rows ?? 0,
    seen: refined.seen,
  };
}

async function storeObjects(
  context: StreamContext,
  raw: BatchFiles['raw'],
  refined: Refined,
  { lane, commit, onProgress }: Making,
): Promise<StoredObjects> {
  const { store, feed, bucket, source, mapping, attempt, signal } = context;
  const name = { feed, lane, commit, attempt, index: 0 };
  const put = (key: string, path: string, expect: { readonly bytes: number; readonly sha256: string }) =>
    ensureFile(store, key, { path, expect }, { signal, onProgress });
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
