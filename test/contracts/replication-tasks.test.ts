import { randomUUID } from 'node:crypto';
import { describe } from 'vitest';
import { MemoryDms } from '../fakes/memory-dms.ts';
import { keepsTheReplicationTasksContract } from './replication-tasks.ts';

describe('in memory', () => {
  keepsTheReplicationTasksContract(async () => {
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
