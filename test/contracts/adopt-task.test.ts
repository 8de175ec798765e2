import { randomUUID } from 'node:crypto';
import {
  ModifyEndpointCommand,
  ModifyReplicationTaskCommand,
  type S3Settings,
} from '@aws-sdk/client-database-migration-service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { reviewTask } from '../../activities/dms/review.ts';
import { typed } from '../cli/run.ts';
import { type Database, type DmsLab, makeDatabase, makeTask, openDmsLab } from '../stack/dms-lab.ts';
import { STACK_CREDENTIALS, STACK_REGION } from '../support/stack.ts';
import { tmpFolder } from '../support/tmp.ts';

const signal = AbortSignal.timeout(120_000);
let lab: DmsLab;
let database: Database;
beforeAll(async () => {
  lab = await openDmsLab();
  database = await makeDatabase(lab);
});
afterAll(async () => {
  await database.end();
  await lab.close();
});

const LOSSY: S3Settings = { CdcInsertsOnly: true, AddColumnName: false };

test('what is changed as a review says has no findings, and DMS takes it', async () => {
  const { arn, id } = await makeTask(lab, database.name, { type: 'full-load-and-cdc', s3: LOSSY });
  const review = await reviewTask(lab.dms, id, signal);
  expect(review).toMatchObject({ task: id, taskArn: arn, status: 'ready' });
  expect(review.findings[0]).toMatchObject({ harm: 'loses data', setting: 'CdcInsertsOnly', found: 'true' });
  const { s3, task, mappings } = review.changes;
  await lab.dms.send(
    new ModifyEndpointCommand({ EndpointArn: review.endpointArn, S3Settings: { ...LOSSY, ...s3 } }),
  );
  await lab.dms.send(
    new ModifyReplicationTaskCommand({
      ReplicationTaskArn: arn,
      ReplicationTaskSettings: JSON.stringify(task),
      TableMappings: JSON.stringify(mappings),
    }),
  );
  expect((await reviewTask(lab.dms, arn, signal)).findings).toEqual([]);
});

test('the command line names each finding and the commands that mend it, and ends with 3', async () => {
  const { id } = await makeTask(lab, database.name, { type: 'full-load-and-cdc', s3: LOSSY });
  const env = {
    AWS_ENDPOINT_URL: lab.stack.url,
    AWS_REGION: STACK_REGION,
    AWS_ACCESS_KEY_ID: STACK_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: STACK_CREDENTIALS.secretAccessKey,
  };
  const { code, stdout } = await typed(['adopt', id], { cwd: await tmpFolder(), env });
  expect(code).toBe(3);
  expect(stdout).toContain(
    'loses data: s3 CdcInsertsOnly is true; right would be false: updates and deletes are left out',
  );
  expect(stdout).toMatch(/^aws dms modify-endpoint --endpoint-arn arn:aws:dms:\S+ --s3-settings '\{.*\}'$/m);
  expect(stdout).toMatch(/^aws dms modify-replication-task .* --table-mappings '\{.*\}'$/m);
});

test('a task that is not there is told by its name', async () => {
  const name = `t-${randomUUID()}`;
  await expect(reviewTask(lab.dms, name, signal)).rejects.toMatchObject({ type: 'DmsTaskMissing' });
});
