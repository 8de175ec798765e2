import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Exchange, splitTarget } from '../../stack/exchange.ts';
import { once } from '../../stack/job.ts';
import { openPayload } from '../../stack/payload.ts';
import { verifySignature } from '../../stack/sigv4.ts';

// The examples of Amazon's own documentation of Signature Version 4.
const KEYS = {
  region: 'us-east-1',
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const INSTANT = '20130524T000000Z';

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2013, 4, 24), toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

test('a read of a range verifies', () => {
  const headers = { range: 'bytes=0-9', 'x-amz-content-sha256': EMPTY };
  const signature = 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41';
  expect(verify('GET', '/test.txt', headers, signature)).toBe('verified');
});

test('a write to a key with a sign in it verifies', () => {
  const headers = {
    date: 'Fri, 24 May 2013 00:00:00 GMT',
    'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
    'x-amz-storage-class': 'REDUCED_REDUNDANCY',
  };
  const signature = '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd';
  expect(verify('PUT', '/test%24file.text', headers, signature)).toBe('verified');
});

test('a parameter without a value verifies, and so do several', () => {
  const headers = { 'x-amz-content-sha256': EMPTY };
  const lifecycle = 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543';
  expect(verify('GET', '/?lifecycle', headers, lifecycle)).toBe('verified');
  const list = '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7';
  expect(verify('GET', '/?max-keys=2&prefix=J', headers, list)).toBe('verified');
});

test('a changed header, path or hash is refused', () => {
  const signature = 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41';
  const headers = { range: 'bytes=0-9', 'x-amz-content-sha256': EMPTY };
  expect(verify('GET', '/test.txt', { ...headers, range: 'bytes=0-8' }, signature)).toBe(
    'SignatureDoesNotMatch',
  );
  expect(verify('GET', '/other.txt', headers, signature)).toBe('SignatureDoesNotMatch');
  expect(verify('DELETE', '/test.txt', headers, signature)).toBe('SignatureDoesNotMatch');
});

test('a request of 16 minutes ago is refused', () => {
  vi.setSystemTime(Date.UTC(2013, 4, 24, 0, 16));
  const headers = { range: 'bytes=0-9', 'x-amz-content-sha256': EMPTY };
  const signature = 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41';
  expect(verify('GET', '/test.txt', headers, signature)).toBe('RequestTimeTooSkewed');
});

test('an Amazon header that is not signed is refused', () => {
  const headers = { range: 'bytes=0-9', 'x-amz-content-sha256': EMPTY };
  const signature = 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41';
  const signed = ['host', 'range', 'x-amz-content-sha256', 'x-amz-date'];
  expect(verify('GET', '/test.txt', { ...headers, 'x-amz-meta-a': '1' }, signature, signed)).toBe(
    'AccessDenied',
  );
});

test('a presigned address verifies until it expires', () => {
  const address =
    '/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2F' +
    'aws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=' +
    'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404';
  const exchange = exchangeOf('GET', address, { host: 'examplebucket.s3.amazonaws.com' });
  expect(codeOf(() => verifySignature(exchange, 's3', 'UNSIGNED-PAYLOAD', KEYS))).toBe('verified');
  vi.setSystemTime(Date.UTC(2013, 4, 25, 0, 0, 1));
  expect(codeOf(() => verifySignature(exchange, 's3', 'UNSIGNED-PAYLOAD', KEYS))).toBe('AccessDenied');
});

const CHUNKS = [
  [65_536, 'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648'],
  [1_024, '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497'],
  [0, 'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9'],
] as const;

test('a body of signed chunks comes out as its data', async () => {
  expect(
    (await chunked(CHUNKS.map(([size, signature]) => chunk('a', size, signature)).join(''))).length,
  ).toBe(66_560);
});

test('a chunk that was changed on the way is refused', async () => {
  const [first, second, last] = CHUNKS;
  const changed = [chunk('a', ...first), chunk('b', ...second), chunk('a', ...last)];
  await expect(chunked(changed.join(''))).rejects.toMatchObject({ code: 'SignatureDoesNotMatch' });
});

test('a body of chunks that ends early is refused', async () => {
  const [first] = CHUNKS;
  await expect(chunked(chunk('a', ...first))).rejects.toMatchObject({ code: 'IncompleteBody' });
});

test('signed trailers verify, and a changed one is refused', async () => {
  const chunks = [
    chunk('a', 65_536, 'b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2'),
    chunk('a', 1_024, '1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7'),
    '0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n',
  ].join('');
  const signature =
    'x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n';
  expect((await trailed(`${chunks}x-amz-checksum-crc32c:sOO8/Q==\r\n${signature}`)).length).toBe(66_560);
  await expect(trailed(`${chunks}x-amz-checksum-crc32c:AAAAAA==\r\n${signature}`)).rejects.toMatchObject({
    code: 'SignatureDoesNotMatch',
  });
});

function chunk(letter: string, size: number, signature: string): string {
  return `${size.toString(16)};chunk-signature=${signature}\r\n${letter.repeat(size)}\r\n`;
}

function chunked(body: string): Promise<Buffer> {
  const headers = {
    'content-encoding': 'aws-chunked',
    'content-length': '66824',
    'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
    'x-amz-decoded-content-length': '66560',
    'x-amz-storage-class': 'REDUCED_REDUNDANCY',
  };
  return opened(headers, body, '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9');
}

function trailed(body: string): Promise<Buffer> {
  const headers = {
    'content-encoding': 'aws-chunked',
    'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
    'x-amz-decoded-content-length': '66560',
    'x-amz-storage-class': 'REDUCED_REDUNDANCY',
    'x-amz-trailer': 'x-amz-checksum-crc32c',
  };
  return opened(headers, body, '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e');
}

async function opened(headers: Record<string, string>, body: string, signature: string): Promise<Buffer> {
  const all = { ...headers, host: 's3.amazonaws.com', 'x-amz-date': INSTANT };
  const authorization = authorizationOf(Object.keys(all).sort(), signature);
  const exchange = exchangeOf('PUT', '/examplebucket/chunkObject.txt', { ...all, authorization }, body);
  const declared = headers['x-amz-content-sha256'] ?? '';
  const payload = openPayload(exchange, declared, verifySignature(exchange, 's3', declared, KEYS));
  const pieces: Buffer[] = [];
  for await (const piece of payload.body) pieces.push(piece);
  return Buffer.concat(pieces);
}

function verify(
  method: string,
  url: string,
  headers: Record<string, string>,
  signature: string,
  signed?: readonly string[],
): string {
  const all = { ...headers, host: 'examplebucket.s3.amazonaws.com', 'x-amz-date': INSTANT };
  const authorization = authorizationOf(signed ?? Object.keys(all).sort(), signature);
  const exchange = exchangeOf(method, url, { ...all, authorization });
  return codeOf(() => verifySignature(exchange, 's3', headers['x-amz-content-sha256'] ?? '', KEYS));
}

function authorizationOf(signed: readonly string[], signature: string): string {
  const credential = `${KEYS.accessKeyId}/20130524/us-east-1/s3/aws4_request`;
  return `AWS4-HMAC-SHA256 Credential=${credential},SignedHeaders=${signed.join(';')},Signature=${signature}`;
}

function exchangeOf(method: string, url: string, headers: Record<string, string>, body = ''): Exchange {
  return { method, ...splitTarget(url), headers, body: once(Buffer.from(body)) };
}

function codeOf(act: () => unknown): string {
  try {
    act();
    return 'verified';
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}
