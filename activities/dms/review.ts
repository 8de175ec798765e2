import {
  type DatabaseMigrationServiceClient,
  DescribeEndpointsCommand,
  DescribeReplicationTasksCommand,
} from '@aws-sdk/client-database-migration-service';
import {
  type DmsTaskSettings,
  type SettingChanges,
  type SettingFinding,
  type Settings,
  mendedSettings,
  reviewSettings,
} from '../../lake/dms-settings.ts';
import { awsCall } from '../aws.ts';
import { failure } from '../failure.ts';

export interface DmsReview {
  readonly task: string;
  readonly taskArn: string;
  readonly status: string;
  readonly endpointArn: string;
  readonly findings: readonly SettingFinding[];
  readonly changes: SettingChanges;
}

/**
 * What the settings of a task that somebody made would do to the lake. It only reads. `task` is an ARN or an
 * identifier; rejects with `DmsTaskMissing`, and with `DmsRefused` where the target is not S3.
 */
export async function reviewTask(
  client: DatabaseMigrationServiceClient,
  task: string,
  signal: AbortSignal,
): Promise<DmsReview> {
  const found = await findTask(client, task, signal);
  const endpointArn = found.TargetEndpointArn ?? '';
  const s3 = await targetSettings(client, endpointArn, signal);
  const settings: DmsTaskSettings = {
    migrationType: found.MigrationType ?? '',
    task: parsed(found.ReplicationTaskSettings),
    mappings: parsed(found.TableMappings),
    s3,
  };
  const findings = reviewSettings(settings);
  return {
    task: found.ReplicationTaskIdentifier ?? task,
    taskArn: found.ReplicationTaskArn ?? '',
    status: found.Status ?? '',
    endpointArn,
    findings,
    changes: mendedSettings(settings, findings),
  };
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
