import { afterAll, describe, expect, test } from 'vitest';
import { createDmsClient } from '../../activities/dms/clients.ts';
import { DmsTasks } from '../../activities/dms/dms.ts';
import { reviewTask } from '../../activities/dms/review.ts';
import { keepsTheReplicationTaskContract } from '../contracts/replication-task.ts';
import { asked, notHere } from './asked.ts';
import { keepWithin } from './task-client.ts';

/** DMS says of a start that it takes minutes. */
const PATIENCE_MS = 900_000;

const { task, region, endpoint } = asked();
if (!task) throw new Error('no task was asked for');
const { arn, mayStart } = task;
const nowhere = arn.replace(/[^:]*$/, 'NOTASKHASTHISARNNOTASKHASTHISARN');
const bounds = { arns: [arn, nowhere], mayStart };
const client = keepWithin(createDmsClient({ endpoint, region, maxAttempts: 10 }), bounds);
const once = keepWithin(createDmsClient({ endpoint, region, maxAttempts: 1 }), bounds);

afterAll(() => {
  client.destroy();
  once.destroy();
});

describe('DMS', () => {
  keepsTheReplicationTaskContract(async (does) => {
    if (does === 'start' && !mayStart) notHere('there is no --start');
    const patience = endpoint === undefined && { patienceMs: PATIENCE_MS };
    return { tasks: new DmsTasks({ client, once }), arn, nowhere, ...patience };
  });

  test('its settings and those of its target are read, as adopt needs them', async () => {
    const review = await reviewTask(client, arn, new AbortController().signal);
    expect(review.taskArn).toBe(arn);
    expect(review.endpointArn).toMatch(/^arn:aws[a-z-]*:dms:[^:]+:\d+:endpoint:/);
  });
});
