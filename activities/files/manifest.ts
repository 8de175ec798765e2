import { randomUUID } from 'node:crypto';
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

/** A manifest in the making. It holds one slice's files at a time. */
export class ManifestWriter {
  readonly #context: SourceContext;
  readonly #commit = randomUUID();
  readonly #slices: string[] = [];
  #open: OfferedFile[] = [];
  files = 0;
  bytes = 0;

  constructor(context: SourceContext) {
    this.#context = context;
  }

  /** In the order of names. */
  async add(file: OfferedFile): Promise<void> {
    this.#open.push(file);
    this.files += 1;
    this.bytes += file.bytes;
    if (this.#open.length === PER_SLICE) await this.#writeSlice();
  }

  /** The manifest's key; null without a file. Call once, after every `add`. */
  async finish(): Promise<string | null> {
    if (this.files === 0) return null;
    if (this.#open.length > 0) await this.#writeSlice();
    const manifest: Manifest = { format: 1, slices: this.#slices, perSlice: PER_SLICE, files: this.files };
    return this.#write('list', manifest);
  }

  async #writeSlice(): Promise<void> {
    const slice: ManifestSlice = { format: 1, files: this.#open };
    this.#slices.push(await this.#write(`list-${this.#slices.length}`, slice));
    this.#open = [];
  }

  async #write(name: string, value: Manifest | ManifestSlice): Promise<string> {
    const { store, feed, signal } = this.#context;
    const key = keys.manifest(feed, 0, this.#commit, name);
    await ensureObject(store, key, encode(value), signal);
    return key;
  }
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
