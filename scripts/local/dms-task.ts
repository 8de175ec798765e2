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

export interface TableTask {
  /** Of the stand-ins. */
  readonly endpoint: string;
  readonly region: string;
  /** Of a Postgres on this machine. */
  readonly port: number;
  /** The task's identifier; the names of what else it needs begin with it. */
  readonly task: string;
  /** Tables of `public`, with what of a changed row is told as it was before. */
  readonly tables: Readonly<Record<string, 'pk-only' | 'all'>>;
  /** `S3Settings` beside those of every task here. */
  readonly landing?: Readonly<Record<string, unknown>>;
}

/**
 * Make a task that lands a full load and then the changes as Parquet, on an instance and with a bucket of its own.
 * Nobody has started it. Credentials are the environment's. Resolves the task's ARN.
 */
export async function makeTableTask({
  endpoint,
  region,
  port,
  task,
  tables,
  landing = {},
}: TableTask): Promise<string> {
  const requestHandler = new NodeHttpHandler();
  const s3 = new S3Client({ endpoint, region, forcePathStyle: true, requestHandler });
  const dms = new DatabaseMigrationServiceClient({ endpoint, region, requestHandler });
  const soon = { client: dms, maxWaitTime: 30, minDelay: 1, maxDelay: 1 };
  const bucket = `${task}-landing`;
  try {
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    const { ReplicationInstance: instance } = await dms.send(
      new CreateReplicationInstanceCommand({
        ReplicationInstanceIdentifier: task,
        ReplicationInstanceClass: 'dms.t3.medium',
      }),
    );
    const source = await dms.send(
      new CreateEndpointCommand({
        EndpointIdentifier: `${task}-source`,
        EndpointType: 'source',
        EngineName: 'postgres',
        ServerName: '127.0.0.1',
        Port: port,
        DatabaseName: 'postgres',
        Username: 'postgres',
        Password: 'not-asked-for',
        PostgreSQLSettings: { MapBooleanAsBoolean: true },
      }),
    );
    const target = await dms.send(
      new CreateEndpointCommand({
        EndpointIdentifier: `${task}-target`,
        EndpointType: 'target',
        EngineName: 's3',
        S3Settings: { BucketName: bucket, BucketFolder: 'in', ...LANDING, ...landing },
      }),
    );
    const instanceArn = instance?.ReplicationInstanceArn ?? '';
    await waitUntilReplicationInstanceAvailable(soon, {
      Filters: [{ Name: 'replication-instance-arn', Values: [instanceArn] }],
    });
    const { ReplicationTask: made } = await dms.send(
      new CreateReplicationTaskCommand({
        ReplicationTaskIdentifier: task,
        SourceEndpointArn: source.Endpoint?.EndpointArn,
        TargetEndpointArn: target.Endpoint?.EndpointArn,
        ReplicationInstanceArn: instanceArn,
        MigrationType: 'full-load-and-cdc',
        TableMappings: JSON.stringify({ rules: rulesFor(tables) }),
        ReplicationTaskSettings: JSON.stringify(SETTINGS),
      }),
    );
    await waitUntilReplicationTaskReady(soon, {
      Filters: [{ Name: 'replication-task-id', Values: [task] }],
    });
    return made?.ReplicationTaskArn ?? '';
  } finally {
    s3.destroy();
    dms.destroy();
  }
}

const LANDING = {
  ServiceAccessRoleArn: 'arn:aws:iam::123456789012:role/landing',
  DataFormat: 'parquet',
  CompressionType: 'gzip',
  IncludeOpForFullLoad: true,
  AddColumnName: true,
  TimestampColumnName: 'ar_h_commit_time',
  UseTaskStartTimeForFullLoadTimestamp: true,
  CdcMaxBatchInterval: 1,
} as const;

const SETTINGS = {
  FullLoadSettings: { TargetTablePrepMode: 'DO_NOTHING' },
  ErrorBehavior: {
    DataErrorPolicy: 'SUSPEND_TABLE',
    DataTruncationErrorPolicy: 'SUSPEND_TABLE',
    TableErrorPolicy: 'SUSPEND_TABLE',
    FailOnNoTablesCaptured: true,
  },
  ChangeProcessingDdlHandlingPolicy: {
    HandleSourceTableTruncated: false,
    HandleSourceTableDropped: false,
  },
} as const;

function rulesFor(tables: TableTask['tables']): readonly object[] {
  const names = Object.entries(tables);
  const selections = names.map(([table], index) => ({
    'rule-type': 'selection',
    'rule-id': String(index + 1),
    'rule-name': `take-${table}`,
    'object-locator': { 'schema-name': 'public', 'table-name': table },
    'rule-action': 'include',
  }));
  const before = names.map(([table, filter], index) => ({
    'rule-type': 'transformation',
    'rule-id': String(names.length + index + 1),
    'rule-name': `before-${table}`,
    'rule-target': 'column',
    'object-locator': { 'schema-name': 'public', 'table-name': table },
    'rule-action': 'add-before-image-columns',
    'before-image-def': { 'column-prefix': 'BI_', 'column-suffix': '', 'column-filter': filter },
  }));
  return [
    ...selections,
    ...before,
    {
      'rule-type': 'transformation',
      'rule-id': String(2 * names.length + 1),
      'rule-name': 'change-sequence',
      'rule-target': 'column',
      'object-locator': { 'schema-name': '%', 'table-name': '%' },
      'rule-action': 'add-column',
      value: 'ar_h_change_seq',
      expression: '$AR_H_CHANGE_SEQ',
      'data-type': { type: 'string', length: 35 },
    },
  ];
}
