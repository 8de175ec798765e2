import { KinesisClient } from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';

export interface KinesisClientOptions {
  /** Of a stand-in; absent for AWS itself. */
  readonly endpoint?: string | undefined;
  readonly region: string;
}

/**
 * A Kinesis client on which no request waits for ever. HTTP/1.1, for the SDK's own choice opens a connection per
 * request. Reads may be repeated, so it does; what is throttled for longer is the collector's to pace.
 */
export function createKinesisClient({ endpoint, region }: KinesisClientOptions): KinesisClient {
  return new KinesisClient({
    region,
    maxAttempts: 3,
    ...(endpoint && { endpoint }),
    requestHandler: new NodeHttpHandler({
      connectionTimeout: 3_000,
      requestTimeout: 10_000,
      // Without it the handler warns, and waits on.
      throwOnRequestTimeout: true,
      socketTimeout: 10_000,
      httpsAgent: { keepAlive: true, maxSockets: 64 },
      httpAgent: { keepAlive: true, maxSockets: 64 },
    }),
  });
}
