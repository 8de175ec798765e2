import {
  CreateEndpointCommand,
  CreateReplicationInstanceCommand,
  CreateReplicationTaskCommand,
  DatabaseMigrationServiceClient,
  waitUntilReplicationInstanceAvailable,
  waitUntilReplicationTaskReady,
} from '@aws-sdk/client-database-migration-service';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import {
  SHOP_BUCKET,
  SHOP_LANDING,
  SHOP_MAPPINGS,
  SHOP_SETTINGS,
  SHOP_TASK,
} from '../../../sample/shop-task.ts';

interface TaskOptions {
  readonly endpoint: string;
  readonly region: string;
  /** The database's, on this machine. */
  readonly port: number;
}

/**
 * The task of the shop is ready, on an instance of its own, as a person would have made it who knows DMS: nobody has
 * started it. Credentials are the environment's.
 */
export async function makeShopTask({ endpoint, region, port }: TaskOptions): Promise<void> {
  const requestHandler = new NodeHttpHandler();
  const s3 = new S3Client({ endpoint, region, forcePathStyle: true, requestHandler });
  const dms = new DatabaseMigrationServiceClient({ endpoint, region, requestHandler });
  const soon = { client: dms, maxWaitTime: 30, minDelay: 1, maxDelay: 1 };
  try {
    await s3.send(new CreateBucketCommand({ Bucket: SHOP_BUCKET }));
    const { ReplicationInstance: instance } = await dms.send(
      new CreateReplicationInstanceCommand({
        ReplicationInstanceIdentifier: 'shop',
        ReplicationInstanceClass: 'dms.t3.medium',
      }),
    );
    const [source, target] = await Promise.all([
      dms.send(
        new CreateEndpointCommand({
          EndpointIdentifier: 'shop-postgres',
          EndpointType: 'source',
          EngineName: 'postgres',
          ServerName: '127.0.0.1',
          Port: port,
          DatabaseName: 'postgres',
          Username: 'postgres',
          Password: 'not-asked-for',
          PostgreSQLSettings: { MapBooleanAsBoolean: true },
        }),
      ),
      dms.send(
        new CreateEndpointCommand({
          EndpointIdentifier: 'shop-s3',
          EndpointType: 'target',
          EngineName: 's3',
          S3Settings: SHOP_LANDING,
        }),
      ),
    ]);
    const instanceArn = instance?.ReplicationInstanceArn ?? '';
    await waitUntilReplicationInstanceAvailable(soon, {
      Filters: [{ Name: 'replication-instance-arn', Values: [instanceArn] }],
    });
    await dms.send(
      new CreateReplicationTaskCommand({
        ReplicationTaskIdentifier: SHOP_TASK,
        SourceEndpointArn: source.Endpoint?.EndpointArn,
        TargetEndpointArn: target.Endpoint?.EndpointArn,
        ReplicationInstanceArn: instanceArn,
        MigrationType: 'full-load-and-cdc',
        TableMappings: JSON.stringify(SHOP_MAPPINGS),
        ReplicationTaskSettings: JSON.stringify(SHOP_SETTINGS),
      }),
    );
    await waitUntilReplicationTaskReady(soon, {
      Filters: [{ Name: 'replication-task-id', Values: [SHOP_TASK] }],
    });
  } finally {
    s3.destroy();
    dms.destroy();
  }
}
