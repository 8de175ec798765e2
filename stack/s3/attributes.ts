import { Refusal, header } from '../exchange.ts';
import { branch, leaf } from '../xml.ts';
import { type Call, type Handler, bucketOf, versionHeader, wholeNumber, xmlReply } from './call.ts';
import type { Version } from './model.ts';
import { storageClassOf } from './stored-headers.ts';
import { versionOf } from './version-of.ts';
import { LARGEST_PAGE } from './walk.ts';

const ATTRIBUTES = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'];

/** Of a cold object, too: nothing of its body is told. */
export const getObjectAttributes: Handler = (call, context) => {
  const asked = (header(call.headers, 'x-amz-object-attributes') ?? '').split(',').map((one) => one.trim());
  const unknown = asked.find((one) => !ATTRIBUTES.includes(one));
  if (unknown !== undefined) {
    throw new Refusal(
      400,
      'InvalidArgument',
      `Invalid attribute name specified: "${unknown}"; there are ${ATTRIBUTES.join(', ')}.`,
    );
  }
  const bucket = bucketOf(call, context);
  const version = versionOf(bucket, call.key, call.query.get('versionId'));
  const { checksum } = version;
  const has = (name: string): boolean => asked.includes(name);
  const reply = xmlReply(
    'GetObjectAttributesResponse',
    // Here alone it has no quotation marks.
    leaf('ETag', has('ETag') ? version.etag : undefined),
    has('Checksum') && checksum
      ? branch(
          'Checksum',
          leaf(`Checksum${checksum.algorithm}`, checksum.value),
          leaf('ChecksumType', checksum.type),
        )
      : '',
    has('ObjectParts') ? objectParts(call, version) : '',
    leaf('StorageClass', has('StorageClass') ? storageClassOf(version.headers) : undefined),
    leaf('ObjectSize', has('ObjectSize') ? version.size : undefined),
  );
  const told = {
    'last-modified': new Date(version.modifiedMs).toUTCString(),
    ...versionHeader(bucket, version),
  };
  return { ...reply, headers: { ...reply.headers, ...told } };
};

/** Only of an object that came in parts; the parts one by one only where each has a checksum. */
function objectParts({ headers }: Call, version: Version): string {
  if (!version.etag.includes('-')) return '';
  const { checksum, parts, files } = version;
  if (!parts || !checksum) return branch('ObjectParts', leaf('PartsCount', files.length));
  const most = Math.min(
    wholeNumber('x-amz-max-parts', header(headers, 'x-amz-max-parts'), 0, 2 ** 31 - 1) ?? LARGEST_PAGE,
    LARGEST_PAGE,
  );
  const name = 'x-amz-part-number-marker';
  const marker = wholeNumber(name, header(headers, name), 0, 2 ** 31 - 1) ?? 0;
  const after = parts.filter(({ number }) => number > marker);
  const shown = after.slice(0, most);
  return branch(
    'ObjectParts',
    leaf('PartsCount', files.length),
    leaf('PartNumberMarker', marker),
    leaf('NextPartNumberMarker', shown.at(-1)?.number ?? marker),
    leaf('MaxParts', most),
    leaf('IsTruncated', after.length > shown.length),
    ...shown.map((part) =>
      branch(
        'Part',
        leaf('PartNumber', part.number),
        leaf('Size', part.size),
        leaf(`Checksum${checksum.algorithm}`, part.checksum),
      ),
    ),
  );
}
