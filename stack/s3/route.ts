import type { IncomingHttpHeaders } from 'node:http';
import { type Query, Refusal, decode, header } from '../exchange.ts';
import { toBytes } from './call.ts';
import { DOCUMENT_OPERATIONS, type Operation, isUnserved, parametersOf } from './operations.ts';

export interface Route {
  readonly operation: Operation;
  readonly bucket: string;
  readonly key: string;
}

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
  const unknown = asked.find((name) => !parametersOf(operation).includes(name));
  if (unknown !== undefined) throw notImplemented(method, bucket, key, unknown);
  const unserved = Object.keys(headers).find((name) => isUnserved(operation, name));
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
  const document = Object.entries(DOCUMENT_OPERATIONS).find(([kind]) => query.has(kind));
  if (document) {
    const byMethod: Readonly<Record<string, Operation>> = document[1];
    return byMethod[method];
  }
  switch (method) {
    case 'GET':
      if (query.has('location')) return 'GetBucketLocation';
      if (query.has('versioning')) return 'GetBucketVersioning';
      if (query.has('versions')) return 'ListObjectVersions';
      if (query.has('uploads')) return 'ListMultipartUploads';
      if (!query.has('list-type')) return 'ListObjects';
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
      if (query.has('tagging')) return 'GetObjectTagging';
      if (query.has('attributes')) return 'GetObjectAttributes';
      return query.has('uploadId') ? 'ListParts' : 'GetObject';
    case 'HEAD':
      return 'HeadObject';
    case 'PUT':
      if (query.has('tagging')) return 'PutObjectTagging';
      if (query.has('uploadId')) return isCopy ? 'UploadPartCopy' : 'UploadPart';
      return isCopy ? 'CopyObject' : 'PutObject';
    case 'POST':
      if (query.has('uploads')) return 'CreateMultipartUpload';
      if (query.has('restore')) return 'RestoreObject';
      return query.has('uploadId') ? 'CompleteMultipartUpload' : undefined;
    case 'DELETE':
      if (query.has('tagging')) return 'DeleteObjectTagging';
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
