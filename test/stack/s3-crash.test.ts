import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeletePublicAccessBlockCommand,
  GetBucketPolicyCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  GetPublicAccessBlockCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  RestoreObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { expect, onTestFinished, test } from 'vitest';
import { patterned } from '../contracts/s3-wire-story.ts';
import { tmpFolder } from '../support/tmp.ts';
import { refusedStart, spawnStack } from './stack-process.ts';

const LARGE = patterned(200_000, 1);

test('kill -9 in the middle of puts loses nothing that was acknowledged, and keeps nothing half', async () => {
  const dir = await tmpFolder();
  const before = await spawnStack(dir);
  await before.client.send(new CreateBucketCommand({ Bucket: 'lake' }));
  const acknowledged = new Set<string>();
  let killed: Promise<unknown> | undefined;
  const putUntilKilled = async (lane: number): Promise<void> => {
    for (let at = 0; ; at += 1) {
      const key = `${lane}/${at}`;
      const Body = at % 5 === 0 ? LARGE : key;
      try {
        await before.client.send(new PutObjectCommand({ Bucket: 'lake', Key: key, Body, IfNoneMatch: '*' }));
      } catch {
        return;
      }
      acknowledged.add(key);
      if (acknowledged.size === 200) killed = before.kill('SIGKILL');
    }
  };
  await Promise.all(Array.from({ length: 16 }, (_, lane) => putUntilKilled(lane)));
  await killed;

  const after = await spawnStack(dir);
  onTestFinished(async () => void (await after.kill('SIGKILL')));
  const { Contents = [] } = await after.client.send(new ListObjectsV2Command({ Bucket: 'lake' }));
  const found = new Set(Contents.map(({ Key }) => Key ?? ''));
  expect([...acknowledged].filter((key) => !found.has(key))).toEqual([]);
  for (const key of found) {
    const { Body } = await after.client.send(new GetObjectCommand({ Bucket: 'lake', Key: key }));
    const bytes = Buffer.from((await Body?.transformToByteArray()) ?? []);
    expect(bytes.equals(Number(key.split('/')[1]) % 5 === 0 ? LARGE : Buffer.from(key))).toBe(true);
  }
  const larger = [...found].filter((key) => Number(key.split('/')[1]) % 5 === 0);
  expect(await readdir(path.join(dir, 's3', 'bodies'))).toHaveLength(larger.length);
});

test('an upload that was begun goes on after kill -9', async () => {
  const dir = await tmpFolder();
  const before = await spawnStack(dir);
  await before.client.send(new CreateBucketCommand({ Bucket: 'lake' }));
  const place = { Bucket: 'lake', Key: 'a' };
  const { UploadId } = await before.client.send(new CreateMultipartUploadCommand(place));
  await before.client.send(new UploadPartCommand({ ...place, UploadId, PartNumber: 1, Body: 'part' }));
  await before.kill('SIGKILL');
  const after = await spawnStack(dir);
  onTestFinished(async () => void (await after.kill('SIGKILL')));
  const { Parts } = await after.client.send(new ListPartsCommand({ ...place, UploadId }));
  expect(Parts?.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual([[1, 4]]);
});

test('tags, restores, documents and copied parts are there after kill -9', async () => {
  const dir = await tmpFolder();
  const before = await spawnStack(dir);
  const lake = { Bucket: 'lake' };
  await before.client.send(new CreateBucketCommand(lake));
  await before.client.send(new PutObjectCommand({ ...lake, Key: 'from', Body: LARGE, Tagging: 'nth=1' }));
  await before.client.send(new PutObjectCommand({ ...lake, Key: 'b', Body: 'x', StorageClass: 'GLACIER' }));
  const TagSet = [{ Key: 'nth', Value: '2' }];
  await before.client.send(new PutObjectTaggingCommand({ ...lake, Key: 'from', Tagging: { TagSet } }));
  const RestoreRequest = { Days: 1, GlacierJobParameters: { Tier: 'Bulk' } } as const;
  await before.client.send(new RestoreObjectCommand({ ...lake, Key: 'b', RestoreRequest }));
  const Policy = '{"Version":"2012-10-17","Statement":[]}';
  await before.client.send(new PutBucketPolicyCommand({ ...lake, Policy }));
  await before.client.send(new DeletePublicAccessBlockCommand(lake));
  const place = { ...lake, Key: 'to' };
  const { UploadId } = await before.client.send(new CreateMultipartUploadCommand(place));
  const part = { ...place, UploadId, PartNumber: 1, CopySource: 'lake/from', CopySourceRange: 'bytes=1-5' };
  await before.client.send(new UploadPartCopyCommand(part));
  await before.kill('SIGKILL');

  const after = await spawnStack(dir);
  onTestFinished(async () => void (await after.kill('SIGKILL')));
  const { client } = after;
  expect(await client.send(new GetObjectTaggingCommand({ ...lake, Key: 'from' }))).toMatchObject({ TagSet });
  const head = await client.send(new HeadObjectCommand({ ...lake, Key: 'b' }));
  expect([head.StorageClass, head.Restore]).toEqual(['GLACIER', 'ongoing-request="true"']);
  expect((await client.send(new GetBucketPolicyCommand(lake))).Policy).toBe(Policy);
  await expect(client.send(new GetPublicAccessBlockCommand(lake))).rejects.toMatchObject({
    name: 'NoSuchPublicAccessBlockConfiguration',
  });
  const { Parts } = await client.send(new ListPartsCommand({ ...place, UploadId }));
  expect(Parts?.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual([[1, 5]]);
});

test('a torn last entry of the log is cut off, and what stands before it is there', async () => {
  const dir = await tmpFolder();
  const before = await spawnStack(dir);
  await before.client.send(new CreateBucketCommand({ Bucket: 'lake' }));
  await before.client.send(new PutObjectCommand({ Bucket: 'lake', Key: 'a', Body: 'kept' }));
  expect(await before.kill('SIGTERM')).toBe(0);
  const log = path.join(dir, 's3', 'log');
  const whole = await readFile(log);
  await writeFile(log, Buffer.concat([whole, whole.subarray(0, whole.length - 7).subarray(-40)]));
  const after = await spawnStack(dir);
  onTestFinished(async () => void (await after.kill('SIGKILL')));
  const { Body } = await after.client.send(new GetObjectCommand({ Bucket: 'lake', Key: 'a' }));
  expect(await Body?.transformToString()).toBe('kept');
  expect((await readFile(log)).length).toBe(whole.length);
});

test('a folder that a living process has is refused, and one of a dead process is taken over', async () => {
  const dir = await tmpFolder();
  const living = await spawnStack(dir);
  const { code, said } = await refusedStart(dir);
  expect(code).toBe(1);
  expect(said).toBe(
    `stack: ${dir} is in use by process ${living.pid}: stop it, or choose another data folder\n`,
  );
  await living.kill('SIGKILL');
  const next = await spawnStack(dir);
  expect(await next.kill('SIGTERM')).toBe(0);
});

test('the lock of another process that has got the same id is taken over', async () => {
  const dir = await tmpFolder();
  await writeFile(path.join(dir, 'lock'), JSON.stringify({ pid: process.pid, started: '1' }));
  const next = await spawnStack(dir);
  expect(await next.kill('SIGINT')).toBe(0);
  expect(await readdir(dir)).not.toContain('lock');
});

test('what it prints is what a shell needs', async () => {
  const stack = await spawnStack(await tmpFolder());
  await stack.kill('SIGTERM');
  expect(stack.lines).toEqual([
    `export AWS_ENDPOINT_URL=${stack.url}`,
    'export AWS_ACCESS_KEY_ID=tributary',
    'export AWS_SECRET_ACCESS_KEY=tributary-local',
    'export AWS_REGION=eu-west-1',
    'ready',
  ]);
});
