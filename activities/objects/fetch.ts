import { failure } from '../failure.ts';
import { readObject } from './json.ts';
import type { ObjectStore, Watch } from './port.ts';

/** An object as what names it describes it. */
export interface NamedObject {
  readonly key: string;
  readonly bytes: number;
  /** `sha256:<hex>`. */
  readonly checksum: string;
  /** Which object names it, for whoever must restore it. */
  readonly namedBy: string;
}

/**
 * Afterwards the new file `path` holds the object, byte for byte as it was named. Without it `ObjectMissing`, with other
 * bytes `ChecksumMismatch`.
 */
export async function fetchFile(
  store: ObjectStore,
  { key, bytes, checksum, namedBy }: NamedObject,
  path: string,
  watch: Watch,
): Promise<void> {
  const right = `${bytes} bytes, ${checksum}`;
  const got = await store.getToFile(key, path, watch);
  if (!got) throw failure('ObjectMissing', `${key}: nothing is there; ${namedBy} names it: ${right}`);
  if (got.bytes === bytes && `sha256:${got.sha256}` === checksum) return;
  throw failure(
    'ChecksumMismatch',
    `${key} holds ${got.bytes} bytes, sha256:${got.sha256}; right would be ${right}, as ${namedBy} says`,
  );
}

/** Work on all of `list`, at most `width` at a time. The first failure ends it, once what has begun is over. */
export async function eachOf<T>(
  list: readonly T[],
  width: number,
  work: (one: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const failures: unknown[] = [];
  const lane = async () => {
    while (next < list.length && failures.length === 0) {
      const index = next++;
      const one = list[index] as T;
      await work(one, index).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, list.length) }, lane));
  if (failures.length > 0) throw failures[0];
}

/** An object that another one names: `ObjectMissing` without it. */
// The caller knows by the key what is stored there.
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export async function readNamed<T>(
  store: ObjectStore,
  key: string,
  namedBy: string,
  signal: AbortSignal,
): Promise<T> {
  const found = await readObject<T>(store, key, signal);
  if (found) return found;
  throw failure('ObjectMissing', `${key}: nothing is there; ${namedBy} names it`);
}
