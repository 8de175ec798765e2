import { GetRecordsCommand } from '@aws-sdk/client-kinesis';
import { expect } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type Fact, type Start, texts } from './kinesis-story.ts';

/** Where reading begins, and how it goes on. */
export function reading(fact: Fact): void {
  fact('each kind of iterator begins where it says', async (kinesis) => {
    const stream = await kinesis.stream(1);
    const shardId = 'shardId-000000000000';
    const latest = await kinesis.iterator(stream, shardId, { ShardIteratorType: 'LATEST' });
    const first = await kinesis.put(stream, 'k', 'first');
    await kinesis.put(stream, 'k', 'second');
    const from = { StartingSequenceNumber: first.SequenceNumber };
    const read = async (start: Start) => texts(await kinesis.drain(stream, shardId, start));
    expect(texts(await kinesis.follow(latest))).toEqual(['first', 'second']);
    expect(await read({ ShardIteratorType: 'TRIM_HORIZON' })).toEqual(['first', 'second']);
    expect(await read({ ShardIteratorType: 'AT_SEQUENCE_NUMBER', ...from })).toEqual(['first', 'second']);
    expect(await read({ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', ...from })).toEqual(['second']);
    const long = new Date('2020-01-01T00:00:00Z');
    expect(await read({ ShardIteratorType: 'AT_TIMESTAMP', Timestamp: long })).toEqual(['first', 'second']);
  });

  fact('an iterator at the moment of a record begins with that record', async (kinesis) => {
    const stream = await kinesis.stream(1);
    const shardId = 'shardId-000000000000';
    await kinesis.put(stream, 'k', 'early');
    await eventually(async () => {
      await kinesis.put(stream, 'k', 'late');
      const [early, ...late] = await kinesis.drain(stream, shardId);
      return Number(late.at(-1)?.ApproximateArrivalTimestamp) > Number(early?.ApproximateArrivalTimestamp);
    }, true);
    const last = (await kinesis.drain(stream, shardId)).at(-1);
    const start = {
      ShardIteratorType: 'AT_TIMESTAMP',
      Timestamp: last?.ApproximateArrivalTimestamp,
    } as const;
    const found = await kinesis.drain(stream, shardId, start);
    expect(found.at(-1)?.SequenceNumber).toBe(last?.SequenceNumber);
    expect(texts(found)).not.toContain('early');
  });

  fact('a page holds no more than was asked for, and the next goes on after it', async (kinesis) => {
    const stream = await kinesis.stream(1);
    await kinesis.putAll(stream, ['k'], 5);
    const start = await kinesis.iterator(stream, 'shardId-000000000000', {
      ShardIteratorType: 'TRIM_HORIZON',
    });
    const page = await kinesis.client.send(new GetRecordsCommand({ ShardIterator: start, Limit: 3 }));
    expect(texts(page.Records)).toEqual(['k:0', 'k:1', 'k:2']);
    const rest = await kinesis.client.send(
      new GetRecordsCommand({ ShardIterator: page.NextShardIterator, Limit: 2 }),
    );
    expect([...texts(page.Records), ...texts(rest.Records)].slice(0, 5)).toEqual([
      'k:0',
      'k:1',
      'k:2',
      'k:3',
      'k:4',
    ]);
  });

  fact(
    'a page that ends before the newest record is behind it, even in the same millisecond',
    async (kinesis) => {
      const stream = await kinesis.stream(1);
      await kinesis.putAll(stream, ['k'], 5);
      const start = await kinesis.iterator(stream, 'shardId-000000000000', {
        ShardIteratorType: 'TRIM_HORIZON',
      });
      const page = await kinesis.client.send(new GetRecordsCommand({ ShardIterator: start, Limit: 3 }));
      expect(page.MillisBehindLatest).toBeGreaterThan(0);
    },
  );

  fact('an iterator that nobody issued is refused', async (kinesis) => {
    const read = kinesis.client.send(new GetRecordsCommand({ ShardIterator: 'AAAAAAAAAAFz' }));
    await expect(read).rejects.toMatchObject({ name: 'InvalidArgumentException' });
  });
}
