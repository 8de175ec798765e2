import { spawn, type ChildProcess } from 'node:child_process';
import { appendFile, readdir, truncate, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListShardsCommand,
  PutRecordsCommand,
  SplitShardCommand,
  type GetRecordsCommandOutput,
  type KinesisClient,
} from '@aws-sdk/client-kinesis';
import { expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { tmpFolder } from '../support/tmp.ts';
import { kinesisClient } from './kinesis-server.ts';

const PARENT = 'shardId-000000000000';

test('kill -9 loses nothing that was acknowledged, streams and splits included', async () => {
  const dir = await tmpFolder();
  const first = await started(dir);
  await first.client.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }));
  await active(first.client);
  const before = await put(first.client, ['a', 'b']);
  const kept = await iteratorOf(first.client, PARENT);
  await first.client.send(
    new SplitShardCommand({ StreamName: 's', ShardToSplit: PARENT, NewStartingHashKey: '1000' }),
  );
  const madeAt = await createdAt(first.client);

  const acknowledged: string[] = [];
  const writing = (async () => {
    for (let nth = 0; ; nth += 1) {
      await put(first.client, [`${nth}`]);
      acknowledged.push(`${nth}`);
    }
  })().catch(() => undefined);
  await eventually(() => acknowledged.length > 50, true);
  await first.kill();
  await writing;

  const second = await started(dir);
  expect(await createdAt(second.client)).toBe(madeAt);
  const { Shards } = await second.client.send(new ListShardsCommand({ StreamName: 's' }));
  expect(Shards?.map(({ ParentShardId }) => ParentShardId)).toEqual([undefined, PARENT, PARENT]);
  const parent = await second.client.send(new GetRecordsCommand({ ShardIterator: kept }));
  expect(parent.Records?.map(({ SequenceNumber }) => SequenceNumber)).toEqual(before);
  expect(parent.ChildShards).toHaveLength(2);
  const child = await textsOf(second.client, 'shardId-000000000002');
  // The one in flight may have been written and never answered.
  expect(child.slice(0, acknowledged.length)).toEqual(acknowledged);
  expect(child.length - acknowledged.length).toBeLessThanOrEqual(1);

  const [next] = await put(second.client, ['after']);
  expect(BigInt(next ?? 0)).toBeGreaterThan(BigInt(before[1] ?? 0));
  expect((await textsOf(second.client, 'shardId-000000000002')).at(-1)).toBe('after');
});

test('a torn tail is dropped at the start, and what was whole stays', async () => {
  const dir = await tmpFolder();
  const first = await started(dir);
  await first.client.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }));
  await active(first.client);
  await put(first.client, ['a', 'b', 'c']);
  await first.kill();

  const folder = path.join(dir, 's000001', PARENT);
  const [segment = ''] = await readdir(folder);
  const file = path.join(folder, segment);
  await truncate(file, (await stat(file)).size - 10);
  await appendFile(path.join(dir, 'catalogue.log'), '{"kind":"deleted","id":"s0');

  const second = await started(dir);
  expect(await textsOf(second.client, PARENT)).toEqual(['a', 'b']);
  await put(second.client, ['d']);
  expect(await textsOf(second.client, PARENT)).toEqual(['a', 'b', 'd']);
});

/** The service in a process of its own, so that it can be killed as a power cut would. */
async function started(dir: string) {
  const script = fileURLToPath(new URL('kinesis-process.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, dir], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (line: Buffer) => resolve(line.toString().trim()));
    child.once('exit', (code) => reject(new Error(`the service ended with ${code} before it answered`)));
  });
  const client = kinesisClient(url);
  onTestFinished(() => killed(child));
  return {
    client,
    kill: async () => {
      await killed(child);
      client.destroy();
    },
  };
}

function killed(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}

async function put(client: KinesisClient, texts: readonly string[]): Promise<(string | undefined)[]> {
  const Records = texts.map((text) => ({ Data: Buffer.from(text), PartitionKey: 'k' }));
  const answer = await client.send(new PutRecordsCommand({ StreamName: 's', Records }));
  return (answer.Records ?? []).map(({ SequenceNumber }) => SequenceNumber);
}

async function iteratorOf(client: KinesisClient, ShardId: string): Promise<string> {
  const start = { StreamName: 's', ShardId, ShardIteratorType: 'TRIM_HORIZON' } as const;
  return (await client.send(new GetShardIteratorCommand(start))).ShardIterator ?? '';
}

async function textsOf(client: KinesisClient, ShardId: string): Promise<string[]> {
  const texts: string[] = [];
  for (let next: string | undefined = await iteratorOf(client, ShardId); next;) {
    const page: GetRecordsCommandOutput = await client.send(new GetRecordsCommand({ ShardIterator: next }));
    texts.push(...(page.Records ?? []).map(({ Data }) => Buffer.from(Data ?? []).toString()));
    next = page.MillisBehindLatest === 0 ? undefined : page.NextShardIterator;
  }
  return texts;
}

async function createdAt(client: KinesisClient): Promise<number | undefined> {
  const { StreamDescriptionSummary } = await client.send(
    new DescribeStreamSummaryCommand({ StreamName: 's' }),
  );
  return StreamDescriptionSummary?.StreamCreationTimestamp?.getTime();
}

function active(client: KinesisClient): Promise<void> {
  return eventually(async () => {
    const { StreamDescriptionSummary } = await client.send(
      new DescribeStreamSummaryCommand({ StreamName: 's' }),
    );
    return StreamDescriptionSummary?.StreamStatus;
  }, 'ACTIVE');
}
