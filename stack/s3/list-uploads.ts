import { branch, leaf } from '../xml.ts';
import { type Handler, bucketOf, fromBytes, isoTime, toBytes, wholeNumber, xmlReply } from './call.ts';
import { SortedKeys } from './sorted-keys.ts';
import type { Upload } from './model.ts';
import { storageClassOf } from './stored-headers.ts';
import { uploadOf } from './upload.ts';
import { LARGEST_PAGE, askedOf, keyWriter, pageSize, walk } from './walk.ts';

export const listMultipartUploads: Handler = (call, context) => {
  const { query } = call;
  const bucket = bucketOf(call, context);
  const asked = askedOf(query);
  const most = pageSize('max-uploads', query);
  const { text, encodingType } = keyWriter(query);
  const keyMarker = toBytes(query.get('key-marker') ?? '');
  const idMarker = keyMarker === '' ? '' : (query.get('upload-id-marker') ?? '');

  const byKey = new Map<string, Upload[]>();
  const keys = new SortedKeys();
  for (const upload of context.store.state.uploads.values()) {
    if (upload.bucket !== bucket.name) continue;
    keys.add(upload.key);
    byKey.set(upload.key, [...(byKey.get(upload.key) ?? []), upload]);
  }
  const lines: string[] = [];
  let last = { key: '', id: '' };
  let isTruncated = false;
  const add = (key: string, id: string, rendered: string): void => {
    if (lines.length >= most) isTruncated = most > 0;
    else {
      lines.push(rendered);
      last = { key, id };
    }
  };
  for (const found of walk(keys, asked, keyMarker, () => true)) {
    if (isTruncated || most === 0) break;
    if (found.kind === 'prefix') {
      if (found.prefix !== keyMarker)
        add(found.prefix, '', branch('CommonPrefixes', leaf('Prefix', text(found.prefix))));
      continue;
    }
    const started =
      byKey.get(found.key)?.toSorted((a, b) => a.startedMs - b.startedMs || (a.id < b.id ? -1 : 1)) ?? [];
    const seen = found.key === keyMarker ? started.findIndex(({ id }) => id === idMarker) : -1;
    const isPast = found.key === keyMarker && seen < 0;
    for (const upload of isPast ? [] : started.slice(seen + 1))
      add(found.key, upload.id, line(text(found.key), upload, context.account));
  }
  return xmlReply(
    'ListMultipartUploadsResult',
    leaf('Bucket', bucket.name),
    leaf('KeyMarker', text(keyMarker)),
    leaf('UploadIdMarker', idMarker),
    leaf('NextKeyMarker', isTruncated ? text(last.key) : undefined),
    leaf('NextUploadIdMarker', isTruncated ? last.id : undefined),
    leaf('Prefix', text(asked.prefix)),
    leaf('Delimiter', asked.delimiter === '' ? undefined : text(asked.delimiter)),
    leaf('MaxUploads', most),
    leaf('IsTruncated', isTruncated),
    encodingType,
    ...lines,
  );
};

export const listParts: Handler = (call, context) => {
  const upload = uploadOf(call, context);
  const most = Math.min(
    wholeNumber('max-parts', call.query.get('max-parts'), 0, 2 ** 31 - 1) ?? LARGEST_PAGE,
    LARGEST_PAGE,
  );
  const marker = wholeNumber('part-number-marker', call.query.get('part-number-marker'), 0, 2 ** 31 - 1) ?? 0;
  const after = [...upload.parts.values()]
    .filter(({ number }) => number > marker)
    .sort((a, b) => a.number - b.number);
  const parts = after.slice(0, most);
  const isTruncated = most > 0 && after.length > parts.length;
  return xmlReply(
    'ListPartsResult',
    leaf('Bucket', call.bucket),
    leaf('Key', fromBytes(call.key)),
    leaf('UploadId', upload.id),
    leaf('PartNumberMarker', marker),
    leaf('NextPartNumberMarker', isTruncated ? parts.at(-1)?.number : undefined),
    leaf('MaxParts', most),
    leaf('IsTruncated', isTruncated),
    leaf('StorageClass', storageClassOf(upload.headers)),
    leaf('ChecksumAlgorithm', upload.algorithm),
    leaf('ChecksumType', upload.checksumType),
    ...parts.map((part) =>
      branch(
        'Part',
        leaf('PartNumber', part.number),
        leaf('LastModified', isoTime(part.modifiedMs)),
        leaf('ETag', `"${part.etag}"`),
        leaf('Size', part.size),
        upload.algorithm === undefined ? '' : leaf(`Checksum${upload.algorithm}`, part.checksum),
      ),
    ),
  );
};

function line(key: string, upload: Upload, account: string): string {
  return branch(
    'Upload',
    leaf('Key', key),
    leaf('UploadId', upload.id),
    branch('Initiator', leaf('ID', account)),
    branch('Owner', leaf('ID', account)),
    leaf('StorageClass', storageClassOf(upload.headers)),
    leaf('Initiated', isoTime(upload.startedMs)),
    leaf('ChecksumAlgorithm', upload.algorithm),
    leaf('ChecksumType', upload.checksumType),
  );
}
