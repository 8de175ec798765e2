import { createHash } from 'node:crypto';
import { type Reply, Refusal, header } from '../exchange.ts';
import { leaf } from '../xml.ts';
import { type Call, type Handler, bucketOf, isoTime, xmlReply } from './call.ts';
import {
  type Algorithm,
  type Checksum,
  DEFAULT_ALGORITHM,
  parseAlgorithm,
  startChecksum,
} from './checksums.ts';
import { type Source, sourceOf } from './copy-source.ts';
import type { Tags, Version } from './model.ts';
import { LARGEST_PUT_BYTES, commitObject } from './put.ts';
import type { Store } from './store.ts';
import { storageClass, storedHeaders } from './stored-headers.ts';
import { tagsOfHeader } from './tags.ts';

/**
 * A copy is one object again, whatever parts its source was put together from: its ETag is the MD5 of its bytes
 * and its checksum one of the whole. The bytes themselves are shared with the source.
 */
export const copyObject: Handler = async (call, context) => {
  const { store, clock } = context;
  bucketOf(call, context);
  const source = sourceOf(call, context);
  if (source.version.size > LARGEST_PUT_BYTES) {
    throw new Refusal(
      400,
      'InvalidRequest',
      `The specified copy source is larger than ${LARGEST_PUT_BYTES} bytes.`,
    );
  }
  const headers = headersOf(call, source);
  const tags = tagsOf(call, source);
  const { version } = source;
  store.state.hold(version.files);
  try {
    const inline = version.files.length === 0 ? store.readInline(version) : undefined;
    const { etag, checksum } = await digests(store, version, requested(call));
    const modifiedMs = clock.now();
    const copied = { modifiedMs, etag, size: version.size, checksum, headers, files: version.files };
    const written = commitObject(call, context, { ...copied, ...(tags && { tags }) }, inline);
    return copyReply(written, source, { etag, checksum, modifiedMs });
  } finally {
    store.state.release(version.files);
  }
};

function headersOf(call: Call, source: Source): Record<string, string> {
  const directive = header(call.headers, 'x-amz-metadata-directive') ?? 'COPY';
  if (directive !== 'COPY' && directive !== 'REPLACE') {
    throw new Refusal(400, 'InvalidArgument', `Unknown metadata directive: ${directive}`);
  }
  const asked = storedHeaders(call.headers);
  // The class and the encryption belong to the copy; they are never taken from the source.
  const own = Object.entries(asked).filter(([name]) => name.startsWith('x-amz-server-side-encryption'));
  const isItself = call.bucket === source.bucket && call.key === source.key;
  const hasChange =
    directive === 'REPLACE' || own.length > 0 || header(call.headers, 'x-amz-storage-class') !== undefined;
  if (isItself && !hasChange && !header(call.headers, 'x-amz-copy-source')?.includes('?')) {
    throw new Refusal(
      400,
      'InvalidRequest',
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's " +
        'metadata, storage class, website redirect location or encryption attributes.',
    );
  }
  if (directive === 'REPLACE') return asked;
  const carried = Object.entries(source.version.headers).filter(
    ([name]) => name !== 'x-amz-storage-class' && !name.startsWith('x-amz-server-side-encryption'),
  );
  return { ...Object.fromEntries([...carried, ...own]), ...storageClass(call.headers) };
}

/** The source's own, unless the copy is told to have others. */
function tagsOf({ headers }: Call, source: Source): Tags | undefined {
  const directive = header(headers, 'x-amz-tagging-directive') ?? 'COPY';
  if (directive === 'REPLACE') return tagsOfHeader(headers);
  if (directive !== 'COPY') {
    throw new Refusal(400, 'InvalidArgument', `Unknown tagging directive: ${directive}`);
  }
  if (header(headers, 'x-amz-tagging') !== undefined) {
    throw new Refusal(400, 'InvalidArgument', 'x-amz-tagging needs x-amz-tagging-directive: REPLACE.');
  }
  return source.version.tags;
}

function requested({ headers }: Call): Algorithm | undefined {
  const named = header(headers, 'x-amz-checksum-algorithm');
  return named === undefined ? undefined : parseAlgorithm(named);
}

/** What the copy is known by; the source is read only when that cannot be taken over. */
async function digests(
  store: Store,
  source: Version,
  asked: Algorithm | undefined,
): Promise<{ etag: string; checksum: Checksum }> {
  const algorithm = asked ?? source.checksum?.algorithm ?? DEFAULT_ALGORITHM;
  const known =
    source.checksum?.type === 'FULL_OBJECT' && source.checksum.algorithm === algorithm
      ? source.checksum
      : undefined;
  if (known && !source.etag.includes('-')) return { etag: source.etag, checksum: known };
  const [md5, running] = [createHash('md5'), startChecksum(algorithm)];
  for await (const chunk of store.read(source, 0, source.size) as AsyncIterable<Buffer>) {
    md5.update(chunk);
    running.update(chunk);
  }
  const value = running.digest().toString('base64');
  return { etag: md5.digest('hex'), checksum: { algorithm, type: 'FULL_OBJECT', value } };
}

function copyReply(
  written: Reply,
  source: Source,
  { etag, checksum, modifiedMs }: { etag: string; checksum: Checksum; modifiedMs: number },
): Reply {
  const { body, headers, status } = xmlReply(
    'CopyObjectResult',
    leaf('ETag', `"${etag}"`),
    leaf('LastModified', isoTime(modifiedMs)),
    leaf('ChecksumType', checksum.type),
    leaf(`Checksum${checksum.algorithm}`, checksum.value),
  );
  const { etag: _, ...carried } = written.headers;
  const sourceVersion = source.named === undefined ? {} : { 'x-amz-copy-source-version-id': source.named };
  return { status, body, headers: { ...carried, ...sourceVersion, ...headers } };
}
