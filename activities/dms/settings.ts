import {
  type DatabaseMigrationServiceClient,
  DescribeEndpointsCommand,
  DescribeReplicationTasksCommand,
} from '@aws-sdk/client-database-migration-service';
import type { Settings } from '../../lake/dms-settings.ts';
import { awsCall } from '../aws.ts';
import { failure } from '../failure.ts';
import type { TaskDetails } from './port.ts';

/** As `ReplicationTasks.settings` has it. */
export async function readTask(
  client: DatabaseMigrationServiceClient,
  task: string,
  signal: AbortSignal,
): Promise<TaskDetails> {
  const found = await findTask(client, task, signal);
  const targetArn = found.TargetEndpointArn ?? '';
  return {
    identifier: found.ReplicationTaskIdentifier ?? task,
    arn: found.ReplicationTaskArn ?? '',
    status: found.Status ?? '',
    sourceArn: found.SourceEndpointArn ?? '',
    targetArn,
    instanceArn: found.ReplicationInstanceArn ?? '',
    migrationType: found.MigrationType ?? '',
    task: parsed(found.ReplicationTaskSettings),
    mappings: parsed(found.TableMappings),
    s3: await targetSettings(client, targetArn, signal),
  };
}

/** As `ReplicationTasks.writers` has it. DMS has no filter that is sure to look at targets: all tasks are asked for. */
export async function tasksWritingTo(
  client: DatabaseMigrationServiceClient,
  endpointArn: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const found: string[] = [];
  let marker: string | undefined;
  do {
    const command = new DescribeReplicationTasksCommand({
      MaxRecords: 100,
      WithoutSettings: true,
      ...(marker !== undefined && { Marker: marker }),
    });
    const describe = () => client.send(command, { abortSignal: signal });
    const page = await awsCall(signal, describe, {}, `tasks of ${endpointArn}`);
    for (const { ReplicationTaskArn: arn = '', TargetEndpointArn: target } of page.ReplicationTasks ?? [])
      if (target === endpointArn) found.push(arn);
    marker = page.Marker;
  } while (marker !== undefined && marker !== '');
  return found;
}

async function findTask(client: DatabaseMigrationServiceClient, task: string, signal: AbortSignal) {
  const Name = task.startsWith('arn:') ? 'replication-task-arn' : 'replication-task-id';
  const command = new DescribeReplicationTasksCommand({ Filters: [{ Name, Values: [task] }] });
  const describe = () => client.send(command, { abortSignal: signal });
  const means = { ResourceNotFoundFault: 'DmsTaskMissing' } as const;
  const { ReplicationTasks: [found] = [] } = await awsCall(signal, describe, means, `describe ${task}`);
  if (!found) throw failure('DmsTaskMissing', `${task} is no task of this account and region`);
  return found;
}

async function targetSettings(
  client: DatabaseMigrationServiceClient,
  arn: string,
  signal: AbortSignal,
): Promise<Settings> {
  const command = new DescribeEndpointsCommand({ Filters: [{ Name: 'endpoint-arn', Values: [arn] }] });
  const describe = () => client.send(command, { abortSignal: signal });
  const { Endpoints: [target] = [] } = await awsCall(signal, describe, {}, `describe ${arn}`);
  if (!target?.S3Settings) {
    throw failure('DmsRefused', `${arn} writes to ${target?.EngineName ?? 'nothing'}; right would be s3`);
  }
  return Object.fromEntries(Object.entries(target.S3Settings));
}

function parsed(json: string | undefined): Settings {
  return JSON.parse(json ?? '{}') as Settings;
}
