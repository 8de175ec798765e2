import { branch, leaf } from '../xml.ts';
import { type Context, type Handler, bucketOf, currentOf, isoTime, toBytes, xmlReply } from './call.ts';
import type { Version } from './state.ts';
import { storageClassOf } from './stored-headers.ts';
import {
  AFTER_KEY,
  AFTER_PREFIX,
  askedOf,
  keyWriter,
  pageSize,
  readToken,
  walk,
  writeToken,
} from './walk.ts';

export const listObjectsV2: Handler = (call, context) => {
  const { query } = call;
  const bucket = bucketOf(call, context);
  const asked = askedOf(query);
  const most = pageSize('max-keys', query);
  const { text, encodingType } = keyWriter(query);
  const token = query.get('continuation-token');
  const startAfter = toBytes(query.get('start-after') ?? '');
  const isPrefixStart = asked.delimiter !== '' && startAfter.endsWith(asked.delimiter);
  const start = startAfter === '' ? '' : startAfter + (isPrefixStart ? AFTER_PREFIX : AFTER_KEY);

  const contents: string[] = [];
  const prefixes: string[] = [];
  let bound = token === undefined ? start : readToken(token);
  let isTruncated = false;
  for (const found of walk(bucket.keys, asked, bound, (key) => currentOf(bucket, key) !== undefined)) {
    if (contents.length + prefixes.length >= most) {
      isTruncated = most > 0;
      break;
    }
    if (found.kind === 'prefix') {
      prefixes.push(branch('CommonPrefixes', leaf('Prefix', text(found.prefix))));
      bound = found.prefix + AFTER_PREFIX;
    } else {
      const version = currentOf(bucket, found.key);
      const owner = query.get('fetch-owner') === 'true' ? branch('Owner', leaf('ID', context.account)) : '';
      if (version)
        contents.push(branch('Contents', leaf('Key', text(found.key)), ...factsOf(version), owner));
      bound = found.key + AFTER_KEY;
    }
  }
  return xmlReply(
    'ListBucketResult',
    leaf('Name', bucket.name),
    leaf('Prefix', text(asked.prefix)),
    leaf('Delimiter', asked.delimiter === '' ? undefined : text(asked.delimiter)),
    leaf('MaxKeys', most),
    leaf('KeyCount', contents.length + prefixes.length),
    leaf('IsTruncated', isTruncated),
    leaf('ContinuationToken', token),
    leaf('NextContinuationToken', isTruncated ? writeToken(bound) : undefined),
    leaf('StartAfter', startAfter === '' ? undefined : text(startAfter)),
    encodingType,
    ...contents,
    ...prefixes,
  );
};

export const listObjectVersions: Handler = (call, context) => {
  const { query } = call;
  const bucket = bucketOf(call, context);
  const asked = askedOf(query);
  const most = pageSize('max-keys', query);
  const { text, encodingType } = keyWriter(query);
  const keyMarker = toBytes(query.get('key-marker') ?? '');
  const idMarker = query.get('version-id-marker') ?? '';

  const lines: string[] = [];
  const prefixes: string[] = [];
  let last = { key: '', id: '' };
  let isTruncated = false;
  const isFull = (): boolean => lines.length + prefixes.length >= most;
  for (const found of walk(bucket.keys, asked, startOf(keyMarker, idMarker, asked.delimiter), () => true)) {
    if (found.kind === 'prefix') {
      if (isFull()) isTruncated = most > 0;
      else {
        prefixes.push(branch('CommonPrefixes', leaf('Prefix', text(found.prefix))));
        last = { key: found.prefix, id: '' };
      }
    } else {
      const newestFirst = (bucket.objects.get(found.key) ?? []).toReversed();
      const seen = found.key === keyMarker ? newestFirst.findIndex(({ id }) => id === idMarker) : -1;
      for (const version of newestFirst.slice(seen + 1)) {
        if (isFull()) {
          isTruncated = most > 0;
          break;
        }
        lines.push(versionLine(text(found.key), version, version === newestFirst[0], context));
        last = { key: found.key, id: version.id };
      }
    }
    if (isTruncated || most === 0) break;
  }
  return xmlReply(
    'ListVersionsResult',
    leaf('Name', bucket.name),
    leaf('Prefix', text(asked.prefix)),
    leaf('Delimiter', asked.delimiter === '' ? undefined : text(asked.delimiter)),
    leaf('KeyMarker', text(keyMarker)),
    leaf('VersionIdMarker', idMarker),
    leaf('MaxKeys', most),
    leaf('IsTruncated', isTruncated),
    leaf('NextKeyMarker', isTruncated ? text(last.key) : undefined),
    leaf('NextVersionIdMarker', isTruncated && last.id !== '' ? last.id : undefined),
    encodingType,
    ...lines,
    ...prefixes,
  );
};

/** The first key that a list with markers looks at; a marker that is a common prefix stands for all behind it. */
export function startOf(keyMarker: string, idMarker: string, delimiter: string): string {
  if (keyMarker === '' || idMarker !== '') return keyMarker;
  return keyMarker + (delimiter !== '' && keyMarker.endsWith(delimiter) ? AFTER_PREFIX : AFTER_KEY);
}

function versionLine(key: string, version: Version, isLatest: boolean, { account }: Context): string {
  return branch(
    version.isMarker ? 'DeleteMarker' : 'Version',
    leaf('Key', key),
    leaf('VersionId', version.id),
    leaf('IsLatest', isLatest),
    ...(version.isMarker ? [leaf('LastModified', isoTime(version.modifiedMs))] : factsOf(version)),
    branch('Owner', leaf('ID', account)),
  );
}

function factsOf({ modifiedMs, etag, size, checksum, headers }: Version): string[] {
  return [
    leaf('LastModified', isoTime(modifiedMs)),
    leaf('ETag', `"${etag}"`),
    leaf('ChecksumAlgorithm', checksum?.algorithm),
    leaf('ChecksumType', checksum?.type),
    leaf('Size', size),
    leaf('StorageClass', storageClassOf(headers)),
  ];
}
