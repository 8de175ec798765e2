import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import {
  DeleteObjectsCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { csvToParquet } from './parquet.ts';
import type { S3Target } from './s3-settings.ts';
import { type Shape, headerLine } from './shape.ts';

const LARGEST_BUFFERED_BYTES = 32 << 20;

/** Where a task's files land. What it names is in S3 when it resolves. */
export class Landing {
  readonly #s3: S3Client;
  readonly #target: S3Target;
  readonly #dir: string;

  /** Files are written in `dir` first. */
  constructor(s3: S3Client, target: S3Target, dir: string) {
    this.#s3 = s3;
    this.#target = target;
    this.#dir = dir;
  }

  /** Rejects when the bucket is not there or not ours. */
  async probe(): Promise<void> {
    await this.#s3.send(new HeadBucketCommand(this.#bucket));
  }

  async begin(shape: Shape): Promise<LandingFile> {
    await mkdir(this.#dir, { recursive: true });
    const path = join(this.#dir, randomUUID());
    const file = new LandingFile(await open(path, 'wx'), path, shape);
    await file.write(headerLine(shape, this.#target));
    return file;
  }

  /** Puts the file under the key and forgets it. */
  async finish(file: LandingFile, key: string): Promise<void> {
    const made = `${file.path}.out`;
    try {
      await file.close();
      await this.#put(key, await this.#convert(file, made));
    } finally {
      await this.discard(file);
      await rm(made, { force: true });
    }
  }

  async discard(file: LandingFile): Promise<void> {
    await file.close();
    await rm(file.path, { force: true });
  }

  async write(key: string, shape: Shape, lines: readonly string[]): Promise<void> {
    const file = await this.begin(shape);
    await file.write(lines.join(''));
    await this.finish(file, key);
  }

  /** Removes all objects below the prefix, as DMS does before a load and after TRUNCATE and DROP. */
  async empty(prefix: string): Promise<void> {
    for (;;) {
      const listed = await this.#s3.send(new ListObjectsV2Command({ ...this.#bucket, Prefix: prefix }));
      const objects = (listed.Contents ?? []).map(({ Key }) => ({ Key: Key ?? '' }));
      if (objects.length === 0) return;
      const { Errors: failed = [] } = await this.#s3.send(
        new DeleteObjectsCommand({ ...this.#bucket, Delete: { Objects: objects, Quiet: true } }),
      );
      const [first] = failed;
      if (first) throw new Error(`${first.Key} was not removed: ${first.Code} ${first.Message}`);
    }
  }

  get #bucket() {
    const { bucket, owner } = this.#target;
    return { Bucket: bucket, ...(owner === undefined ? {} : { ExpectedBucketOwner: owner }) };
  }

  async #convert({ path, shape }: LandingFile, made: string): Promise<string> {
    const { format, gzip, millisecondTimestamps } = this.#target;
    if (format === 'parquet') {
      await csvToParquet(path, made, shape.columns, { gzip, milliseconds: millisecondTimestamps });
      return made;
    }
    if (!gzip) return path;
    await pipeline(createReadStream(path), createGzip(), createWriteStream(made));
    return made;
  }

  async #put(key: string, path: string): Promise<void> {
    const { size } = await stat(path);
    const body = size > LARGEST_BUFFERED_BYTES ? createReadStream(path) : await readFile(path);
    await this.#s3.send(new PutObjectCommand({ ...this.#bucket, Key: key, Body: body, ContentLength: size }));
  }
}

export class LandingFile {
  readonly path: string;
  readonly shape: Shape;
  readonly #file: FileHandle;
  #isOpen = true;
  sizeBytes = 0;

  constructor(file: FileHandle, path: string, shape: Shape) {
    this.#file = file;
    this.path = path;
    this.shape = shape;
  }

  async write(text: string): Promise<void> {
    if (text === '') return;
    const bytes = Buffer.from(text);
    await this.#file.appendFile(bytes);
    this.sizeBytes += bytes.length;
  }

  async close(): Promise<void> {
    if (this.#isOpen) await this.#file.close();
    this.#isOpen = false;
  }
}
