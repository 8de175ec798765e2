import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetBucketPolicyCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';
import { expect, onTestFinished, test } from 'vitest';
import { createS3 } from '../../stack/s3/service.ts';
import { Store } from '../../stack/s3/store.ts';
import { patterned } from '../contracts/s3-wire-story.ts';
import { tmpFolder } from '../support/tmp.ts';
import { spawnStack } from './stack-process.ts';

const PIECE = patterned(1 << 20, 1);

test.skipIf(process.platform !== 'linux')(
  'an object of 512 MiB goes in and out in less than 400 MB',
  async () => {
    const stack = await spawnStack(await tmpFolder());
    onTestFinished(async () => void (await stack.kill('SIGKILL')));
    await stack.client.send(new CreateBucketCommand({ Bucket: 'lake' }));
    const sent = createHash('sha256');
    const pieces = Readable.from(
      (function* () {
        for (let i = 0; i < 512; i += 1) {
          sent.update(PIECE);
          yield PIECE;
        }
      })(),
    );
    const place = { Bucket: 'lake', Key: 'large' };
    await stack.client.send(new PutObjectCommand({ ...place, Body: pieces, ContentLength: 512 << 20 }));
    const { Body } = await stack.client.send(new GetObjectCommand(place));
    const received = createHash('sha256');
    if (!(Body instanceof Readable)) throw new Error('the body is no stream');
    for await (const chunk of Body as AsyncIterable<Buffer>) received.update(chunk);
    expect(received.digest('hex')).toBe(sent.digest('hex'));
    const status = readFileSync(`/proc/${stack.pid}/status`, 'utf8');
    expect(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1])).toBeLessThan(400_000);
  },
);

test('a page of 120,000 keys takes no longer than its own size asks for', async () => {
  const dir = await tmpFolder();
  const store = new Store(dir);
  store.commit([{ type: 'bucket', bucket: 'lake', atMs: 0 }]);
  const version = { id: 'null', modifiedMs: 0, etag: '0'.repeat(32), size: 0, headers: {}, files: [] };
  // Odd ones downwards, then even ones upwards: neither end is the only one that grows.
  const odd = Array.from({ length: 60_000 }, (_, i) => 119_999 - 2 * i);
  const even = Array.from({ length: 60_000 }, (_, i) => 2 * i);
  const put = (i: number) =>
    ({ type: 'put', bucket: 'lake', key: keyOf(i), version: { ...version } }) as const;
  for (const half of [odd, even]) store.commit(half.map(put));
  store.close();

  const s3 = createS3({ dir, clock: Date, account: '1', region: 'eu-west-1' });
  onTestFinished(() => s3.close());
  const list = async (query: Record<string, string>) => {
    const call = {
      bucket: 'lake',
      key: '',
      headers: {},
      body: Readable.from([]),
      trailers: new Map<string, string>(),
    };
    const { body } = await s3.answer('ListObjectsV2', { ...call, query: new Map(Object.entries(query)) });
    return Buffer.isBuffer(body) ? body.toString() : 'a stream';
  };
  const startedAt = performance.now();
  const page = await list({ 'start-after': keyOf(60_000) });
  expect(/<Key>([^<]*)/.exec(page)?.[1]).toBe(keyOf(60_001));
  expect(page).toContain('<KeyCount>1000</KeyCount>');
  const folded = await list({ delimiter: '/' });
  expect(folded).toContain('<KeyCount>12</KeyCount>');
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});

test('a log that is mostly history is written anew at the start, and says the same', async () => {
  const dir = await tmpFolder();
  const before = await spawnStack(dir);
  await before.client.send(new CreateBucketCommand({ Bucket: 'lake' }));
  const Policy = '{"Version":"2012-10-17","Statement":[]}';
  await before.client.send(new PutBucketPolicyCommand({ Bucket: 'lake', Policy }));
  const put = (i: number) =>
    before.client.send(new PutObjectCommand({ Bucket: 'lake', Key: `k${i % 2}`, Body: `body ${i}` }));
  for (let i = 0; i < 1_500; i += 2) await Promise.all([put(i), put(i + 1)]);
  await before.client.send(new DeleteObjectCommand({ Bucket: 'lake', Key: 'k0' }));
  const TagSet = [{ Key: 'nth', Value: '1' }];
  await before.client.send(new PutObjectTaggingCommand({ Bucket: 'lake', Key: 'k1', Tagging: { TagSet } }));
  await before.kill('SIGKILL');
  const log = path.join(dir, 's3', 'log');
  const long = (await stat(log)).size;
  for (let restart = 0; restart < 2; restart += 1) {
    const after = await spawnStack(dir);
    expect((await stat(log)).size).toBeLessThan(long / 100);
    const { Contents } = await after.client.send(new ListObjectsV2Command({ Bucket: 'lake' }));
    expect(Contents?.map(({ Key }) => Key)).toEqual(['k1']);
    const { Body } = await after.client.send(new GetObjectCommand({ Bucket: 'lake', Key: 'k1' }));
    expect(await Body?.transformToString()).toBe('body 1499');
    const tagging = new GetObjectTaggingCommand({ Bucket: 'lake', Key: 'k1' });
    expect(await after.client.send(tagging)).toMatchObject({ TagSet });
    const policy = new GetBucketPolicyCommand({ Bucket: 'lake' });
    expect(await after.client.send(policy)).toMatchObject({ Policy });
    await after.kill('SIGKILL');
  }
});

/** In twelve folders of 10,000. */
function keyOf(i: number): string {
  return `${String(Math.floor(i / 10_000)).padStart(2, '0')}/${String(i).padStart(6, '0')}`;
}
