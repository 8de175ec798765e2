import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, onTestFinished, test } from 'vitest';
import { openStack } from './stack.ts';

test('a stack of its own stores and gives back, in a bucket of its own', async () => {
  const stack = await openStack();
  onTestFinished(() => stack.close());
  const place = { Bucket: stack.bucket, Key: 'a b' };
  await stack.s3Client.send(new PutObjectCommand({ ...place, Body: 'rows' }));
  const { Body } = await stack.s3Client.send(new GetObjectCommand(place));
  expect(await Body?.transformToString()).toBe('rows');
  expect(await stack.makeBucket()).not.toBe(stack.bucket);
});
