import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { SpecActivities } from '../activities/spec/activities.ts';
import type { TableActivities } from '../activities/tables/activities.ts';
import type { ViewActivities } from '../activities/views/activities.ts';
import type { Parked } from '../lake/decisions.ts';
import { workflowIds } from '../lake/ids.ts';
import type { Replicate } from '../lake/replicate.ts';
import { DMS_LOOK, LOOK } from './policies.ts';
import { board } from './support/board.ts';
import {
  type CollectedState,
  CollectedTables,
  NOTHING_COLLECTED,
  type TableTotals,
  type TablesAnswer,
} from './support/collected-tables.ts';
import { failure, isGone } from './support/failure.ts';
import { type Request, answerRequests, handOverTo } from './support/hand-over.ts';
import { parking } from './support/parking.ts';
import { pausable } from './support/pausable.ts';
import { queueFor } from './support/queues.ts';
import { replicationNotes } from './support/replication-notes.ts';
import { ordered } from './support/replication-orders.ts';
import { Replication, type ReplicationEnding, type ReplicationOutcome } from './support/replication.ts';
import { scheduledAt } from './support/scheduled-at.ts';
import { TaskFindings } from './support/task-findings.ts';
import { TaskRun } from './support/task-run.ts';

export interface ReplicateDatabaseInput {
  /** A source of kind `database`. */
  readonly source: string;
  /** True: a run of another id waits for the outcome of the one that takes its request. */
  readonly wait?: boolean;
  /** Set by runs of this workflow, not by people. */
  readonly state?: ReplicateState;
}

/** What survives continue-as-new. */
interface ReplicateState {
  readonly requests: readonly Request[];
  readonly paused: string | null;
  /** Findings about the task that a person let pass. */
  readonly accepted: readonly string[];
  /** Was the task brought to run? */
  readonly isBegun: boolean;
  readonly collected: CollectedState;
}

export interface ReplicateDatabaseResult extends TableTotals {
  readonly source: string;
  readonly outcome: ReplicationOutcome;
  /** Tables that wait for a person: the next run meets them again. */
  readonly waiting: number;
  /** At most 20. */
  readonly parked: readonly Parked[];
}

export interface ReplicateProgress extends TableTotals {
  readonly source: string;
  /** null before the source was looked at. */
  readonly replicate: Replicate | null;
  /** Workflow id of the run that watches the task. */
  readonly task: string | null;
  readonly requests: number;
  readonly waiting: number;
  readonly pausedBecause: string | null;
  readonly stopping: boolean;
}

export const replicateProgressQuery = defineQuery<ReplicateProgress>('progress');
export const tablesQuery = defineQuery<TablesAnswer>('tables');

const { describeDatabase } = proxyActivities<SpecActivities>(LOOK);
const { recordDecision } = proxyActivities<ViewActivities>(LOOK);

/**
 * Replicate a database through its DMS task: what the task lands is collected, each table by itself. `continuous` goes
 * on for as long as the source lives; `load` and `changes` serve the requests of their schedule and end. A table that
 * needs a person parks alone; what DMS itself stops at waits in the run `dms/<task>`.
 */
export async function replicateDatabase(
  input: ReplicateDatabaseInput,
): Promise<ReplicateDatabaseResult | { readonly handedTo: string }> {
  const source = input?.source;
  if (typeof source !== 'string' || source === '') {
    throw failure('MalformedInput', 'source is missing: {"source": "<name in lake.yaml>"}');
  }
  const { workflowId, runId } = workflowInfo();
  const describe = () => describeDatabase({ source });
  if (workflowId !== workflowIds.replicateDatabase(source)) {
    const given = { source, state: { ...fresh(), requests: [] } };
    return handOverTo<ReplicateDatabaseResult>({
      workflowId: workflowIds.replicateDatabase(source),
      input: given,
      wait: input.wait === true,
      at: scheduledAt(),
      check: describe,
    });
  }

  const { checkDatabase } = proxyActivities<TableActivities>({
    ...DMS_LOOK,
    taskQueue: queueFor('transfer'),
  });
  const carriedOver = input.state ?? { ...fresh(), requests: [{ id: runId, at: scheduledAt() }] };
  let replicate: Replicate | null = null;
  let declared: ReadonlySet<string> = new Set();
  let task: TaskRun | undefined;
  let taskName = '';
  let says = 'Looking at the task';

  const shown = board({ source });
  const show = () => {
    const paused = pause.reason();
    const state = paused !== null ? 'Paused' : parked.waiting().length > 0 ? 'NeedsOperator' : 'Running';
    const notes = replicationNotes({ run: workflowId, replicate, says, paused, tables, task });
    shown.show({ state, parked: parked.waiting(), notes });
  };
  const parked = parking(recordDecision, show);
  const pause = pausable(show, carriedOver.paused);
  const findings = new TaskFindings(parked, carriedOver.accepted);
  const tables = new CollectedTables(source, parked, carriedOver.collected);
  const orders = ordered({
    source,
    requests: carriedOver.requests,
    recordDecision,
    pause,
    known: () => declared,
    arn: () => task?.arn,
    reloading: (names) => tables.reloading(names),
    changed: show,
  });
  const replication = new Replication({
    orders,
    pause,
    parked,
    findings,
    tables,
    wanted: async () => (await parked.untilDone(source, describe))?.replicate,
    decided,
    answer: (requests, outcome, since) => answerRequests(requests, resultOf(outcome, since)),
    say,
  });
  setHandler(
    replicateProgressQuery,
    () => ({
      source,
      replicate,
      task: task?.workflowId ?? null,
      ...tables.totals,
      requests: orders.requests.length,
      waiting: parked.waiting().length,
      pausedBecause: pause.reason(),
      stopping: orders.stopping() !== undefined,
    }),
    { description: 'What this run has collected, and what waits.' },
  );
  setHandler(tablesQuery, () => tables.answer(), {
    description: 'How each table stands: at most 200, those in trouble first.',
  });
  tables.begin();
  show();

  let ending: ReplicationEnding = 'anew';
  while (ending === 'anew') ending = await unlessGone(work);
  task?.end();
  while (!allHandlersFinished() || (ending === 'goesOn' && (parked.decided() || task?.isStarting))) {
    await condition(() => allHandlersFinished() || parked.decided());
    await decided();
    await condition(() => !task?.isStarting);
  }
  if (ending === 'goesOn') return continueAsNew<typeof replicateDatabase>({ source, state: carried() });
  says = ending;
  show();
  const result = resultOf(ending, NONE);
  await answerRequests(orders.requests, result);
  shown.end();
  return result;

  /** What the newest spec asks for, until that is done or something else is asked for. */
  async function work(): Promise<ReplicationEnding> {
    orders.takeNudge();
    await condition(() => pause.reason() === null || orders.stopping() !== undefined);
    const described = await parked.untilDone(source, describe);
    if (!described) return 'aborted';
    const name = await admitted();
    if (name === undefined) return orders.isNudged() ? 'anew' : 'aborted';
    if (!task || replicate !== described.replicate || taskName !== name) {
      const isBegun = task ? task.isBegun : carriedOver.isBegun;
      task = new TaskRun({ task: name, replicate: described.replicate, isBegun, parked, changed: show });
      taskName = name;
      replicate = described.replicate;
      if (replicate === 'continuous') replication.keep(task);
    }
    return replicate === 'continuous' ? replication.follow(task) : replication.serve(task, replicate);
  }

  /** The task, once nothing about it is found that nobody let pass. */
  async function admitted(): Promise<string | undefined> {
    for (;;) {
      const checked = await parked.untilDone(source, () => checkDatabase({ source }));
      if (!checked) return undefined;
      declared = new Set(checked.tables);
      findings.see(checked.findings);
      if (findings.isEmpty || orders.stopping()) return checked.task;
      say('What was found about the task waits for a person: nothing is started');
      await condition(() => parked.decided() || orders.stopping() !== undefined || orders.isNudged());
      await decided();
      if (orders.isNudged() || findings.isGivenUp) return undefined;
    }
  }

  async function decided(): Promise<void> {
    for (let decision = parked.take(); decision; decision = parked.take()) {
      const ofTables = findings.act(decision);
      if (ofTables.length > 0) await tables.act(decision, ofTables, task?.arn);
      show();
    }
  }

  function say(now: string): void {
    says = now;
    show();
  }

  function carried(): ReplicateState {
    const isBegun = task?.isBegun ?? carriedOver.isBegun;
    return {
      requests: orders.requests,
      paused: pause.reason(),
      accepted: findings.accepted,
      isBegun,
      collected: tables.carried(),
    };
  }

  function resultOf(outcome: ReplicationOutcome, since: TableTotals): ReplicateDatabaseResult {
    const waiting = parked.waiting();
    const { landings, rows, rejected, entries } = tables.totals;
    return {
      source,
      outcome,
      landings: landings - since.landings,
      rows: rows - since.rows,
      rejected: rejected - since.rejected,
      entries: entries - since.entries,
      waiting: waiting.length,
      parked: waiting.slice(0, 20),
    };
  }
}

const NONE = NOTHING_COLLECTED.totals;

function fresh(): ReplicateState {
  return { requests: [], paused: null, accepted: [], isBegun: false, collected: NOTHING_COLLECTED };
}

/** A source that was taken out of lake.yaml leaves nothing to do. */
async function unlessGone(work: () => Promise<ReplicationEnding>): Promise<ReplicationEnding> {
  try {
    return await work();
  } catch (error) {
    if (isGone(error)) return 'gone';
    throw error;
  }
}
