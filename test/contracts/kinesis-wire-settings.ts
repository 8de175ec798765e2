import {
  AddTagsToStreamCommand,
  CreateStreamCommand,
  DeleteStreamCommand,
  DeregisterStreamConsumerCommand,
  DescribeLimitsCommand,
  DescribeStreamConsumerCommand,
  GetShardIteratorCommand,
  ListStreamConsumersCommand,
  ListTagsForResourceCommand,
  ListTagsForStreamCommand,
  RegisterStreamConsumerCommand,
  RemoveTagsFromStreamCommand,
  StartStreamEncryptionCommand,
  StopStreamEncryptionCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-kinesis';
import { expect } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type Fact, type Story, texts } from './kinesis-story.ts';

const SHARD = 'shardId-000000000000';
const KEY = 'arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555';

export function settings(fact: Fact): void {
  fact('tags are added, replaced, listed in pages and removed', async (kinesis) => {
    const StreamName = await kinesis.stream(1);
    await kinesis.client.send(new AddTagsToStreamCommand({ StreamName, Tags: { b: '1', a: '1', c: '' } }));
    await kinesis.client.send(new AddTagsToStreamCommand({ StreamName, Tags: { a: '2' } }));
    const first = await kinesis.client.send(new ListTagsForStreamCommand({ StreamName, Limit: 2 }));
    expect(first).toMatchObject({
      Tags: [
        { Key: 'a', Value: '2' },
        { Key: 'b', Value: '1' },
      ],
      HasMoreTags: true,
    });
    const rest = await kinesis.client.send(
      new ListTagsForStreamCommand({ StreamName, ExclusiveStartTagKey: 'b' }),
    );
    expect(rest).toMatchObject({ Tags: [{ Key: 'c', Value: '' }], HasMoreTags: false });
    await kinesis.client.send(new RemoveTagsFromStreamCommand({ StreamName, TagKeys: ['a', 'c', 'none'] }));
    expect(await tags(kinesis, StreamName)).toEqual({ b: '1' });
  });

  fact('a stream can be made with tags, and tagged by its ARN', async (kinesis) => {
    const StreamName = kinesis.name();
    await kinesis.client.send(new CreateStreamCommand({ StreamName, ShardCount: 1, Tags: { a: '1' } }));
    await kinesis.active(StreamName);
    const ResourceARN = await kinesis.arn(StreamName);
    await kinesis.client.send(new TagResourceCommand({ ResourceARN, Tags: { b: '2', c: '3' } }));
    await kinesis.client.send(new UntagResourceCommand({ ResourceARN, TagKeys: ['c'] }));
    expect(await tags(kinesis, StreamName)).toEqual({ a: '1', b: '2' });
    const { Tags } = await kinesis.client.send(new ListTagsForResourceCommand({ ResourceARN }));
    expect(Tags).toEqual([
      { Key: 'a', Value: '1' },
      { Key: 'b', Value: '2' },
    ]);
  });

  fact('more than fifty tags, and keys that begin with aws:, are refused', async (kinesis) => {
    const StreamName = await kinesis.stream(1);
    const add = (Tags: Record<string, string>) =>
      kinesis.client.send(new AddTagsToStreamCommand({ StreamName, Tags }));
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`key-${n}`, '']));
    await expect(add({ ...many, more: '' })).rejects.toMatchObject({ $fault: 'client' });
    await expect(add({ 'aws:mine': '' })).rejects.toMatchObject({ $fault: 'client' });
    expect(await tags(kinesis, StreamName)).toEqual({});
  });

  fact('encryption starts and stops, and what was put before and after is read', async (kinesis) => {
    const StreamName = await kinesis.stream(1);
    const key = { StreamName, EncryptionType: 'KMS', KeyId: KEY } as const;
    await kinesis.put(StreamName, 'k', 'before');
    expect(await kinesis.summary(StreamName)).toMatchObject({ EncryptionType: 'NONE' });
    await kinesis.client.send(new StartStreamEncryptionCommand(key));
    await kinesis.active(StreamName);
    expect(await kinesis.summary(StreamName)).toMatchObject({ EncryptionType: 'KMS', KeyId: KEY });
    expect(await kinesis.put(StreamName, 'k', 'with a key')).toMatchObject({ EncryptionType: 'KMS' });
    await kinesis.client.send(new StopStreamEncryptionCommand(key));
    await kinesis.active(StreamName);
    expect(await kinesis.summary(StreamName)).toMatchObject({ EncryptionType: 'NONE' });
    await kinesis.put(StreamName, 'k', 'after');
    const records = await kinesis.drain(StreamName, SHARD);
    expect(texts(records)).toEqual(['before', 'with a key', 'after']);
    expect(records.map(({ EncryptionType: type }) => type === 'KMS')).toEqual([false, true, false]);
  });

  fact('a consumer is registered, seen and deregistered', async (kinesis) => {
    const stream = await kinesis.stream(1);
    const StreamARN = await kinesis.arn(stream);
    const registered = await kinesis.client.send(
      new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: 'reader' }),
    );
    const { ConsumerARN } = registered.Consumer ?? {};
    expect(registered.Consumer).toMatchObject({ ConsumerName: 'reader', ConsumerStatus: 'CREATING' });
    expect(ConsumerARN).toMatch(/^arn:aws:kinesis:[^:]+:\d{12}:stream\/[^/]+\/consumer\/reader:\d+$/);
    await eventually(() => statusOf(kinesis, { ConsumerARN }), 'ACTIVE');
    const described = await kinesis.client.send(
      new DescribeStreamConsumerCommand({ StreamARN, ConsumerName: 'reader' }),
    );
    expect(described.ConsumerDescription).toMatchObject({ ConsumerARN, StreamARN });
    expect((await kinesis.summary(stream)).ConsumerCount).toBe(1);
    await kinesis.client.send(new DeregisterStreamConsumerCommand({ ConsumerARN }));
    await eventually(() => statusOf(kinesis, { ConsumerARN }), 'ResourceNotFoundException');
    expect((await kinesis.client.send(new ListStreamConsumersCommand({ StreamARN }))).Consumers).toEqual([]);
  });

  fact('consumers are listed in pages, and each name is there once', async (kinesis) => {
    const StreamARN = await kinesis.arn(await kinesis.stream(1));
    for (const ConsumerName of ['c', 'a', 'b']) {
      await kinesis.client.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName }));
    }
    const again = new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: 'a' });
    await expect(kinesis.client.send(again)).rejects.toMatchObject({ name: 'ResourceInUseException' });
    const first = await kinesis.client.send(new ListStreamConsumersCommand({ StreamARN, MaxResults: 2 }));
    const { NextToken } = first;
    const second = await kinesis.client.send(new ListStreamConsumersCommand({ StreamARN, NextToken }));
    const names = [first, second].map(({ Consumers }) => Consumers?.map((one) => one.ConsumerName));
    expect(names.map((page) => page?.length)).toEqual([2, 1]);
    expect(new Set(names.flat())).toEqual(new Set(['a', 'b', 'c']));
    expect(second.NextToken ?? undefined).toBeUndefined();
  });

  fact('a stream with consumers is deleted only when that is said', async (kinesis) => {
    const StreamName = await kinesis.stream(1);
    const StreamARN = await kinesis.arn(StreamName);
    await kinesis.client.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: 'reader' }));
    const refused = kinesis.client.send(new DeleteStreamCommand({ StreamName }));
    await expect(refused).rejects.toMatchObject({ name: 'ResourceInUseException' });
    await kinesis.client.send(new DeleteStreamCommand({ StreamName, EnforceConsumerDeletion: true }));
    await eventually(() => kinesis.status(StreamName), 'ResourceNotFoundException');
  });

  fact('limits tell how many shards are open', async (kinesis) => {
    const limits = () => kinesis.client.send(new DescribeLimitsCommand({}));
    const before = await limits();
    await kinesis.stream(3);
    const after = await limits();
    expect((after.OpenShardCount ?? 0) - (before.OpenShardCount ?? 0)).toBe(3);
    expect(after.ShardLimit).toBeGreaterThanOrEqual(after.OpenShardCount ?? 0);
    expect(after.OnDemandStreamCountLimit).toBeGreaterThanOrEqual(after.OnDemandStreamCount ?? 0);
  });

  fact('a sequence number does not go with a start that has no use for it', async (kinesis) => {
    const StreamName = await kinesis.stream(1);
    const { SequenceNumber: StartingSequenceNumber } = await kinesis.put(StreamName, 'k', 'x');
    const start = { StreamName, ShardId: SHARD, StartingSequenceNumber };
    for (const ShardIteratorType of ['TRIM_HORIZON', 'LATEST'] as const) {
      const both = new GetShardIteratorCommand({ ...start, ShardIteratorType });
      await expect(kinesis.client.send(both)).rejects.toMatchObject({ name: 'InvalidArgumentException' });
    }
  });
}

async function tags(kinesis: Story, StreamName: string): Promise<Record<string, string | undefined>> {
  const { Tags = [] } = await kinesis.client.send(new ListTagsForStreamCommand({ StreamName }));
  return Object.fromEntries(Tags.map(({ Key, Value }) => [Key ?? '', Value]));
}

function statusOf(
  kinesis: Story,
  consumer: { readonly ConsumerARN?: string | undefined },
): Promise<string | undefined> {
  return kinesis.client.send(new DescribeStreamConsumerCommand(consumer)).then(
    ({ ConsumerDescription: found }) => found?.ConsumerStatus,
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  );
}
