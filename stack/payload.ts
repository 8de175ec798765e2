import { createHash } from 'node:crypto';
import { decodeChunked } from './aws-chunked.ts';
import { type Exchange, Refusal, header } from './exchange.ts';
import { type Signed, UNSIGNED_PAYLOAD } from './sigv4.ts';

/** A body as the handler sees it: unframed, and throwing at its end when it is not what was signed. */
export interface Payload {
  readonly body: AsyncIterable<Buffer>;
  /** Filled when the body has been read to its end. Names are in lower case. */
  readonly trailers: ReadonlyMap<string, string>;
}

/** What S3 takes for the hash of the payload: the header's word, which `openPayload` then holds the body to. */
export function declaredHash(exchange: Exchange): string {
  const declared = header(exchange.headers, 'x-amz-content-sha256');
  if (declared !== undefined) return declared;
  if (exchange.query.has('X-Amz-Signature'))
    return exchange.query.get('X-Amz-Content-Sha256') ?? UNSIGNED_PAYLOAD;
  throw new Refusal(400, 'MissingSecurityHeader', 'x-amz-content-sha256 is missing.');
}

export function openPayload(exchange: Exchange, declared: string, signed: Signed): Payload {
  const trailers = new Map<string, string>();
  const { body, headers } = exchange;
  if (declared === UNSIGNED_PAYLOAD) return { body, trailers };
  if (/^[0-9a-f]{64}$/.test(declared)) return { body: hashed(body, declared), trailers };
  const decodedLength = Number(header(headers, 'x-amz-decoded-content-length') ?? Number.NaN);
  if (!Number.isSafeInteger(decodedLength) || decodedLength < 0) {
    throw new Refusal(411, 'MissingContentLength', 'An aws-chunked body needs x-amz-decoded-content-length.');
  }
  const named = (header(headers, 'x-amz-trailer') ?? '').split(',').map((name) => name.trim().toLowerCase());
  const announced = named.filter((name) => name !== '');
  const frame = { decodedLength, announced, trailers };
  switch (declared) {
    case 'STREAMING-UNSIGNED-PAYLOAD-TRAILER':
      return { body: decodeChunked(body, frame), trailers };
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD':
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER':
      return { body: decodeChunked(body, { ...frame, signed }), trailers };
    default:
      throw new Refusal(
        400,
        'InvalidRequest',
        `x-amz-content-sha256 is "${declared}", which is neither a hash nor a known word.`,
      );
  }
}

async function* hashed(body: AsyncIterable<Buffer>, declared: string): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  for await (const chunk of body) {
    hash.update(chunk);
    yield chunk;
  }
  const found = hash.digest('hex');
  if (found !== declared) {
    throw new Refusal(
      400,
      'XAmzContentSHA256Mismatch',
      `The provided 'x-amz-content-sha256' header does not match what was computed: ${declared}, ${found}.`,
    );
  }
}
