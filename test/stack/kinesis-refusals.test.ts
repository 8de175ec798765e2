import { GetRecordsCommand, SubscribeToShardCommand } from '@aws-sdk/client-kinesis';
import { expect, test } from 'vitest';
import { SHARD, iteratorOf, opened } from './kinesis-lab.ts';

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
