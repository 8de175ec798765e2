import * as dms from '@aws-sdk/client-database-migration-service';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  type Database,
  type DmsLab,
  ALL_OF_PUBLIC,
  byArn,
  describe,
  fastWaiter,
  makeDatabase,
  makeInstance,
  makeTask,
  openDmsLab,
  start,
  stop,
  whenStatus,
} from './dms-lab.ts';

let lab: DmsLab;
let db: Database;
beforeAll(async () => {
  lab = await openDmsLab();
});
afterAll(() => lab.close());
beforeEach(async () => {
  db = await makeDatabase(lab);
  await db.query('CREATE TABLE a (id int PRIMARY KEY)');
  return () => db.end();
});

test('an instance is created, listed, tagged and deleted, and the waiters see it', async () => {
  const arn = await makeInstance(lab.dms);
  const filter = { Filters: [{ Name: 'replication-instance-arn', Values: [arn] }] };
  await lab.dms.send(
    new dms.AddTagsToResourceCommand({ ResourceArn: arn, Tags: [{ Key: 'team', Value: 'lake' }] }),
  );
  const { TagList: tags } = await lab.dms.send(new dms.ListTagsForResourceCommand({ ResourceArn: arn }));
  const { ReplicationInstances: [found] = [] } = await lab.dms.send(
    new dms.DescribeReplicationInstancesCommand(filter),
  );

  await lab.dms.send(new dms.DeleteReplicationInstanceCommand({ ReplicationInstanceArn: arn }));

  expect(tags).toEqual([{ Key: 'team', Value: 'lake', ResourceArn: arn }]);
  expect(found).toMatchObject({
    ReplicationInstanceStatus: 'available',
    ReplicationInstanceClass: 'dms.t3.medium',
  });
  expect(found?.InstanceCreateTime).toBeInstanceOf(Date);
  await dms.waitUntilReplicationInstanceDeleted(fastWaiter(lab.dms), filter);
});

test('an endpoint is changed in what is given, tested anew, and gone once nobody uses it', async () => {
  const { arn } = await makeTask(lab, db.name, { type: 'cdc' });
  const { SourceEndpointArn: source = '', TargetEndpointArn: target = '' } = await describe(lab, arn);
  const filter = { Filters: [{ Name: 'endpoint-arn', Values: [target] }] };
  const tested = () =>
    lab.dms.send(
      new dms.TestConnectionCommand({ ReplicationInstanceArn: lab.instanceArn, EndpointArn: target }),
    );
  await tested();
  await dms.waitUntilTestConnectionSucceeds(fastWaiter(lab.dms), filter);

  await lab.dms.send(
    new dms.ModifyEndpointCommand({ EndpointArn: target, S3Settings: { BucketName: 'nobody-made-it' } }),
  );
  const { Endpoints: [changed] = [] } = await lab.dms.send(new dms.DescribeEndpointsCommand(filter));
  await tested();

  expect(changed?.S3Settings).toMatchObject({ BucketName: 'nobody-made-it', BucketFolder: 'in' });
  await expect(dms.waitUntilTestConnectionSucceeds(fastWaiter(lab.dms), filter)).rejects.toThrow(/FAILURE/);
  await lab.dms.send(new dms.DeleteReplicationTaskCommand({ ReplicationTaskArn: arn }));
  await dms.waitUntilReplicationTaskDeleted(fastWaiter(lab.dms), byArn(arn));
  for (const EndpointArn of [source, target]) {
    await lab.dms.send(new dms.DeleteEndpointCommand({ EndpointArn }));
    const Filters = [{ Name: 'endpoint-arn', Values: [EndpointArn] }];
    await dms.waitUntilEndpointDeleted(fastWaiter(lab.dms), { Filters });
  }
});

test('statistics are asked for by schema, table and state, in pages', async () => {
  for (let n = 0; n < 21; n += 1) await db.query(`CREATE TABLE t${n} (id int PRIMARY KEY)`);
  await db.query('CREATE SCHEMA other; CREATE TABLE other.a (id int PRIMARY KEY)');
  const all = { ...ALL_OF_PUBLIC[0], 'object-locator': { 'schema-name': '%', 'table-name': '%' } };
  const { arn } = await makeTask(lab, db.name, { type: 'full-load', rules: [all] });
  await start(lab, arn);
  await whenStatus(lab, arn, 'stopped');
  const ask = async (filters: Record<string, string>, more: object = {}) => {
    const Filters = Object.entries(filters).map(([Name, value]) => ({ Name, Values: [value] }));
    const { TableStatistics: tables = [], Marker } = await lab.dms.send(
      new dms.DescribeTableStatisticsCommand({ ReplicationTaskArn: arn, Filters, ...more }),
    );
    return { count: tables.length, Marker };
  };

  expect(await ask({ 'table-name': 'a' })).toMatchObject({ count: 2 });
  expect(await ask({ 'schema-name': 'other', 'table-name': 'a' })).toMatchObject({ count: 1 });
  expect(await ask({ 'table-state': 'Table error' })).toMatchObject({ count: 0 });
  const { count, Marker } = await ask({ 'table-state': 'Table completed' }, { MaxRecords: 20 });
  expect([count, (await ask({}, { MaxRecords: 20, Marker })).count]).toEqual([20, 3]);
  await expect(ask({}, { MaxRecords: 501 })).rejects.toMatchObject({
    name: 'InvalidParameterValueException',
  });
});

test('a connection is tested for real', async () => {
  const right = await describe(lab, (await makeTask(lab, db.name, { type: 'cdc' })).arn);
  const wrong = await describe(lab, (await makeTask(lab, 'no_such_database', { type: 'cdc' })).arn);
  const noBucket = await describe(
    lab,
    (await makeTask(lab, db.name, { type: 'cdc', s3: { BucketName: 'nobody-made-it' } })).arn,
  );
  const outcome = async (endpoint: string | undefined) => {
    await lab.dms.send(
      new dms.TestConnectionCommand({ ReplicationInstanceArn: lab.instanceArn, EndpointArn: endpoint }),
    );
    const filters = { Filters: [{ Name: 'endpoint-arn', Values: [endpoint ?? ''] }] };
    await dms.waitUntilTestConnectionSucceeds(fastWaiter(lab.dms), filters).catch(() => {});
    const { Connections: [connection] = [] } = await lab.dms.send(
      new dms.DescribeConnectionsCommand(filters),
    );
    return [connection?.Status, connection?.LastFailureMessage];
  };

  expect(await outcome(right.SourceEndpointArn)).toEqual(['successful', undefined]);
  expect(await outcome(right.TargetEndpointArn)).toEqual(['successful', undefined]);
  expect(await outcome(wrong.SourceEndpointArn)).toEqual([
    'failed',
    'database "no_such_database" does not exist',
  ]);
  expect((await outcome(noBucket.TargetEndpointArn))[0]).toBe('failed');
});

test('what does not exist, exists already or is in use is refused by the name of the fault', async () => {
  const { arn, id } = await makeTask(lab, db.name, { type: 'cdc' });
  const task = await describe(lab, arn);

  await expect(
    lab.dms.send(
      new dms.StartReplicationTaskCommand({
        ReplicationTaskArn: `${arn}X`,
        StartReplicationTaskType: 'start-replication',
      }),
    ),
  ).rejects.toBeInstanceOf(dms.ResourceNotFoundFault);
  await expect(
    lab.dms.send(new dms.DescribeReplicationTasksCommand(byArn(`${arn}X`))),
  ).rejects.toBeInstanceOf(dms.ResourceNotFoundFault);
  await expect(
    lab.dms.send(
      new dms.CreateReplicationTaskCommand({
        ReplicationTaskIdentifier: id,
        SourceEndpointArn: task.SourceEndpointArn,
        TargetEndpointArn: task.TargetEndpointArn,
        ReplicationInstanceArn: lab.instanceArn,
        MigrationType: 'cdc',
        TableMappings: JSON.stringify({ rules: ALL_OF_PUBLIC }),
      }),
    ),
  ).rejects.toBeInstanceOf(dms.ResourceAlreadyExistsFault);
  await expect(
    lab.dms.send(new dms.DeleteEndpointCommand({ EndpointArn: task.SourceEndpointArn })),
  ).rejects.toBeInstanceOf(dms.InvalidResourceStateFault);
  await expect(
    lab.dms.send(new dms.DeleteReplicationInstanceCommand({ ReplicationInstanceArn: lab.instanceArn })),
  ).rejects.toBeInstanceOf(dms.InvalidResourceStateFault);
});

test('every transition that DMS does not have is refused', async () => {
  const { arn } = await makeTask(lab, db.name, { type: 'full-load-and-cdc' });
  const wrong = { name: 'InvalidResourceStateFault' };
  const remove = () => lab.dms.send(new dms.DeleteReplicationTaskCommand({ ReplicationTaskArn: arn }));
  const modify = () => lab.dms.send(new dms.ModifyReplicationTaskCommand({ ReplicationTaskArn: arn }));
  const reload = (count: number) =>
    lab.dms.send(
      new dms.ReloadTablesCommand({
        ReplicationTaskArn: arn,
        TablesToReload: Array.from({ length: count }, (_, n) => ({
          SchemaName: 'public',
          TableName: `a${n}`,
        })),
      }),
    );

  // It has never run.
  await expect(stop(lab, arn)).rejects.toMatchObject(wrong);
  await expect(start(lab, arn, 'resume-processing')).rejects.toMatchObject(wrong);
  await expect(start(lab, arn, 'reload-target')).rejects.toMatchObject(wrong);
  await expect(reload(1)).rejects.toMatchObject(wrong);

  await start(lab, arn);
  await whenStatus(lab, arn, 'running');
  await expect(start(lab, arn)).rejects.toMatchObject(wrong);
  await expect(start(lab, arn, 'resume-processing')).rejects.toMatchObject(wrong);
  await expect(remove()).rejects.toMatchObject(wrong);
  await expect(modify()).rejects.toMatchObject(wrong);
  await expect(reload(11)).rejects.toMatchObject({ name: 'InvalidParameterValueException' });
  await expect(reload(1)).rejects.toMatchObject({ name: 'ResourceNotFoundFault' });

  await stop(lab, arn);
  await whenStatus(lab, arn, 'stopped');
  await expect(stop(lab, arn)).rejects.toMatchObject(wrong);
  await expect(start(lab, arn)).rejects.toMatchObject(wrong);
  await expect(reload(1)).rejects.toMatchObject(wrong);
});

test('a modified task takes its settings, keeps its state, and is gone with its slot when it is deleted', async () => {
  const { arn } = await makeTask(lab, db.name, { type: 'full-load-and-cdc' });
  await start(lab, arn);
  await whenStatus(lab, arn, 'running');
  await stop(lab, arn);
  await dms.waitUntilReplicationTaskStopped(fastWaiter(lab.dms), byArn(arn));
  const settings = JSON.stringify({ ErrorBehavior: { TableErrorPolicy: 'STOP_TASK' } });

  await lab.dms.send(
    new dms.ModifyReplicationTaskCommand({ ReplicationTaskArn: arn, ReplicationTaskSettings: settings }),
  );
  expect(await describe(lab, arn)).toMatchObject({ Status: 'modifying' });
  expect(await whenStatus(lab, arn, 'stopped')).toMatchObject({ ReplicationTaskSettings: settings });
  await lab.dms.send(new dms.DeleteReplicationTaskCommand({ ReplicationTaskArn: arn }));
  await dms.waitUntilReplicationTaskDeleted(fastWaiter(lab.dms), byArn(arn));

  const left = await db.query(
    'SELECT slot_name FROM pg_replication_slots WHERE database = current_database() UNION SELECT pubname FROM pg_publication',
  );
  expect(left.rows).toEqual([]);
});

test('tasks are listed in pages, and without their settings when those are not wanted', async () => {
  const instance = await makeInstance(lab.dms);
  for (let made = 0; made < 21; made += 1) {
    await makeTask({ ...lab, instanceArn: instance }, db.name, { type: 'cdc' });
  }
  const Filters = [{ Name: 'replication-instance-arn', Values: [instance] }];
  const page = (Marker?: string) =>
    lab.dms.send(
      new dms.DescribeReplicationTasksCommand({
        Filters,
        MaxRecords: 20,
        WithoutSettings: true,
        ...(Marker ? { Marker } : {}),
      }),
    );

  const first = await page();
  const second = await page(first.Marker);

  expect([first.ReplicationTasks?.length, second.ReplicationTasks?.length, second.Marker]).toEqual([
    20,
    1,
    undefined,
  ]);
  expect(first.ReplicationTasks?.[0]).not.toHaveProperty('TableMappings');
  await expect(
    lab.dms.send(new dms.DescribeReplicationTasksCommand({ MaxRecords: 19 })),
  ).rejects.toMatchObject({ name: 'InvalidParameterValueException' });
});

test('what would mean something and is not built is refused by its name', async () => {
  const refusals: readonly [() => Promise<unknown>, RegExp][] = [
    [() => makeTask(lab, db.name, { type: 'cdc', s3: { UseCsvNoSupValue: true } }), /UseCsvNoSupValue/],
    [
      () => makeTask(lab, db.name, { type: 'cdc', s3: { CdcInsertsOnly: true, CdcInsertsAndUpdates: true } }),
      /exclude each other/,
    ],
    [() => makeTask(lab, db.name, { type: 'cdc', source: { EngineName: 'mysql' } }), /mysql/],
    [
      () =>
        makeTask(lab, db.name, {
          type: 'cdc',
          settings: { BeforeImageSettings: { EnableBeforeImage: true } },
        }),
      /EnableBeforeImage/,
    ],
    [
      () =>
        makeTask(lab, db.name, {
          type: 'cdc',
          rules: [{ 'rule-type': 'table-settings', 'object-locator': { 'schema-name': 'x' } }],
        }),
      /table-settings/,
    ],
    [() => lab.dms.send(new dms.DescribeReplicationsCommand({})), /DescribeReplications/],
  ];
  for (const [refused, why] of refusals) await expect(refused()).rejects.toThrow(why);
});

test('a task that finds no table fails, unless it is told that none is enough', async () => {
  const rules = [
    { ...ALL_OF_PUBLIC[0], 'object-locator': { 'schema-name': 'public', 'table-name': 'none%' } },
  ];
  const { arn } = await makeTask(lab, db.name, { type: 'full-load', rules });
  const settings = { ErrorBehavior: { FailOnNoTablesCaptured: false } };
  const enough = await makeTask(lab, db.name, { type: 'full-load', rules, settings });

  await start(lab, arn);
  await start(lab, enough.arn);

  expect(await whenStatus(lab, arn, 'failed')).toMatchObject({
    StopReason: 'Stop Reason FATAL_ERROR Error Level FATAL',
    LastFailureMessage: expect.stringMatching(/^No tables were found at task initialization/),
  });
  expect(await whenStatus(lab, enough.arn, 'stopped')).toMatchObject({
    StopReason: 'Stop Reason FULL_LOAD_ONLY_FINISHED',
    ReplicationTaskStats: { TablesLoaded: 0, FullLoadProgressPercent: 100 },
  });
});

test('the waiter for running takes a task that starts', async () => {
  const { arn } = await makeTask(lab, db.name, { type: 'cdc' });

  await start(lab, arn);
  await dms.waitUntilReplicationTaskRunning(fastWaiter(lab.dms), byArn(arn));

  expect(await describe(lab, arn)).toMatchObject({ Status: 'running' });
});
