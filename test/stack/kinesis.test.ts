import { readdir } from 'node:fs/promises';
import path from 'node:path';
import {
  AddTagsToStreamCommand,
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeLimitsCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  IncreaseStreamRetentionPeriodCommand,
  ListShardsCommand,
  ListStreamConsumersCommand,
  ListTagsForStreamCommand,
  PutRecordCommand,
  PutRecordsCommand,
  RegisterStreamConsumerCommand,
  SplitShardCommand,
  StartStreamEncryptionCommand,
  StopStreamEncryptionCommand,
  SubscribeToShardCommand,
  UpdateShardCountCommand,
  UpdateStreamModeCommand,
  type GetRecordsCommandOutput,
  type KinesisClient,
} from '@aws-sdk/client-kinesis';
import { expect, onTestFinished, test } from 'vitest';
import { startStack } from '../../stack/server.ts';
import type { Limits } from '../../stack/kinesis/limits.ts';
import { eventually } from '../support/eventually.ts';
import { tmpFolder } from '../support/tmp.ts';
import { ManualClock, serveKinesis } from './kinesis-server.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SHARD = 'shardId-000000000000';

test('an iterator expires five minutes after it was issued, by the clock', async () => {
  const { client, clock } = await opened();
  const start = await iteratorOf(client);
  clock.move(5 * MINUTE);
  const page = await client.send(new GetRecordsCommand({ ShardIterator: start }));
  clock.move(1);
  const read = client.send(new GetRecordsCommand({ ShardIterator: start }));
  await expect(read).rejects.toMatchObject({ name: 'ExpiredIteratorException' });
  expect(
    (await client.send(new GetRecordsCommand({ ShardIterator: page.NextShardIterator }))).Records,
  ).toEqual([]);
});

test('a page token expires as well', async () => {
  const { client, clock } = await opened({}, 2);
  const { NextToken } = await client.send(new ListShardsCommand({ StreamName: 's', MaxResults: 1 }));
  clock.move(5 * MINUTE + 1);
  const list = client.send(new ListShardsCommand({ NextToken }));
  await expect(list).rejects.toMatchObject({ name: 'ExpiredNextTokenException' });
});

test('what one second cannot take fails alone, inside HTTP 200', async () => {
  const { client, clock } = await opened({ scale: 1, writeRecordsPerSecond: 3 });
  const { FailedRecordCount, Records } = await put(client, ['a', 'b', 'c', 'd', 'e']);
  expect(FailedRecordCount).toBe(2);
  expect(Records?.map(({ ErrorCode }) => ErrorCode)).toEqual([
    undefined,
    undefined,
    undefined,
    'ProvisionedThroughputExceededException',
    'ProvisionedThroughputExceededException',
  ]);
  const one = client.send(
    new PutRecordCommand({ StreamName: 's', PartitionKey: 'k', Data: Buffer.from('f') }),
  );
  await expect(one).rejects.toMatchObject({ name: 'ProvisionedThroughputExceededException' });
  clock.move(1_000);
  expect((await put(client, ['d', 'e'])).FailedRecordCount).toBe(0);
  expect(await all(client)).toEqual(['a', 'b', 'c', 'd', 'e']);
});

test('the bytes of a second are bounded as its records are', async () => {
  const { client } = await opened({ scale: 1, writeBytesPerSecond: 10 });
  // Four bytes of data and one of key each.
  expect((await put(client, ['aaaa', 'bbbb', 'cccc'])).FailedRecordCount).toBe(1);
});

test('records fail alone when they are told to, and the others keep their places', async () => {
  const { client } = await opened({ failRecordEvery: 3 });
  const { FailedRecordCount, Records } = await put(client, ['a', 'b', 'c', 'd']);
  expect(FailedRecordCount).toBe(1);
  expect(Records?.[2]).toEqual({ ErrorCode: 'InternalFailure', ErrorMessage: 'Internal service failure.' });
  expect(await all(client)).toEqual(['a', 'b', 'd']);
});

test('an empty page hides nothing: it is behind, and its iterator leads on', async () => {
  const { client } = await opened({ emptyPageEvery: 1 });
  await put(client, ['a']);
  const page = await client.send(new GetRecordsCommand({ ShardIterator: await iteratorOf(client) }));
  expect(page.Records).toEqual([]);
  expect(page.MillisBehindLatest).toBeGreaterThan(0);
});

test('every second page is empty and still everything is read', async () => {
  const { client } = await opened({ emptyPageEvery: 2, recordsPerRead: 2 });
  await put(client, ['a', 'b', 'c', 'd', 'e']);
  expect(await all(client)).toEqual(['a', 'b', 'c', 'd', 'e']);
});

test('a sixth read of a shard in one second is refused', async () => {
  const { client, clock } = await opened({ readsPerSecond: 5 });
  const start = await iteratorOf(client);
  const read = () => client.send(new GetRecordsCommand({ ShardIterator: start }));
  for (let calls = 0; calls < 5; calls += 1) await read();
  await expect(read()).rejects.toMatchObject({ name: 'ProvisionedThroughputExceededException' });
  clock.move(1_000);
  await read();
});

test('a page larger than a second allows blocks the seconds it would have taken', async () => {
  const { client, clock } = await opened({ scale: 1, readBytesPerSecond: 100 });
  await put(client, ['x'.repeat(300)]);
  const start = await iteratorOf(client);
  const read = () => client.send(new GetRecordsCommand({ ShardIterator: start }));
  expect((await read()).Records).toHaveLength(1);
  clock.move(2_000);
  await expect(read()).rejects.toMatchObject({ name: 'ProvisionedThroughputExceededException' });
  clock.move(3_000);
  await read();
});

test('a page ends at its bound of bytes, and holds one record at least', async () => {
  const { client } = await opened({ bytesPerRead: 600 });
  await put(client, ['a'.repeat(300), 'b'.repeat(300), 'c'.repeat(3_000)]);
  const sizes = [];
  for (let next: string | undefined = await iteratorOf(client); next && sizes.length < 3;) {
    const page: GetRecordsCommandOutput = await client.send(new GetRecordsCommand({ ShardIterator: next }));
    sizes.push(page.Records?.map(({ Data }) => Data?.length));
    next = page.NextShardIterator;
  }
  expect(sizes).toEqual([[300], [300], [3_000]]);
});

test('retention trims by the clock, and a start below the horizon begins at the horizon in silence', async () => {
  const { client, clock } = await opened();
  const { Records } = await put(client, ['old']);
  clock.move(20 * HOUR);
  await put(client, ['young']);
  const from = { StartingSequenceNumber: Records?.[0]?.SequenceNumber, StreamName: 's', ShardId: SHARD };
  clock.move(4 * HOUR + 1);
  const { ShardIterator } = await client.send(
    new GetShardIteratorCommand({ ...from, ShardIteratorType: 'AT_SEQUENCE_NUMBER' }),
  );
  const page = await client.send(new GetRecordsCommand({ ShardIterator }));
  expect(page.Records?.map(({ Data }) => Buffer.from(Data ?? []).toString())).toEqual(['young']);
});

test('a longer retention brings nothing back', async () => {
  const { client, clock } = await opened();
  await put(client, ['old']);
  clock.move(25 * HOUR);
  await client.send(new IncreaseStreamRetentionPeriodCommand({ StreamName: 's', RetentionPeriodHours: 72 }));
  await active(client);
  expect(await all(client)).toEqual([]);
});

test('trimmed segments leave the disk, and what follows keeps its sequence numbers', async () => {
  const { client, clock, dir } = await opened({ segmentBytes: 1 });
  const files = () => readdir(path.join(dir, 's000001', SHARD));
  await put(client, ['a']);
  await put(client, ['b']);
  expect(await files()).toHaveLength(2);
  clock.move(25 * HOUR);
  const { Records } = await put(client, ['c']);
  expect(await files()).toHaveLength(1);
  const [only] =
    (await client.send(new GetRecordsCommand({ ShardIterator: await iteratorOf(client) }))).Records ?? [];
  expect(only?.SequenceNumber).toBe(Records?.[0]?.SequenceNumber);
});

test('a closed shard is listed until its last record has expired', async () => {
  const { client, clock } = await opened();
  await put(client, ['a']);
  await client.send(
    new SplitShardCommand({ StreamName: 's', ShardToSplit: SHARD, NewStartingHashKey: '1000' }),
  );
  clock.move(24 * HOUR);
  expect(await shardIds(client)).toEqual([SHARD, 'shardId-000000000001', 'shardId-000000000002']);
  clock.move(2);
  expect(await shardIds(client)).toEqual(['shardId-000000000001', 'shardId-000000000002']);
  await expect(iteratorOf(client)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

test('arrivals never descend, though the clock does, and a child begins after its parent', async () => {
  const { client, clock } = await opened();
  const first = await put(client, ['a']);
  clock.move(-10 * MINUTE);
  await put(client, ['b']);
  const page = await client.send(new GetRecordsCommand({ ShardIterator: await iteratorOf(client) }));
  const arrivals = page.Records?.map(({ ApproximateArrivalTimestamp: at }) => at?.toISOString());
  expect(arrivals).toEqual(['2026-11-22T10:00:00.000Z', '2026-11-22T10:00:00.000Z']);
  await client.send(
    new SplitShardCommand({ StreamName: 's', ShardToSplit: SHARD, NewStartingHashKey: '1000' }),
  );
  const child = await put(client, ['c']);
  expect(BigInt(child.Records?.[0]?.SequenceNumber ?? 0)).toBeGreaterThan(
    BigInt(first.Records?.[0]?.SequenceNumber ?? 0),
  );
});

test('a stream that is made again is younger by a second at least', async () => {
  const { client } = await opened();
  const made = async () => {
    const { StreamDescriptionSummary } = await client.send(
      new DescribeStreamSummaryCommand({ StreamName: 's' }),
    );
    return StreamDescriptionSummary?.StreamCreationTimestamp?.toISOString();
  };
  expect(await made()).toBe('2026-11-22T10:00:00.000Z');
  await client.send(new DeleteStreamCommand({ StreamName: 's' }));
  await eventually(() => made().catch((error: Error) => error.name), 'ResourceNotFoundException');
  await client.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }));
  expect(await made()).toBe('2026-11-22T10:00:01.000Z');
});

test.for(['a', 'a===', 'YQ=\n', 'YQ-_', 'Y"==', 'YQ==YQ==', 'é==='])(
  'data of %j is not base64',
  async (Data) => {
    const { service } = await opened();
    const request = { StreamName: 's', Records: [{ Data, PartitionKey: 'k' }] };
    const { status, body } = await service.handle('PutRecords', Buffer.from(JSON.stringify(request)));
    expect(status).toBe(400);
    expect(body.toString()).toContain('Records[0].Data is not base64');
  },
);

test('the running stack takes other limits by its control endpoint, and refuses what is none', async () => {
  const stack = await startStack({ dir: await tmpFolder(), port: 0, kinesisLimits: { settleMs: 0 } });
  onTestFinished(() => stack.close());
  const post = (body: string) => fetch(`${stack.url}/_stack/kinesis`, { method: 'POST', body });
  expect(await (await post('{"failRecordEvery": 2}')).json()).toMatchObject({
    settleMs: 0,
    failRecordEvery: 2,
  });
  const refused = await post('{"emptyPages": 2}');
  expect(refused.status).toBe(400);
  expect(await refused.text()).toContain('emptyPages is no limit: there are scale, ');
});

test('what is not built is refused by name', async () => {
  const { client, service } = await opened();
  const StartingPosition = { Type: 'LATEST' } as const;
  const subscribe = client.send(
    new SubscribeToShardCommand({ ConsumerARN: 'arn', ShardId: SHARD, StartingPosition }),
  );
  await expect(subscribe).rejects.toMatchObject({
    name: 'UnknownOperationException',
    message:
      'SubscribeToShard is not built here: a consumer can be registered and seen, and records are read with GetShardIterator and GetRecords',
  });
  const unknown = await service.handle('EnableEnhancedMonitoring', Buffer.from('{}'));
  expect(unknown.body.toString()).toContain('Kinesis_20131202 has no EnableEnhancedMonitoring here');
  expect((await service.handle('ListShards', Buffer.from('{"StreamName":5}'))).status).toBe(400);
  expect((await service.handle('ListShards', Buffer.from('{"Stream'))).body.toString()).toContain(
    'SerializationException',
  );
});

test.for([
  ['CreateStream', { StreamName: 't', ShardCount: 1, MaxRecordSizeInKiB: 2048 }, 'MaxRecordSizeInKiB'],
  ['PutRecord', { StreamName: 's', PartitionKey: 'k', Data: '', DryRun: true }, 'DryRun'],
  ['PutRecords', { StreamName: 's', Records: [], DryRun: true }, 'DryRun'],
  ['GetRecords', { ShardIterator: 'x', DryRun: false }, 'DryRun'],
  ['GetShardIterator', { StreamName: 's', StreamId: 'x' }, 'StreamId'],
  ['UpdateStreamMode', { StreamARN: 'x', WarmThroughputMiBps: 5 }, 'WarmThroughputMiBps'],
  ['RegisterStreamConsumer', { StreamARN: 'x', ConsumerName: 'c', Tags: { a: 'b' } }, 'Tags'],
  ['DescribeLimits', { Nonsense: 1 }, 'Nonsense'],
] as const)('%s refuses the member that it would have to drop: %j', async ([name, body, member]) => {
  const { service } = await opened();
  const answer = await service.handle(name, Buffer.from(JSON.stringify(body)));
  expect(answer.status).toBe(400);
  expect(JSON.parse(answer.body.toString())).toEqual({
    __type: 'InvalidArgumentException',
    message: `${name}.${member} is not built here`,
  });
});

test("an ARN that is not the iterator's stream is refused", async () => {
  const { client } = await opened();
  const ShardIterator = await iteratorOf(client);
  const read = client.send(
    new GetRecordsCommand({ ShardIterator, StreamARN: 'arn:aws:kinesis:x:1:stream/t' }),
  );
  await expect(read).rejects.toMatchObject({ name: 'InvalidArgumentException' });
});

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

/** One stream, `s`, of one shard, by a clock that stands. */
async function opened(limits: Partial<Limits> = {}, shards = 1) {
  const clock = new ManualClock();
  const dir = await tmpFolder();
  const unpaced = { readsPerSecond: 1_000, iteratorsPerSecond: 1_000, settleMs: 0 };
  const served = await serveKinesis({
    dir,
    clock,
    account: '000000000000',
    region: 'us-east-1',
    limits: { ...unpaced, ...limits },
  });
  let ended: Promise<void> | undefined;
  const end = () => (ended ??= served.close());
  onTestFinished(end);
  await served.client.send(new CreateStreamCommand({ StreamName: 's', ShardCount: shards }));
  return { ...served, clock, dir, end };
}

function put(client: KinesisClient, texts: readonly string[]) {
  const Records = texts.map((text) => ({ Data: Buffer.from(text), PartitionKey: 'k' }));
  return client.send(new PutRecordsCommand({ StreamName: 's', Records }));
}

async function iteratorOf(client: KinesisClient): Promise<string> {
  const { ShardIterator } = await client.send(
    new GetShardIteratorCommand({ StreamName: 's', ShardId: SHARD, ShardIteratorType: 'TRIM_HORIZON' }),
  );
  return ShardIterator ?? '';
}

async function all(client: KinesisClient): Promise<string[]> {
  const texts: string[] = [];
  for (let next: string | undefined = await iteratorOf(client); next;) {
    const page: GetRecordsCommandOutput = await client.send(new GetRecordsCommand({ ShardIterator: next }));
    texts.push(...(page.Records ?? []).map(({ Data }) => Buffer.from(Data ?? []).toString()));
    next = page.MillisBehindLatest === 0 ? undefined : page.NextShardIterator;
  }
  return texts;
}

async function shardIds(client: KinesisClient): Promise<(string | undefined)[]> {
  const { Shards } = await client.send(new ListShardsCommand({ StreamName: 's' }));
  return (Shards ?? []).map(({ ShardId }) => ShardId);
}

function active(client: KinesisClient): Promise<void> {
  return eventually(async () => {
    const { StreamDescriptionSummary } = await client.send(
      new DescribeStreamSummaryCommand({ StreamName: 's' }),
    );
    return StreamDescriptionSummary?.StreamStatus;
  }, 'ACTIVE');
}
