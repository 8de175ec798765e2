import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { createDmsActivities } from '../../activities/dms/activities.ts';
import { createDmsClient } from '../../activities/dms/clients.ts';
import { createConnectionActivities } from '../../activities/dms/connections.ts';
import { DmsConnections } from '../../activities/dms/dms-connections.ts';
import { DmsTasks } from '../../activities/dms/dms.ts';
import { S3Prefix } from '../../activities/files/prefix.ts';
import { createS3Client } from '../../activities/objects/clients.ts';
import { createLedger } from '../../activities/objects/ledger.ts';
import { S3ObjectStore } from '../../activities/objects/s3.ts';
import { createRunActivities } from '../../activities/runs/activities.ts';
import { TemporalRuns } from '../../activities/runs/temporal.ts';
import { createSpecActivities } from '../../activities/spec/activities.ts';
import { createSpecReader } from '../../activities/spec/store.ts';
import { createTableActivities } from '../../activities/tables/activities.ts';
import { createViewActivities } from '../../activities/views/activities.ts';
import { workflowIds } from '../../lake/ids.ts';
import type { Replicate } from '../../lake/replicate.ts';
import type { replicateDatabase } from '../../workflows/replicate-database.ts';
import { type TableDeclared, openTablesLake, shopSpec } from '../contracts/tables-lake.ts';
import {
  NUMBERED,
  type DmsLab,
  type TaskOptions,
  describe,
  makeDatabase,
  makeTask,
  openDmsLab,
} from '../stack/dms-lab.ts';
import { eventually } from '../support/eventually.ts';
import { STACK_REGION } from '../support/stack.ts';
import { type Lab, test } from '../support/temporal.ts';
import { startByHand } from './operator.ts';

let dms: DmsLab;
beforeAll(async () => {
  dms = await openDmsLab();
});
afterAll(() => dms.close());

const S3 = {
  AddColumnName: true,
  IncludeOpForFullLoad: true,
  TimestampColumnName: 'ar_h_commit_time',
  UseTaskStartTimeForFullLoadTimestamp: true,
};
/** With which nothing is found about the task. */
const SETTINGS = {
  ErrorBehavior: { DataErrorPolicy: 'SUSPEND_TABLE', DataTruncationErrorPolicy: 'SUSPEND_TABLE' },
  FullLoadSettings: { TargetTablePrepMode: 'DO_NOTHING' },
  ChangeProcessingDdlHandlingPolicy: { HandleSourceTableTruncated: false, HandleSourceTableDropped: false },
};
const TABLES: Readonly<Record<string, TableDeclared>> = {
  'public.customers': { columns: { id: 'bigint', name: 'string' }, key: ['id'] },
  'public.bookings': { columns: { id: 'bigint', name: 'string' }, key: ['id'] },
};
const ATTENTIVE = { worker: { maxHeartbeatThrottleInterval: '200ms' } } as const;

/** A Postgres of two tables, a task on the stand-in, a lake in its S3, and every activity that the run needs. */
async function shop({ client }: Lab, type: TaskOptions['type'], replicate: Replicate) {
  const database = await makeDatabase(dms);
  onTestFinished(() => database.end());
  for (const table of ['customers', 'bookings']) {
    await database.query(`CREATE TABLE ${table} (id int PRIMARY KEY, name text)`);
    await database.query(`INSERT INTO ${table} VALUES (1, 'one'), (2, 'two')`);
  }
  const task = await makeTask(dms, database.name, { type, rules: NUMBERED, s3: S3, settings: SETTINGS });
  const bucket = `lake-${randomUUID()}`;
  await dms.s3.send(new CreateBucketCommand({ Bucket: bucket }));
  const where = { endpoint: dms.stack.url, region: STACK_REGION };
  const s3 = createS3Client({ ...where, maxAttempts: 3 });
  const store = new S3ObjectStore(s3, bucket, createS3Client({ ...where, maxAttempts: 1 }));
  const clients = {
    client: createDmsClient({ ...where, maxAttempts: 3 }),
    once: createDmsClient({ ...where, maxAttempts: 1 }),
  };
  const tasks = new DmsTasks(clients);
  const landings = new S3Prefix(s3);
  const scratch = path.join(dms.dir, `scratch-${randomUUID()}`);
  const spec = shopSpec(task.id, bucket, TABLES, replicate);
  const lake = await openTablesLake({ store, spec, tasks, landings, scratch });
  const queue = `test-${task.id}`;
  const clock = { now: () => Date.now() };
  const runs = new TemporalRuns(() => client, queue);
  const ledger = createLedger({ store });
  const reader = createSpecReader({ store });
  const pacing = { lookEveryMs: 20, gapMs: 1 };
  const duck = { memoryMb: 256, threads: 1, scratch };
  const activities = {
    ...createRunActivities({ runs }),
    ...createSpecActivities({ store, runs, clock }),
    ...createViewActivities({ store, ledger, spec: reader, clock }),
    ...createDmsActivities({ tasks, clock, pacing }),
    ...createConnectionActivities({ connections: new DmsConnections(clients), clock, pacing }),
    ...createTableActivities({ store, ledger, spec: reader, tasks, landings, duck, clock }),
  };
  return { database, lake, queue, activities, ...task };
}

const RUN = workflowIds.replicateDatabase('shop');
const ANA = { by: 'ana', reason: 'quarter end' };

async function cli(lab: Lab, ...args: readonly string[]): Promise<string> {
  const ran = await lab.cli(...args, '-o', 'json');
  if (ran.code !== 0) throw new Error(ran.stderr);
  return ran.stdout;
}

test('a database is replicated, looked at, loaded again and stopped by what an operator types', async ({
  lab,
}) => {
  const own = await shop(lab, 'full-load-and-cdc', 'continuous');
  const { database, lake } = own;
  const customers = async () => (await lake.current('public.customers', 'name')).map(({ name }) => name);
  const ready = async (table: string) => (await lake.entries(table)).filter((one) => one.ready).length;
  await lab.withWorker(
    own.queue,
    own.activities,
    async () => {
      await startByHand(lab, 'replicateDatabase', own.queue, { source: 'shop' });
      await eventually(customers, ['one', 'two']);
      await database.query(`INSERT INTO customers VALUES (3, 'three')`);
      await database.query(`UPDATE customers SET name = 'zwei' WHERE id = 2`);
      await database.query('DELETE FROM customers WHERE id = 1');
      await eventually(customers, ['zwei', 'three']);
      await eventually(() => ready('public.bookings'), 1);

      const again = JSON.stringify({ tables: ['public.customers'], ...ANA });
      const update = ['workflow', 'update', 'execute', '--workflow-id', RUN];
      expect(await cli(lab, ...update, '--name', 'reloadTables', '--input', again)).toContain(
        'public.customers',
      );
      await eventually(() => ready('public.customers'), 2);
      expect(await ready('public.bookings')).toBe(1);
      await eventually(customers, ['zwei', 'three']);
      const told = await cli(lab, 'workflow', 'query', '--workflow-id', RUN, '--type', 'tables');
      expect(told).toContain('public.bookings');

      await database.query(`INSERT INTO bookings VALUES (3, 'last')`);
      await cli(lab, ...update, '--name', 'stop', '--input', JSON.stringify(ANA));
      const result = await lab.client.workflow.getHandle<typeof replicateDatabase>(RUN).result();
      expect(result).toMatchObject({ source: 'shop', outcome: 'stopped', waiting: 0 });
      expect((await describe(dms, own.arn)).Status).toBe('stopped');
      expect(await customers()).toEqual(['zwei', 'three']);
      expect((await lake.verify()).findings).toEqual([]);
    },
    ATTENTIVE,
  );
});

test('each load brings what the tables hold then', async ({ lab }) => {
  const own = await shop(lab, 'full-load', 'load');
  const { database, lake } = own;
  const ids = async (table: string) => (await lake.current(table, 'id')).map(({ id }) => Number(id));
  await lab.withWorker(
    own.queue,
    own.activities,
    async () => {
      const load = async () => {
        const id = await startByHand(lab, 'replicateDatabase', own.queue, { source: 'shop', wait: true });
        return lab.client.workflow.getHandle<typeof replicateDatabase>(id).result();
      };
      expect(await load()).toMatchObject({ outcome: 'finished', rejected: 0, waiting: 0 });
      expect([await ids('public.customers'), await ids('public.bookings')]).toEqual([
        [1, 2],
        [1, 2],
      ]);
      await database.query('DELETE FROM customers WHERE id = 1');
      await database.query(`INSERT INTO bookings VALUES (7, 'seven')`);
      expect(await load()).toMatchObject({ outcome: 'finished', waiting: 0 });
      expect(await ids('public.customers')).toEqual([2]);
      expect(await ids('public.bookings')).toEqual([1, 2, 7]);
      expect((await lake.verify()).findings).toEqual([]);
    },
    ATTENTIVE,
  );
});
