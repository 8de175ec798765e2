import { ordinalOf, ordinalText } from '../../lake/keys.ts';
import { failure } from '../failure.ts';
import { ObjectCache } from './cache.ts';
import { createOnce } from './commit.ts';
import { decode, encode, sha256Hex } from './json.ts';
import type { ObjectStore } from './port.ts';

/** How many keys one LIST returns. */
const PAGE = 1000;
const PARALLEL_READS = 16;

/** An object of a chain, with the sha256 of its stored bytes: the `prev` of the next. */
export interface Link<T> {
  readonly n: number;
  readonly value: T;
  readonly sha256: string;
}

export type Appended<T> =
  { readonly kind: 'committed'; readonly link: Link<T> } | { readonly kind: 'taken'; readonly link: Link<T> };

/** Objects numbered from 1 without gaps, each made once and naming the hash of the one before. */
export interface Chain<T> {
  /** The last object; `undefined` for an empty chain. Warm: one GET. Cold: O(log n) requests. */
  head(signal: AbortSignal): Promise<Link<T> | undefined>;
  /** Resolves `undefined` when there is none of this number. */
  read(n: number, signal: AbortSignal): Promise<Link<T> | undefined>;
  /** Both ends included; every number must be there and name the one before, else `ChainBroken`. */
  range(from: number, to: number, signal: AbortSignal): Promise<Link<T>[]>;
  /** Commit point: the conditional create of the object. Refuses what would leave a gap or fork. */
  append(next: T, signal: AbortSignal): Promise<Appended<T>>;
}

export interface ChainOptions<T> {
  readonly store: ObjectStore;
  readonly key: (n: number) => string;
  /** Of all its keys, with the last slash. */
  readonly prefix: string;
  readonly numberOf: (value: T) => number;
  /** Shared between chains of one store. */
  readonly cache?: ObjectCache<Link<T>>;
}

export function createChain<T extends { readonly prev: string | null }>({
  store,
  key,
  prefix,
  numberOf,
  cache = new ObjectCache(),
}: ChainOptions<T>): Chain<T> {
  // An object once seen stays, so the head is here or later.
  let known = 0;

  async function read(n: number, signal: AbortSignal): Promise<Link<T> | undefined> {
    const cached = cache.get(key(n));
    if (cached) return cached;
    const bytes = await store.get(key(n), signal);
    return bytes && admit(n, bytes);
  }

  function admit(n: number, bytes: Uint8Array): Link<T> {
    const value = decode<T>(key(n), bytes);
    if (numberOf(value) !== n) {
      throw failure('ChainBroken', `${key(n)}: calls itself number ${numberOf(value)}; right would be ${n}`);
    }
    const link = { n, value, sha256: sha256Hex(bytes) };
    cache.keep(key(n), link, bytes.byteLength);
    known = Math.max(known, n);
    return link;
  }

  async function head(signal: AbortSignal): Promise<Link<T> | undefined> {
    if (known > 0 && !(await read(known + 1, signal))) return present(known, signal);
    const last = await lastNumber(known, signal);
    return last === 0 ? undefined : present(last, signal);
  }

  /** Doubling steps, then halving; a page that is not full ends the search. `from` is there, or 0. */
  async function lastNumber(from: number, signal: AbortSignal): Promise<number> {
    let low = from;
    let high = Infinity;
    let at = from;
    for (let step = PAGE; ; step *= 2) {
      const last = await lastOfPage(at, signal);
      if (last === undefined && at === low) return low;
      if (last !== undefined && last < at + PAGE) return last;
      if (last === undefined) high = at;
      else low = last;
      at = low + (high === Infinity ? step : Math.floor((high - low) / 2));
    }
  }

  /** Of the up to 1,000 numbers after `n`, which must follow each other; `undefined` when there are none. */
  async function lastOfPage(n: number, signal: AbortSignal): Promise<number | undefined> {
    let last = n;
    for await (const object of store.list(prefix, { after: key(n), limit: PAGE, signal })) {
      const number = ordinalOf(object.key);
      if (number === undefined) continue;
      if (number !== last + 1) throw missing(last + 1, `${object.key} is there`);
      last = number;
    }
    return last === n ? undefined : last;
  }

  async function range(from: number, to: number, signal: AbortSignal): Promise<Link<T>[]> {
    const links: Link<T>[] = [];
    let before = from > 1 ? await present(from - 1, signal) : undefined;
    for (let start = from; start <= to; start += PARALLEL_READS) {
      const count = Math.min(PARALLEL_READS, to - start + 1);
      const batch = await Promise.all(Array.from({ length: count }, (_, i) => present(start + i, signal)));
      for (const link of batch) {
        checkPrev(link, before);
        links.push(link);
        before = link;
      }
    }
    return links;
  }

  async function append(next: T, signal: AbortSignal): Promise<Appended<T>> {
    const n = numberOf(next);
    const before = n > 1 ? await present(n - 1, signal) : undefined;
    const body = encode(next);
    checkPrev({ n, value: next }, before);
    const created = await createOnce(store, key(n), body, signal);
    return created.kind === 'created'
      ? { kind: 'committed', link: admit(n, body) }
      : { kind: 'taken', link: admit(n, created.body) };
  }

  async function present(n: number, signal: AbortSignal): Promise<Link<T>> {
    const link = await read(n, signal);
    if (!link) throw missing(n, `${ordinalText(known)} is the greatest seen`);
    return link;
  }

  function checkPrev({ n, value }: { n: number; value: T }, before: Link<T> | undefined): void {
    const right = before?.sha256 ?? null;
    if (value.prev === right) return;
    throw failure('ChainBroken', `${key(n)}: prev is ${value.prev}; the object before has sha256 ${right}`);
  }

  function missing(n: number, evidence: string) {
    return failure('ChainBroken', `${key(n)} is missing: ${evidence}; right would be no gap`);
  }

  return { head, read, range, append };
}
