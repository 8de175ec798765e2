import { randomBytes } from 'node:crypto';
import { Refusal, header } from '../exchange.ts';
import { leaf } from '../xml.ts';
import {
  type Call,
  type Context,
  type Handler,
  bucketOf,
  emptyReply,
  fromBytes,
  wholeNumber,
  xmlReply,
} from './call.ts';
import {
  type Algorithm,
  DEFAULT_ALGORITHM,
  defaultType,
  parseAlgorithm,
  parseType,
  requestedAlgorithm,
} from './checksums.ts';
import { LARGEST_PUT_BYTES } from './put.ts';
import { receive } from './receive.ts';
import type { Part, Upload } from './model.ts';
import { encryptionHeaders, storedHeaders } from './stored-headers.ts';
import { tagsOfHeader } from './tags.ts';

export const MOST_PARTS = 10_000;

export const createMultipartUpload: Handler = (call, context) => {
  bucketOf(call, context);
  const named = header(call.headers, 'x-amz-checksum-algorithm');
  const type = header(call.headers, 'x-amz-checksum-type');
  if (named === undefined && type !== undefined) {
    throw new Refusal(
      400,
      'InvalidRequest',
      'The x-amz-checksum-type header needs the x-amz-checksum-algorithm header.',
    );
  }
  const algorithm = named === undefined ? undefined : parseAlgorithm(named);
  const checksumType =
    algorithm === undefined ? undefined : parseType(algorithm, type ?? defaultType(algorithm));
  const headers = storedHeaders(call.headers);
  const tags = tagsOfHeader(call.headers);
  const upload = {
    id: randomBytes(24).toString('hex'),
    bucket: call.bucket,
    key: call.key,
    startedMs: context.clock.now(),
    headers,
    ...(tags && { tags }),
    ...(algorithm === undefined || checksumType === undefined ? {} : { algorithm, checksumType }),
  };
  context.store.commit([{ type: 'upload', upload }]);
  const reply = xmlReply(
    'InitiateMultipartUploadResult',
    leaf('Bucket', call.bucket),
    leaf('Key', fromBytes(call.key)),
    leaf('UploadId', upload.id),
  );
  const told =
    algorithm === undefined
      ? {}
      : { 'x-amz-checksum-algorithm': algorithm, 'x-amz-checksum-type': checksumType ?? '' };
  return { ...reply, headers: { ...reply.headers, ...told, ...encryptionHeaders(headers) } };
};

export const uploadPart: Handler = async (call, context) => {
  const upload = uploadOf(call, context);
  const stated = requestedAlgorithm(call.headers);
  if (upload.algorithm !== undefined && stated !== undefined && stated !== upload.algorithm) {
    throw new Refusal(
      400,
      'InvalidRequest',
      `Checksum Type mismatch occurred, expected checksum Type: ${upload.algorithm}, actual checksum Type: ${stated}`,
    );
  }
  const { part, confirmed } = await takePart(call, context, stated);
  return emptyReply(200, {
    etag: `"${part.etag}"`,
    ...confirmed,
    ...encryptionHeaders(upload.headers),
  });
};

/** The call's body is a part of its upload. Throws without having changed anything. */
export async function takePart(
  call: Call,
  context: Context,
  stated: Algorithm | undefined,
): Promise<{ part: Part; confirmed: Record<string, string> }> {
  const { store, clock } = context;
  const { id, ...upload } = uploadOf(call, context);
  const number = wholeNumber('partNumber', call.query.get('partNumber'), 1, MOST_PARTS) ?? 0;
  const algorithm = upload.algorithm ?? DEFAULT_ALGORITHM;
  const received = await receive(call, store, {
    algorithm,
    stated,
    limitBytes: LARGEST_PUT_BYTES,
    alwaysFile: true,
  });
  const [file] = received.files;
  if (!file) throw new Error(`the body of part ${number} has no file`);
  try {
    // Completed or aborted while the part was on its way.
    uploadOf(call, context);
    const part: Part = {
      ...file,
      number,
      etag: received.md5.toString('hex'),
      modifiedMs: clock.now(),
      checksum: received.checksum,
    };
    store.commit([{ type: 'part', upload: id, part }]);
    return { part, confirmed: received.confirmed };
  } catch (error) {
    store.removeBody(file.id);
    throw error;
  }
}

export const abortMultipartUpload: Handler = (call, context) => {
  const { id } = uploadOf(call, context);
  context.store.commit([{ type: 'uploadGone', upload: id }]);
  return emptyReply(204);
};

/** The upload that a request names by bucket, key and id. Neither a completed nor an aborted one is there any more. */
export function uploadOf(call: Call, context: Context): Upload {
  bucketOf(call, context);
  const upload = context.store.state.uploads.get(call.query.get('uploadId') ?? '');
  if (upload?.bucket === call.bucket && upload.key === call.key) return upload;
  throw new Refusal(
    404,
    'NoSuchUpload',
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
  );
}
