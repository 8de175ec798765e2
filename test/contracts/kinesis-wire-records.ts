import { createHash } from 'node:crypto';
import {
  DescribeStreamSummaryCommand,
  GetShardIteratorCommand,
  ListShardsCommand,
  PutRecordCommand,
  PutRecordsCommand,
} from '@aws-sdk/client-kinesis';
import { expect } from 'vitest';
import { type Fact, holds, texts } from './kinesis-story.ts';

/** What a record is, and where it goes. */
export function records(fact: Fact): void {
  fact('a record goes where the MD5 of its partition key lies', async (kinesis) => {
    const stream = await kinesis.stream(4);
    const shards = await kinesis.shards(stream);
    for (const key of ['a', 'order-17', 'ключ']) {
      const hash = BigInt(`0x${createHash('md5').update(key).digest('hex')}`);
      const home = shards.find((shard) => holds(shard, hash))?.ShardId;
      expect((await kinesis.put(stream, key, 'x')).ShardId).toBe(home);
    }
  });

  fact('an explicit hash key decides over the partition key', async (kinesis) => {
    const stream = await kinesis.stream(2);
    const last = '340282366920938463463374607431768211455';
    expect((await kinesis.put(stream, 'any', 'x', '0')).ShardId).toBe('shardId-000000000000');
    expect((await kinesis.put(stream, 'any', 'x', last)).ShardId).toBe('shardId-000000000001');
  });

  fact('a record comes back byte for byte, with its key', async (kinesis) => {
    const stream = await kinesis.stream(1);
    const data = Uint8Array.from({ length: 256 }, (_, at) => at);
    await kinesis.put(stream, 'a "quoted"\nключ', data);
    const [record] = await kinesis.drain(stream, 'shardId-000000000000');
    expect(record?.PartitionKey).toBe('a "quoted"\nключ');
    expect(Buffer.from(record?.Data ?? []).equals(data)).toBe(true);
  });

  fact('sequence numbers ascend as numbers of at most 56 digits', async (kinesis) => {
    const stream = await kinesis.stream(1);
    await kinesis.putAll(stream, ['a', 'b', 'c'], 4);
    const numbers = (await kinesis.drain(stream, 'shardId-000000000000')).map(
      (record) => record.SequenceNumber ?? '',
    );
    expect(numbers).toHaveLength(12);
    for (const number of numbers) expect(number).toMatch(/^\d{1,56}$/);
    for (const [at, number] of numbers.entries()) {
      if (at > 0) expect(BigInt(number)).toBeGreaterThan(BigInt(numbers[at - 1] ?? ''));
    }
  });

  fact('more than 500 records in one call are refused, all of them', async (kinesis) => {
    const stream = await kinesis.stream(1);
    const Records = Array.from({ length: 501 }, () => ({ Data: Buffer.from('x'), PartitionKey: 'k' }));
    await expect(
      kinesis.client.send(new PutRecordsCommand({ StreamName: stream, Records })),
    ).rejects.toMatchObject({ $fault: 'client' });
    expect(await kinesis.drain(stream, 'shardId-000000000000')).toEqual([]);
  });

  fact('an ARN does wherever a name does', async (kinesis) => {
    const name = await kinesis.stream(1);
    const summary = await kinesis.client.send(new DescribeStreamSummaryCommand({ StreamName: name }));
    const StreamARN = summary.StreamDescriptionSummary?.StreamARN;
    const Data = Buffer.from('x');
    await kinesis.client.send(new PutRecordCommand({ StreamARN, Data, PartitionKey: 'k' }));
    await kinesis.client.send(new PutRecordsCommand({ StreamARN, Records: [{ Data, PartitionKey: 'k' }] }));
    const { Shards } = await kinesis.client.send(new ListShardsCommand({ StreamARN }));
    const { ShardIterator } = await kinesis.client.send(
      new GetShardIteratorCommand({
        StreamARN,
        ShardId: Shards?.[0]?.ShardId,
        ShardIteratorType: 'TRIM_HORIZON',
      }),
    );
    expect(texts(await kinesis.follow(ShardIterator))).toEqual(['x', 'x']);
  });
}
