import { Refusal, decode, header } from '../exchange.ts';
import { type Call, type Context, bucketOf, checkOwner, toBytes, versionHeader } from './call.ts';
import { checkCopySource } from './conditions.ts';
import type { Version } from './model.ts';
import { checkReadable } from './restore.ts';
import { versionOf } from './version-of.ts';

export interface Source {
  readonly bucket: string;
  readonly key: string;
  readonly version: Version;
  /** The version's header, where its bucket has versions. */
  readonly named: string | undefined;
}

/** The object that `x-amz-copy-source` names, held to the conditions that come with it. Refuses a cold one. */
export function sourceOf({ headers }: Call, context: Context): Source {
  const [path = '', parameters] = (header(headers, 'x-amz-copy-source') ?? '').split('?');
  const [, bucket, key] = /^\/?([^/]+)\/(.+)$/s.exec(decode(path.replaceAll('+', '%20'))) ?? [];
  const id = parameters === undefined ? undefined : /^versionId=(.+)$/.exec(decode(parameters))?.[1];
  if (bucket === undefined || key === undefined || (parameters !== undefined && id === undefined)) {
    throw new Refusal(
      400,
      'InvalidArgument',
      'Copy Source must mention the source bucket and key: bucket/key[?versionId=id].',
    );
  }
  checkOwner(headers, 'x-amz-source-expected-bucket-owner', context.account);
  const holder = bucketOf({ bucket }, context);
  const found = holder.objects.get(toBytes(key))?.find((version) => version.id === id);
  if (found?.isMarker) {
    throw new Refusal(
      400,
      'InvalidRequest',
      'The source of a copy request may not specifically refer to a delete marker by version id.',
    );
  }
  const version = versionOf(holder, toBytes(key), id);
  checkCopySource(headers, version);
  checkReadable(version, context.clock.now(), 'source object');
  return { bucket, key: toBytes(key), version, named: versionHeader(holder, version)['x-amz-version-id'] };
}
