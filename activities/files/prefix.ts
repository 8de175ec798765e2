import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  NotFound,
  type S3Client,
  type _Object,
} from '@aws-sdk/client-s3';
import { type ErrorMeanings, awsCall } from '../aws.ts';
import { failure } from '../failure.ts';
import type { FileFolder, FileStat, Listing } from './port.ts';

/** So much is asked for at once, and held: a connection that waits for slow work would be closed. */
const RANGE_BYTES = 8 * 1024 * 1024;
const ARCHIVED = new Set(['GLACIER', 'DEEP_ARCHIVE']);

const MEANINGS: ErrorMeanings = {
  NoSuchBucket: 'SourceMissing',
  // The bucket is in another region than the one asked.
  PermanentRedirect: 'SourceMissing',
  AuthorizationHeaderMalformed: 'SourceMissing',
  // Archived by Intelligent-Tiering, which no listing says.
  InvalidObjectState: 'SourceMissing',
  // A HEAD has no body that would say more.
  Forbidden: 'AccessDenied',
};
const READ_MEANINGS: ErrorMeanings = {
  ...MEANINGS,
  PreconditionFailed: 'SourceChanged',
  NoSuchKey: 'SourceChanged',
  InvalidRange: 'SourceChanged',
};

/**
 * Objects of a bucket below a prefix, of this account or another one that lets us in. Items are keys without the
 * prefix. What is read is pinned by its ETag: an object that was replaced is `SourceChanged`, never a mix.
 */
export class S3Prefix implements FileFolder {
  readonly listsInOrder = true;
  readonly #s3: S3Client;
  readonly #rangeBytes: number;

  constructor(s3: S3Client, rangeBytes = RANGE_BYTES) {
    this.#s3 = s3;
    this.#rangeBytes = rangeBytes;
  }

  async *list(folder: string, signal: AbortSignal, after?: string): AsyncIterable<Listing> {
    const { bucket, prefix } = placeOf(folder);
    let token: string | undefined;
    do {
      const command = new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: prefix,
        // Keys may hold characters that XML has no way to write.
        EncodingType: 'url',
        OptionalObjectAttributes: ['RestoreStatus'],
        ...(token === undefined
          ? after !== undefined && { StartAfter: prefix + after }
          : { ContinuationToken: token }),
      });
      const list = () => this.#s3.send(command, { abortSignal: signal });
      const page = await awsCall(signal, list, MEANINGS, await this.#place('LIST', folder));
      for (const object of page.Contents ?? []) {
        const isEncoded = page.EncodingType === 'url';
        const listing = listingOf(object, prefix, isEncoded);
        if (listing) yield listing;
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  async stat(folder: string, item: string, signal: AbortSignal): Promise<FileStat | undefined> {
    const { bucket, prefix } = placeOf(folder);
    const command = new HeadObjectCommand({ Bucket: bucket, Key: prefix + item });
    const look = () => this.#s3.send(command, { abortSignal: signal }).catch(undefinedIfAbsent);
    const found = await awsCall(signal, look, MEANINGS, await this.#place('HEAD', folder, item));
    return found && statOf(found.ContentLength, found.LastModified, found.ETag);
  }

  async *read(folder: string, item: string, of: FileStat, signal: AbortSignal): AsyncIterable<Buffer> {
    const { bucket, prefix } = placeOf(folder);
    const place = await this.#place('GET', folder, item);
    for (let at = 0; at < of.bytes; at += this.#rangeBytes) {
      const to = Math.min(at + this.#rangeBytes, of.bytes);
      const Range = `bytes=${at}-${to - 1}`;
      const command = new GetObjectCommand({ Bucket: bucket, Key: prefix + item, IfMatch: of.tag, Range });
      const download = async () => {
        const found = await this.#s3.send(command, { abortSignal: signal });
        return found.Body?.transformToByteArray();
      };
      const bytes = await awsCall(signal, download, READ_MEANINGS, place);
      if (bytes?.byteLength !== to - at)
        throw failure(
          'Unreachable',
          `${place}: ${bytes?.byteLength ?? 0} bytes came of ${Range}; right would be ${to - at}`,
        );
      yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
  }

  path(): undefined {
    return undefined;
  }

  async #place(verb: string, folder: string, item = ''): Promise<string> {
    const { bucket, prefix } = placeOf(folder);
    return `${verb} ${bucket}/${prefix}${item} in ${await this.#s3.config.region()}`;
  }
}

function placeOf(folder: string): { readonly bucket: string; readonly prefix: string } {
  const [, bucket = '', rest = ''] = /^s3:\/\/([^/]+)\/?(.*)$/s.exec(folder) ?? [];
  return { bucket, prefix: rest === '' || rest.endsWith('/') ? rest : `${rest}/` };
}

/** Undefined for what stands for a folder. */
function listingOf(object: _Object, prefix: string, isEncoded: boolean): Listing | undefined {
  const { Key = '' } = object;
  const key = isEncoded ? decodeURIComponent(Key.replaceAll('+', ' ')) : Key;
  const item = key.slice(prefix.length);
  if (item === '' || (item.endsWith('/') && object.Size === 0)) return undefined;
  const { StorageClass: storage = 'STANDARD', RestoreStatus: restored } = object;
  const stat = statOf(object.Size, object.LastModified, object.ETag);
  if (ARCHIVED.has(storage) && (restored?.IsRestoreInProgress !== false || !restored.RestoreExpiryDate))
    return {
      kind: 'ignored',
      item,
      why: `it is in the storage class ${storage}; right would be a restored copy`,
      stat,
    };
  return { kind: 'file', item, stat };
}

/** In whole seconds: a HEAD knows no others. */
function statOf(bytes = 0, modified = new Date(0), etag = ''): FileStat {
  const seconds = Math.floor(modified.getTime() / 1000);
  return { bytes, modifiedAt: new Date(seconds * 1000).toISOString(), tag: etag };
}

function undefinedIfAbsent(error: unknown): undefined {
  if (error instanceof NotFound || error instanceof NoSuchKey) return undefined;
  throw error;
}
