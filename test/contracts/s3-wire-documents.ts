import {
  type BucketLifecycleConfiguration,
  DeleteBucketCorsCommand,
  DeleteBucketEncryptionCommand,
  DeleteBucketLifecycleCommand,
  DeleteBucketPolicyCommand,
  DeleteBucketTaggingCommand,
  DeletePublicAccessBlockCommand,
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  GetPublicAccessBlockCommand,
  PutBucketCorsCommand,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutPublicAccessBlockCommand,
} from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { type Fact, outcome } from './s3-wire-story.ts';

const CONFIGURATION: BucketLifecycleConfiguration = {
  Rules: [
    {
      ID: 'parts',
      Status: 'Enabled',
      Filter: { Prefix: '' },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
    },
    {
      ID: 'old raw',
      Status: 'Disabled',
      Filter: { Prefix: 'raw/' },
      Transitions: [{ Days: 90, StorageClass: 'GLACIER' }],
    },
  ],
};

/** What a bucket keeps for its owner. */
export function documents(fact: Fact): void {
  fact('a bucket has the tags that it was given last, until they are deleted', async ({ client, bucket }) => {
    const Bucket = bucket;
    const read = () => client.send(new GetBucketTaggingCommand({ Bucket }));
    expect(await outcome(read())).toBe('404 NoSuchTagSet');
    const TagSet = [{ Key: 'team', Value: 'data: ü+1' }];
    await client.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
    expect(await read()).toMatchObject({ TagSet });
    await client.send(new DeleteBucketTaggingCommand({ Bucket }));
    expect(await outcome(read())).toBe('404 NoSuchTagSet');
  });

  fact('a bucket has the lifecycle rules that it was given last', async ({ client, bucket }) => {
    const Bucket = bucket;
    const read = () => client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
    expect(await outcome(read())).toBe('404 NoSuchLifecycleConfiguration');
    const LifecycleConfiguration = CONFIGURATION;
    await client.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration }));
    expect((await read()).Rules).toMatchObject(CONFIGURATION.Rules ?? []);
    await client.send(new DeleteBucketLifecycleCommand({ Bucket }));
    expect(await outcome(read())).toBe('404 NoSuchLifecycleConfiguration');
  });

  fact('lifecycle rules that are none are refused, and what was there stays', async ({ client, bucket }) => {
    const put = (LifecycleConfiguration: BucketLifecycleConfiguration) =>
      client.send(new PutBucketLifecycleConfigurationCommand({ Bucket: bucket, LifecycleConfiguration }));
    await put(CONFIGURATION);
    expect(await outcome(put({ Rules: [] }))).toBe('400 MalformedXML');
    const found = await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }));
    expect(found.Rules).toHaveLength(2);
  });

  fact('a bucket encrypts by AES256 until it is told otherwise', async ({ client, bucket }) => {
    const Bucket = bucket;
    const read = async () => {
      const found = await client.send(new GetBucketEncryptionCommand({ Bucket }));
      const [rule] = found.ServerSideEncryptionConfiguration?.Rules ?? [];
      return rule?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm;
    };
    expect(await read()).toBe('AES256');
    const Rules = [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' as const } }];
    const ServerSideEncryptionConfiguration = { Rules };
    await client.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration }));
    expect(await read()).toBe('aws:kms');
    await client.send(new DeleteBucketEncryptionCommand({ Bucket }));
    expect(await read()).toBe('AES256');
  });

  fact('a bucket has the policy that it was given last', async ({ client, bucket }) => {
    const Bucket = bucket;
    const read = () => client.send(new GetBucketPolicyCommand({ Bucket }));
    expect(await outcome(read())).toBe('404 NoSuchBucketPolicy');
    const policy = {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Deny',
          Principal: '*',
          Action: 's3:DeleteObject',
          Resource: `arn:aws:s3:::${bucket}/ledger/*`,
        },
      ],
    };
    await client.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify(policy) }));
    expect(JSON.parse((await read()).Policy ?? '')).toEqual(policy);
    expect(await outcome(client.send(new PutBucketPolicyCommand({ Bucket, Policy: 'no JSON' })))).toBe(
      '400 MalformedPolicy',
    );
    await client.send(new DeleteBucketPolicyCommand({ Bucket }));
    expect(await outcome(read())).toBe('404 NoSuchBucketPolicy');
  });

  fact('a bucket has the CORS rules that it was given last', async ({ client, bucket }) => {
    const Bucket = bucket;
    const read = () => client.send(new GetBucketCorsCommand({ Bucket }));
    expect(await outcome(read())).toBe('404 NoSuchCORSConfiguration');
    const CORSRules = [
      { AllowedMethods: ['GET'], AllowedOrigins: ['https://example.com'], MaxAgeSeconds: 60 },
    ];
    await client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }));
    expect(await read()).toMatchObject({ CORSRules });
    await client.send(new DeleteBucketCorsCommand({ Bucket }));
    expect(await outcome(read())).toBe('404 NoSuchCORSConfiguration');
  });

  fact('a bucket notifies nobody until it is told to', async ({ client, bucket }) => {
    const Bucket = bucket;
    const read = () => client.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
    expect((await read()).EventBridgeConfiguration).toBeUndefined();
    const NotificationConfiguration = { EventBridgeConfiguration: {} };
    await client.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }));
    expect((await read()).EventBridgeConfiguration).toBeDefined();
    await client.send(
      new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration: {} }),
    );
    expect((await read()).EventBridgeConfiguration).toBeUndefined();
  });

  fact('a new bucket blocks public access, until that is changed', async ({ client, bucket }) => {
    const Bucket = bucket;
    const read = async () =>
      (await client.send(new GetPublicAccessBlockCommand({ Bucket }))).PublicAccessBlockConfiguration;
    const all = {
      BlockPublicAcls: true,
      IgnorePublicAcls: true,
      BlockPublicPolicy: true,
      RestrictPublicBuckets: true,
    };
    expect(await read()).toEqual(all);
    const PublicAccessBlockConfiguration = { ...all, BlockPublicPolicy: false };
    await client.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }));
    expect(await read()).toEqual(PublicAccessBlockConfiguration);
    await client.send(new DeletePublicAccessBlockCommand({ Bucket }));
    expect(await outcome(read())).toBe('404 NoSuchPublicAccessBlockConfiguration');
  });

  fact('a bucket that is not there has no documents', async ({ client, bucket }) => {
    const Bucket = `${bucket}-not`;
    expect(await outcome(client.send(new GetBucketPolicyCommand({ Bucket })))).toBe('404 NoSuchBucket');
    const tags = { Bucket, Tagging: { TagSet: [] } };
    expect(await outcome(client.send(new PutBucketTaggingCommand(tags)))).toBe('404 NoSuchBucket');
  });
}
