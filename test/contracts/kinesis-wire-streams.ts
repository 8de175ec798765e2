import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamSummaryCommand,
  IncreaseStreamRetentionPeriodCommand,
  DecreaseStreamRetentionPeriodCommand,
  ListStreamsCommand,
  PutRecordCommand,
} from '@aws-sdk/client-kinesis';
import { expect } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type Fact } from './kinesis-story.ts';

/** Streams come and go. */
export function streams(fact: Fact): void {
  fact('what does not exist is not found', async (kinesis) => {
    const missing = { StreamName: 'never-made', Data: Buffer.from('x'), PartitionKey: 'k' };
    await expect(kinesis.client.send(new PutRecordCommand(missing))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    const stream = await kinesis.stream(1);
    const iterator = kinesis.iterator(stream, 'shardId-000000000007', { ShardIteratorType: 'LATEST' });
    await expect(iterator).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  fact('a stream is created once', async (kinesis) => {
    const StreamName = await kinesis.stream(1);
    const again = kinesis.client.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }));
    await expect(again).rejects.toMatchObject({ name: 'ResourceInUseException' });
    const { StreamNames } = await kinesis.client.send(new ListStreamsCommand({}));
    expect(StreamNames).toContain(StreamName);
  });

  fact('a deleted stream is gone, and its name is free again', async (kinesis) => {
    const StreamName = await kinesis.stream(1);
    await kinesis.put(StreamName, 'k', 'old');
    await kinesis.client.send(new DeleteStreamCommand({ StreamName }));
    await eventually(() => kinesis.status(StreamName), 'ResourceNotFoundException');
    await kinesis.client.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }));
    await kinesis.active(StreamName);
    expect(await kinesis.drain(StreamName, 'shardId-000000000000')).toEqual([]);
  });

  fact('retention goes up and down between a day and a year', async (kinesis) => {
    const StreamName = await kinesis.stream(1);
    const more = (RetentionPeriodHours: number) =>
      kinesis.client.send(new IncreaseStreamRetentionPeriodCommand({ StreamName, RetentionPeriodHours }));
    await more(48);
    await kinesis.active(StreamName);
    const summary = await kinesis.client.send(new DescribeStreamSummaryCommand({ StreamName }));
    expect(summary.StreamDescriptionSummary?.RetentionPeriodHours).toBe(48);
    await expect(more(36)).rejects.toMatchObject({ name: 'InvalidArgumentException' });
    await expect(more(8_761)).rejects.toMatchObject({ $fault: 'client' });
    await kinesis.client.send(
      new DecreaseStreamRetentionPeriodCommand({ StreamName, RetentionPeriodHours: 24 }),
    );
    await kinesis.active(StreamName);
  });
}
