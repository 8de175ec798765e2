import { S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';

export interface ClientOptions {
  /** Of a stand-in; absent for AWS itself. */
  readonly endpoint?: string | undefined;
  readonly region: string;
  /** 3 for reads and idempotent writes; 1 where every request must be counted. */
  readonly maxAttempts: number;
}

/** An S3 client on which no request waits for ever. Credentials come from the environment, as AWS has it. */
export function createS3Client({ endpoint, region, maxAttempts }: ClientOptions): S3Client {
  return new S3Client({
    region,
    maxAttempts,
    ...(endpoint && { endpoint, forcePathStyle: true }),
    requestHandler: new NodeHttpHandler({
      connectionTimeout: 5_000,
      requestTimeout: 30_000,
      // Without it the handler warns, and waits on.
      throwOnRequestTimeout: true,
      socketTimeout: 30_000,
      httpsAgent: { keepAlive: true, maxSockets: 64 },
      httpAgent: { keepAlive: true, maxSockets: 64 },
    }),
  });
}
