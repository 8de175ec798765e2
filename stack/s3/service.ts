import { randomBytes } from 'node:crypto';
import type { Refusal, Reply } from '../exchange.ts';
import type { Clock } from '../service.ts';
import { leaf, xmlDocument } from '../xml.ts';
import {
  createBucket,
  deleteBucket,
  getBucketLocation,
  getBucketVersioning,
  headBucket,
  listBuckets,
  putBucketVersioning,
} from './buckets.ts';
import { type Call, type Context, type Handler, checkOwner } from './call.ts';
import { completeMultipartUpload } from './complete.ts';
import { Conflicts } from './conflicts.ts';
import { copyObject } from './copy.ts';
import { deleteObject, deleteObjects } from './delete.ts';
import { getObject, headObject } from './get.ts';
import { listMultipartUploads, listParts } from './list-uploads.ts';
import { listObjectVersions, listObjectsV2 } from './list.ts';
import { putObject } from './put.ts';
import type { Operation } from './route.ts';
import { Store } from './store.ts';
import { abortMultipartUpload, createMultipartUpload, uploadPart } from './upload.ts';

const HANDLERS: Readonly<Record<Operation, Handler>> = {
  ListBuckets: listBuckets,
  CreateBucket: createBucket,
  HeadBucket: headBucket,
  DeleteBucket: deleteBucket,
  GetBucketLocation: getBucketLocation,
  GetBucketVersioning: getBucketVersioning,
  PutBucketVersioning: putBucketVersioning,
  ListObjectsV2: listObjectsV2,
  ListObjectVersions: listObjectVersions,
  ListMultipartUploads: listMultipartUploads,
  DeleteObjects: deleteObjects,
  PutObject: putObject,
  CopyObject: copyObject,
  GetObject: getObject,
  HeadObject: headObject,
  DeleteObject: deleteObject,
  CreateMultipartUpload: createMultipartUpload,
  UploadPart: uploadPart,
  CompleteMultipartUpload: completeMultipartUpload,
  AbortMultipartUpload: abortMultipartUpload,
  ListParts: listParts,
};

export interface S3 {
  /** Rejects with a Refusal for what S3 would answer with an error. */
  answer(operation: Operation, call: Call): Promise<Reply>;
  close(): void;
}

/** S3 over the given folder, which must be this process's alone. */
export function createS3(options: { dir: string; clock: Clock; account: string; region: string }): S3 {
  const { clock, account, region } = options;
  const store = new Store(options.dir);
  const context: Context = { store, conflicts: new Conflicts(), clock, account, region };
  return {
    answer: async (operation, call) => {
      checkOwner(call.headers, 'x-amz-expected-bucket-owner', account);
      return HANDLERS[operation](call, context);
    },
    close: () => store.close(),
  };
}

/** An error as S3 writes it. */
export function s3Error({ status, code, message, headers }: Refusal, resource: string): Reply {
  const requestId = randomBytes(8).toString('hex').toUpperCase();
  const body = xmlDocument(
    'Error',
    undefined,
    leaf('Code', code),
    leaf('Message', message),
    leaf('Resource', resource),
    leaf('RequestId', requestId),
  );
  return { status, headers: { ...headers, 'content-type': 'application/xml' }, body };
}
