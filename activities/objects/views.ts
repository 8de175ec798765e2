import { keys } from '../../lake/keys.ts';
import { EMPTY_VIEW, type Parts, type ViewParts, chunkOf } from '../../lake/parts.ts';
import type { Coverage, CoverageObject, Part, PartChunk, ViewVersion } from '../../lake/view.ts';
import { failure } from '../failure.ts';
import { ObjectCache } from './cache.ts';
import { type Chain, type Link, createChain } from './chain.ts';
import { decode, sha256Hex } from './json.ts';
import type { ObjectStore } from './port.ts';

export type ViewLink = Link<ViewVersion>;

export type Views = ReturnType<typeof createViews>;

/** How many chunks are read at once. */
const PARALLEL_READS = 16;

/** The view versions of one store. What is named by its content is kept in this process, bounded. */
export function createViews({ store }: { readonly store: ObjectStore }) {
  const cache = new ObjectCache<CoverageObject | PartChunk>();
  const chains = new Map<string, Chain<ViewVersion>>();

  function chain(dataset: string): Chain<ViewVersion> {
    const known = chains.get(dataset);
    if (known) return known;
    const opened = createChain<ViewVersion>({
      store,
      prefix: `view/${dataset}/`,
      key: (n) => keys.view(dataset, n),
      numberOf: ({ n }) => n,
    });
    chains.set(dataset, opened);
    return opened;
  }

  /** `undefined` while nothing was published. */
  async function viewHead(dataset: string, signal: AbortSignal): Promise<ViewLink | undefined> {
    return chain(dataset).head(signal);
  }

  /** `undefined` when there is no version `n`. */
  async function readView(dataset: string, n: number, signal: AbortSignal): Promise<ViewLink | undefined> {
    return n < 1 ? undefined : chain(dataset).read(n, signal);
  }

  async function coverageOf(dataset: string, sha256: string, signal: AbortSignal): Promise<Coverage> {
    const key = keys.coverage(dataset, sha256);
    return (await readNamed<CoverageObject>(key, sha256, signal)).lanes;
  }

  /** Every part of a version. */
  async function allParts(view: ViewVersion, signal: AbortSignal): Promise<Parts> {
    const names = Object.values(view.parts);
    const parts: Record<string, Part> = {};
    for (let start = 0; start < names.length; start += PARALLEL_READS) {
      const chunks = await Promise.all(
        names.slice(start, start + PARALLEL_READS).map((name) => readChunk(view, name, signal)),
      );
      for (const chunk of chunks) Object.assign(parts, chunk.parts);
    }
    return parts;
  }

  /** The part of one partition, from its chunk alone. */
  async function partOf(
    view: ViewVersion,
    partition: string,
    signal: AbortSignal,
  ): Promise<Part | undefined> {
    const name = view.parts[chunkOf(partition, sha256Hex)];
    return name === undefined ? undefined : (await readChunk(view, name, signal)).parts[partition];
  }

  /** at(p): what the version accounts for in a partition, whose part is given. */
  async function partCoverage(
    view: ViewVersion,
    part: Part | undefined,
    signal: AbortSignal,
  ): Promise<Coverage> {
    return coverageOf(view.dataset, part?.at ?? view.base, signal);
  }

  /** A version with all its parts and the coverages that they name; nothing for none. */
  async function resolveView(view: ViewVersion | undefined, signal: AbortSignal): Promise<ViewParts> {
    if (!view) return EMPTY_VIEW;
    const [base, parts] = await Promise.all([
      coverageOf(view.dataset, view.base, signal),
      allParts(view, signal),
    ]);
    const names = new Set(Object.values(parts).flatMap(({ at }) => (at === undefined ? [] : [at])));
    const coverages: Record<string, Coverage> = {};
    for (const name of names) coverages[name] = await coverageOf(view.dataset, name, signal);
    return { base, parts, coverages };
  }

  function readChunk({ dataset }: ViewVersion, name: string, signal: AbortSignal): Promise<PartChunk> {
    return readNamed<PartChunk>(keys.part(dataset, name), name, signal);
  }

  async function readNamed<T extends CoverageObject | PartChunk>(
    key: string,
    sha256: string,
    signal: AbortSignal,
  ): Promise<T> {
    const cached = cache.get(key);
    // A key says which of the two it holds.
    if (cached) return cached as T;
    const bytes = await store.get(key, signal);
    if (!bytes) throw failure('ObjectMissing', `${key}: nothing is there, but a view version names it`);
    const found = sha256Hex(bytes);
    if (found !== sha256)
      throw failure('ChecksumMismatch', `${key} holds sha256 ${found}; it is named by its own`);
    const value = decode<T>(key, bytes);
    cache.keep(key, value, bytes.byteLength);
    return value;
  }

  return { chain, viewHead, readView, coverageOf, allParts, partOf, partCoverage, resolveView };
}
