import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Reply } from './exchange.ts';

export type Request = IncomingMessage | Http2ServerRequest;
export type Response = ServerResponse | Http2ServerResponse;

/** Sends the reply. Resolves when it is out or the client is gone. */
export async function send(request: Request, response: Response, reply: Reply): Promise<void> {
  const { status, body } = reply;
  if (!Buffer.isBuffer(body)) {
    writeHead(response, status, reply.headers);
    // A client that goes away ends the reading too; there is nobody left to tell.
    await pipeline(body, response).catch(() => {});
    return;
  }
  const hasNoBody = request.method === 'HEAD' || status === 204 || status === 304;
  const length =
    hasNoBody && status !== 200 && status !== 206 ? {} : { 'content-length': String(body.length) };
  writeHead(response, status, { ...length, ...reply.headers });
  if (hasNoBody || body.length === 0) response.end();
  else (response as ServerResponse).end(body);
}

/** Sends the head and half of the body, then resets. */
export async function sendHalf(request: Request, response: Response, reply: Reply): Promise<void> {
  const body = Buffer.isBuffer(reply.body) ? Readable.from([reply.body]) : reply.body;
  const length = Number(
    reply.headers['content-length'] ?? (Buffer.isBuffer(reply.body) ? reply.body.length : 0),
  );
  writeHead(response, reply.status, { 'content-length': String(length), ...reply.headers });
  let left = Math.floor(length / 2);
  const half = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const piece = chunk.subarray(0, left);
      left -= piece.length;
      done(null, piece);
    },
  });
  await pipeline(body, half, response, { end: false }).catch(() => {});
  // The head may still wait for a body that half of nothing is not.
  if ('flushHeaders' in response) response.flushHeaders();
  setImmediate(() => reset(request));
}

/** Breaks the connection so that the client sees it broken: for HTTP/2, the stream. */
export function reset(request: Request): void {
  if ('stream' in request) request.stream.destroy(new Error('reset by an injected fault'));
  else request.socket.resetAndDestroy();
}

function writeHead(response: Response, status: number, headers: Record<string, string>): void {
  // Both have the method, with overloads that have no common signature.
  (response as ServerResponse).writeHead(status, headers);
}
