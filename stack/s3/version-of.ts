import { Refusal } from '../exchange.ts';
import { versionHeader } from './call.ts';
import type { Bucket, Version } from './model.ts';

/** The version that a read names. Refuses what is not there as S3 does: each case with its own code. */
export function versionOf(bucket: Bucket, key: string, id: string | undefined): Version {
  const versions = bucket.objects.get(key) ?? [];
  const found = id === undefined ? versions.at(-1) : versions.find((version) => version.id === id);
  if (found && !found.isMarker) return found;
  const marker = found ? { 'x-amz-delete-marker': 'true', ...versionHeader(bucket, found) } : {};
  if (id === undefined) throw new Refusal(404, 'NoSuchKey', 'The specified key does not exist.', marker);
  if (!found) throw new Refusal(404, 'NoSuchVersion', `The specified version does not exist: ${id}`);
  throw new Refusal(405, 'MethodNotAllowed', 'The specified method is not allowed against a delete marker.', {
    ...marker,
    'last-modified': new Date(found.modifiedMs).toUTCString(),
  });
}
