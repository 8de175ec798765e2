import {
  DeleteBucketCommand,
  GetBucketLocationCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { type Fact, outcome } from './s3-wire-story.ts';

export function buckets(fact: Fact): void {
  fact('a bucket is there once it is made, and is listed', async ({ client, bucket }) => {
    expect(await outcome(client.send(new HeadBucketCommand({ Bucket: bucket })))).toBe('done');
    const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
    expect(Buckets.map(({ Name }) => Name)).toContain(bucket);
  });

  fact('a bucket says which region it is in', async ({ client, bucket, region }) => {
    const { LocationConstraint } = await client.send(new GetBucketLocationCommand({ Bucket: bucket }));
    // The oldest region is told by no name at all.
    expect(LocationConstraint ?? 'us-east-1').toBe(region);
  });

  fact('a bucket with an object in it is not deleted', async (s3) => {
    await s3.put('a', 'here');
    const gone = new DeleteBucketCommand({ Bucket: s3.bucket });
    expect(await outcome(s3.client.send(gone))).toBe('409 BucketNotEmpty');
    expect(await s3.text('a')).toBe('here');
  });

  fact('an empty bucket is deleted, and is then no bucket', async ({ client, bucket }) => {
    await client.send(new DeleteBucketCommand({ Bucket: bucket }));
    expect(await outcome(client.send(new HeadBucketCommand({ Bucket: bucket })))).toBe('404 NotFound');
    expect(await outcome(client.send(new ListObjectsV2Command({ Bucket: bucket })))).toBe('404 NoSuchBucket');
  });

  fact('a missing object is told from a missing bucket', async (s3) => {
    expect(await outcome(s3.get('nowhere'))).toBe('404 NoSuchKey');
    expect(await outcome(s3.head('nowhere'))).toBe('404 NotFound');
    expect(await outcome(s3.get('a', { Bucket: `${s3.bucket}-not` }))).toBe('404 NoSuchBucket');
    expect(await outcome(s3.put('a', '', { Bucket: `${s3.bucket}-not` }))).toBe('404 NoSuchBucket');
  });

  fact('a secret that is not ours is refused', async ({ withKeys, bucket }) => {
    const call = new ListObjectsV2Command({ Bucket: bucket });
    expect(await outcome(withKeys('tributary', 'not-the-secret').send(call))).toBe(
      '403 SignatureDoesNotMatch',
    );
  });

  fact('an access key that nobody has is refused', async ({ withKeys, bucket }) => {
    const call = new ListObjectsV2Command({ Bucket: bucket });
    expect(await outcome(withKeys('nobody', 'tributary-local').send(call))).toBe('403 InvalidAccessKeyId');
  });

  fact('a call for a bucket of another owner is refused', async (s3) => {
    const theirs = { ExpectedBucketOwner: '999999999999' };
    expect(await outcome(s3.put('a', 'x', theirs))).toBe('403 AccessDenied');
    expect(await s3.keys()).toEqual([]);
  });
}
