import { Refusal, header } from '../exchange.ts';
import { leaf } from '../xml.ts';
import { type Call, type Context, isoTime } from './call.ts';
import type { Version } from './model.ts';
import { restoreStatus } from './restore.ts';
import { storageClassOf } from './stored-headers.ts';

/** What every list says of an object. */
export function objectFacts({ modifiedMs, etag, size, checksum, headers }: Version): string[] {
  return [
    leaf('LastModified', isoTime(modifiedMs)),
    leaf('ETag', `"${etag}"`),
    leaf('ChecksumAlgorithm', checksum?.algorithm),
    leaf('ChecksumType', checksum?.type),
    leaf('Size', size),
    leaf('StorageClass', storageClassOf(headers)),
  ];
}

/** What a list says beside that when it is asked to: how far the restore of a cold object is. */
export function optionalFacts({ headers }: Call, { clock }: Context): (version: Version) => string {
  const asked = header(headers, 'x-amz-optional-object-attributes');
  if (asked === undefined) return () => '';
  const unknown = asked
    .split(',')
    .map((one) => one.trim())
    .find((one) => one !== 'RestoreStatus');
  if (unknown !== undefined) {
    throw new Refusal(400, 'InvalidArgument', `Invalid attribute name specified: "${unknown}".`);
  }
  const nowMs = clock.now();
  return (version) => restoreStatus(version, nowMs);
}
