import { randomUUID } from 'node:crypto';
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamSummaryCommand,
  type KinesisClient,
  ListShardsCommand,
  MergeShardsCommand,
  PutRecordCommand,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis';
import { afterAll, beforeAll, describe } from 'vitest';
import { KinesisStream } from '../../activities/streams/kinesis.ts';
import { MemoryStream } from '../fakes/memory-stream.ts';
import { ManualClock, type ServedKinesis, serveKinesis } from '../stack/kinesis-server.ts';
import { eventually } from '../support/eventually.ts';
import { makeTmpFolder, removeTmpFolder } from '../support/tmp.ts';
import { type OpenedRecordStream, keepsTheRecordStreamContract } from './record-stream.ts';

describe('in memory', () => {
  keepsTheRecordStreamContract(async (shards): Promise<OpenedRecordStream> => {
    const clock = new ManualClock();
    const stream = new MemoryStream({ shards, clock });
    return {
      stream,
      name: 'any',
      put: async (shard, ...data) => data.map((one) => stream.put(shard, one)),
      split: async (shard) => void stream.split(shard),
      merge: async (shard, adjacent) => void stream.merge(shard, adjacent),
      remove: async () => stream.delete(),
      emptyPages: () => stream.emptyPages(2),
      throttle: (shard) => stream.throttle(shard, 1),
      pass: (ms) => clock.move(ms),
    };
  });
});

describe('Kinesis on the stand-in', () => {
  const clock = new ManualClock();
  let folder = '';
  let served: ServedKinesis | undefined;
  beforeAll(async () => {
    folder = await makeTmpFolder();
    const limits = { settleMs: 0 };
    served = await serveKinesis({ dir: folder, clock, account: '123456789012', region: 'eu-west-1', limits });
  });
  afterAll(async () => {
    await served?.close();
    await removeTmpFolder(folder);
  });

  keepsTheRecordStreamContract(async (shards): Promise<OpenedRecordStream> => {
    if (!served) throw new Error('the stand-in is not there');
    const { client, service } = served;
    const name = `test-${randomUUID()}`;
    await client.send(new CreateStreamCommand({ StreamName: name, ShardCount: shards }));
    await isActive(client, name);
    // A minute on, so that no rate of the test before is left.
    clock.move(60_000);
    service.setLimits({ emptyPageEvery: 0, readsPerSecond: 5 });
    return {
      stream: new KinesisStream(client),
      name,
      put: async (shard, ...data) => {
        const hash = await startingHash(client, name, shard);
        const positions: string[] = [];
        for (const one of data) {
          const command = new PutRecordCommand({
            StreamName: name,
            Data: Buffer.from(one),
            PartitionKey: 'k',
            ExplicitHashKey: hash,
          });
          positions.push((await client.send(command)).SequenceNumber ?? '');
        }
        return positions;
      },
      split: async (shard) => {
        const middle = (BigInt(await startingHash(client, name, shard)) + 10n).toString();
        await client.send(
          new SplitShardCommand({ StreamName: name, ShardToSplit: shard, NewStartingHashKey: middle }),
        );
        await isActive(client, name);
      },
      merge: async (shard, adjacent) => {
        await client.send(
          new MergeShardsCommand({ StreamName: name, ShardToMerge: shard, AdjacentShardToMerge: adjacent }),
        );
        await isActive(client, name);
      },
      remove: async () => {
        await client.send(new DeleteStreamCommand({ StreamName: name }));
        await eventually(
          () => new KinesisStream(client).describe(name, new AbortController().signal),
          undefined,
        );
      },
      emptyPages: () => service.setLimits({ emptyPageEvery: 2 }),
      // It lasts until time passes.
      throttle: () => service.setLimits({ readsPerSecond: 0 }),
      pass: (ms) => {
        service.setLimits({ readsPerSecond: 5 });
        clock.move(ms);
      },
    };
  });
});

async function isActive(client: KinesisClient, name: string): Promise<void> {
  const status = async () => {
    const { StreamDescriptionSummary } = await client.send(
      new DescribeStreamSummaryCommand({ StreamName: name }),
    );
    return StreamDescriptionSummary?.StreamStatus;
  };
  await eventually(status, 'ACTIVE');
}

async function startingHash(client: KinesisClient, name: string, shard: string): Promise<string> {
  const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName: name }));
  return Shards.find(({ ShardId }) => ShardId === shard)?.HashKeyRange?.StartingHashKey ?? '';
}
