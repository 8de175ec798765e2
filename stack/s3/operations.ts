import type { DocumentName } from './document-kinds.ts';

/** What a bucket's documents are asked for with, by the query parameter that names the kind. */
export const DOCUMENT_OPERATIONS = {
  tagging: { GET: 'GetBucketTagging', PUT: 'PutBucketTagging', DELETE: 'DeleteBucketTagging' },
  lifecycle: {
    GET: 'GetBucketLifecycleConfiguration',
    PUT: 'PutBucketLifecycleConfiguration',
    DELETE: 'DeleteBucketLifecycle',
  },
  encryption: { GET: 'GetBucketEncryption', PUT: 'PutBucketEncryption', DELETE: 'DeleteBucketEncryption' },
  policy: { GET: 'GetBucketPolicy', PUT: 'PutBucketPolicy', DELETE: 'DeleteBucketPolicy' },
  cors: { GET: 'GetBucketCors', PUT: 'PutBucketCors', DELETE: 'DeleteBucketCors' },
  notification: {
    GET: 'GetBucketNotificationConfiguration',
    PUT: 'PutBucketNotificationConfiguration',
  },
  publicAccessBlock: {
    GET: 'GetPublicAccessBlock',
    PUT: 'PutPublicAccessBlock',
    DELETE: 'DeletePublicAccessBlock',
  },
} as const satisfies Readonly<Record<DocumentName, { GET: string; PUT: string; DELETE?: string }>>;

type ValuesOf<T> = T extends unknown ? T[keyof T] : never;
type DocumentOperation = ValuesOf<(typeof DOCUMENT_OPERATIONS)[DocumentName]>;

export type Operation =
  | DocumentOperation
  | 'ListBuckets'
  | 'CreateBucket'
  | 'HeadBucket'
  | 'DeleteBucket'
  | 'GetBucketLocation'
  | 'GetBucketVersioning'
  | 'PutBucketVersioning'
  | 'ListObjects'
  | 'ListObjectsV2'
  | 'ListObjectVersions'
  | 'ListMultipartUploads'
  | 'DeleteObjects'
  | 'PutObject'
  | 'CopyObject'
  | 'GetObject'
  | 'HeadObject'
  | 'DeleteObject'
  | 'GetObjectAttributes'
  | 'GetObjectTagging'
  | 'PutObjectTagging'
  | 'DeleteObjectTagging'
  | 'RestoreObject'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'UploadPartCopy'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'
  | 'ListParts';

const READ = [
  'versionId',
  'partNumber',
  ...['type', 'language', 'encoding', 'disposition'].map((n) => `response-content-${n}`),
];
const READ_PARAMETERS = [...READ, 'response-cache-control', 'response-expires'];
const PAGE = ['prefix', 'delimiter', 'encoding-type'];
const TAGGING = ['tagging', 'versionId'];

const PARAMETERS: Readonly<Record<Exclude<Operation, DocumentOperation>, readonly string[]>> = {
  ListBuckets: ['max-buckets', 'continuation-token', 'prefix'],
  CreateBucket: [],
  HeadBucket: [],
  DeleteBucket: [],
  GetBucketLocation: ['location'],
  GetBucketVersioning: ['versioning'],
  PutBucketVersioning: ['versioning'],
  ListObjects: ['marker', 'max-keys', ...PAGE],
  ListObjectsV2: ['list-type', 'max-keys', 'continuation-token', 'start-after', 'fetch-owner', ...PAGE],
  ListObjectVersions: ['versions', 'max-keys', 'key-marker', 'version-id-marker', ...PAGE],
  ListMultipartUploads: ['uploads', 'max-uploads', 'key-marker', 'upload-id-marker', ...PAGE],
  DeleteObjects: ['delete'],
  PutObject: [],
  CopyObject: [],
  GetObject: READ_PARAMETERS,
  HeadObject: READ_PARAMETERS,
  DeleteObject: ['versionId'],
  GetObjectAttributes: ['attributes', 'versionId'],
  GetObjectTagging: TAGGING,
  PutObjectTagging: TAGGING,
  DeleteObjectTagging: TAGGING,
  RestoreObject: ['restore', 'versionId'],
  CreateMultipartUpload: ['uploads'],
  UploadPart: ['partNumber', 'uploadId'],
  UploadPartCopy: ['partNumber', 'uploadId'],
  CompleteMultipartUpload: ['uploadId'],
  AbortMultipartUpload: ['uploadId'],
  ListParts: ['uploadId', 'max-parts', 'part-number-marker'],
};

/** The parameters that an operation understands. Any other asks for something that is not here. */
export function parametersOf(operation: Operation): readonly string[] {
  const plain: Readonly<Partial<Record<Operation, readonly string[]>>> = PARAMETERS;
  return plain[operation] ?? Object.keys(DOCUMENT_OPERATIONS);
}

const TAGGED: readonly Operation[] = ['PutObject', 'CopyObject', 'CreateMultipartUpload'];
/** Headers that some operations alone honour. */
const SERVED_BY: Readonly<Record<string, readonly Operation[]>> = {
  'x-amz-tagging': TAGGED,
  'x-amz-copy-source-range': ['UploadPartCopy'],
};
/** Headers that would change what is stored or who may read it. */
const WEIGHTY =
  /^x-amz-(tagging$|object-lock-|website-redirect-location$|grant-|server-side-encryption-customer-|copy-source-range$|copy-source-server-side|write-offset-bytes$|if-match-)/;

/** Whether a header asks for something that nothing here does. */
export function isUnserved(operation: Operation, header: string): boolean {
  return WEIGHTY.test(header) && SERVED_BY[header]?.includes(operation) !== true;
}
