import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { BuildActivities } from '../activities/builds/activities.ts';
import type { ApplyResult, SpecActivities } from '../activities/spec/activities.ts';
import type { LeftRun } from '../activities/spec/runs.ts';
import { workflowIds } from '../lake/ids.ts';
import type { LakeSpec } from '../lake/spec.ts';
import type { Coverage } from '../lake/view.ts';
import { BUILD, LOOK, SURVEY } from './policies.ts';
import { failure } from './support/failure.ts';
import { queueFor } from './support/queues.ts';

/** What `tributary apply` sends: a lake, checked and resolved. */
export interface ApplyLakeInput {
  readonly spec: LakeSpec;
  readonly by: string;
  readonly reason: string;
}

export interface ApplyLakeResult extends ApplyResult {
  /** Open runs of what is no longer declared. */
  readonly left: readonly LeftRun[];
}

const { setUpLake } = proxyActivities<SpecActivities>(LOOK);
// It may read every entry of a feed that comes to a dataset.
const { writeSpec } = proxyActivities<SpecActivities>(SURVEY);

/**
 * Make a spec the lake's newest, unless it may not follow the one before. Where it builds a dataset anew, what was
 * collected for it is counted first. Then set its schedules and start its long-lived runs. Applying the same spec again changes nothing.
 */
export async function applyLake(input: ApplyLakeInput): Promise<ApplyLakeResult> {
  const { spec, by, reason } = input ?? {};
  const { measureEntries } = proxyActivities<BuildActivities>({ ...BUILD, taskQueue: queueFor('compute') });
  const lake = spec?.lake?.name;
  if (typeof lake !== 'string')
    throw failure('MalformedInput', 'spec.lake.name is missing: start it by `tributary apply`');
  if (workflowInfo().workflowId !== workflowIds.applyLake(lake)) {
    throw failure(
      'MalformedInput',
      `the id of this run must be ${workflowIds.applyLake(lake)}, so that two never apply at once`,
    );
  }
  let written = await writeSpec({ spec, by, reason });
  while (written.measure) {
    let measuredTo: Coverage = {};
    for (const dataset of written.measure)
      measuredTo = { ...measuredTo, ...(await measureEntries({ dataset, spec })).coverage };
    written = await writeSpec({ spec, by, reason, measuredTo });
  }
  const { left } = await setUpLake();
  return { ...written, left: left ?? [] };
}
