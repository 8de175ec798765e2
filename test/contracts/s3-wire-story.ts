import { createHash, randomUUID } from 'node:crypto';
import {
  type ChecksumAlgorithm,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  type CompletedPart,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  GetObjectCommand,
  type GetObjectCommandInput,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
  S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

export interface OpenedS3 {
  /** One attempt a call: a refusal is to be seen. */
  readonly client: S3Client;
  /** The same server, signed for with other keys. */
  readonly withKeys: (accessKeyId: string, secretAccessKey: string) => S3Client;
  /** Where each story happens; absent: each makes a bucket of its own. */
  readonly bucket?: string;
  readonly region: string;
}

export type Fact = (name: string, story: (s3: Story) => Promise<void>) => void;

export const FULL_CRC32 = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const;
/** A part of the smallest size that is not the last. */
export const FIVE_MIB = 5 * 1024 * 1024;

/** One bucket, and the few things that every story does with it. */
export class Story {
  readonly client: S3Client;
  readonly withKeys: OpenedS3['withKeys'];
  readonly bucket: string;
  readonly region: string;

  private constructor(opened: OpenedS3, bucket: string) {
    this.client = opened.client;
    this.withKeys = opened.withKeys;
    this.bucket = bucket;
    this.region = opened.region;
  }

  static async begin(opened: OpenedS3): Promise<Story> {
    if (opened.bucket !== undefined) return new Story(opened, opened.bucket);
    const bucket = `wire-${randomUUID()}`;
    await opened.client.send(new CreateBucketCommand({ Bucket: bucket }));
    return new Story(opened, bucket);
  }

  put(key: string, body: string | Buffer, more: Partial<PutObjectCommandInput> = {}) {
    return this.client.send(new PutObjectCommand({ Bucket: this.bucket, Key: key, Body: body, ...more }));
  }

  get(key: string, more: Partial<GetObjectCommandInput> = {}) {
    return this.client.send(new GetObjectCommand({ Bucket: this.bucket, Key: key, ...more }));
  }

  head(key: string, more: Partial<GetObjectCommandInput> = {}) {
    return this.client.send(new HeadObjectCommand({ Bucket: this.bucket, Key: key, ...more }));
  }

  async text(key: string, more: Partial<GetObjectCommandInput> = {}): Promise<string | undefined> {
    return (await this.get(key, more)).Body?.transformToString();
  }

  async keys(): Promise<(string | undefined)[]> {
    const page = await this.client.send(new ListObjectsV2Command({ Bucket: this.bucket }));
    return (page.Contents ?? []).map(({ Key }) => Key);
  }

  async versioning(status: 'Enabled' | 'Suspended'): Promise<void> {
    const configuration = { Bucket: this.bucket, VersioningConfiguration: { Status: status } };
    await this.client.send(new PutBucketVersioningCommand(configuration));
  }

  /** With a CRC32 of the whole, as the lake's uploads have it, unless told otherwise. */
  async begun(
    key: string,
    more: Partial<CreateMultipartUploadCommandInput> = FULL_CRC32,
  ): Promise<MultipartStory> {
    const place = { Bucket: this.bucket, Key: key };
    const { UploadId } = await this.client.send(new CreateMultipartUploadCommand({ ...place, ...more }));
    return new MultipartStory(this.client, { ...place, UploadId: UploadId ?? '' }, more.ChecksumAlgorithm);
  }
}

export class MultipartStory {
  readonly #client: S3Client;
  readonly #algorithm: ChecksumAlgorithm | undefined;
  readonly place: { readonly Bucket: string; readonly Key: string; readonly UploadId: string };

  constructor(client: S3Client, place: MultipartStory['place'], algorithm: ChecksumAlgorithm | undefined) {
    this.#client = client;
    this.#algorithm = algorithm;
    this.place = place;
  }

  async part(number: number, body: Buffer | string): Promise<CompletedPart> {
    const input = { ...this.place, PartNumber: number, Body: body, ChecksumAlgorithm: this.#algorithm };
    const { $metadata: _, ...told } = await this.#client.send(new UploadPartCommand(input));
    return { ...told, PartNumber: number };
  }

  complete(parts: CompletedPart[], more: Partial<CompleteMultipartUploadCommandInput> = {}) {
    const input = { ...this.place, MultipartUpload: { Parts: parts }, ...more };
    return this.#client.send(new CompleteMultipartUploadCommand(input));
  }
}

/** `412 PreconditionFailed`, or `done`. */
export async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'done';
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error;
    return `${error.$metadata.httpStatusCode} ${error.name}`;
  }
}

export function md5(body: string | Buffer): string {
  return createHash('md5').update(body).digest('hex');
}

/** Bytes that differ from place to place, so that a piece in the wrong place shows. */
export function patterned(sizeBytes: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  let state = seed;
  for (let at = 0; at < sizeBytes; at += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}
