import { DatabaseMigrationServiceClient } from '@aws-sdk/client-database-migration-service';
import { NodeHttpHandler } from '@smithy/node-http-handler';

export interface DmsClientOptions {
  /** Of a stand-in; absent for AWS itself. */
  readonly endpoint?: string | undefined;
  readonly region: string;
  /** 3 for reads; 1 for what starts something, which a repeated request would start twice. */
  readonly maxAttempts: number;
}

/** A DMS client on which no request waits for ever. */
export function createDmsClient({
  endpoint,
  region,
  maxAttempts,
}: DmsClientOptions): DatabaseMigrationServiceClient {
  return new DatabaseMigrationServiceClient({
    region,
    maxAttempts,
    ...(endpoint && { endpoint }),
    requestHandler: new NodeHttpHandler({
      connectionTimeout: 5_000,
      requestTimeout: 20_000,
      // Without it the handler warns, and waits on.
      throwOnRequestTimeout: true,
      socketTimeout: 20_000,
      httpsAgent: { keepAlive: true, maxSockets: 8 },
      httpAgent: { keepAlive: true, maxSockets: 8 },
    }),
  });
}
