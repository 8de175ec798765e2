import type { IncomingHttpHeaders } from 'node:http';
import { type Query, Refusal, decode, header } from '../exchange.ts';
import { toBytes } from './call.ts';

export type Operation =
  | 'ListBuckets'
  | 'CreateBucket'
  | 'HeadBucket'
  | 'DeleteBucket'
  | 'GetBucketLocation'
  | 'GetBucketVersioning'
  | 'PutBucketVersioning'
  | 'ListObjectsV2'
  | 'ListObjectVersions'
  | 'ListMultipartUploads'
  | 'DeleteObjects'
  | 'PutObject'
  | 'CopyObject'
  | 'GetObject'
  | 'HeadObject'
  | 'DeleteObject'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'
  | 'ListParts';

export interface Route {
  readonly operation: Operation;
  readonly bucket: string;
  readonly key: string;
}

const READ = [
  'versionId',
  'partNumber',
  ...['type', 'language', 'encoding', 'disposition'].map((n) => `response-content-${n}`),
];
const READ_PARAMETERS = [...READ, 'response-cache-control', 'response-expires'];
const PAGE = ['prefix', 'delimiter', 'encoding-type'];

/** The parameters that each operation understands. Any other asks for something that is not here. */
const PARAMETERS: Readonly<Record<Operation, readonly string[]>> = {
  ListBuckets: ['max-buckets', 'continuation-token', 'prefix'],
  CreateBucket: [],
  HeadBucket: [],
  DeleteBucket: [],
  GetBucketLocation: ['location'],
  GetBucketVersioning: ['versioning'],
  PutBucketVersioning: ['versioning'],
  ListObjectsV2: ['list-type', 'max-keys', 'continuation-token', 'start-after', 'fetch-owner', ...PAGE],
  ListObjectVersions: ['versions', 'max-keys', 'key-marker', 'version-id-marker', ...PAGE],
  ListMultipartUploads: ['uploads', 'max-uploads', 'key-marker', 'upload-id-marker', ...PAGE],
  DeleteObjects: ['delete'],
  PutObject: [],
  CopyObject: [],
  GetObject: READ_PARAMETERS,
  HeadObject: READ_PARAMETERS,
  DeleteObject: ['versionId'],
  CreateMultipartUpload: ['uploads'],
  UploadPart: ['partNumber', 'uploadId'],
  CompleteMultipartUpload: ['uploadId'],
  AbortMultipartUpload: ['uploadId'],
  ListParts: ['uploadId', 'max-parts', 'part-number-marker'],
};

/** Headers that would change what is stored or who may read it, and that nothing here honours. */
const UNSERVED_HEADERS =
  /^x-amz-(tagging$|object-lock-|website-redirect-location$|grant-|server-side-encryption-customer-|copy-source-range$|copy-source-server-side|write-offset-bytes$|if-match-)/;

/** What a request asks for. Whatever is not served is refused by name. */
export function route(method: string, path: string, query: Query, headers: IncomingHttpHeaders): Route {
  const slash = path.indexOf('/', 1);
  const bucket = decode(slash < 0 ? path.slice(1) : path.slice(1, slash));
  const key = slash < 0 ? '' : toBytes(decode(path.slice(slash + 1)));
  const operation =
    bucket === ''
      ? ofService(method)
      : key === ''
        ? ofBucket(method, query)
        : ofObject(method, query, headers);
  const asked = [...query.keys()].filter(
    (name) => name !== 'x-id' && !name.toLowerCase().startsWith('x-amz-'),
  );
  if (operation === undefined) throw notImplemented(method, bucket, key, asked.join(', '));
  const unknown = asked.find((name) => !PARAMETERS[operation].includes(name));
  if (unknown !== undefined) throw notImplemented(method, bucket, key, unknown);
  const unserved = Object.keys(headers).find((name) => UNSERVED_HEADERS.test(name));
  if (unserved !== undefined) throw notImplemented(operation, bucket, key, `header ${unserved}`);
  if (key.length > 1024) {
    throw new Refusal(
      400,
      'KeyTooLongError',
      `Your key is too long: ${key.length} bytes, at most 1,024 are allowed.`,
    );
  }
  return { operation, bucket, key };
}

function ofService(method: string): Operation | undefined {
  return method === 'GET' ? 'ListBuckets' : undefined;
}

function ofBucket(method: string, query: Query): Operation | undefined {
  switch (method) {
    case 'GET':
      if (query.has('location')) return 'GetBucketLocation';
      if (query.has('versioning')) return 'GetBucketVersioning';
      if (query.has('versions')) return 'ListObjectVersions';
      if (query.has('uploads')) return 'ListMultipartUploads';
      return query.get('list-type') === '2' ? 'ListObjectsV2' : undefined;
    case 'PUT':
      return query.has('versioning') ? 'PutBucketVersioning' : 'CreateBucket';
    case 'HEAD':
      return 'HeadBucket';
    case 'DELETE':
      return 'DeleteBucket';
    case 'POST':
      return query.has('delete') ? 'DeleteObjects' : undefined;
    default:
      return undefined;
  }
}

function ofObject(method: string, query: Query, headers: IncomingHttpHeaders): Operation | undefined {
  const isCopy = header(headers, 'x-amz-copy-source') !== undefined;
  switch (method) {
    case 'GET':
      return query.has('uploadId') ? 'ListParts' : 'GetObject';
    case 'HEAD':
      return 'HeadObject';
    case 'PUT':
      if (query.has('uploadId')) return isCopy ? undefined : 'UploadPart';
      return isCopy ? 'CopyObject' : 'PutObject';
    case 'POST':
      if (query.has('uploads')) return 'CreateMultipartUpload';
      return query.has('uploadId') ? 'CompleteMultipartUpload' : undefined;
    case 'DELETE':
      return query.has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject';
    default:
      return undefined;
  }
}

function notImplemented(what: string, bucket: string, key: string, asked: string): Refusal {
  const place = key === '' ? (bucket === '' ? 'the service' : 'a bucket') : 'an object';
  return new Refusal(
    501,
    'NotImplemented',
    `A header or operation you provided implies functionality that is not implemented: ${what} on ${place}` +
      (asked === '' ? '.' : ` with ${asked}.`),
  );
}
