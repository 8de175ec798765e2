import {
  DeleteStreamCommand,
  KinesisClient,
  type KinesisClientConfig,
  ResourceNotFoundException,
} from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { afterAll, describe, onTestFinished } from 'vitest';
import { keepsTheKinesisContract } from '../contracts/kinesis-wire.ts';
import { asked } from './asked.ts';
import { streamClient } from './stream-client.ts';

const { streams, region, endpoint } = asked();
if (streams === undefined) throw new Error('no streams were asked for');
const config: KinesisClientConfig = {
  region,
  ...(endpoint !== undefined && { endpoint }),
  maxAttempts: 10,
  requestHandler: new NodeHttpHandler({ connectionTimeout: 5_000, socketTimeout: 60_000 }),
};
const whole = new KinesisClient(config);

afterAll(() => whole.destroy());

describe('Kinesis', () => {
  keepsTheKinesisContract(async () => {
    const made = new Set<string>();
    onTestFinished(async () => {
      for (const StreamName of made) {
        await whole
          .send(new DeleteStreamCommand({ StreamName, EnforceConsumerDeletion: true }))
          .catch((error: unknown) => {
            if (!(error instanceof ResourceNotFoundException)) throw error;
          });
      }
    });
    return { client: streamClient(config, streams, (name) => made.add(name)) };
  });
});
