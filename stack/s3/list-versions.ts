import { branch, leaf } from '../xml.ts';
import { type Context, type Handler, bucketOf, isoTime, toBytes, xmlReply } from './call.ts';
import { objectFacts, optionalFacts } from './list-line.ts';
import type { Version } from './model.ts';
import { AFTER_KEY, AFTER_PREFIX, askedOf, keyWriter, pageSize, walk } from './walk.ts';

export const listObjectVersions: Handler = (call, context) => {
  const { query } = call;
  const bucket = bucketOf(call, context);
  const asked = askedOf(query);
  const most = pageSize('max-keys', query);
  const { text, encodingType } = keyWriter(query);
  const keyMarker = toBytes(query.get('key-marker') ?? '');
  const idMarker = query.get('version-id-marker') ?? '';

  const optional = optionalFacts(call, context);
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
        lines.push(versionLine(text(found.key), version, version === newestFirst[0], context, optional));
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
function startOf(keyMarker: string, idMarker: string, delimiter: string): string {
  if (keyMarker === '' || idMarker !== '') return keyMarker;
  return keyMarker + (delimiter !== '' && keyMarker.endsWith(delimiter) ? AFTER_PREFIX : AFTER_KEY);
}

function versionLine(
  key: string,
  version: Version,
  isLatest: boolean,
  { account }: Context,
  optional: (version: Version) => string,
): string {
  return branch(
    version.isMarker ? 'DeleteMarker' : 'Version',
    leaf('Key', key),
    leaf('VersionId', version.id),
    leaf('IsLatest', isLatest),
    ...(version.isMarker
      ? [leaf('LastModified', isoTime(version.modifiedMs))]
      : [...objectFacts(version), optional(version)]),
    branch('Owner', leaf('ID', account)),
  );
}
