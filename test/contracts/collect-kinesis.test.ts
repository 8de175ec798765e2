import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  PutRecordsCommand,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis';
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, onTestFinished, test } from 'vitest';
import { createLedger } from '../../activities/objects/ledger.ts';
import { S3ObjectStore } from '../../activities/objects/s3.ts';
import { createStreamActivities } from '../../activities/streams/activities.ts';
import { createKinesisClient } from '../../activities/streams/clients.ts';
import { KinesisStream } from '../../activities/streams/kinesis.ts';
import type { LakeSpec } from '../../lake/spec.ts';
import { eventually } from '../support/eventually.ts';
import { STACK_REGION, openStack } from '../support/stack.ts';
import { tmpFolder } from '../support/tmp.ts';

const signal = new AbortController().signal;

test('records of a stream that splits land once, over the wire of both services', async () => {
  const stack = await openStack();
  onTestFinished(() => stack.close());
  const kinesis = createKinesisClient({ endpoint: stack.url, region: STACK_REGION });
  onTestFinished(() => kinesis.destroy());
  const isActive = () =>
    eventually(async () => {
      const command = new DescribeStreamSummaryCommand({ StreamName: 'events' });
      return (await kinesis.send(command)).StreamDescriptionSummary?.StreamStatus;
    }, 'ACTIVE');
  const put = async (from: number, to: number) => {
    const Records = Array.from({ length: to - from }, (_, n) => ({
      Data: Buffer.from(JSON.stringify({ id: `e${from + n}`, at: '2026-11-22T11:59:00Z' })),
      PartitionKey: String(n),
    }));
    const { FailedRecordCount } = await kinesis.send(
      new PutRecordsCommand({ StreamName: 'events', Records }),
    );
    expect(FailedRecordCount).toBe(0);
  };
  await kinesis.send(new CreateStreamCommand({ StreamName: 'events', ShardCount: 2 }));
  await isActive();

  const store = new S3ObjectStore(stack.s3Client, stack.bucket);
  const ledger = createLedger({ store });
  const scratch = path.join(await tmpFolder(), 'scratch');
  await mkdir(scratch);
  const spec: LakeSpec = {
    lake: { name: 'test', bucket: stack.bucket },
    sources: {
      events: {
        kind: 'kinesis',
        stream: 'events',
        start: 'earliest',
        format: { json: {} },
        columns: { id: 'string', at: 'timestamp' },
        commit: { rows: 250_000, bytes: 64_000_000, everyMs: 500 },
      },
    },
    datasets: {},
  };
  const activities = createStreamActivities({
    store,
    ledger,
    spec: { read: async () => ({ n: 1, spec }) },
    stream: new KinesisStream(kinesis),
    duck: { memoryMb: 512, threads: 1, scratch },
    clock: { now: () => Date.now() },
  });
  const collect = () =>
    new MockActivityEnvironment({ currentAttemptScheduledTimestampMs: Date.now() }).run(
      activities.collectLane,
      {
        source: 'events',
        lane: 0,
        drain: true,
      },
    );
  await new MockActivityEnvironment().run(activities.openLanes, { source: 'events' });

  await put(0, 300);
  expect(await collect()).toMatchObject({ outcome: 'drained', rows: 300, rejected: 0 });
  const SplitHalf = { ShardToSplit: 'shardId-000000000000', NewStartingHashKey: String(2n ** 126n) };
  await kinesis.send(new SplitShardCommand({ StreamName: 'events', ...SplitHalf }));
  await isActive();
  await put(300, 600);
  expect(await collect()).toMatchObject({ outcome: 'drained', rows: 300, rejected: 0, parked: [] });

  const head = await ledger.head('events', 0, signal);
  const entries = head ? await ledger.range('events', 0, 1, head.n, signal) : [];
  const rows = entries.flatMap(({ value }) => value.rows.map((object) => object.rows));
  expect(rows.reduce((sum, n) => sum + n, 0)).toBe(600);
  const generations = Object.values(head?.value.channels ?? {}).map(({ generation }) => generation);
  expect(generations.toSorted((a, b) => a - b)).toEqual([1, 2, 2]);
});
