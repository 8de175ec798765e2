import type { EntryDraft } from '../../lake/append.ts';
import type { Entry, EntryItem, PartitionStatistics, RowsObject, SideObject } from '../../lake/entry.ts';
import { keys } from '../../lake/keys.ts';
import { failure } from '../failure.ts';
import type { ObjectCache } from './cache.ts';
import { ensureObject } from './commit.ts';
import { decode, encode, sha256Hex } from './json.ts';
import type { ObjectStore } from './port.ts';

// An entry is read by everybody who reads its lane, so it stays small: about 50 KB at these bounds.
const MOST_ITEMS = 100;
const MOST_PARTITIONS = 500;

/** What an entry will say of its items and rows, long lists moved out. */
export interface Compact {
  readonly items?: readonly EntryItem[];
  readonly itemsIn?: SideObject;
  readonly rows: readonly RowsObject[];
}

/**
 * Move long lists of an entry-to-be to manifest objects. Safe to run twice: they are named by the commit id,
 * which names one body.
 */
export async function moveOut(store: ObjectStore, draft: EntryDraft, signal: AbortSignal): Promise<Compact> {
  const put = async (name: string, value: object): Promise<SideObject> => {
    const key = keys.manifest(draft.feed, draft.lane, draft.commit, name);
    const body = encode({ format: 1, ...value });
    await ensureObject(store, key, body, signal);
    return { key, sha256: sha256Hex(body), bytes: body.byteLength };
  };
  const { items } = draft;
  const rows: RowsObject[] = [];
  for (const [index, object] of draft.rows.entries()) {
    const isLong = Object.keys(object.partitions).length > MOST_PARTITIONS;
    const partitionsIn = isLong && (await put(`partitions-${index}`, { partitions: object.partitions }));
    rows.push(partitionsIn ? { ...object, partitions: {}, partitionsIn } : object);
  }
  if (!items || items.length <= MOST_ITEMS) return { ...(items && { items }), rows };
  return { itemsIn: await put('items', { items }), rows };
}

/** An entry's items, wherever they stand. */
export async function itemsOf(
  { store, cache }: Sides,
  entry: Pick<Entry, 'items' | 'itemsIn'>,
  signal: AbortSignal,
): Promise<readonly EntryItem[]> {
  if (!entry.itemsIn) return entry.items ?? [];
  return (await read<{ items: readonly EntryItem[] }>(store, cache, entry.itemsIn, signal)).items;
}

/** The statistics of a rows object, wherever they stand. */
export async function partitionsOf(
  { store, cache }: Sides,
  rows: Pick<RowsObject, 'partitions' | 'partitionsIn'>,
  signal: AbortSignal,
): Promise<PartitionStatistics> {
  if (!rows.partitionsIn) return rows.partitions;
  return (await read<{ partitions: PartitionStatistics }>(store, cache, rows.partitionsIn, signal))
    .partitions;
}

export interface Sides {
  readonly store: ObjectStore;
  readonly cache: ObjectCache;
}

async function read<T>(
  store: ObjectStore,
  cache: ObjectCache,
  { key, sha256 }: SideObject,
  signal: AbortSignal,
): Promise<T> {
  const cached = cache.get<T>(key);
  if (cached) return cached;
  const bytes = await store.get(key, signal);
  if (!bytes) throw failure('ObjectMissing', `${key}: nothing is there; an entry names it, sha256 ${sha256}`);
  const found = sha256Hex(bytes);
  if (found !== sha256) {
    throw failure('ChecksumMismatch', `${key} holds sha256 ${found}; right would be ${sha256}`);
  }
  const value = decode<T>(key, bytes);
  cache.keep(key, value, bytes.byteLength);
  return value;
}
