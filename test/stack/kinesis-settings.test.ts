import {
  AddTagsToStreamCommand,
  CreateStreamCommand,
  DescribeLimitsCommand,
  DescribeStreamSummaryCommand,
  ListStreamConsumersCommand,
  ListTagsForStreamCommand,
  RegisterStreamConsumerCommand,
  SplitShardCommand,
  StartStreamEncryptionCommand,
  StopStreamEncryptionCommand,
  UpdateShardCountCommand,
  UpdateStreamModeCommand,
} from '@aws-sdk/client-kinesis';
import { expect, onTestFinished, test } from 'vitest';
import { SHARD, opened, put, shardIds } from './kinesis-lab.ts';
import { serveKinesis } from './kinesis-server.ts';

const HOUR = 3_600_000;

test('a stream is scaled and changes its mode so often in 24 hours, and may again when they have passed', async () => {
  const { client, clock } = await opened({ scalingsPerDay: 2 });
  const scale = (TargetShardCount: number) =>
    client.send(
      new UpdateShardCountCommand({ StreamName: 's', TargetShardCount, ScalingType: 'UNIFORM_SCALING' }),
    );
  await scale(2);
  await scale(4);
  await expect(scale(2)).rejects.toMatchObject({ name: 'LimitExceededException' });
  const StreamARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/s';
  const mode = (StreamMode: 'ON_DEMAND' | 'PROVISIONED') =>
    client.send(new UpdateStreamModeCommand({ StreamARN, StreamModeDetails: { StreamMode } }));
  await mode('ON_DEMAND');
  const split = new SplitShardCommand({ StreamName: 's', ShardToSplit: SHARD, NewStartingHashKey: '5' });
  await expect(client.send(split)).rejects.toMatchObject({ name: 'ValidationException' });
  await mode('PROVISIONED');
  await expect(mode('ON_DEMAND')).rejects.toMatchObject({ name: 'LimitExceededException' });
  clock.move(24 * HOUR);
  await mode('PROVISIONED');
  await scale(2);
});

test('an account has so many open shards, streams on demand and consumers, and no more', async () => {
  const { client } = await opened({ shardsPerAccount: 6, onDemandStreams: 1, consumersPerStream: 1 });
  const create = (StreamName: string, StreamMode: 'ON_DEMAND' | 'PROVISIONED', ShardCount?: number) =>
    client.send(new CreateStreamCommand({ StreamName, ShardCount, StreamModeDetails: { StreamMode } }));
  await expect(create('t', 'PROVISIONED', 6)).rejects.toMatchObject({ name: 'LimitExceededException' });
  await create('t', 'ON_DEMAND');
  await expect(create('u', 'ON_DEMAND')).rejects.toMatchObject({ name: 'LimitExceededException' });
  await create('u', 'PROVISIONED', 1);
  const split = new SplitShardCommand({ StreamName: 's', ShardToSplit: SHARD, NewStartingHashKey: '5' });
  await expect(client.send(split)).rejects.toMatchObject({ name: 'LimitExceededException' });
  expect(await client.send(new DescribeLimitsCommand({}))).toMatchObject({
    ShardLimit: 6,
    OpenShardCount: 6,
    OnDemandStreamCount: 1,
    OnDemandStreamCountLimit: 1,
  });
  const StreamARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/s';
  const register = (ConsumerName: string) =>
    client.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName }));
  await register('a');
  await expect(register('b')).rejects.toMatchObject({ name: 'LimitExceededException' });
});

test("another key than the one it has does not stop a stream's encryption", async () => {
  const { client } = await opened();
  const key = (KeyId: string) => ({ StreamName: 's', EncryptionType: 'KMS', KeyId }) as const;
  const stop = (KeyId: string) => client.send(new StopStreamEncryptionCommand(key(KeyId)));
  await expect(stop('alias/one')).rejects.toMatchObject({ name: 'InvalidArgumentException' });
  await client.send(new StartStreamEncryptionCommand(key('alias/one')));
  await expect(stop('alias/two')).rejects.toMatchObject({
    message: 'Stream s is encrypted with alias/one, not with alias/two',
  });
  await stop('alias/one');
});

test('what a stream was told survives the process', async () => {
  const { client, dir, clock, end } = await opened();
  const StreamARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/s';
  await client.send(
    new UpdateShardCountCommand({ StreamName: 's', TargetShardCount: 2, ScalingType: 'UNIFORM_SCALING' }),
  );
  await client.send(new AddTagsToStreamCommand({ StreamName: 's', Tags: { a: '1' } }));
  await client.send(new StartStreamEncryptionCommand({ StreamName: 's', EncryptionType: 'KMS', KeyId: 'k' }));
  await client.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: 'reader' }));
  await put(client, ['with a key']);
  await client.send(
    new UpdateStreamModeCommand({ StreamARN, StreamModeDetails: { StreamMode: 'ON_DEMAND' } }),
  );
  await end();
  const again = await serveKinesis({ dir, clock, account: '000000000000', region: 'us-east-1' });
  onTestFinished(() => again.close());
  const summary = await again.client.send(new DescribeStreamSummaryCommand({ StreamName: 's' }));
  expect(summary.StreamDescriptionSummary).toMatchObject({
    StreamStatus: 'ACTIVE',
    StreamModeDetails: { StreamMode: 'ON_DEMAND' },
    EncryptionType: 'KMS',
    KeyId: 'k',
    OpenShardCount: 2,
    ConsumerCount: 1,
  });
  const { Consumers } = await again.client.send(new ListStreamConsumersCommand({ StreamARN }));
  expect(Consumers).toMatchObject([{ ConsumerName: 'reader', ConsumerStatus: 'ACTIVE' }]);
  const { Tags } = await again.client.send(new ListTagsForStreamCommand({ StreamName: 's' }));
  expect(Tags).toEqual([{ Key: 'a', Value: '1' }]);
  expect(await shardIds(again.client)).toHaveLength(3);
});
