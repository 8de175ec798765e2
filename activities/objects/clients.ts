import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';

export interface ClientOptions {
  /** Of a stand-in; absent for AWS itself. */
  readonly endpoint?: string | undefined;
  readonly region: string;
  /** 3 for reads and idempotent writes; 1 where every request must be counted. */
  readonly maxAttempts: number;
  /** Absent: as the environment has them. */
  readonly credentials?: S3ClientConfig['credentials'];
}

/** An S3 client on which no request waits for ever. */
export function createS3Client({ endpoint, region, maxAttempts, credentials }: ClientOptions): S3Client {
  return new S3Client({
    region,
    maxAttempts,
    // No command here brings middleware of its own.
    cacheMiddleware: true,
    ...(credentials && { credentials }),
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
