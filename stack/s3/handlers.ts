import { getObjectAttributes } from './attributes.ts';
import {
  createBucket,
  deleteBucket,
  getBucketLocation,
  getBucketVersioning,
  headBucket,
  listBuckets,
  putBucketVersioning,
} from './buckets.ts';
import type { Handler } from './call.ts';
import { completeMultipartUpload } from './complete.ts';
import { copyObject } from './copy.ts';
import { deleteObject, deleteObjects } from './delete.ts';
import { deleteDocument, getDocument, putDocument } from './documents.ts';
import { getObject, headObject } from './get.ts';
import { listObjects, listObjectsV2 } from './list-objects.ts';
import { listMultipartUploads, listParts } from './list-uploads.ts';
import { listObjectVersions } from './list-versions.ts';
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from './object-tagging.ts';
import type { Operation } from './operations.ts';
import { putObject } from './put.ts';
import { restoreObject } from './restore.ts';
import { uploadPartCopy } from './upload-part-copy.ts';
import { abortMultipartUpload, createMultipartUpload, uploadPart } from './upload.ts';

/** Who answers what. */
export const HANDLERS: Readonly<Record<Operation, Handler>> = {
  ListBuckets: listBuckets,
  CreateBucket: createBucket,
  HeadBucket: headBucket,
  DeleteBucket: deleteBucket,
  GetBucketLocation: getBucketLocation,
  GetBucketVersioning: getBucketVersioning,
  PutBucketVersioning: putBucketVersioning,
  GetBucketTagging: getDocument('tagging'),
  PutBucketTagging: putDocument('tagging'),
  DeleteBucketTagging: deleteDocument('tagging'),
  GetBucketLifecycleConfiguration: getDocument('lifecycle'),
  PutBucketLifecycleConfiguration: putDocument('lifecycle'),
  DeleteBucketLifecycle: deleteDocument('lifecycle'),
  GetBucketEncryption: getDocument('encryption'),
  PutBucketEncryption: putDocument('encryption'),
  DeleteBucketEncryption: deleteDocument('encryption'),
  GetBucketPolicy: getDocument('policy'),
  PutBucketPolicy: putDocument('policy'),
  DeleteBucketPolicy: deleteDocument('policy'),
  GetBucketCors: getDocument('cors'),
  PutBucketCors: putDocument('cors'),
  DeleteBucketCors: deleteDocument('cors'),
  GetBucketNotificationConfiguration: getDocument('notification'),
  PutBucketNotificationConfiguration: putDocument('notification'),
  GetPublicAccessBlock: getDocument('publicAccessBlock'),
  PutPublicAccessBlock: putDocument('publicAccessBlock'),
  DeletePublicAccessBlock: deleteDocument('publicAccessBlock'),
  ListObjects: listObjects,
  ListObjectsV2: listObjectsV2,
  ListObjectVersions: listObjectVersions,
  ListMultipartUploads: listMultipartUploads,
  DeleteObjects: deleteObjects,
  PutObject: putObject,
  CopyObject: copyObject,
  GetObject: getObject,
  HeadObject: headObject,
  DeleteObject: deleteObject,
  GetObjectAttributes: getObjectAttributes,
  GetObjectTagging: getObjectTagging,
  PutObjectTagging: putObjectTagging,
  DeleteObjectTagging: deleteObjectTagging,
  RestoreObject: restoreObject,
  CreateMultipartUpload: createMultipartUpload,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
  CompleteMultipartUpload: completeMultipartUpload,
  AbortMultipartUpload: abortMultipartUpload,
  ListParts: listParts,
};
