import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { awsCall } from '../aws.ts';
import { failure } from '../failure.ts';
import { crc32Base64 } from './checksum.ts';
import { createAnswer } from './create-answer.ts';
import { openFront } from './local-bytes.ts';
import { planParts } from './part-plan.ts';
import type { CreateAnswer, LocalFile } from './port.ts';

const ABORT_WITHIN_MS = 10_000;

export interface UploadTo {
  readonly s3: S3Client;
  /** With `maxAttempts: 1`, for the request that creates the object. */
  readonly once: S3Client;
  readonly bucket: string;
  readonly key: string;
}

/**
 * A large file as one object: created whole by the Complete, if no object has the key, or not at all. The store
 * checks each part and the whole by CRC32; the file is checked against `expect` before the Complete. Memory:
 * the parts on their way.
 */
export async function createInParts(
  to: UploadTo,
  file: LocalFile,
  signal: AbortSignal,
): Promise<CreateAnswer> {
  const upload = await begin(to, signal);
  let answer: CreateAnswer | undefined;
  try {
    const sent = await sendParts(to, upload, file, signal);
    answer = await complete(to, upload, sent, file, signal);
    return answer;
  } finally {
    if (answer !== 'created') await abandon(to, upload);
  }
}

interface Sent {
  readonly parts: readonly CompletedPart[];
  readonly crc: number;
}

async function begin({ s3, bucket, key }: UploadTo, signal: AbortSignal): Promise<string> {
  const command = new CreateMultipartUploadCommand({
    Bucket: bucket,
    Key: key,
    ChecksumAlgorithm: 'CRC32',
    ChecksumType: 'FULL_OBJECT',
  });
  const { UploadId } = await awsCall(signal, () => s3.send(command, { abortSignal: signal }));
  if (!UploadId) throw failure('Unreachable', `${key}: the store began an upload without an id`);
  return UploadId;
}

async function sendParts(to: UploadTo, upload: string, file: LocalFile, signal: AbortSignal): Promise<Sent> {
  const { size, atOnce } = planParts(file.expect.bytes);
  const parts: CompletedPart[] = [];
  const hash = createHash('sha256');
  let crc = 0;
  const source = await openFront(file, signal);
  const free = Array.from({ length: atOnce }, () => Buffer.allocUnsafe(size));
  const inFlight = new Set<Promise<void>>();
  const failures: unknown[] = [];
  try {
    for (let at = 0; at < file.expect.bytes && failures.length === 0; at += size) {
      if (free.length === 0) await Promise.race(inFlight);
      const buffer = free.pop();
      if (!buffer) throw new Error('a part ended without giving its buffer back');
      const part = await source.fill(buffer);
      hash.update(part);
      crc = crc32(part, crc);
      const sending = sendPart(to, upload, at / size + 1, part, signal)
        .then(
          (done) => void parts.push(done),
          (error: unknown) => void failures.push(error),
        )
        .finally(() => {
          free.push(buffer);
          inFlight.delete(sending);
        });
      inFlight.add(sending);
    }
  } finally {
    // A buffer may not be dropped, nor the upload aborted, under a request that still reads it.
    await Promise.all(inFlight);
    await source.close();
  }
  if (failures.length > 0) throw failures[0];
  const found = hash.digest('hex');
  if (found !== file.expect.sha256) {
    throw failure('SourceChanged', `${file.path} has sha256 ${found}; it had ${file.expect.sha256}`);
  }
  return { parts: parts.toSorted((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0)), crc };
}

async function sendPart(
  { s3, bucket, key }: UploadTo,
  upload: string,
  number: number,
  body: Buffer,
  signal: AbortSignal,
): Promise<CompletedPart> {
  const checksum = crc32Base64(crc32(body));
  const command = new UploadPartCommand({
    Bucket: bucket,
    Key: key,
    UploadId: upload,
    PartNumber: number,
    Body: body,
    ChecksumCRC32: checksum,
  });
  const { ETag } = await awsCall(signal, () => s3.send(command, { abortSignal: signal }));
  return { PartNumber: number, ChecksumCRC32: checksum, ...(ETag && { ETag }) };
}

async function complete(
  { once, bucket, key }: UploadTo,
  upload: string,
  { parts, crc }: Sent,
  { expect }: LocalFile,
  signal: AbortSignal,
): Promise<CreateAnswer> {
  const command = new CompleteMultipartUploadCommand({
    Bucket: bucket,
    Key: key,
    UploadId: upload,
    MultipartUpload: { Parts: [...parts] },
    ChecksumCRC32: crc32Base64(crc),
    ChecksumType: 'FULL_OBJECT',
    MpuObjectSize: expect.bytes,
    IfNoneMatch: '*',
  });
  return awsCall(signal, () =>
    createAnswer(signal, async () => {
      await once.send(command, { abortSignal: signal });
    }),
  );
}

/** Parts cost money until they are gone. A signal of its own: a cancelled upload is abandoned too. */
async function abandon({ s3, bucket, key }: UploadTo, upload: string): Promise<void> {
  const command = new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: upload });
  // What stays is removed by the bucket's lifecycle rule: the outcome of the upload matters more.
  await s3.send(command, { abortSignal: AbortSignal.timeout(ABORT_WITHIN_MS) }).catch(() => undefined);
}
