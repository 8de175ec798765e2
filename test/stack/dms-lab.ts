import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as dms from '@aws-sdk/client-database-migration-service';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { DuckDBInstance } from '@duckdb/node-api';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { Client, type QueryResult } from 'pg';
import { type Postgres, startPostgres } from '../../scripts/postgres/server.ts';
import { type Stack, startStack } from '../../stack/server.ts';
import { until } from '../support/eventually.ts';
import { STACK_CREDENTIALS, STACK_REGION } from '../support/stack.ts';
import { makeTmpFolder, removeTmpFolder, tmpFolder } from '../support/tmp.ts';

/** A Postgres and the stand-ins, with an instance that tasks run on. The caller owes a `close`. */
export interface DmsLab {
  readonly postgres: Postgres;
  readonly dir: string;
  readonly stack: Stack;
  readonly dms: dms.DatabaseMigrationServiceClient;
  readonly s3: S3Client;
  readonly instanceArn: string;
  close(): Promise<void>;
}

export async function openDmsLab(): Promise<DmsLab> {
  const dir = await makeTmpFolder();
  const [postgres, stack] = await Promise.all([
    startPostgres(),
    startStack({ dir, port: 0, region: STACK_REGION }),
  ]);
  const { client, s3 } = clientsOf(stack.url);
  const instanceArn = await makeInstance(client);
  return {
    postgres,
    dir,
    stack,
    dms: client,
    s3,
    instanceArn,
    async close() {
      client.destroy();
      s3.destroy();
      await stack.close();
      await postgres.stop();
      await removeTmpFolder(dir);
    },
  };
}

/** One attempt a call, so that a test sees every answer. */
export function clientsOf(endpoint: string) {
  const shared = { endpoint, region: STACK_REGION, credentials: STACK_CREDENTIALS, maxAttempts: 1 };
  const requestHandler = new NodeHttpHandler({ requestTimeout: 30_000, connectionTimeout: 5_000 });
  return {
    client: new dms.DatabaseMigrationServiceClient({ ...shared, requestHandler }),
    s3: new S3Client({ ...shared, forcePathStyle: true }),
  };
}

export async function makeInstance(client: dms.DatabaseMigrationServiceClient): Promise<string> {
  const { ReplicationInstance: made } = await client.send(
    new dms.CreateReplicationInstanceCommand({
      ReplicationInstanceIdentifier: `i-${randomUUID()}`,
      ReplicationInstanceClass: 'dms.t3.medium',
    }),
  );
  const arn = made?.ReplicationInstanceArn ?? '';
  const filter = { Filters: [{ Name: 'replication-instance-arn', Values: [arn] }] };
  await dms.waitUntilReplicationInstanceAvailable(fastWaiter(client), filter);
  return arn;
}

/** The SDK's waiters look every few seconds unless told otherwise. */
export function fastWaiter(client: dms.DatabaseMigrationServiceClient) {
  return { client, maxWaitTime: 20, minDelay: 0.05, maxDelay: 0.1 };
}

type Clients = Pick<DmsLab, 'dms' | 's3' | 'instanceArn'> & { readonly postgres: Pick<Postgres, 'port'> };

export interface Database {
  readonly name: string;
  query(sql: string, values?: unknown[]): Promise<QueryResult>;
  end(): Promise<void>;
}

/** A database of the test's own. */
export async function makeDatabase({ postgres }: { readonly postgres: Postgres }): Promise<Database> {
  const name = `d_${randomUUID().replaceAll('-', '')}`;
  const admin = new Client(postgres.url);
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.end();
  return connect(postgres, name);
}

export async function connect(postgres: Postgres, name: string): Promise<Database> {
  const client = new Client(postgres.url.replace(/postgres$/, name));
  client.on('error', () => {});
  await client.connect();
  return { name, query: (sql, values) => client.query(sql, values), end: () => client.end() };
}

export interface TaskOptions {
  readonly type: 'full-load' | 'full-load-and-cdc' | 'cdc';
  readonly s3?: dms.S3Settings;
  readonly settings?: object;
  readonly rules?: readonly object[];
  readonly source?: Partial<dms.CreateEndpointCommandInput>;
  readonly start?: string;
}

export interface Landed {
  readonly arn: string;
  readonly id: string;
  readonly bucket: string;
}

/** Everything that DMS itself stores in the rules of a task that takes the whole of `public`. */
export const ALL_OF_PUBLIC = [
  {
    'rule-type': 'selection',
    'rule-id': '1',
    'rule-name': '1',
    'object-locator': { 'schema-name': 'public', 'table-name': '%' },
    'rule-action': 'include',
  },
] as const;

/** All of public, each change with its number. */
export const NUMBERED = [
  ...ALL_OF_PUBLIC,
  {
    'rule-type': 'transformation',
    'rule-id': '2',
    'rule-name': 'change-seq',
    'rule-target': 'column',
    'object-locator': { 'schema-name': '%', 'table-name': '%' },
    'rule-action': 'add-column',
    value: 'ar_h_change_seq',
    expression: '$AR_H_CHANGE_SEQ',
    'data-type': { type: 'string', length: 35 },
  },
];

/** A task that is ready, with endpoints and a bucket of its own. Changes are written a second after they come. */
export async function makeTask(lab: Clients, database: string, options: TaskOptions): Promise<Landed> {
  const id = `t-${randomUUID()}`;
  const bucket = `landing-${randomUUID()}`;
  await lab.s3.send(new CreateBucketCommand({ Bucket: bucket }));
  const source = await lab.dms.send(
    new dms.CreateEndpointCommand({
      EndpointIdentifier: `${id}-source`,
      EndpointType: 'source',
      EngineName: 'postgres',
      ServerName: '127.0.0.1',
      Port: lab.postgres.port,
      DatabaseName: database,
      Username: 'postgres',
      Password: 'any',
      ...options.source,
    }),
  );
  const target = await lab.dms.send(
    new dms.CreateEndpointCommand({
      EndpointIdentifier: `${id}-target`,
      EndpointType: 'target',
      EngineName: 's3',
      S3Settings: { BucketName: bucket, BucketFolder: 'in', CdcMaxBatchInterval: 0, ...options.s3 },
    }),
  );
  const { ReplicationTask: task } = await lab.dms.send(
    new dms.CreateReplicationTaskCommand({
      ReplicationTaskIdentifier: id,
      SourceEndpointArn: source.Endpoint?.EndpointArn,
      TargetEndpointArn: target.Endpoint?.EndpointArn,
      ReplicationInstanceArn: lab.instanceArn,
      MigrationType: options.type,
      TableMappings: JSON.stringify({ rules: options.rules ?? ALL_OF_PUBLIC }),
      ReplicationTaskSettings: JSON.stringify(options.settings ?? {}),
      ...(options.start === undefined ? {} : { CdcStartPosition: options.start }),
    }),
  );
  const arn = task?.ReplicationTaskArn ?? '';
  await dms.waitUntilReplicationTaskReady(fastWaiter(lab.dms), byArn(arn));
  return { arn, id, bucket };
}

export function byArn(arn: string) {
  return { Filters: [{ Name: 'replication-task-arn', Values: [arn] }] };
}

export async function start(
  { dms: client }: Pick<DmsLab, 'dms'>,
  arn: string,
  how: dms.StartReplicationTaskTypeValue = 'start-replication',
  stopAt?: string,
): Promise<void> {
  await client.send(
    new dms.StartReplicationTaskCommand({
      ReplicationTaskArn: arn,
      StartReplicationTaskType: how,
      ...(stopAt === undefined ? {} : { CdcStopPosition: stopAt }),
    }),
  );
}

export async function stop({ dms: client }: Pick<DmsLab, 'dms'>, arn: string): Promise<void> {
  await client.send(new dms.StopReplicationTaskCommand({ ReplicationTaskArn: arn }));
}

export async function describe(
  { dms: client }: Pick<DmsLab, 'dms'>,
  arn: string,
): Promise<dms.ReplicationTask> {
  const { ReplicationTasks: [task] = [] } = await client.send(
    new dms.DescribeReplicationTasksCommand(byArn(arn)),
  );
  if (!task) throw new Error(`no task ${arn}`);
  return task;
}

/** Waits for a status, and tells what the task says then. */
export async function whenStatus(
  lab: Pick<DmsLab, 'dms'>,
  arn: string,
  status: string,
): Promise<dms.ReplicationTask> {
  return until(
    () => describe(lab, arn),
    (task) => task.Status === status,
  );
}

export async function statistics(
  { dms: client }: Pick<DmsLab, 'dms'>,
  arn: string,
): Promise<Record<string, dms.TableStatistics>> {
  const { TableStatistics: tables = [] } = await client.send(
    new dms.DescribeTableStatisticsCommand({ ReplicationTaskArn: arn }),
  );
  return Object.fromEntries(tables.map((table) => [table.TableName ?? '', table]));
}

export async function keysOf({ s3 }: Pick<DmsLab, 's3'>, bucket: string): Promise<string[]> {
  const { Contents: objects = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
  return objects.map(({ Key = '' }) => Key);
}

export async function bytesOf({ s3 }: Pick<DmsLab, 's3'>, bucket: string, key: string): Promise<Buffer> {
  const { Body: body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  const bytes = Buffer.from((await body?.transformToByteArray()) ?? []);
  return key.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

/** The lines of the changes of a table, files in the order of their names. */
export async function changesOf(lab: Pick<DmsLab, 's3'>, bucket: string, table: string): Promise<string[]> {
  const keys = (await keysOf(lab, bucket)).filter(
    (key) => key.includes(`/${table}/`) && !key.includes('/LOAD'),
  );
  const texts = await Promise.all(keys.map((key) => bytesOf(lab, bucket, key)));
  return texts.flatMap((text) =>
    text
      .toString()
      .split('\n')
      .filter((line) => line !== ''),
  );
}

export async function loadOf(lab: Pick<DmsLab, 's3'>, bucket: string, table: string): Promise<string> {
  const keys = (await keysOf(lab, bucket)).filter((key) => key.includes(`/${table}/LOAD`));
  const texts = await Promise.all(keys.map((key) => bytesOf(lab, bucket, key)));
  return texts.map(String).join('');
}

/** What DuckDB reads from the Parquet files, as text; `select` is what stands before FROM. */
export async function readParquet(
  lab: Pick<DmsLab, 's3'>,
  bucket: string,
  keys: readonly string[],
  select: string,
): Promise<unknown[]> {
  const folder = await tmpFolder();
  const files = await Promise.all(
    keys.map(async (key, at) => {
      const file = path.join(folder, `${at}.parquet`);
      await writeFile(file, await bytesOf(lab, bucket, key));
      return `'${file}'`;
    }),
  );
  const connection = await (await DuckDBInstance.create()).connect();
  const read = await connection.runAndReadAll(`SELECT ${select} FROM read_parquet([${files.join(', ')}])`);
  return read.getRowsJson();
}

/** Arms rules of `/_stack/faults`; what is armed already is cleared. */
export async function arm({ stack }: Pick<DmsLab, 'stack'>, rules: readonly object[]): Promise<void> {
  await fetch(`${stack.url}/_stack/faults`, { method: 'DELETE' });
  await fetch(`${stack.url}/_stack/faults`, { method: 'POST', body: JSON.stringify(rules) });
}
