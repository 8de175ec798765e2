import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe } from 'vitest';
import { createDmsClient } from '../../activities/dms/clients.ts';
import { DmsTasks } from '../../activities/dms/dms.ts';
import { MemoryDms } from '../fakes/memory-dms.ts';
import { type Database, type DmsLab, makeDatabase, makeTask, openDmsLab } from '../stack/dms-lab.ts';
import { STACK_REGION } from '../support/stack.ts';
import { keepsTheReplicationTaskContract } from './replication-task.ts';
import { type OpenedReplicationTasks, keepsTheReplicationTasksContract } from './replication-tasks.ts';

const TYPES = ['full-load', 'full-load-and-cdc'] as const;

/** Cases about one task, each with one that never ran. */
function keepsBothContracts(open: () => Promise<OpenedReplicationTasks>): void {
  keepsTheReplicationTasksContract(open);
  describe.each(TYPES)('one task, %s', (type) => {
    keepsTheReplicationTaskContract(async () => {
      const opened = await open();
      const { arn } = await opened.make(type);
      return { tasks: opened.tasks, arn, nowhere: arn.replace(/[^:]*$/, 'NOWHERE') };
    });
  });
}

describe('in memory', () => {
  keepsBothContracts(async () => {
    const tasks = new MemoryDms();
    return {
      tasks,
      async make(type) {
        const id = `shop-${randomUUID()}`;
        return { id, arn: tasks.create(id, type) };
      },
      load(id) {
        tasks.loads(id);
        if (!tasks.isReplicating(id)) {
          tasks.becomes(id, { status: 'stopped', stopReason: 'Stop Reason FULL_LOAD_ONLY_FINISHED' });
        }
      },
    };
  });
});

describe('DMS on the stand-in', () => {
  let lab: DmsLab | undefined;
  const databases: Database[] = [];
  beforeAll(async () => {
    lab = await openDmsLab();
  });
  afterAll(async () => {
    await Promise.all(databases.map((database) => database.end()));
    await lab?.close();
  });

  keepsBothContracts(async () => {
    if (!lab) throw new Error('the stand-in is not there');
    const opened = lab;
    const where = { endpoint: opened.stack.url, region: STACK_REGION };
    const client = createDmsClient({ ...where, maxAttempts: 3 });
    const once = createDmsClient({ ...where, maxAttempts: 1 });
    return {
      tasks: new DmsTasks({ client, once }),
      async make(type) {
        const database = await makeDatabase(opened);
        databases.push(database);
        for (const table of ['customers', 'bookings']) {
          await database.query(`CREATE TABLE ${table} (id int PRIMARY KEY, name text)`);
          await database.query(`INSERT INTO ${table} VALUES (1, 'one')`);
        }
        const { id, arn } = await makeTask(opened, database.name, { type });
        return { id, arn };
      },
      load: () => undefined,
    };
  });
});
