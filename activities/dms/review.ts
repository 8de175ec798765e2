import type { DatabaseMigrationServiceClient } from '@aws-sdk/client-database-migration-service';
import {
  type SettingChanges,
  type SettingFinding,
  mendedSettings,
  reviewSettings,
} from '../../lake/dms-settings.ts';
import { readTask } from './settings.ts';

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
  const found = await readTask(client, task, signal);
  const findings = reviewSettings(found);
  return {
    task: found.identifier,
    taskArn: found.arn,
    status: found.status,
    endpointArn: found.targetArn,
    findings,
    changes: mendedSettings(found, findings),
  };
}
