import { type Client, type WorkflowExecutionInfo, isGrpcServiceError } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { ACTIONS, type Parked } from '../lake/decisions.ts';
import type { OpenHold } from '../lake/holds.ts';
import { workflowIds } from '../lake/ids.ts';
import type { WatermarkEvidence } from '../lake/plan.ts';
import { reconcileProgressQuery } from '../workflows/reconcile-dataset.ts';
import { replicateProgressQuery, tablesQuery } from '../workflows/replicate-database.ts';
import { parkedQuery } from '../workflows/support/parking.ts';

const LAKE_STATE = defineSearchAttributeKey('LakeState', 'KEYWORD');
const LAKE_FAILURE = defineSearchAttributeKey('LakeFailure', 'KEYWORD_LIST');

export interface OpenRun {
  readonly workflow: string;
  readonly type: string;
  readonly startedAt: string;
  /** What the run shows of itself; null before it shows anything. */
  readonly state: string | null;
  readonly failures: readonly string[];
}

/** Something that waits for a person, and the command that decides it. */
export interface Waiting extends Parked {
  readonly workflow: string;
  readonly command: string;
}

/** A query needs a worker; without one it would wait for as long as the client does. */
const ANSWER_WITHIN_MS = 5000;

/** Every open run of the lake's namespace, by id. */
export async function openRuns(client: Client): Promise<OpenRun[]> {
  const runs: OpenRun[] = [];
  for await (const info of client.workflow.list({ query: 'ExecutionStatus="Running"' }))
    runs.push(runOf(info));
  return runs.toSorted((a, b) => (a.workflow < b.workflow ? -1 : 1));
}

/** What waits in these runs. Those that do not answer wait with what their search attributes say. */
export async function waitingIn(client: Client, runs: readonly OpenRun[]): Promise<Waiting[]> {
  const parked = runs.filter(({ failures, state }) => failures.length > 0 || state === 'NeedsOperator');
  const found = await Promise.all(
    parked.map(async ({ workflow, failures }) => {
      const answer = await within(client, () => client.workflow.getHandle(workflow).query(parkedQuery));
      if (answer) return answer.parked.map((one) => waiting(workflow, one));
      const message = 'no worker answers for its items: is one running?';
      return failures.map((failure) => waiting(workflow, { item: '', failure, message, allowed: [] }));
    }),
  );
  return found.flat();
}

/** The holds of a lake as what waits. */
export function waitingHolds(holds: readonly OpenHold[]): Waiting[] {
  return holds.map(({ dataset, planId, partition, findings }) =>
    waiting(workflowIds.buildPartitions(dataset, planId), {
      item: partition,
      failure: findings.some((finding) => finding.startsWith('batchMissing')) ? 'BatchMissing' : 'GateHeld',
      message: findings.join('; '),
      allowed: ['approve', 'reject', 'recompute'],
    }),
  );
}

/** Watermarks with their evidence; undefined when the dataset's run does not answer. */
export async function watermarksOf(
  client: Client,
  dataset: string,
): Promise<readonly WatermarkEvidence[] | undefined> {
  const handle = client.workflow.getHandle(workflowIds.reconcileDataset(dataset));
  return (await within(client, () => handle.query(reconcileProgressQuery)))?.watermarks;
}

/** How the tables of a database stand, as its run tells. */
export interface ReplicatedDatabase {
  readonly tables: number;
  /** Of those that the run tells of: 200 at most. */
  readonly shown: number;
  readonly ready: number;
  /** The highest of any of them: how often it was loaded. */
  readonly generation: number;
  readonly waiting: number;
  readonly rows: number;
}

/** Source → its tables, of the databases whose run is open and answers. */
export async function databasesOf(
  client: Client,
  runs: readonly OpenRun[],
): Promise<Readonly<Record<string, ReplicatedDatabase>>> {
  const found: Record<string, ReplicatedDatabase> = {};
  for (const { workflow, type } of runs) {
    const source = workflow.replace(/^replicate\//, '');
    if (type !== 'replicateDatabase' || workflow !== workflowIds.replicateDatabase(source)) continue;
    const handle = client.workflow.getHandle(workflow);
    const answer = await within(client, () => handle.query(tablesQuery));
    const progress = await within(client, () => handle.query(replicateProgressQuery));
    if (!answer || !progress) continue;
    found[source] = {
      tables: answer.total,
      shown: answer.tables.length,
      ready: answer.tables.filter(({ ready }) => ready).length,
      generation: Math.max(0, ...answer.tables.map(({ generation }) => generation)),
      waiting: progress.waiting,
      rows: progress.rows,
    };
  }
  return found;
}

async function within<T>(client: Client, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, ask);
  } catch (error) {
    if (
      error instanceof Error &&
      (isGrpcServiceError(error) || isGrpcServiceError(error.cause) || isUnasked(error))
    )
      return undefined;
    throw error;
  }
}

/** The run ended meanwhile, has no such query, or its worker could not answer. */
function isUnasked({ name }: Error): boolean {
  return ['WorkflowNotFoundError', 'QueryNotRegisteredError', 'QueryRejectedError'].includes(name);
}

function runOf({ workflowId, type, startTime, typedSearchAttributes }: WorkflowExecutionInfo): OpenRun {
  return {
    workflow: workflowId,
    type,
    startedAt: startTime.toISOString(),
    state: typedSearchAttributes.get(LAKE_STATE) ?? null,
    failures: typedSearchAttributes.get(LAKE_FAILURE) ?? [],
  };
}

function waiting(workflow: string, parked: Parked): Waiting {
  const [action = ACTIONS[0]] = parked.allowed;
  const which = parked.item === '' ? `--failure ${parked.failure}` : `--items ${quoted(parked.item)}`;
  return {
    ...parked,
    workflow,
    command: `tributary decide ${quoted(workflow)} ${action} ${which} --reason '…'`,
  };
}

/** As a shell takes it for one word. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
