import type { EntryDraft } from '../../lake/append.ts';
import {
  type Entry,
  type EntryItem,
  type LostByPartition,
  type PartitionStatistics,
  type Retraction,
  type RowsObject,
  type SideObject,
  isOfItem,
} from '../../lake/entry.ts';
import { keys } from '../../lake/keys.ts';
import { failure } from '../failure.ts';
import { ObjectCache } from './cache.ts';
import { ensureObject } from './commit.ts';
import { decode, encode, sha256Hex } from './json.ts';
import type { ObjectStore } from './port.ts';

// An entry is read by everybody who reads its lane, so it stays small: about 50 KB at these bounds.
const MOST_ITEMS = 100;
const MOST_PARTITIONS = 500;
const CACHE_BYTES = 16 * 1024 * 1024;

/** What an entry says of its items, its rows and what it takes back, long lists moved out. */
export type Compact = Pick<Entry, 'items' | 'itemsIn' | 'rows' | 'retracts'>;

export type Sides = ReturnType<typeof createSides>;

interface Side {
  readonly items?: readonly EntryItem[];
  readonly partitions?: PartitionStatistics | LostByPartition;
}

type Put = (name: string, side: Side) => Promise<SideObject>;

/** Long lists of entries, in manifest objects beside them. */
export function createSides(store: ObjectStore) {
  const cache = new ObjectCache<Side>(CACHE_BYTES);

  /** Safe to run twice: manifests are named by the commit id, which names one body. */
  async function moveOut(draft: EntryDraft, signal: AbortSignal): Promise<Compact> {
    const put: Put = async (name, side) => {
      const key = keys.manifest(draft.feed, draft.lane, draft.commit, name);
      const body = encode({ format: 1, ...side });
      await ensureObject(store, key, body, signal);
      return { key, sha256: sha256Hex(body), bytes: body.byteLength };
    };
    const rows: RowsObject[] = [];
    for (const [index, object] of draft.rows.entries()) {
      const { partitions } = object;
      const isLong = Object.keys(partitions).length > MOST_PARTITIONS;
      const moved = isLong && {
        partitions: {},
        partitionsIn: await put(`partitions-${index}`, { partitions }),
      };
      rows.push({ ...object, ...moved });
    }
    const { items } = draft;
    const compact = { rows, ...(draft.retracts && { retracts: await shortened(draft.retracts, put) }) };
    if (!items) return compact;
    return items.length > MOST_ITEMS
      ? { itemsIn: await put('items', { items }), ...compact }
      : { items, ...compact };
  }

  async function shortened(retracts: readonly Retraction[], put: Put): Promise<Retraction[]> {
    const short: Retraction[] = [];
    for (const [index, one] of retracts.entries()) {
      const { partitions } = one;
      const isLong = !isOfItem(one) && Object.keys(partitions).length > MOST_PARTITIONS;
      const moved = isLong && {
        partitions: {},
        partitionsIn: await put(`lost-${index}`, { partitions }),
      };
      short.push({ ...one, ...moved });
    }
    return short;
  }

  /** An entry's items, wherever they stand. */
  async function itemsOf(
    entry: Pick<Entry, 'items' | 'itemsIn'>,
    signal: AbortSignal,
  ): Promise<readonly EntryItem[]> {
    if (!entry.itemsIn) return entry.items ?? [];
    const side = await read(entry.itemsIn, signal);
    return side.items ?? lacks(entry.itemsIn, 'items');
  }

  /** The statistics of a rows object, wherever they stand. */
  async function partitionsOf(
    rows: Pick<RowsObject, 'partitions' | 'partitionsIn'>,
    signal: AbortSignal,
  ): Promise<PartitionStatistics> {
    if (!rows.partitionsIn) return rows.partitions;
    const side = await read(rows.partitionsIn, signal);
    // Which of the two it holds is said by who names it.
    return (side.partitions as PartitionStatistics | undefined) ?? lacks(rows.partitionsIn, 'partitions');
  }

  /** What an entry takes back, with what each partition loses, wherever it stands. */
  async function retractsOf(
    { retracts = [] }: Pick<Entry, 'retracts'>,
    signal: AbortSignal,
  ): Promise<readonly Retraction[]> {
    const whole: Retraction[] = [];
    for (const one of retracts) {
      if (isOfItem(one) || !one.partitionsIn) {
        whole.push(one);
        continue;
      }
      const side = await read(one.partitionsIn, signal);
      const { partitionsIn, ...rest } = one;
      whole.push({ ...rest, partitions: side.partitions ?? lacks(partitionsIn, 'partitions') });
    }
    return whole;
  }

  async function read({ key, sha256 }: SideObject, signal: AbortSignal): Promise<Side> {
    const cached = cache.get(key);
    if (cached) return cached;
    const bytes = await store.get(key, signal);
    if (!bytes)
      throw failure('ObjectMissing', `${key}: nothing is there; an entry names it, sha256 ${sha256}`);
    const found = sha256Hex(bytes);
    if (found !== sha256) {
      throw failure('ChecksumMismatch', `${key} holds sha256 ${found}; right would be ${sha256}`);
    }
    const side = decode<Side>(key, bytes);
    cache.keep(key, side, bytes.byteLength);
    return side;
  }

  return { store, moveOut, itemsOf, partitionsOf, retractsOf };
}

function lacks({ key }: SideObject, member: string): never {
  throw failure('ChainBroken', `${key} has no ${member}; an entry says that they are there`);
}
