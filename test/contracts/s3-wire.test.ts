import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe } from 'vitest';
import { STACK_CREDENTIALS, STACK_REGION, openStack } from '../support/stack.ts';
import { openVersitygw, versitygwBinary } from '../support/versitygw.ts';
import { type OpenedS3 } from './s3-wire-story.ts';
import { type Cannot, keepsTheS3Contract } from './s3-wire.ts';

interface Closable extends OpenedS3 {
  close(): Promise<void>;
}

describe('the stand-in', () => {
  keepsTheS3Contract(
    openedOnce(async () => {
      const stack = await openStack();
      return reached(stack.url, () => stack.close());
    }),
  );
});

const binary = versitygwBinary();
const title =
  binary === undefined ? 'versitygw [not installed: scripts/contract-servers.sh does that]' : 'versitygw';

/** Found by running the suite on versitygw 1.8.0. */
const VERSITYGW_CANNOT: Cannot = {
  'an access key that nobody has is refused': 'it says 404 XAdminUserNotFound',
  'a stream is stored without the framing it came in': 'it keeps aws-chunked as a content encoding',
  'a stream in pieces below 8 KiB is refused, the last one excepted': 'it says so with 400, where S3 has 403',
  'where there are versions, a delete marker counts as absent': 'it counts as present',
  'what a delete marker hides is not there to be replaced': 'it is replaced',
  'a copy onto a key that exists is refused when it asks for that': 'it copies',
  'a copy can ask that its source is not what it was': 'it says 304',
  'an upload is gone once it is completed': 'it completes it again',
  'a key with empty segments comes back as it was': 'keys are paths of files',
  'a key with dots for segments comes back as it was': 'keys are paths of files',
  'a key that ends in a slash comes back as it was': 'keys are paths of files',
  'a key of 1,024 bytes comes back as it was': 'a segment has at most 255 bytes',
  'a key and one below it are two objects': 'keys are paths of files',
};

describe.skipIf(binary === undefined)(title, () => {
  keepsTheS3Contract(
    openedOnce(async () => {
      const gateway = await openVersitygw(binary ?? '');
      return reached(gateway.url, () => gateway.close());
    }),
    VERSITYGW_CANNOT,
  );
});

function reached(endpoint: string, close: () => Promise<void>): Closable {
  const clients: S3Client[] = [];
  const withKeys = (accessKeyId: string, secretAccessKey: string): S3Client => {
    const credentials = { accessKeyId, secretAccessKey };
    const client = new S3Client({
      endpoint,
      credentials,
      region: STACK_REGION,
      forcePathStyle: true,
      maxAttempts: 1,
    });
    clients.push(client);
    return client;
  };
  return {
    client: withKeys(STACK_CREDENTIALS.accessKeyId, STACK_CREDENTIALS.secretAccessKey),
    withKeys,
    close: async () => {
      for (const client of clients) client.destroy();
      await close();
    },
  };
}

/** One server for all the cases of a suite; each has a bucket of its own. */
function openedOnce(open: () => Promise<Closable>): () => Promise<OpenedS3> {
  let opened: Closable | undefined;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(() => opened?.close());
  return async () => {
    if (!opened) throw new Error('the server has not been opened');
    return opened;
  };
}
