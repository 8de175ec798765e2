import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as dms from '@aws-sdk/client-database-migration-service';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { Client } from 'pg';
import { startPostgres } from '../scripts/postgres/server.ts';
import { startStack } from '../stack/server.ts';
import { cpuSeconds } from './process.ts';

const ROWS = 500_000;
const CHANGES = 100_000;
const REGION = 'eu-west-1';
const KEYS = { accessKeyId: 'bench', secretAccessKey: 'bench-local' };
const LOOK_EVERY_MS = 20;
const WITHIN_MS = 120_000;

/**
 * The stand-in of DMS from a Postgres to Parquet: seconds for a full load, and seconds from the last commit of changes
 * to their landing, beside what Postgres took to write them.
 */
export async function benchDmsStandIn(say: (text: string) => void): Promise<object> {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
  const [postgres, stack] = await Promise.all([
    startPostgres(),
    startStack({ dir, port: 0, region: REGION, ...KEYS }),
  ]);
  const db = new Client(postgres.url);
  const client = new dms.DatabaseMigrationServiceClient({
    endpoint: stack.url,
    region: REGION,
    credentials: KEYS,
  });
  const s3 = new S3Client({
    endpoint: stack.url,
    region: REGION,
    credentials: KEYS,
    forcePathStyle: true,
  });
  try {
    await db.connect();
    await db.query(
      'CREATE TABLE orders (id bigint PRIMARY KEY, customer text, amount numeric(12, 2), at timestamptz, is_open boolean)',
    );
    await db.query(`INSERT INTO orders SELECT ${VALUES} FROM generate_series(1, ${ROWS}) n`);
    await s3.send(new CreateBucketCommand({ Bucket: 'landing' }));
    const arn = await makeTask(client, postgres.port);
    const landed = async (count: (table: dms.TableStatistics) => boolean): Promise<number> => {
      const until = Date.now() + WITHIN_MS;
      while (Date.now() < until) {
        const { TableStatistics: [table] = [] } = await client.send(
          new dms.DescribeTableStatisticsCommand({ ReplicationTaskArn: arn }),
        );
        if (table && count(table)) return Date.now();
        await new Promise((wake) => setTimeout(wake, LOOK_EVERY_MS));
      }
      throw new Error(`not landed within ${WITHIN_MS / 1_000} s`);
    };

    const startedAt = Date.now();
    const cpuBefore = await cpuSeconds(process.pid);
    await client.send(
      new dms.StartReplicationTaskCommand({
        ReplicationTaskArn: arn,
        StartReplicationTaskType: 'start-replication',
      }),
    );
    const loadedAt = await landed(({ TableState: state }) => state === 'Table completed');
    const load = {
      rows: ROWS,
      seconds: (loadedAt - startedAt) / 1_000,
      cpuSeconds: (await cpuSeconds(process.pid)) - cpuBefore,
    };
    say(`full load: ${JSON.stringify(load)}`);

    const changes: Record<string, object> = {};
    let before = 0;
    for (const size of [CHANGES, 1_000, 10]) {
      const cpuAtStart = await cpuSeconds(process.pid);
      const beganAt = Date.now();
      for (let from = 0; from < CHANGES; from += size) {
        const first = ROWS + before + from + 1;
        await db.query(
          `INSERT INTO orders SELECT ${VALUES} FROM generate_series(${first}, ${first + size - 1}) n`,
        );
      }
      const writtenAt = Date.now();
      before += CHANGES;
      const all = before;
      const atRest = await landed(({ Inserts: inserts = 0 }) => inserts >= all);
      changes[`in transactions of ${size}`] = {
        postgresSeconds: (writtenAt - beganAt) / 1_000,
        secondsAfterLastCommit: (atRest - writtenAt) / 1_000,
        cpuSeconds: (await cpuSeconds(process.pid)) - cpuAtStart,
      };
      say(`changes in transactions of ${size}: ${JSON.stringify(changes[`in transactions of ${size}`])}`);
    }
    return { load, changes: { count: CHANGES, ...changes } };
  } finally {
    client.destroy();
    s3.destroy();
    await db.end();
    await stack.close();
    await postgres.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

const VALUES = `n, 'customer ' || n % 10000, n * 0.01, now() - n * interval '1 second', n % 3 = 0`;

/** A task over the whole of `public` that is ready. Changes are put as soon as a file of them can be. */
async function makeTask(client: dms.DatabaseMigrationServiceClient, port: number): Promise<string> {
  const waiter = { client, maxWaitTime: 20, minDelay: 1, maxDelay: 1 };
  const { ReplicationInstance: instance } = await client.send(
    new dms.CreateReplicationInstanceCommand({
      ReplicationInstanceIdentifier: 'bench',
      ReplicationInstanceClass: 'dms.t3.medium',
    }),
  );
  const instanceArn = instance?.ReplicationInstanceArn ?? '';
  await dms.waitUntilReplicationInstanceAvailable(waiter, {
    Filters: [{ Name: 'replication-instance-arn', Values: [instanceArn] }],
  });
  const source = await client.send(
    new dms.CreateEndpointCommand({
      EndpointIdentifier: 'bench-source',
      EndpointType: 'source',
      EngineName: 'postgres',
      ServerName: '127.0.0.1',
      Port: port,
      DatabaseName: 'postgres',
      Username: 'postgres',
      Password: 'any',
    }),
  );
  const target = await client.send(
    new dms.CreateEndpointCommand({
      EndpointIdentifier: 'bench-target',
      EndpointType: 'target',
      EngineName: 's3',
      S3Settings: {
        BucketName: 'landing',
        DataFormat: 'parquet',
        IncludeOpForFullLoad: true,
        TimestampColumnName: 'changed_at',
        CdcMaxBatchInterval: 0,
      },
    }),
  );
  const rules = [
    {
      'rule-type': 'selection',
      'rule-id': '1',
      'rule-name': '1',
      'rule-action': 'include',
      'object-locator': { 'schema-name': 'public', 'table-name': '%' },
    },
    {
      'rule-type': 'transformation',
      'rule-id': '2',
      'rule-name': '2',
      'rule-target': 'column',
      'rule-action': 'add-column',
      'object-locator': { 'schema-name': '%', 'table-name': '%' },
      value: 'change_seq',
      expression: '$AR_H_CHANGE_SEQ',
      'data-type': { type: 'string', length: 35 },
    },
  ];
  const { ReplicationTask: task } = await client.send(
    new dms.CreateReplicationTaskCommand({
      ReplicationTaskIdentifier: 'bench',
      SourceEndpointArn: source.Endpoint?.EndpointArn,
      TargetEndpointArn: target.Endpoint?.EndpointArn,
      ReplicationInstanceArn: instanceArn,
      MigrationType: 'full-load-and-cdc',
      TableMappings: JSON.stringify({ rules }),
      ReplicationTaskSettings: '{}',
    }),
  );
  const arn = task?.ReplicationTaskArn ?? '';
  await dms.waitUntilReplicationTaskReady(waiter, {
    Filters: [{ Name: 'replication-task-arn', Values: [arn] }],
  });
  return arn;
}
