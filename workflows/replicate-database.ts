import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  proxyActivities,
  setHandler,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import type { SpecActivities } from '../activities/spec/activities.ts';
import type { TableActivities } from '../activities/tables/activities.ts';
import type { ViewActivities } from '../activities/views/activities.ts';
import type { Parked } from '../lake/decisions.ts';
import { workflowIds } from '../lake/ids.ts';
import type { Replicate, StopRequest } from '../lake/replicate.ts';
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
import { type Request, answerRequests, handOverTo, requestSignal } from './support/hand-over.ts';
import { nudgeSignal } from './support/messages.ts';
import { type Decision, parking } from './support/parking.ts';
import { pausable } from './support/pausable.ts';
import { queueFor } from './support/queues.ts';
import { repairable } from './support/repair-update.ts';
import { replicationNotes } from './support/replication-notes.ts';
import { reloadable, stoppable } from './support/replication-updates.ts';
import { scheduledAt } from './support/scheduled-at.ts';
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
  /** `stopped`: with its task. `detached`: the task runs on. `gone`: it is declared no more. `aborted`: by decision. */
  readonly outcome: 'finished' | 'stopped' | 'detached' | 'gone' | 'aborted';
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

type Outcome = ReplicateDatabaseResult['outcome'];
/** `anew`: what the source asks for has changed. */
type Ending = Outcome | 'anew' | 'goesOn';

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
  const requests: Request[] = [...carriedOver.requests];
  const accepted = new Set(carriedOver.accepted);
  let findings: readonly Parked[] = [];
  let replicate: Replicate | null = null;
  let declared: ReadonlySet<string> = new Set();
  let task: TaskRun | undefined;
  let taskName = '';
  let trouble: { readonly error: unknown } | undefined;
  let stopping: StopRequest | undefined;
  let isNudged = false;
  let isGivenUp = false;
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
  const tables = new CollectedTables(source, parked, carriedOver.collected);
  setHandler(
    requestSignal,
    (request) => {
      const id = request?.id ?? uuid4();
      const at = request?.at ?? new Date().toISOString();
      if (!requests.some((one) => one.id === id)) requests.push({ ...request, id, at });
    },
    { description: 'Load anew, or take the changes, once more: {}; one that is continuous does so anyway.' },
  );
  setHandler(
    nudgeSignal,
    () => {
      isNudged = true;
    },
    { description: 'Take the newest spec now: sent when one is applied, and safe by hand.' },
  );
  setHandler(
    replicateProgressQuery,
    () => ({
      source,
      replicate,
      task: task?.workflowId ?? null,
      ...tables.totals,
      requests: requests.length,
      waiting: parked.waiting().length,
      pausedBecause: pause.reason(),
      stopping: stopping !== undefined,
    }),
    { description: 'What this run has collected, and what waits.' },
  );
  setHandler(tablesQuery, () => tables.answer(), {
    description: 'How each table stands: at most 200, those in trouble first.',
  });
  reloadable({
    recordDecision,
    known: () => declared,
    arn: () => task?.arn,
    refusal: () => (pause.reason() !== null ? `the run is paused: ${pause.reason()}` : refusedByStop()),
    done: (names) => {
      tables.reloading(names);
      show();
    },
  });
  repairable({
    source,
    recordDecision,
    known: () => declared,
    refusal: () => (pause.reason() !== null ? `the run is paused: ${pause.reason()}` : refusedByStop()),
  });
  stoppable({
    recordDecision,
    source,
    refusal: refusedByStop,
    asked: (request) => {
      stopping = request;
      show();
    },
  });
  tables.begin();
  show();

  let ending: Ending = 'anew';
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
  await answerRequests(requests, result);
  shown.end();
  return result;

  /** What the newest spec asks for, until that is done or something else is asked for. */
  async function work(): Promise<Ending> {
    isNudged = false;
    await condition(() => pause.reason() === null || stopping !== undefined);
    const described = await parked.untilDone(source, describe);
    if (!described) return 'aborted';
    const name = await admitted();
    if (name === undefined) return isNudged ? 'anew' : 'aborted';
    if (!task || replicate !== described.replicate || taskName !== name) {
      const isBegun = task ? task.isBegun : carriedOver.isBegun;
      task = new TaskRun({ task: name, replicate: described.replicate, isBegun, parked, changed: show });
      taskName = name;
      replicate = described.replicate;
      if (replicate === 'continuous') beside(task.keep());
    }
    return replicate === 'continuous' ? follow(task) : serve(task);
  }

  /** The task, once nothing about it is found that nobody let pass. */
  async function admitted(): Promise<string | undefined> {
    for (;;) {
      const checked = await parked.untilDone(source, () => checkDatabase({ source }));
      if (!checked) return undefined;
      declared = new Set(checked.tables);
      const before = findings.map(({ item }) => item);
      findings = checked.findings.filter(({ item }) => !accepted.has(item));
      parked.release(before.filter((item) => !findings.some((one) => one.item === item)));
      parked.park(findings);
      if (findings.length === 0 || stopping) return checked.task;
      say('What was found about the task waits for a person: nothing is started');
      await condition(() => parked.decided() || stopping !== undefined || isNudged);
      await decided();
      if (isNudged || isGivenUp) return undefined;
    }
  }

  async function follow(own: TaskRun): Promise<Ending> {
    for (;;) {
      say('collecting what the task lands');
      const due = await turn(own);
      if (due) return due;
      if (isNudged) return (await isStillContinuous()) ? 'anew' : await otherwise(own);
      if (isLong()) return 'goesOn';
      const { kind } = await tables.stretch(false, () => isAsked() || isNudged);
      if (kind === 'aborted') return 'aborted';
      if (kind === 'time') own.lookAgain();
    }
  }

  async function isStillContinuous(): Promise<boolean> {
    return (await parked.untilDone(source, describe))?.replicate === 'continuous';
  }

  /** What was continuous is not any more: others start the task from now on. */
  async function otherwise(own: TaskRun): Promise<Ending> {
    await own.stop();
    const ended = await drained();
    await answerRequests(requests, resultOf('stopped', NONE));
    requests.length = 0;
    return ended ?? 'anew';
  }

  /** One round serves all requests that are there when it begins. */
  async function serve(own: TaskRun): Promise<Ending> {
    while (requests.length > 0) {
      const due = await turn(own);
      if (due) return due;
      if (isNudged) return 'anew';
      const served = [...requests];
      const before = tables.totals;
      const ended = await round(own, lastOf(served));
      if (ended) return ended;
      requests.splice(0, served.length);
      await answerRequests(served, resultOf('finished', before));
      if (isLong() && requests.length > 0) return 'goesOn';
    }
    return isNudged ? 'anew' : 'finished';
  }

  /** The task run to its end, and what it lands collected whole. */
  async function round(own: TaskRun, at: string): Promise<Ending | undefined> {
    let ended: { readonly outcome: string | undefined } | undefined;
    beside(own.once(at).then((outcome) => void (ended = { outcome })));
    while (!ended) {
      say(replicate === 'load' ? 'loading' : `taking the changes up to ${at}`);
      const due = await turn(own);
      if (due) return due;
      const { kind, ...stretch } = await tables.stretch(false, () => isAsked() || ended !== undefined);
      if (kind === 'aborted') return 'aborted';
      const isQuiet = 'landings' in stretch && stretch.landings === 0;
      // A database in which nothing was committed since would keep the task for ever.
      if (replicate === 'changes' && isQuiet && !ended && (await own.isLoaded())) await own.stop();
    }
    if (ended.outcome === undefined) return 'aborted';
    return drained();
  }

  /** Collect until nothing more is there. What waits for a person then holds the run, unless it is being stopped. */
  async function drained(): Promise<Ending | undefined> {
    for (;;) {
      say('collecting what was landed; the task stands');
      await condition(() => pause.reason() === null || stopping !== undefined || parked.decided());
      await decided();
      if (isGivenUp) return 'aborted';
      if (stopping?.detach) return 'detached';
      const isFinal = stopping !== undefined;
      const { kind } = await tables.stretch(true, () => parked.decided() || (!isFinal && isAsked()));
      if (kind === 'aborted') return 'aborted';
      if (kind !== 'drained') continue;
      if (isFinal || !tables.isWaiting) return undefined;
      say('everything else is collected');
      await condition(isAsked);
    }
  }

  /** Decisions and pauses come first. Resolves how the run is to end, where it is. */
  async function turn(own: TaskRun): Promise<Ending | undefined> {
    for (;;) {
      if (trouble) throw trouble.error;
      if (stopping?.detach) return 'detached';
      if (stopping) {
        say('stopping the task');
        await own.stop();
        return (await drained()) ?? 'stopped';
      }
      await decided();
      if (isGivenUp) return 'aborted';
      if (pause.reason() === null) return undefined;
      await condition(() => pause.reason() === null || parked.decided() || stopping !== undefined);
    }
  }

  async function decided(): Promise<void> {
    for (let decision = parked.take(); decision; decision = parked.take()) await act(decision);
  }

  async function act(decision: Decision): Promise<void> {
    const found = new Set(findings.map(({ item }) => item));
    const ofTask = decision.items.filter((item) => found.has(item));
    if (decision.action === 'abort' && ofTask.length > 0) isGivenUp = true;
    else if (decision.action !== 'retry') for (const item of ofTask) accepted.add(item);
    const ofTables = decision.items.filter((item) => !found.has(item));
    if (ofTables.length > 0) await tables.act(decision, ofTables, task?.arn);
    show();
  }

  /** Work beside the loop; what breaks it breaks the run. */
  function beside(working: Promise<void>): void {
    working.catch((error: unknown) => {
      trouble = { error };
    });
  }

  function say(now: string): void {
    says = now;
    show();
  }

  function isAsked(): boolean {
    const isPaused = pause.reason() !== null;
    return parked.decided() || isPaused || stopping !== undefined || trouble !== undefined;
  }

  function isLong(): boolean {
    return (tables.isLong || workflowInfo().continueAsNewSuggested) && allHandlersFinished();
  }

  function refusedByStop(): string | undefined {
    return stopping && `the run is being stopped: ${stopping.reason}`;
  }

  function carried(): ReplicateState {
    const isBegun = task?.isBegun ?? carriedOver.isBegun;
    return {
      requests,
      paused: pause.reason(),
      accepted: [...accepted],
      isBegun,
      collected: tables.carried(),
    };
  }

  function resultOf(outcome: Outcome, since: TableTotals): ReplicateDatabaseResult {
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

/** The last instant that any of them is for. */
function lastOf(requests: readonly Request[]): string {
  return requests.reduce((last, { at = '' }) => (at > last ? at : last), '');
}

/** A source that was taken out of lake.yaml leaves nothing to do. */
async function unlessGone(work: () => Promise<Ending>): Promise<Ending> {
  try {
    return await work();
  } catch (error) {
    if (isGone(error)) return 'gone';
    throw error;
  }
}
