import { expect, onTestFinished, test } from 'vitest';
import { Catalogue } from '../../stack/dms/catalogue.ts';
import type { MigrationType, Task, TaskStatus } from '../../stack/dms/model.ts';
import { startOperations } from '../../stack/dms/starts.ts';
import { tableOperations } from '../../stack/dms/tables.ts';
import { taskOperations } from '../../stack/dms/tasks.ts';
import { ServiceError } from '../../stack/json-service.ts';
import { tmpFolder } from '../support/tmp.ts';
import { ALL_OF_PUBLIC } from './dms-lab.ts';

const ASKED = [
  'start-replication',
  'start at a position',
  'resume-processing',
  'reload-target',
  'stop',
  'modify',
  'delete',
  'reload tables',
] as const;
type Asked = (typeof ASKED)[number];

const STANDS: readonly Asked[] = ['resume-processing', 'reload-target', 'modify', 'delete'];
const STANDS_CDC: readonly Asked[] = ['resume-processing', 'start at a position', 'modify', 'delete'];
const NEVER_RAN: readonly Asked[] = ['start-replication', 'start at a position', 'modify', 'delete'];

/** What DMS does in each state; everything else is an InvalidResourceStateFault. */
const LEGAL: readonly (readonly [TaskStatus, MigrationType, readonly Asked[]])[] = [
  ...(['full-load', 'full-load-and-cdc', 'cdc'] as const).flatMap((type) =>
    (['creating', 'starting', 'stopping', 'modifying', 'deleting'] as const).map(
      (status) => [status, type, []] as const,
    ),
  ),
  ['ready', 'full-load', NEVER_RAN],
  ['ready', 'full-load-and-cdc', NEVER_RAN],
  ['ready', 'cdc', NEVER_RAN],
  ['running', 'full-load', ['stop', 'reload tables']],
  ['running', 'full-load-and-cdc', ['stop', 'reload tables']],
  ['running', 'cdc', ['stop']],
  ['stopped', 'full-load', STANDS],
  ['stopped', 'full-load-and-cdc', STANDS],
  ['stopped', 'cdc', STANDS_CDC],
  ['failed', 'full-load', STANDS],
  ['failed', 'full-load-and-cdc', STANDS],
  ['failed', 'cdc', STANDS_CDC],
];

const ARN = 'arn:aws:dms:eu-west-1:123456789012:task:A';

/** Asks it of a task that is in this state, and names the fault of a refusal. */
async function outcome(asked: Asked, status: TaskStatus, type: MigrationType): Promise<string> {
  const realm = { account: '123456789012', region: 'eu-west-1', clock: { now: () => 2_000 } };
  const catalogue = new Catalogue(await tmpFolder(), realm);
  onTestFinished(() => catalogue.close());
  const hasRun = !['creating', 'ready'].includes(status);
  const task: Task = {
    arn: ARN,
    id: 'a',
    sourceArn: '',
    targetArn: '',
    instanceArn: '',
    type,
    mappings: JSON.stringify({ rules: ALL_OF_PUBLIC }),
    settings: '{}',
    status,
    createdAt: 0,
    ...(hasRun && { startedAt: 1_000 }),
  };
  catalogue.setTask(task);
  catalogue.setTable({
    taskArn: ARN,
    schema: 'public',
    name: 'a',
    state: 'Table completed',
    inserts: 0,
    updates: 0,
    deletes: 0,
    ddls: 0,
    loadRows: 0,
    isReloaded: false,
    updatedAt: 0,
  });
  const none = () => [];
  const starts = startOperations(catalogue, { start: () => {}, stop: () => {} });
  const tasks = taskOperations(catalogue, async () => {}, none);
  const tables = tableOperations(catalogue, () => {}, none);
  const arn = { ReplicationTaskArn: ARN };
  const act = (): unknown => {
    switch (asked) {
      case 'stop':
        return starts.stop(arn);
      case 'modify':
        return tasks.modify(arn);
      case 'delete':
        return tasks.remove(arn);
      case 'reload tables':
        return tables.reloadTables({ ...arn, TablesToReload: [{ SchemaName: 'public', TableName: 'a' }] });
      case 'start at a position':
        return starts.start({
          ...arn,
          StartReplicationTaskType: 'start-replication',
          CdcStartPosition: '0/16B3748',
        });
      case 'start-replication':
      case 'resume-processing':
      case 'reload-target':
        return starts.start({ ...arn, StartReplicationTaskType: asked });
    }
  };
  try {
    act();
    return 'done';
  } catch (error) {
    return error instanceof ServiceError ? error.type : String(error);
  }
}

test.each(LEGAL)(
  'of a task that is %s (%s) DMS does %j and refuses the rest',
  async (status, type, legal) => {
    const outcomes = await Promise.all(
      ASKED.map(async (asked) => [asked, await outcome(asked, status, type)] as const),
    );
    expect(Object.fromEntries(outcomes)).toEqual(
      Object.fromEntries(
        ASKED.map((asked) => [asked, legal.includes(asked) ? 'done' : 'InvalidResourceStateFault']),
      ),
    );
  },
);
