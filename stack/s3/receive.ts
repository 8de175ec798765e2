import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { Refusal, header } from '../exchange.ts';
import type { Call } from './call.ts';
import { type Algorithm, badChecksum, headerOf, startChecksum, statedValue } from './checksums.ts';
import type { BodyFile } from './model.ts';
import { LARGEST_INLINE_BYTES, type Store } from './store.ts';

/** A body that is on disk, or small and in memory, and is what its sender said it is. */
export interface Received {
  readonly sizeBytes: number;
  readonly md5: Buffer;
  /** By the algorithm that was asked for, in base64. */
  readonly checksum: string;
  /** The headers that confirm to the client what it stated. */
  readonly confirmed: Record<string, string>;
  readonly inline?: Buffer;
  readonly files: readonly BodyFile[];
}

export interface Wanted {
  /** Computed and given back. */
  readonly algorithm: Algorithm;
  /** What the client states: verified when it differs, too. */
  readonly stated: Algorithm | undefined;
  readonly limitBytes: number;
  /** Parts always get a file: an object of parts is a list of files. */
  readonly alwaysFile: boolean;
}

const WRITE_BYTES = 1 << 20;

/**
 * Takes the request's body in. Refuses one that is too large or is not what Content-MD5, a checksum header, a
 * trailer or the signature says, and then leaves nothing behind.
 */
export async function receive(call: Call, store: Store, wanted: Wanted): Promise<Received> {
  const { headers } = call;
  if (headers['content-length'] === undefined && headers['x-amz-decoded-content-length'] === undefined) {
    throw new Refusal(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.');
  }
  const contentMd5 = parseMd5(header(headers, 'content-md5'));
  if (wanted.stated !== undefined) statedValue(wanted.stated, headers, new Map());
  const other =
    wanted.stated !== undefined && wanted.stated !== wanted.algorithm
      ? startChecksum(wanted.stated)
      : undefined;
  const confirmed: Record<string, string> = {};
  const md5 = createHash('md5');
  const checksum = startChecksum(wanted.algorithm);
  const sink = new Sink(store, wanted.alwaysFile);
  try {
    for await (const chunk of call.body) {
      md5.update(chunk);
      checksum.update(chunk);
      other?.update(chunk);
      if (sink.sizeBytes + chunk.length > wanted.limitBytes) {
        throw new Refusal(
          400,
          'EntityTooLarge',
          `Your proposed upload exceeds the maximum of ${wanted.limitBytes} bytes.`,
        );
      }
      await sink.write(chunk);
    }
    const found = { md5: md5.digest(), checksum: checksum.digest().toString('base64') };
    if (contentMd5 && !contentMd5.equals(found.md5)) {
      throw badChecksum('MD5', contentMd5.toString('base64'), found.md5.toString('base64'));
    }
    if (wanted.stated !== undefined) {
      const stated = statedValue(wanted.stated, headers, call.trailers);
      const computed = other?.digest().toString('base64') ?? found.checksum;
      if (stated !== undefined && stated !== computed) throw badChecksum(wanted.stated, stated, computed);
      confirmed[headerOf(wanted.stated)] = computed;
    }
    return { ...found, confirmed, sizeBytes: sink.sizeBytes, ...(await sink.finish()) };
  } catch (error) {
    await sink.abandon();
    throw error;
  }
}

/** Gathers a body: in memory while it is small, then in a file, one write at a time behind the reading. */
class Sink {
  readonly #store: Store;
  readonly #alwaysFile: boolean;
  #body: { id: string; file: FileHandle } | undefined;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  sizeBytes = 0;

  constructor(store: Store, alwaysFile: boolean) {
    this.#store = store;
    this.#alwaysFile = alwaysFile;
  }

  async write(chunk: Buffer): Promise<void> {
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    this.sizeBytes += chunk.length;
    if (this.#pendingBytes >= WRITE_BYTES) await this.#flush();
  }

  async finish(): Promise<{ inline?: Buffer; files: readonly BodyFile[] }> {
    if (!this.#body && !this.#alwaysFile && this.sizeBytes <= LARGEST_INLINE_BYTES) {
      return { inline: Buffer.concat(this.#pending), files: [] };
    }
    const { id, file } = await this.#flush();
    await this.#writing;
    await file.close();
    return { files: [{ id, size: this.sizeBytes }] };
  }

  async abandon(): Promise<void> {
    if (!this.#body) return;
    await this.#writing.catch(() => {});
    await this.#body.file.close().catch(() => {});
    this.#store.removeBody(this.#body.id);
  }

  async #flush(): Promise<{ id: string; file: FileHandle }> {
    this.#body ??= await this.#store.createBody();
    const body = this.#body;
    await this.#writing;
    const [chunks, bytes] = [this.#pending, this.#pendingBytes];
    this.#pending = [];
    this.#pendingBytes = 0;
    if (bytes > 0) {
      this.#writing = writeAll(body.file, chunks, bytes);
      // Met again by whoever awaits it; until then it is not to count as unhandled.
      this.#writing.catch(() => {});
    }
    return body;
  }
}

async function writeAll(file: FileHandle, chunks: readonly Buffer[], bytes: number): Promise<void> {
  const { bytesWritten } = await file.writev(chunks);
  if (bytesWritten !== bytes)
    throw new Error(`only ${bytesWritten} of ${bytes} bytes could be written: is the disk full?`);
}

function parseMd5(text: string | undefined): Buffer | undefined {
  if (text === undefined) return undefined;
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== 16)
    throw new Refusal(400, 'InvalidDigest', `The Content-MD5 you specified is not valid: "${text}".`);
  return bytes;
}
