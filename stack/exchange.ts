import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';

/** One request, whatever HTTP version it came by. */
export interface Exchange {
  readonly method: string;
  /** As sent, still percent-encoded, without the query. */
  readonly path: string;
  readonly query: Query;
  readonly headers: IncomingHttpHeaders;
  readonly body: AsyncIterable<Buffer>;
}

/** Decoded parameters in the order in which they came; a parameter without "=" has the value ''. */
export type Query = ReadonlyMap<string, string>;

export interface Reply {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** A stream is destroyed by the shell when the client goes away. It needs a content-length header. */
  readonly body: Buffer | Readable;
}

/** A request that cannot be served, as AWS names the reason. The shell renders it in the service's format. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Record<string, string>;
  /** What S3 says beside the message, by the names of the elements. */
  readonly details: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    headers: Record<string, string> = {},
    details: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.name = code;
    this.status = status;
    this.code = code;
    this.headers = headers;
    this.details = details;
  }
}

/** The path and query of a request target. Refuses percent-encoding that is not UTF-8. */
export function splitTarget(url: string): { path: string; query: Query } {
  const mark = url.indexOf('?');
  if (mark < 0) return { path: url, query: new Map() };
  const query = new Map<string, string>();
  for (const pair of url.slice(mark + 1).split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = equals < 0 ? pair : pair.slice(0, equals);
    query.set(decode(name), equals < 0 ? '' : decode(pair.slice(equals + 1)));
  }
  return { path: url.slice(0, mark), query };
}

export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Refusal(
      400,
      'InvalidURI',
      `Couldn't parse the specified URI: "${text}" is not percent-encoded UTF-8.`,
    );
  }
}

/** RFC 3986 as SigV4 wants it: everything but letters, digits and "-._~" is encoded. */
export function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The value of a header that is sent once; several are joined as HTTP joins them. */
export function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

/** The whole body. Refuses more than `limitBytes`, so that no request can fill the memory. */
export async function readAll(body: AsyncIterable<Buffer>, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes > limitBytes) {
      throw new Refusal(
        400,
        'MaxMessageLengthExceeded',
        `The request body is larger than ${limitBytes} bytes.`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
