import type { OfferedFile } from '../../lake/transfer.ts';
import { keys } from '../../lake/keys.ts';
import { failure } from '../failure.ts';
import { ensureObject } from '../objects/commit.ts';
import { encode, readObject } from '../objects/json.ts';
import type { SourceContext } from './context.ts';

/** `manifest/<feed>/0/<commit>-list.json`: what one listing found to be taken, in slices. Made once. */
interface Manifest {
  readonly format: 1;
  /** Ascending; slice k holds files k × perSlice and on. */
  readonly slices: readonly string[];
  readonly perSlice: number;
  readonly files: number;
}

interface ManifestSlice {
  readonly format: 1;
  readonly files: readonly OfferedFile[];
}

const PER_SLICE = 10_000;

/** Resolves the manifest's key. */
export async function writeManifest(
  { store, feed, signal }: SourceContext,
  commit: string,
  files: readonly OfferedFile[],
): Promise<string> {
  const slices: string[] = [];
  for (let from = 0; from < files.length; from += PER_SLICE) {
    const key = keys.manifest(feed, 0, commit, `list-${slices.length}`);
    await ensureObject(store, key, encode({ format: 1, files: files.slice(from, from + PER_SLICE) }), signal);
    slices.push(key);
  }
  const key = keys.manifest(feed, 0, commit, 'list');
  const manifest: Manifest = { format: 1, slices, perSlice: PER_SLICE, files: files.length };
  await ensureObject(store, key, encode(manifest), signal);
  return key;
}

/** Files `from` to `to` (from 0, `to` excluded) of a manifest. */
export async function readManifest(
  { store, signal }: SourceContext,
  key: string,
  from: number,
  to: number,
): Promise<readonly OfferedFile[]> {
  const read = async <T>(object: string): Promise<T> => {
    const found = await readObject<T>(store, object, signal);
    if (!found) throw failure('ObjectMissing', `${object}: nothing is there; a listing of files wrote it`);
    return found;
  };
  const { slices, perSlice, files } = await read<Manifest>(key);
  if (!(from >= 0 && from <= to && to <= files)) {
    throw failure('MalformedInput', `files ${from} to ${to} of ${key}; right would be within 0 to ${files}`);
  }
  const found: OfferedFile[] = [];
  for (const [index, slice] of slices.entries()) {
    const first = index * perSlice;
    if (first >= to || first + perSlice <= from) continue;
    const part = await read<ManifestSlice>(slice);
    found.push(...part.files.slice(Math.max(0, from - first), to - first));
  }
  return found;
}
