/** What the lake needs from the object store that holds its bucket, and nothing more. Keys are the bucket's. */
export interface ObjectStore {
  /**
   * One conditional create (`If-None-Match: *`), one attempt at the wire. `created`: the object is there, whole.
   * `exists`: the key holds an object. `conflict`: another write of the key was in flight; send it again.
   * `unclear`: no answer came, so it may have happened.
   */
  create(key: string, body: Uint8Array, signal: AbortSignal): Promise<CreateAnswer>;

  /**
   * The same for a file of any size, streamed, in parts where it is large, its checksum verified by the store.
   * Calls `onProgress` at least every 20 seconds. Rejects with `SourceChanged` when the file's bytes are not
   * those that `expect` names.
   */
  createFromFile(key: string, file: LocalFile, watch: Watch): Promise<CreateAnswer>;

  /** For hints and projections alone, which are never truth. */
  overwrite(key: string, body: Uint8Array, signal: AbortSignal): Promise<void>;

  /** The whole object; `undefined` when no object has this key. */
  get(key: string, signal: AbortSignal): Promise<Uint8Array | undefined>;

  /** The whole object, streamed into a new file; resolves its length and sha256, or `undefined` without one. */
  getToFile(key: string, path: string, watch: Watch): Promise<{ bytes: number; sha256: string } | undefined>;

  /** Resolves `undefined` when no object has this key. */
  head(key: string, signal: AbortSignal): Promise<ObjectHead | undefined>;

  /** Keys under a prefix in UTF-8 byte order, after `after`; at most `limit` where given. Strongly consistent. */
  list(prefix: string, options: ListOptions): AsyncIterable<ListedObject>;
}

export type CreateAnswer = 'created' | 'exists' | 'conflict' | 'unclear';

export interface LocalFile {
  readonly path: string;
  /** For what is no file of this host: its bytes from the first to the last, each time. `path` only names it then. */
  readonly read?: (signal: AbortSignal) => AsyncIterable<Buffer>;
  readonly expect: { readonly bytes: number; readonly sha256: string };
}

export interface ObjectHead {
  readonly bytes: number;
  /** Whole-object CRC32, base64, where the store keeps one. */
  readonly crc32?: string;
  readonly versionId?: string;
}

export interface ListOptions {
  readonly after?: string;
  readonly limit?: number;
  readonly signal: AbortSignal;
}

export interface ListedObject {
  readonly key: string;
  readonly bytes: number;
}

export interface Watch {
  readonly signal: AbortSignal;
  readonly onProgress: () => void;
}
