import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { canonical } from '../../lake/canonical.ts';
import type { RejectedObject, RejectedRecord } from '../../lake/entry.ts';
import { hash63 } from './hash.ts';

const BUFFERED_BYTES = 1024 * 1024;

/** A rejected object in the making: lines of JSON in a local file, counted and hashed as they come. */
export class Quarantine {
  readonly #path: string;
  readonly #sha256 = createHash('sha256');
  readonly #reasons: Record<string, number> = {};
  #file: FileHandle | undefined;
  #lines: string[] = [];
  #buffered = 0;
  #bytes = 0;
  #rows = 0;
  #hash = 0n;

  /** `path` must not exist; nothing is made before the first record. */
  constructor(path: string) {
    this.#path = path;
  }

  get rows(): number {
    return this.#rows;
  }

  /** `bytes` are the record's own; their hash is what conservation counts. */
  async add(record: Omit<RejectedRecord, 'bytes' | 'hash'>, bytes: Uint8Array): Promise<void> {
    const hash = hash63(bytes);
    const line = `${canonical({ ...record, bytes: Buffer.from(bytes).toString('base64'), hash: hash.toString() })}\n`;
    this.#rows += 1;
    this.#hash += hash;
    this.#reasons[record.reason] = (this.#reasons[record.reason] ?? 0) + 1;
    this.#lines.push(line);
    this.#buffered += line.length;
    if (this.#buffered >= BUFFERED_BYTES) await this.#flush();
  }

  /** The whole file, closed; undefined when nothing was rejected. Call once. */
  async finish(): Promise<
    | { readonly path: string; readonly object: Omit<RejectedObject, 'key'>; readonly sha256: string }
    | undefined
  > {
    await this.#flush();
    await this.#file?.close();
    if (!this.#file) return undefined;
    const sha256 = this.#sha256.digest('hex');
    const object = {
      bytes: this.#bytes,
      checksum: `sha256:${sha256}`,
      rows: this.#rows,
      hash: this.#hash.toString(),
      reasons: this.#reasons,
    };
    return { path: this.#path, object, sha256 };
  }

  async #flush(): Promise<void> {
    if (this.#lines.length === 0) return;
    const bytes = Buffer.from(this.#lines.join(''));
    this.#lines = [];
    this.#buffered = 0;
    this.#file ??= await open(this.#path, 'wx');
    await this.#file.write(bytes);
    this.#sha256.update(bytes);
    this.#bytes += bytes.length;
  }
}
