import { z } from 'zod';
import { invalid } from './identifier.ts';

const settings = z.looseObject({
  TargetMetadata: z
    .looseObject({
      FullLobMode: z.boolean().default(false),
      BatchApplyEnabled: z.boolean().default(false),
    })
    .prefault({}),
  FullLoadSettings: z
    .looseObject({
      TargetTablePrepMode: z
        .enum(['DO_NOTHING', 'DROP_AND_CREATE', 'TRUNCATE_BEFORE_LOAD'])
        .default('DROP_AND_CREATE'),
      StopTaskCachedChangesApplied: z.boolean().default(false),
      StopTaskCachedChangesNotApplied: z.boolean().default(false),
      MaxFullLoadSubTasks: z.number().int().min(1).max(49).default(8),
    })
    .prefault({}),
  ErrorBehavior: z
    .looseObject({
      TableErrorPolicy: z.enum(['SUSPEND_TABLE', 'STOP_TASK']).default('SUSPEND_TABLE'),
      RecoverableErrorCount: z.number().int().min(-1).default(-1),
      /** Seconds; doubled each time when throttling is on. */
      RecoverableErrorInterval: z.number().min(0).default(5),
      RecoverableErrorThrottling: z.boolean().default(true),
      RecoverableErrorThrottlingMax: z.number().min(0).default(1_800),
      FailOnNoTablesCaptured: z.boolean().default(true),
    })
    .prefault({}),
  ChangeProcessingDdlHandlingPolicy: z
    .looseObject({
      HandleSourceTableDropped: z.boolean().default(true),
      HandleSourceTableTruncated: z.boolean().default(true),
      HandleSourceTableAltered: z.boolean().default(true),
    })
    .prefault({}),
  BeforeImageSettings: z.looseObject({ EnableBeforeImage: z.boolean().default(false) }).nullish(),
  ValidationSettings: z.looseObject({ EnableValidation: z.boolean().default(false) }).nullish(),
});

export type TaskSettings = z.infer<typeof settings>;

/** Settings with AWS's defaults. What changes rows and is not built is refused by name; the rest is kept as given. */
export function parseTaskSettings(text: string): TaskSettings {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalid(`ReplicationTaskSettings is no JSON: ${String(error)}`);
  }
  const read = settings.safeParse(withoutNulls(json));
  if (!read.success) throw invalid(`ReplicationTaskSettings: ${z.prettifyError(read.error)}`);
  if (read.data.BeforeImageSettings?.EnableBeforeImage === true) {
    throw invalid(
      'ReplicationTaskSettings: BeforeImageSettings.EnableBeforeImage means nothing to a target in S3; the ' +
        'transformation add-before-image-columns does',
    );
  }
  const refused = [
    read.data.ValidationSettings?.EnableValidation === true && 'ValidationSettings.EnableValidation',
    read.data.TargetMetadata.BatchApplyEnabled && 'TargetMetadata.BatchApplyEnabled',
    read.data.TargetMetadata.FullLobMode && 'TargetMetadata.FullLobMode',
  ].filter((name) => name !== false);
  if (refused.length > 0) throw invalid(`ReplicationTaskSettings: ${refused.join(', ')} is not built here`);
  return read.data;
}

/** AWS's own documents are full of nulls where nothing is set. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]: [string, unknown]) =>
      inner === null ? [] : [[name, withoutNulls(inner)]],
    ),
  );
}
