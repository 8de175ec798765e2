import type { IncomingHttpHeaders } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import type { Operation } from '../../stack/s3/operations.ts';
import { type S3, createS3 } from '../../stack/s3/service.ts';
import { tmpFolder } from '../support/tmp.ts';

const CREATE = { 'if-none-match': '*', 'content-length': '10' };

test('a create whose key is deleted while its body is on its way is a conflict, and stores nothing', async () => {
  const s3 = await withBucket();
  const body = async function* () {
    yield Buffer.from('first');
    await answer(s3, 'DeleteObject');
    yield Buffer.from(' half');
  };
  await expect(answer(s3, 'PutObject', CREATE, body())).rejects.toMatchObject({
    status: 409,
    code: 'ConditionalRequestConflict',
  });
  await expect(answer(s3, 'GetObject')).rejects.toMatchObject({ code: 'NoSuchKey' });
  expect((await answer(s3, 'PutObject', CREATE, tenBytes())).status).toBe(200);
});

test('a create that another one overtakes is refused, not a conflict', async () => {
  const s3 = await withBucket();
  const body = async function* () {
    await answer(s3, 'PutObject', CREATE, tenBytes());
    yield Buffer.from('0123456789');
  };
  await expect(answer(s3, 'PutObject', CREATE, body())).rejects.toMatchObject({ status: 412 });
});

test('a body that fails on its way leaves the object as it was', async () => {
  const s3 = await withBucket();
  await answer(s3, 'PutObject', CREATE, tenBytes());
  const body = async function* () {
    yield Buffer.alloc(2 << 20);
    throw new Error('the client went away');
  };
  await expect(answer(s3, 'PutObject', { 'content-length': '4194304' }, body())).rejects.toThrow('went away');
  expect((await answer(s3, 'HeadObject')).headers['content-length']).toBe('10');
});

async function withBucket(): Promise<S3> {
  const s3 = createS3({ dir: await tmpFolder(), clock: Date, account: '1', region: 'eu-west-1' });
  onTestFinished(() => s3.close());
  await answer(s3, 'CreateBucket');
  return s3;
}

function answer(s3: S3, operation: Operation, headers: IncomingHttpHeaders = {}, body = none()) {
  const place = {
    bucket: 'lake',
    key: 'a',
    query: new Map<string, string>(),
    trailers: new Map<string, string>(),
  };
  return s3.answer(operation, { ...place, headers, body });
}

async function* tenBytes(): AsyncGenerator<Buffer> {
  yield Buffer.from('0123456789');
}

async function* none(): AsyncGenerator<Buffer> {}
