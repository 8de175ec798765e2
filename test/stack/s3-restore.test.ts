import {
  CopyObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  RestoreObjectCommand,
  type StorageClass,
  type Tier,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { outcome } from '../contracts/s3-wire-story.ts';
import { type OpenedStack, openStack } from '../support/stack.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let stack: OpenedStack;
beforeAll(async () => {
  stack = await openStack();
});
afterAll(() => stack.close());

test('a restore takes as long as its tier, and the copy is there for whole days', async () => {
  const key = await cold('GLACIER');
  expect(await restore(key, 'Standard', 2)).toBe(202);
  await jump(5 * HOUR_MS - 60_000);
  expect(await restoreOf(key)).toBe('ongoing-request="true"');
  await jump(2 * 60_000);
  expect(await text(key)).toBe('kept');
  const [, expiry] = /^ongoing-request="false", expiry-date="(.*)"$/.exec((await restoreOf(key)) ?? '') ?? [];
  const expiryMs = Date.parse(expiry ?? '');
  expect(expiryMs % DAY_MS).toBe(0);
  const leftMs = expiryMs - (await now());
  expect(leftMs).toBeGreaterThan(2 * DAY_MS - 2 * 60_000);
  expect(leftMs).toBeLessThan(3 * DAY_MS);
  const asked = { Bucket: stack.bucket, Prefix: key, OptionalObjectAttributes: ['RestoreStatus' as const] };
  const { Contents } = await stack.s3Client.send(new ListObjectsV2Command(asked));
  expect(Contents?.[0]?.RestoreStatus).toEqual({
    IsRestoreInProgress: false,
    RestoreExpiryDate: new Date(expiryMs),
  });
  await jump(leftMs + 1_000);
  expect(await outcome(get(key))).toBe('403 InvalidObjectState');
  expect(await restoreOf(key)).toBeUndefined();
  expect(await restore(key, 'Bulk', 1)).toBe(202);
});

test('a restored object is kept longer by a second request, which is answered with 200', async () => {
  const key = await cold('GLACIER');
  await restore(key, 'Expedited', 1);
  await jump(5 * 60_000 + 1_000);
  expect(await restore(key, 'Standard', 10)).toBe(200);
  await jump(9 * DAY_MS);
  expect(await text(key)).toBe('kept');
  await jump(2 * DAY_MS);
  expect(await outcome(get(key))).toBe('403 InvalidObjectState');
});

test('a faster tier overtakes a restore that is on its way; an equal or slower one does not', async () => {
  const key = await cold('GLACIER');
  expect(await restore(key, 'Bulk', 1)).toBe(202);
  expect(await outcome(restoreRequest(key, 'Bulk', 1))).toBe('409 RestoreAlreadyInProgress');
  expect(await restore(key, 'Expedited', 1)).toBe(202);
  expect(await outcome(restoreRequest(key, 'Standard', 1))).toBe('409 RestoreAlreadyInProgress');
  await jump(5 * 60_000 + 1_000);
  expect(await text(key)).toBe('kept');
});

test('DEEP_ARCHIVE is slower, and has no expedited tier', async () => {
  const key = await cold('DEEP_ARCHIVE');
  expect(await outcome(restoreRequest(key, 'Expedited', 1))).toBe('400 InvalidArgument');
  await restore(key, 'Standard', 1);
  await jump(11 * HOUR_MS);
  expect(await outcome(get(key))).toBe('403 InvalidObjectState');
  await jump(1 * HOUR_MS + 1_000);
  expect(await text(key)).toBe('kept');
});

test('a restored object is copied; the copy is an object of its own class and stays', async () => {
  const key = await cold('GLACIER');
  await restore(key, 'Expedited', 1);
  await jump(5 * 60_000 + 1_000);
  const place = { Bucket: stack.bucket, Key: `${key}-hot`, CopySource: `${stack.bucket}/${key}` };
  await stack.s3Client.send(new CopyObjectCommand(place));
  await jump(3 * DAY_MS);
  expect(await text(`${key}-hot`)).toBe('kept');
  const head = await stack.s3Client.send(new HeadObjectCommand({ Bucket: stack.bucket, Key: `${key}-hot` }));
  expect([head.StorageClass, head.Restore]).toEqual([undefined, undefined]);
});

test('the delay of every restore can be set, and set back', async () => {
  expect(await settings('{"restoreMs":0}')).toBe(200);
  const key = await cold('DEEP_ARCHIVE');
  await restore(key, 'Bulk', 1);
  expect(await text(key)).toBe('kept');
  expect(await settings('{"restoreMs":null}')).toBe(200);
  const slow = await cold('DEEP_ARCHIVE');
  await restore(slow, 'Bulk', 1);
  expect(await outcome(get(slow))).toBe('403 InvalidObjectState');
  for (const wrong of ['{"restoreMs":-1}', '{"restoreMs":"soon"}', '{}', 'no JSON']) {
    expect(await settings(wrong)).toBe(400);
  }
});

let objects = 0;

async function cold(storageClass: StorageClass): Promise<string> {
  const key = `cold-${(objects += 1)}`;
  const place = { Bucket: stack.bucket, Key: key };
  await stack.s3Client.send(new PutObjectCommand({ ...place, Body: 'kept', StorageClass: storageClass }));
  return key;
}

async function restore(key: string, tier: Tier, days: number): Promise<number | undefined> {
  return (await restoreRequest(key, tier, days)).$metadata.httpStatusCode;
}

function restoreRequest(Key: string, Tier: Tier, Days: number) {
  const RestoreRequest = { Days, GlacierJobParameters: { Tier } };
  return stack.s3Client.send(new RestoreObjectCommand({ Bucket: stack.bucket, Key, RestoreRequest }));
}

function get(key: string) {
  return stack.s3Client.send(new GetObjectCommand({ Bucket: stack.bucket, Key: key }));
}

async function text(key: string): Promise<string | undefined> {
  return (await get(key)).Body?.transformToString();
}

async function restoreOf(key: string): Promise<string | undefined> {
  return (await stack.s3Client.send(new HeadObjectCommand({ Bucket: stack.bucket, Key: key }))).Restore;
}

async function jump(ms: number): Promise<void> {
  await fetch(`${stack.url}/_stack/clock`, { method: 'POST', body: JSON.stringify({ jumpMs: ms }) });
}

async function now(): Promise<number> {
  const { nowMs } = (await (await fetch(`${stack.url}/_stack/clock`)).json()) as { nowMs: number };
  return nowMs;
}

async function settings(body: string): Promise<number> {
  return (await fetch(`${stack.url}/_stack/s3`, { method: 'POST', body })).status;
}
