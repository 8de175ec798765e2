import { createHash } from 'node:crypto';
import { Refusal, header, readAll } from '../exchange.ts';
import { type XmlElement, childText, leaf, parseXml } from '../xml.ts';
import {
  type Call,
  type Handler,
  LARGEST_DOCUMENT_BYTES,
  fromBytes,
  wholeNumber,
  xmlReply,
  bucketOf,
  currentOf,
  versionHeader,
} from './call.ts';
import {
  type Checksum,
  DEFAULT_ALGORITHM,
  badChecksum,
  combineChecksums,
  requestedAlgorithm,
  statedValue,
} from './checksums.ts';
import { checkWrite } from './conditions.ts';
import { newVersionId } from './put.ts';
import type { Part, PartFacts, Upload, Version } from './model.ts';
import { encryptionHeaders } from './stored-headers.ts';
import { MOST_PARTS, uploadOf } from './upload.ts';

const SMALLEST_PART_BYTES = 5 * 1024 ** 2;

/** The object and the end of its upload are one entry of the log: there is never one without the other. */
export const completeMultipartUpload: Handler = async (call, context) => {
  const document = parseXml((await readAll(call.body, LARGEST_DOCUMENT_BYTES)).toString('utf8'));
  const listed = document?.children.filter(({ name }) => name === 'Part') ?? [];
  if (listed.length === 0 || listed.length > MOST_PARTS) {
    throw new Refusal(
      400,
      'MalformedXML',
      `The XML must list 1 to ${MOST_PARTS} parts, found ${listed.length}.`,
    );
  }
  const upload = uploadOf(call, context);
  const bucket = bucketOf(call, context);
  const parts = choose(listed, upload);
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  checkSize(call, size);
  const checksum = checksumOf(call, upload, parts);
  checkWrite(call.headers, currentOf(bucket, call.key));

  const version: Version = {
    id: newVersionId(bucket),
    modifiedMs: context.clock.now(),
    etag: etagOf(parts),
    size,
    checksum,
    headers: upload.headers,
    files: parts.map(({ id, size: partSize }) => ({ id, size: partSize })),
    ...(upload.tags && { tags: upload.tags }),
    ...(upload.algorithm && { parts: parts.map(factsOf) }),
  };
  context.store.commit([{ type: 'put', bucket: bucket.name, key: call.key, version, upload: upload.id }]);
  const reply = xmlReply(
    'CompleteMultipartUploadResult',
    leaf('Location', `/${bucket.name}/${fromBytes(call.key)}`),
    leaf('Bucket', bucket.name),
    leaf('Key', fromBytes(call.key)),
    leaf('ETag', `"${version.etag}"`),
    leaf(`Checksum${checksum.algorithm}`, checksum.value),
    leaf('ChecksumType', checksum.type),
  );
  const told = { ...versionHeader(bucket, version), ...encryptionHeaders(upload.headers) };
  return { ...reply, headers: { ...reply.headers, ...told } };
};

/** The stored parts that the request lists, each held to what is said of it. */
function choose(listed: readonly XmlElement[], upload: Upload): Part[] {
  const parts: Part[] = [];
  for (const element of listed) {
    const number = wholeNumber('PartNumber', childText(element, 'PartNumber'), 1, MOST_PARTS) ?? 0;
    const before = parts.at(-1);
    if (before && number <= before.number) {
      throw new Refusal(
        400,
        'InvalidPartOrder',
        'The list of parts was not in ascending order by part number.',
      );
    }
    const part = upload.parts.get(number);
    const etag = childText(element, 'ETag')?.trim().replace(/^"|"$/g, '');
    const algorithm = upload.algorithm ?? DEFAULT_ALGORITHM;
    const stated = childText(element, `Checksum${algorithm}`);
    // One by an algorithm that the upload did not ask for matches nothing that is stored.
    const isForeign = element.children.some(
      ({ name }) => name.startsWith('Checksum') && name !== `Checksum${algorithm}`,
    );
    if (!part || isForeign || part.etag !== etag || (stated !== undefined && stated !== part.checksum)) {
      throw new Refusal(
        400,
        'InvalidPart',
        `Part ${number} could not be found, or its entity tag or checksum is not the one it was uploaded with.`,
      );
    }
    if (upload.checksumType === 'COMPOSITE') checkComposite(stated, number, parts.length + 1, algorithm);
    parts.push(part);
  }
  const small = parts.slice(0, -1).find(({ size }) => size < SMALLEST_PART_BYTES);
  if (small) {
    throw new Refusal(
      400,
      'EntityTooSmall',
      `Part ${small.number} has ${small.size} bytes; all but the last need ${SMALLEST_PART_BYTES}.`,
    );
  }
  return parts;
}

/** A composite value speaks of parts 1 to N, each with its own. */
function checkComposite(
  stated: string | undefined,
  number: number,
  expected: number,
  algorithm: string,
): void {
  if (stated === undefined) {
    throw new Refusal(
      400,
      'InvalidRequest',
      `The upload was created using a ${algorithm.toLowerCase()} checksum. The complete request must include the ` +
        `checksum for each part. It was missing for part ${number} in the request.`,
    );
  }
  if (number !== expected) {
    throw new Refusal(
      400,
      'InvalidPart',
      `With checksums the parts must be numbered from 1 on: found ${number} for ${expected}.`,
    );
  }
}

function checkSize({ headers }: Call, size: number): void {
  const stated = header(headers, 'x-amz-mp-object-size');
  if (stated !== undefined && stated !== String(size)) {
    throw new Refusal(
      400,
      'InvalidRequest',
      `The provided 'x-amz-mp-object-size' header does not match what was computed: ${stated}, ${size}.`,
    );
  }
}

function checksumOf(call: Call, upload: Upload, parts: readonly Part[]): Checksum {
  const algorithm = upload.algorithm ?? DEFAULT_ALGORITHM;
  const type = upload.checksumType ?? 'FULL_OBJECT';
  const askedType = header(call.headers, 'x-amz-checksum-type');
  if (askedType !== undefined && askedType !== type) {
    throw new Refusal(
      400,
      'InvalidRequest',
      `The upload was created with checksum type ${type}, not ${askedType}.`,
    );
  }
  const pieces = parts.map((part) => ({ value: part.checksum, sizeBytes: part.size }));
  const value = combineChecksums(algorithm, type, pieces);
  const statedBy = requestedAlgorithm({ ...call.headers, 'x-amz-trailer': undefined });
  const stated = statedBy === algorithm ? statedValue(algorithm, call.headers, new Map()) : undefined;
  if (statedBy !== undefined && statedBy !== algorithm && upload.algorithm !== undefined) {
    throw new Refusal(
      400,
      'InvalidRequest',
      `The upload was created with ${algorithm}, the request states ${statedBy}.`,
    );
  }
  if (stated !== undefined && stated.replace(/-\d+$/, '') !== value.replace(/-\d+$/, '')) {
    throw badChecksum(algorithm, stated, value);
  }
  return { algorithm, type, value };
}

function factsOf({ number, size, checksum }: Part): PartFacts {
  return { number, size, checksum };
}

function etagOf(parts: readonly Part[]): string {
  const md5 = createHash('md5');
  for (const { etag } of parts) md5.update(etag, 'hex');
  return `${md5.digest('hex')}-${parts.length}`;
}
