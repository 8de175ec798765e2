import { readdir } from 'node:fs/promises';
import path from 'node:path';
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  IncreaseStreamRetentionPeriodCommand,
  ListShardsCommand,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { SHARD, active, all, iteratorOf, opened, put, shardIds } from './kinesis-lab.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

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
