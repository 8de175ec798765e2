import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { awsCall } from '../aws.ts';
import { failure } from '../failure.ts';
import { crc32Base64 } from './checksum.ts';
import { createAnswer } from './create-answer.ts';
import { bytesOf } from './local-bytes.ts';
import { createInParts } from './multipart.ts';
import type {
  CreateAnswer,
  ListOptions,
  ListedObject,
  LocalFile,
  ObjectHead,
  ObjectStore,
  Watch,
} from './port.ts';

const PROGRESS_EVERY_MS = 10_000;
const LARGEST_SINGLE_PUT = 16 * 1024 * 1024;

/** A bucket on S3. It translates calls and errors, and decides nothing. */
export class S3ObjectStore implements ObjectStore {
  readonly #s3: S3Client;
  readonly #once: S3Client;
  readonly #bucket: string;

  /** `once`: the same with `maxAttempts: 1`, so that a conditional create is one request. */
  constructor(s3: S3Client, bucket: string, once: S3Client = s3) {
    this.#s3 = s3;
    this.#once = once;
    this.#bucket = bucket;
  }

  async create(key: string, body: Uint8Array, signal: AbortSignal): Promise<CreateAnswer> {
    const command = new PutObjectCommand({ ...this.#put(key, body), IfNoneMatch: '*' });
    const create = () =>
      createAnswer(signal, async () => {
        await this.#once.send(command, { abortSignal: signal });
      });
    return awsCall(signal, create, {}, this.#place('PUT', key));
  }

  async createFromFile(key: string, file: LocalFile, watch: Watch): Promise<CreateAnswer> {
    const progress = setInterval(watch.onProgress, PROGRESS_EVERY_MS);
    try {
      if (file.expect.bytes > LARGEST_SINGLE_PUT) {
        const at = { s3: this.#s3, once: this.#once, bucket: this.#bucket, key };
        return await createInParts(at, file, watch.signal);
      }
      watch.signal.throwIfAborted();
      const body = await buffer(bytesOf(file, watch.signal));
      const found = createHash('sha256').update(body).digest('hex');
      if (found !== file.expect.sha256) {
        throw failure('SourceChanged', `${file.path} has sha256 ${found}; it had ${file.expect.sha256}`);
      }
      return await this.create(key, body, watch.signal);
    } finally {
      clearInterval(progress);
    }
  }

  async overwrite(key: string, body: Uint8Array, signal: AbortSignal): Promise<void> {
    const command = new PutObjectCommand(this.#put(key, body));
    await awsCall(signal, () => this.#s3.send(command, { abortSignal: signal }), {}, this.#place('PUT', key));
  }

  async get(key: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const command = new GetObjectCommand(this.#at(key));
    const read = async () => {
      const found = await this.#s3.send(command, { abortSignal: signal }).catch(undefinedIfAbsent);
      return found?.Body?.transformToByteArray();
    };
    return awsCall(signal, read, {}, this.#place('GET', key));
  }

  async getToFile(
    key: string,
    path: string,
    { signal, onProgress }: Watch,
  ): Promise<{ bytes: number; sha256: string } | undefined> {
    const command = new GetObjectCommand(this.#at(key));
    const progress = setInterval(onProgress, PROGRESS_EVERY_MS);
    try {
      const download = async () => {
        const found = await this.#s3.send(command, { abortSignal: signal }).catch(undefinedIfAbsent);
        if (!found) return undefined;
        if (!(found.Body instanceof Readable)) throw new Error(`${key}: the answer has no body`);
        const hash = createHash('sha256');
        let bytes = 0;
        const measure = async function* (chunks: AsyncIterable<Buffer>) {
          for await (const chunk of chunks) {
            hash.update(chunk);
            bytes += chunk.byteLength;
            yield chunk;
          }
        };
        await pipeline(found.Body, measure, createWriteStream(path), { signal });
        if (bytes !== found.ContentLength) {
          throw failure('Unreachable', `${key}: ${bytes} bytes came; right would be ${found.ContentLength}`);
        }
        return { bytes, sha256: hash.digest('hex') };
      };
      return await awsCall(signal, download, {}, this.#place('GET', key));
    } finally {
      clearInterval(progress);
    }
  }

  async head(key: string, signal: AbortSignal): Promise<ObjectHead | undefined> {
    const command = new HeadObjectCommand({ ...this.#at(key), ChecksumMode: 'ENABLED' });
    const look = () => this.#s3.send(command, { abortSignal: signal }).catch(undefinedIfAbsent);
    const found = await awsCall(signal, look, {}, this.#place('HEAD', key));
    if (!found) return undefined;
    // A composite checksum depends on the parts, so it says nothing about the bytes alone.
    const crc = found.ChecksumType === 'COMPOSITE' ? undefined : found.ChecksumCRC32;
    return {
      bytes: found.ContentLength ?? 0,
      ...(crc && { crc32: crc }),
      ...(found.VersionId && { versionId: found.VersionId }),
    };
  }

  async *list(prefix: string, { after, limit, signal }: ListOptions): AsyncIterable<ListedObject> {
    let left = limit ?? Infinity;
    let token: string | undefined;
    do {
      const command = new ListObjectsV2Command({
        Bucket: this.#bucket,
        Prefix: prefix,
        MaxKeys: Math.min(left, 1000),
        ...(token === undefined
          ? after !== undefined && { StartAfter: after }
          : { ContinuationToken: token }),
      });
      const listed = () => this.#s3.send(command, { abortSignal: signal });
      const page = await awsCall(signal, listed, {}, this.#place('LIST', prefix));
      for (const { Key, Size } of page.Contents ?? []) yield { key: Key ?? '', bytes: Size ?? 0 };
      left -= page.Contents?.length ?? 0;
      token = page.NextContinuationToken;
    } while (token !== undefined && left > 0);
  }

  #place(verb: string, key: string): string {
    return `${verb} ${this.#bucket}/${key}`;
  }

  #at(key: string) {
    return { Bucket: this.#bucket, Key: key };
  }

  /** With the checksum stated, the store refuses bytes that were damaged on the way. */
  #put(key: string, body: Uint8Array) {
    return { ...this.#at(key), Body: body, ChecksumCRC32: crc32Base64(crc32(body)) };
  }
}

function undefinedIfAbsent(error: unknown): undefined {
  if (error instanceof NotFound || error instanceof NoSuchKey) return undefined;
  throw error;
}
