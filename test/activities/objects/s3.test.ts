import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createS3Client } from '../../../activities/objects/clients.ts';
import { sha256Hex } from '../../../activities/objects/json.ts';
import { S3ObjectStore } from '../../../activities/objects/s3.ts';
import { tmpFolder } from '../../support/tmp.ts';

const { signal } = new AbortController();
const watch = { signal, onProgress: () => undefined };
const body = Buffer.from('123456789');
const LARGE = 20 * 1024 * 1024;

test.each([
  ['is there', 412, 'PreconditionFailed', 'exists'],
  ['is being written by another', 409, 'ConditionalRequestConflict', 'conflict'],
  ['may have been created, for the store failed', 500, 'InternalError', 'unclear'],
  ['may have been created, for a gateway failed', 502, 'BadGateway', 'unclear'],
  ['may have been created, for the store was away', 503, 'ServiceUnavailable', 'unclear'],
] as const)('a key %s (%i %s)', async (_, status, code, answer) => {
  const { store, requests } = await openWith((_request, response) => refuse(response, status, code));
  expect(await store.create('ledger/a', body, signal)).toBe(answer);
  expect(requests).toHaveLength(1);
});

test('a key may have been created when the connection breaks', async () => {
  const { store, requests } = await openWith((request) => request.socket.destroy());
  expect(await store.create('ledger/a', body, signal)).toBe('unclear');
  expect(requests).toHaveLength(1);
});

test('a store that asks to slow down created nothing, and that is told', async () => {
  const { store } = await openWith((_request, response) => refuse(response, 503, 'SlowDown'));
  await expect(store.create('ledger/a', body, signal)).rejects.toMatchObject({ type: 'Throttled' });
});

test('a bucket or a right that is missing has a name', async () => {
  const answers: Array<[number, string]> = [
    [404, 'NoSuchBucket'],
    [403, 'AccessDenied'],
  ];
  const { store } = await openWith((_request, response) =>
    refuse(response, ...(answers.shift() ?? [500, 'None'])),
  );
  await expect(store.create('ledger/a', body, signal)).rejects.toMatchObject({ type: 'BucketMissing' });
  await expect(store.create('ledger/a', body, signal)).rejects.toMatchObject({ type: 'AccessDenied' });
});

test('a HEAD that is refused without a word is a right that is missing', async () => {
  const { store } = await openWith((_request, response) => response.writeHead(403).end());
  await expect(store.head('ledger/a', signal)).rejects.toMatchObject({ type: 'AccessDenied' });
});

test('a create that is cut short while it waits rejects with the reason it was cut short', async () => {
  const controller = new AbortController();
  const reason = new Error('paused');
  const { store } = await openWith(() => controller.abort(reason));
  await expect(store.create('ledger/a', body, controller.signal)).rejects.toBe(reason);
});

test('a create states its condition and the checksum of its bytes', async () => {
  const { store, requests } = await openWith((_request, response) => response.end());
  expect(await store.create('ledger/a', body, signal)).toBe('created');
  expect(requests[0]?.headers).toMatchObject({ 'if-none-match': '*', 'x-amz-checksum-crc32': 'y/Q5Jg==' });
});

test.each([
  ['is there', 412, 'PreconditionFailed', 'exists'],
  ['is being written by another', 409, 'ConditionalRequestConflict', 'conflict'],
  ['may have been created', 404, 'NoSuchUpload', 'unclear'],
  ['may have been created', 200, 'InternalError', 'unclear'],
] as const)('an upload whose key %s (%i %s) is abandoned', async (_, status, code, answer) => {
  const { store, requests } = await openWith(uploads((response) => refuse(response, status, code)));
  expect(await store.createFromFile('raw/a', await localFile(), watch)).toBe(answer);
  expect(requests.map(kind).toSorted()).toEqual(['abort', 'begin', 'complete', 'part', 'part', 'part']);
});

test('an upload is completed once, with the length and CRC32 of the whole', async () => {
  const { store, requests } = await openWith(
    uploads((response) => response.end('<CompleteMultipartUploadResult/>')),
  );
  expect(await store.createFromFile('raw/a', await localFile(), watch)).toBe('created');
  const complete = requests.find((request) => kind(request) === 'complete');
  expect(complete?.headers).toMatchObject({
    'if-none-match': '*',
    'x-amz-checksum-type': 'FULL_OBJECT',
    'x-amz-checksum-crc32': 'l1vwDQ==',
    'x-amz-mp-object-size': '20971520',
  });
  expect(requests.filter((request) => kind(request) === 'abort')).toEqual([]);
});

test('an upload whose part is refused is abandoned, and the refusal is told', async () => {
  const { store, requests } = await openWith((request, response) => {
    if (kind(request) === 'part') refuse(response, 403, 'AccessDenied');
    else if (kind(request) === 'begin') begun(response);
    else response.end();
  });
  await expect(store.createFromFile('raw/a', await localFile(), watch)).rejects.toMatchObject({
    type: 'AccessDenied',
  });
  expect(requests.map(kind)).toContain('abort');
  expect(requests.map(kind)).not.toContain('complete');
});

test('an upload of which one part is refused is not completed', async () => {
  const { store, requests } = await openWith((request, response) => {
    if (kind(request) === 'begin') begun(response);
    else if (request.url?.includes('partNumber=1&')) refuse(response, 403, 'AccessDenied');
    else response.setHeader('etag', '"e"').end();
  });
  const file = await localFile(6 * LARGE);
  await expect(store.createFromFile('raw/a', file, watch)).rejects.toMatchObject({ type: 'AccessDenied' });
  expect(requests.map(kind)).toContain('abort');
  expect(requests.map(kind)).not.toContain('complete');
});

test('a download that breaks off is not taken for the object', async () => {
  const { store } = await openWith((_request, response) => {
    response.writeHead(200, { 'content-length': '9' });
    response.write('12345', () => response.destroy());
  });
  await expect(store.getToFile('raw/a', path.join(await tmpFolder(), 'a'), watch)).rejects.toBeInstanceOf(
    Error,
  );
  await expect(store.get('raw/a', signal)).rejects.toBeInstanceOf(Error);
});

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

/** A store at a server that answers as told, and says what it was asked. */
async function openWith(answer: Answer) {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    request.on('error', () => undefined).on('end', () => answer(request, response));
    request.resume();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const s3 = createS3Client({
    endpoint: `http://127.0.0.1:${address.port}`,
    region: 'eu-west-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
  });
  return { store: new S3ObjectStore(s3, 'lake'), requests };
}

function uploads(complete: (response: ServerResponse) => unknown): Answer {
  return (request, response) => {
    if (kind(request) === 'begin') begun(response);
    else if (kind(request) === 'complete') complete(response);
    else response.setHeader('etag', '"e"').end();
  };
}

function kind({ method, url = '' }: IncomingMessage): string {
  if (method === 'DELETE') return 'abort';
  if (method === 'PUT') return url.includes('partNumber=') ? 'part' : 'put';
  return url.includes('uploads') ? 'begin' : 'complete';
}

function begun(response: ServerResponse): void {
  response.end('<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>');
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}

async function localFile(size = LARGE) {
  const file = path.join(await tmpFolder(), 'file');
  const content = Buffer.alloc(size, '1234567890');
  await writeFile(file, content);
  return { path: file, expect: { bytes: size, sha256: sha256Hex(content) } };
}
