import { Refusal, header } from '../exchange.ts';
import { leaf } from '../xml.ts';
import { type Call, type Handler, isoTime, xmlReply } from './call.ts';
import { sourceOf } from './copy-source.ts';
import { LARGEST_PUT_BYTES } from './put.ts';
import { encryptionHeaders } from './stored-headers.ts';
import { takePart, uploadOf } from './upload.ts';

/** A part whose bytes are those of an object, or of a range of it: nothing else comes over from the source. */
export const uploadPartCopy: Handler = async (call, context) => {
  const upload = uploadOf(call, context);
  const source = sourceOf(call, context);
  const { version } = source;
  const { start, end } = rangeOf(call, version.size);
  if (end - start > LARGEST_PUT_BYTES) {
    throw new Refusal(
      400,
      'InvalidRequest',
      `The specified copy source is larger than ${LARGEST_PUT_BYTES} bytes.`,
    );
  }
  const body = context.store.read(version, start, end);
  const headers = { 'content-length': String(end - start) };
  try {
    const { part } = await takePart({ ...call, headers, body }, context, undefined);
    const reply = xmlReply(
      'CopyPartResult',
      leaf('ETag', `"${part.etag}"`),
      leaf('LastModified', isoTime(part.modifiedMs)),
      upload.algorithm === undefined ? '' : leaf(`Checksum${upload.algorithm}`, part.checksum),
    );
    const named = source.named === undefined ? {} : { 'x-amz-copy-source-version-id': source.named };
    return { ...reply, headers: { ...reply.headers, ...named, ...encryptionHeaders(upload.headers) } };
  } finally {
    body.destroy();
  }
};

/** Both ends must lie within the source: here a range is not cut to fit. */
function rangeOf({ headers }: Call, size: number): { start: number; end: number } {
  const text = header(headers, 'x-amz-copy-source-range');
  if (text === undefined) return { start: 0, end: size };
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(text.trim()) ?? [];
  const [start, end] = [Number(first), Number(last) + 1];
  if (first === undefined || start >= end) {
    throw new Refusal(
      400,
      'InvalidArgument',
      `The x-amz-copy-source-range value must be of the form bytes=first-last, found "${text}".`,
    );
  }
  if (end <= size) return { start, end };
  throw new Refusal(
    400,
    'InvalidArgument',
    `Range specified is not valid for source object of size: ${size}.`,
  );
}
