import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe } from 'vitest';
import { createDmsClient } from '../../activities/dms/clients.ts';
import { DmsConnections } from '../../activities/dms/dms-connections.ts';
import { MemoryConnections } from '../fakes/memory-connections.ts';
import { type Database, type DmsLab, makeDatabase, makeTask, openDmsLab } from '../stack/dms-lab.ts';
import { STACK_REGION } from '../support/stack.ts';
import { keepsTheConnectionsContract } from './connections.ts';

describe('in memory', () => {
  keepsTheConnectionsContract(async () => {
    const connections = new MemoryConnections();
    return {
      connections,
      async make(broken) {
        const task = `shop-${randomUUID()}`;
        connections.create(task);
        if (broken) connections.break(`${task}-source`, broken.why);
        return { task };
      },
    };
  });
});

describe('DMS on the stand-in', () => {
  let lab: DmsLab | undefined;
  let database: Database | undefined;
  beforeAll(async () => {
    lab = await openDmsLab();
    database = await makeDatabase(lab);
  });
  afterAll(async () => {
    await database?.end();
    await lab?.close();
  });

  keepsTheConnectionsContract(async () => {
    if (!lab || !database) throw new Error('the stand-in is not there');
    const [opened, { name }] = [lab, database];
    const where = { endpoint: opened.stack.url, region: STACK_REGION };
    return {
      connections: new DmsConnections({
        client: createDmsClient({ ...where, maxAttempts: 3 }),
        once: createDmsClient({ ...where, maxAttempts: 1 }),
      }),
      async make(broken) {
        const { arn } = await makeTask(opened, broken?.why ?? name, { type: 'cdc' });
        return { task: arn };
      },
    };
  });
});
