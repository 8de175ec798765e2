import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe } from 'vitest';
import { STACK_CREDENTIALS, STACK_REGION, openStack } from '../support/stack.ts';
import { openVersitygw, versitygwBinary } from '../support/versitygw.ts';
import { type OpenedS3 } from './s3-wire-story.ts';
import { keepsTheS3Contract } from './s3-wire.ts';
import { VERSITYGW_CANNOT } from './versitygw-cannot.ts';

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
    region: STACK_REGION,
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
