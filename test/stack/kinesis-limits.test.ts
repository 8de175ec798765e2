import { GetRecordsCommand, PutRecordCommand, type GetRecordsCommandOutput } from '@aws-sdk/client-kinesis';
import { expect, onTestFinished, test } from 'vitest';
import { startStack } from '../../stack/server.ts';
import { tmpFolder } from '../support/tmp.ts';
import { all, iteratorOf, opened, put } from './kinesis-lab.ts';

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
