import { KinesisClient, ListStreamsCommand } from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startStack } from '../../stack/server.ts';
import { serveKinesis } from '../stack/kinesis-server.ts';
import { STACK_CREDENTIALS, STACK_REGION } from '../support/stack.ts';
import { makeTmpFolder, removeTmpFolder } from '../support/tmp.ts';
import { kinesisLocalIsMissing, openKinesisLocal } from './kinesis-local.ts';
import { keepsTheKinesisContract, type Cannot, type OpenedKinesis } from './kinesis-wire.ts';

interface Closable extends OpenedKinesis {
  readonly close: () => Promise<void>;
}

describe('the stand-in', () => {
  keepsTheKinesisContract(
    openedOnce(async () => {
      const dir = await makeTmpFolder();
      const limits = { emptyPageEvery: 3, readsPerSecond: 1_000, iteratorsPerSecond: 1_000 };
      const served = await serveKinesis({
        dir,
        clock: Date,
        account: '000000000000',
        region: 'us-east-1',
        limits,
      });
      return {
        client: served.client,
        close: async () => {
          await served.close();
          await removeTmpFolder(dir);
        },
      };
    }),
  );
});

describe('the stand-in, behind its shell', () => {
  keepsTheKinesisContract(
    openedOnce(async () => {
      const dir = await makeTmpFolder();
      const stack = await startStack({ dir, port: 0 });
      const client = new KinesisClient({
        endpoint: stack.url,
        region: STACK_REGION,
        credentials: STACK_CREDENTIALS,
        maxAttempts: 10,
        requestHandler: new NodeHttpHandler(),
      });
      return {
        client,
        close: async () => {
          client.destroy();
          await stack.close();
          await removeTmpFolder(dir);
        },
      };
    }),
  );
});

test('the SDK reaches it by HTTP/2, which is what its Kinesis client speaks by itself', async () => {
  const dir = await makeTmpFolder();
  const stack = await startStack({ dir, port: 0 });
  const client = new KinesisClient({
    endpoint: stack.url,
    region: STACK_REGION,
    credentials: STACK_CREDENTIALS,
  });
  onTestFinished(async () => {
    client.destroy();
    await stack.close();
    await removeTmpFolder(dir);
  });
  expect((await client.send(new ListStreamsCommand({}))).StreamNames).toEqual([]);
});

const missing = kinesisLocalIsMissing();

/** Found by running the suite on kinesis-local 0.6.2. */
const KINESIS_LOCAL_CANNOT: Cannot = {
  'a page that ends before the newest record is behind it, even in the same millisecond': 'it says 0',
  'a split at the very edge of a shard is refused': 'it splits at key 0',
  'more than 500 records in one call are refused, all of them': 'it takes any number',
  'at the trim horizon only the first shards are open': 'it lists every shard',
  'an iterator that nobody issued is refused': 'it fails with HTTP 500',
  'four to three goes through shards that live for a moment': 'it merges two and leaves the ranges uneven',
  'a stream on demand begins with four shards, and nobody counts them by hand': 'it scales those too',
  'a time tells shards that were open then, and those that were open from then on':
    'it lists all at any time',
  'consumers are listed in pages, and each name is there once': 'its second page begins anew',
  'a sequence number does not go with a start that has no use for it': 'it takes both',
};

describe.skipIf(missing !== undefined)(
  missing === undefined ? 'kinesis-local' : `kinesis-local [${missing}]`,
  () => {
    keepsTheKinesisContract(openedOnce(openKinesisLocal), KINESIS_LOCAL_CANNOT);
  },
);

/** One server for all cases of a suite: each makes streams of its own. */
function openedOnce(open: () => Promise<Closable>): () => Promise<OpenedKinesis> {
  let opened: Closable | undefined;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(() => opened?.close());
  return async () => {
    if (!opened) throw new Error('the server did not start');
    return opened;
  };
}
