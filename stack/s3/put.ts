import { randomBytes } from 'node:crypto';
import { Refusal, header } from '../exchange.ts';
import {
  type Call,
  type Context,
  type Handler,
  bucketOf,
  currentOf,
  emptyReply,
  versionHeader,
} from './call.ts';
import { DEFAULT_ALGORITHM, checksumHeaders, requestedAlgorithm } from './checksums.ts';
import { checkWrite } from './conditions.ts';
import { type Received, receive } from './receive.ts';
import type { Bucket, Version } from './model.ts';
import { encryptionHeaders, storedHeaders } from './stored-headers.ts';
import { tagsOfHeader } from './tags.ts';

/** The largest object that one request may carry. */
export const LARGEST_PUT_BYTES = 5 * 1024 ** 3;

export const putObject: Handler = async (call, context) => {
  const { store, conflicts } = context;
  bucketOf(call, context);
  const headers = storedHeaders(call.headers);
  const tags = tagsOfHeader(call.headers);
  const stated = requestedAlgorithm(call.headers);
  const algorithm = stated ?? DEFAULT_ALGORITHM;
  const watch =
    header(call.headers, 'if-none-match') === undefined ? undefined : conflicts.watch(call.bucket, call.key);
  let received: Received | undefined;
  try {
    received = await receive(call, store, {
      algorithm,
      stated,
      limitBytes: LARGEST_PUT_BYTES,
      alwaysFile: false,
    });
    if (watch?.isConflicted) throw conflict();
    const version: Omit<Version, 'id'> = {
      modifiedMs: context.clock.now(),
      etag: received.md5.toString('hex'),
      size: received.sizeBytes,
      checksum: { algorithm, type: 'FULL_OBJECT', value: received.checksum },
      headers,
      files: received.files,
      ...(tags && { tags }),
    };
    return commitObject(call, context, version, received.inline);
  } catch (error) {
    for (const file of received?.files ?? []) store.removeBody(file.id);
    throw error;
  } finally {
    watch?.end();
  }
};

/**
 * Checks the conditions and makes the version current, in one turn of the event loop. Throws without having
 * changed anything.
 */
export function commitObject(call: Call, context: Context, version: Omit<Version, 'id'>, inline?: Buffer) {
  const bucket = bucketOf(call, context);
  checkWrite(call.headers, currentOf(bucket, call.key));
  const named: Version = { id: newVersionId(bucket), ...version };
  context.store.commit([{ type: 'put', bucket: bucket.name, key: call.key, version: named }], inline);
  return emptyReply(200, {
    etag: `"${named.etag}"`,
    ...versionHeader(bucket, named),
    ...(named.checksum ? checksumHeaders(named.checksum) : {}),
    ...encryptionHeaders(named.headers),
  });
}

/** Where versioning is not enabled there is one version at most by the name of `null`. */
export function newVersionId({ versioning }: Bucket): string {
  return versioning === 'Enabled' ? randomBytes(16).toString('hex') : 'null';
}

export function conflict(): Refusal {
  return new Refusal(
    409,
    'ConditionalRequestConflict',
    'The conditional request cannot succeed due to a conflicting operation against this resource.',
  );
}
