import { createHash } from 'node:crypto';
import { failure } from '../../activities/failure.ts';
import type { FileFolder, FileStat, Listing } from '../../activities/files/port.ts';

interface Kept {
  readonly stat: FileStat;
  readonly body: Buffer;
  readonly isArchived?: true;
}

/** What tasks have landed, in memory: a bucket's objects, by their whole names, `s3://bucket/key`. */
export class MemoryLandings implements FileFolder {
  readonly listsInOrder = true;
  readonly #objects = new Map<string, Kept>();
  readonly #beforeReads: (() => void)[] = [];
  #listed = 0;

  /** How many keys listings have given so far. */
  get listed(): number {
    return this.#listed;
  }

  put(name: string, body: Buffer | string, modifiedAt: string): void {
    const bytes = Buffer.from(body);
    const tag = `"${createHash('md5').update(bytes).digest('hex')}"`;
    const seconds = `${modifiedAt.slice(0, 19)}.000Z`;
    this.#objects.set(name, { body: bytes, stat: { bytes: bytes.length, modifiedAt: seconds, tag } });
  }

  /** Moved to a storage class from which nothing is read. */
  archive(name: string): void {
    const kept = this.#objects.get(name);
    if (kept) this.#objects.set(name, { ...kept, isArchived: true });
  }

  remove(name: string): void {
    this.#objects.delete(name);
  }

  /** What happens when the next object is read, before it is. */
  beforeRead(happens: () => void): void {
    this.#beforeReads.push(happens);
  }

  async *list(folder: string, _signal: AbortSignal, after = ''): AsyncIterable<Listing> {
    const prefix = `${folder}/`;
    const names = [...this.#objects.keys()].filter((name) => name.startsWith(prefix)).toSorted();
    for (const name of names) {
      const item = name.slice(prefix.length);
      const kept = this.#objects.get(name);
      if (!kept || item <= after) continue;
      this.#listed += 1;
      if (kept.isArchived) yield { kind: 'ignored', item, why: 'it is archived', stat: kept.stat };
      else yield { kind: 'file', item, stat: kept.stat };
    }
  }

  async stat(folder: string, item: string): Promise<FileStat | undefined> {
    return this.#objects.get(`${folder}/${item}`)?.stat;
  }

  async *read(folder: string, item: string, of: FileStat): AsyncIterable<Buffer> {
    this.#beforeReads.shift()?.();
    const kept = this.#objects.get(`${folder}/${item}`);
    if (kept?.stat.tag !== of.tag) throw failure('SourceChanged', `${folder}/${item} is no longer ${of.tag}`);
    const middle = Math.ceil(kept.body.length / 2);
    if (middle > 0) yield kept.body.subarray(0, middle);
    if (middle < kept.body.length) yield kept.body.subarray(middle);
  }

  path(): undefined {
    return undefined;
  }
}
