import { StartReplicationTaskCommand } from '@aws-sdk/client-database-migration-service';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import {
  type Database,
  type DmsLab,
  arm,
  describe,
  makeDatabase,
  makeTask,
  openDmsLab,
  whenStatus,
} from '../stack/dms-lab.ts';
import { conformance } from './conformance-run.ts';

const SLOW_MS = 120_000;

let lab: DmsLab;
let database: Database;
beforeAll(async () => {
  lab = await openDmsLab();
  database = await makeDatabase(lab);
  await database.query('CREATE TABLE customers (id int PRIMARY KEY)');
});
afterAll(async () => {
  await database.end();
  await lab.close();
});

test(
  'a task on the stand-in that is only looked at is as on the stand-in, and is not touched',
  async () => {
    const { arn, id } = await makeTask(lab, database.name, { type: 'full-load-and-cdc' });
    const before = await describe(lab, arn);
    const { code, said } = await conformance(lab.stack.url, '--task', arn);
    expect(said).toContain(`DMS: ${id} (full-load-and-cdc), which is ready; it is only looked at\n`);
    expect(said).toMatch(
      /^not asked, there is no --start:\n( {2}.+\n){3}6 as on the stand-ins, 0 different, 3 not asked$/m,
    );
    expect(code).toBe(0);
    expect(await describe(lab, arn)).toEqual(before);
  },
  SLOW_MS,
);

test(
  'with --start a task that runs is stopped and resumed, and runs at the end',
  async () => {
    const { arn } = await makeTask(lab, database.name, { type: 'full-load-and-cdc' });
    const start = { ReplicationTaskArn: arn, StartReplicationTaskType: 'start-replication' } as const;
    await lab.dms.send(new StartReplicationTaskCommand(start));
    const { ReplicationTaskStartDate: first } = await whenStatus(lab, arn, 'running');
    const { code, said } = await conformance(lab.stack.url, '--task', arn, '--start');
    expect(said).toContain('which is running; it is started, stopped and resumed\n');
    expect(said).toMatch(/^9 as on the stand-ins, 0 different, 0 not asked$/m);
    expect(code).toBe(0);
    const after = await describe(lab, arn);
    expect(after.Status).toBe('running');
    expect(after.ReplicationTaskStartDate?.getTime()).toBeGreaterThan(first?.getTime() ?? 0);
  },
  SLOW_MS,
);

test(
  'what answers otherwise is named, and it ends with 1',
  async () => {
    const { arn } = await makeTask(lab, database.name, { type: 'full-load' });
    onTestFinished(() => arm(lab, []));
    const action = { kind: 'error', status: 400, code: 'InvalidResourceStateFault', message: 'not now' };
    await arm(lab, [
      { match: { service: 'dms', operation: 'DescribeTableStatistics' }, action, times: 1000 },
    ]);
    const { code, said } = await conformance(lab.stack.url, '--task', arn);
    expect(said).toMatch(/^differs: DMS > tables of a task that is not there are missing$/m);
    expect(said).toMatch(/^5 as on the stand-ins, 1 different, 3 not asked$/m);
    expect(code).toBe(1);
  },
  SLOW_MS,
);

test('a task that is not there ends it before anything is asked', async () => {
  const { code, said } = await conformance(lab.stack.url, '--task', 'nowhere');
  expect(code).toBe(2);
  expect(said).toContain(
    `conformance: the task nowhere cannot be asked at ${lab.stack.url}: Error: there is none`,
  );
});

test('--start without a task is refused', async () => {
  const { code, said } = await conformance(lab.stack.url, '--bucket', 'any', '--start');
  expect(code).toBe(2);
  expect(said).toContain('--start needs --task\nusage: npm run conformance -- ');
});
