import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GetRecordsCommand } from '@aws-sdk/client-kinesis';
import * as fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { createKinesisClient } from '../../../activities/streams/clients.ts';
import { recordsBeside } from '../../../activities/streams/raw-records.ts';

/** A Kinesis that has one answer, sent in pieces of 7 bytes. */
async function answering(body: string | (() => string), status = 200) {
  const server: Server = createServer((_, response) => {
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
    const bytes = Buffer.from(typeof body === 'string' ? body : body());
    for (let at = 0; at < bytes.length; at += 7) response.write(bytes.subarray(at, at + 7));
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = createKinesisClient({ endpoint: `http://127.0.0.1:${port}`, region: 'eu-west-1' });
  onTestFinished(() => {
    client.destroy();
    server.close();
  });
  const command = () => new GetRecordsCommand({ ShardIterator: 'here' });
  return { client, command };
}

const base64 = (text: string | Uint8Array) => Buffer.from(text).toString('base64');
const REST = { NextShardIterator: 'there', MillisBehindLatest: 1200, ChildShards: [] };
const RECORDS = [
  { Data: base64('{"id":"p1"}'), PartitionKey: 'über', SequenceNumber: '49', EncryptionType: 'NONE' },
  { SequenceNumber: '50', ApproximateArrivalTimestamp: 1_795_348_800.123, PartitionKey: 'k', Data: '' },
  {
    PartitionKey: '"Data":"eA=="',
    SequenceNumber: '51',
    ApproximateArrivalTimestamp: 1.7e9,
    Data: base64(Buffer.from([0, 255, 10])),
  },
];

test('records are what the SDK makes of the same answer, and the rest of it is the SDK’s', async () => {
  const { client, command } = await answering(JSON.stringify({ ...REST, Records: RECORDS }));
  const plain = await client.send(command());
  const own = command();
  const records = recordsBeside(own);
  const { Records, ...rest } = await client.send(own);
  expect(Records).toEqual([]);
  expect(rest).toMatchObject(REST);
  const sdk = plain.Records?.map(({ SequenceNumber, ApproximateArrivalTimestamp, Data }) => ({
    sequence: SequenceNumber,
    arrivedAtMs: ApproximateArrivalTimestamp?.getTime() ?? 0,
    data: Buffer.from(Data ?? []).toString('base64'),
  }));
  expect(records()?.map((one) => ({ ...one, data: Buffer.from(one.data).toString('base64') }))).toEqual(sdk);
  expect(sdk?.map(({ arrivedAtMs }) => arrivedAtMs)).toEqual([0, 1_795_348_800_123, 1_700_000_000_000]);
});

test('an answer without records has none', async () => {
  const { client, command } = await answering(JSON.stringify(REST));
  const own = command();
  const records = recordsBeside(own);
  expect(await client.send(own)).toMatchObject(REST);
  expect(records()).toEqual([]);
});

test('an error is the SDK’s to read', async () => {
  const { client, command } = await answering(
    '{"__type":"ExpiredIteratorException","message":"too old"}',
    400,
  );
  const own = command();
  const records = recordsBeside(own);
  await expect(client.send(own)).rejects.toMatchObject({
    name: 'ExpiredIteratorException',
    message: 'too old',
  });
  expect(records()).toBeUndefined();
});

test('an answer that breaks off is refused', async () => {
  const { client, command } = await answering('{"NextShardIterator":"there","Records":[{"Data":"eA');
  const own = command();
  recordsBeside(own);
  await expect(client.send(own)).rejects.toThrow(SyntaxError);
});

test('records that are no list are the SDK’s to refuse', async () => {
  const { client, command } = await answering(JSON.stringify({ ...REST, Records: 'none' }));
  const own = command();
  const records = recordsBeside(own);
  await client.send(own).catch(() => undefined);
  expect(records()).toBeUndefined();
});

test('of any records the data is what the SDK makes of it, whatever a partition key looks like', async () => {
  const data = fc.uint8Array({ maxLength: 40 });
  const key = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('"Data":"#0"', '\\"Data":"', '#0', '","Data":"eA=="'),
  );
  const record = fc.record(
    { Data: data, PartitionKey: key, SequenceNumber: fc.constantFrom('1', '2') },
    { requiredKeys: ['SequenceNumber'] },
  );
  let body = '';
  const { client, command } = await answering(() => body);
  await fc.assert(
    fc.asyncProperty(fc.array(record, { maxLength: 5 }), fc.boolean(), async (records, escapes) => {
      const wire = records.map(({ Data, ...rest }) => ({ ...rest, ...(Data && { Data: base64(Data) }) }));
      const text = JSON.stringify({ Records: wire, ...REST });
      // A slash may be escaped, though nobody need do it.
      body = escapes ? text.replaceAll('/', '\\/') : text;
      const own = command();
      const found = recordsBeside(own);
      await client.send(own);
      expect(found()?.map((one) => Buffer.from(one.data).toString('hex'))).toEqual(
        records.map(({ Data = [] }) => Buffer.from(Data).toString('hex')),
      );
    }),
    { numRuns: 50 },
  );
});
