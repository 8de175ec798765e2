import {
  CancellationScope,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  isCancellation,
  log,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { DmsActivities } from '../activities/dms/activities.ts';
import type { ViewActivities } from '../activities/views/activities.ts';
import type { Parked } from '../lake/decisions.ts';
import { type DmsRequest, refuseDmsRequest } from '../lake/dms-request.ts';
import type { DmsStep } from '../lake/dms-run.ts';
import { type StartWish, markOf, planStart } from '../lake/dms-start.ts';
import { type DmsLook, hasNews, knownOf } from '../lake/dms.ts';
import { workflowIds } from '../lake/ids.ts';
import { DMS_CHANGE, DMS_LOOK, DMS_STOP, DMS_WATCH, LOOK } from './policies.ts';
import { board } from './support/board.ts';
import { DmsAsked, type DmsAskedState, type DmsTook, nothingAsked } from './support/dms-asked.ts';
import { dmsNotes } from './support/dms-notes.ts';
import { failure } from './support/failure.ts';
import { Findings } from './support/findings.ts';
import { type Request, answerRequests, handOverTo, requestSignal } from './support/hand-over.ts';
import { type Decision, parking } from './support/parking.ts';
import { queueFor } from './support/queues.ts';
import { unlessAsked } from './support/unless-asked.ts';

export interface RunDmsTaskInput extends DmsRequest {
  /** Set by runs of this workflow, not by people. */
  readonly state?: DmsRunState;
}

/** What survives continue-as-new. How the task stands is known to DMS alone. */
interface DmsRunState extends DmsAskedState {
  readonly requests: readonly Request[];
}

export interface RunDmsTaskResult {
  /** Its identifier. */
  readonly task: string;
  readonly arn: string;
  /** `stopped`: the run was cancelled. `aborted`: a person decided so; the task stays as it is. */
  readonly outcome: 'finished' | 'detached' | 'stopped' | 'aborted';
  readonly because: string;
  readonly took: DmsTook;
  /** Starts and resumes that this run asked for. */
  readonly starts: number;
  readonly status: string;
  readonly stopReason: string | null;
  readonly tables: {
    readonly total: number;
    readonly completed: number;
    readonly skipped: readonly string[];
  };
  /** Of the full load. */
  readonly rows: number;
  /** What `cdcStartPosition` takes to go on from here; current while the task stands. */
  readonly checkpoint: string | null;
}

export interface DmsProgress {
  readonly task: string;
  /** null before the first look. */
  readonly look: DmsLook | null;
  readonly says: string;
  readonly took: DmsTook;
  readonly starts: number;
  readonly skipped: readonly string[];
  readonly waiting: number;
}

export const dmsProgressQuery = defineQuery<DmsProgress>('progress');
export const detachSignal = defineSignal('detach');

const { recordDecision } = proxyActivities<ViewActivities>(LOOK);

/** Watches before the run continues as new, so that its history stays small: half a day and more. */
const WATCHES_PER_RUN = 100;

/**
 * Run one DMS task: start it once, or adopt it as it runs; wait; say how it ended by status, StopReason and tables.
 * What a person can end parks: a table while its task runs on, a task that stands. Cancel stops the task and waits
 * until it stands, or leaves it running where `onCancel` says so; the signal `detach` always does.
 */
export async function runDmsTask(
  input: RunDmsTaskInput,
): Promise<RunDmsTaskResult | { readonly handedTo: string }> {
  const malformed = refuseDmsRequest(input);
  if (malformed !== undefined) throw failure('MalformedInput', malformed);
  const { state, wait, ...request } = input;
  const { workflowId } = workflowInfo();
  const taskQueue = queueFor('watch');
  const { describeDmsTask } = proxyActivities<DmsActivities>({ ...DMS_LOOK, taskQueue });
  const { startDmsTask, reloadDmsTables } = proxyActivities<DmsActivities>({ ...DMS_CHANGE, taskQueue });
  const { watchDmsTask } = proxyActivities<DmsActivities>({ ...DMS_WATCH, taskQueue });
  const { stopDmsTask } = proxyActivities<DmsActivities>({ ...DMS_STOP, taskQueue });
  const expected = request.tables === undefined ? {} : { tables: [...request.tables] };
  const bounded = request.cdcStopPosition === undefined ? {} : { cdcStopPosition: request.cdcStopPosition };
  const isArn = request.task.startsWith('arn:');

  const requests: Request[] = [...(state?.requests ?? [])];
  const own = new DmsAsked(state ?? nothingAsked(wishOf(request)));
  let watches = 0;
  let isDetached = false;
  let item = request.task;
  let look: DmsLook | undefined;
  let says = 'looking';

  const shown = board({ source: request.task });
  const show = () => {
    const waiting = parked.waiting();
    const notes = dmsNotes({ run: workflowId, look, says, ...own.state });
    shown.show({ state: waiting.length > 0 ? 'NeedsOperator' : 'Running', parked: waiting, notes });
  };
  // A run that is cancelled still takes decisions: its stop may wait for one.
  const parked = parking((one) => CancellationScope.nonCancellable(() => recordDecision(one)), show);
  const found = new Findings(parked);
  setHandler(
    requestSignal,
    (asked) => {
      const id = asked?.id;
      if (id !== undefined && !requests.some((one) => one.id === id)) requests.push({ ...asked, id });
    },
    { description: 'Sent by a run of another id, which waits for the outcome of this one.' },
  );
  setHandler(
    detachSignal,
    () => {
      isDetached = true;
    },
    { description: 'End this run and let the task run on.' },
  );
  setHandler(
    dmsProgressQuery,
    () => {
      const { took, starts, skipped } = own.state;
      const waiting = parked.waiting().length;
      return { task: item, look: look ?? null, says, took, starts, skipped, waiting };
    },
    { description: 'How the task stands, and what waits.' },
  );

  if (isArn || workflowId !== workflowIds.runDmsTask(request.task)) return elsewhere();
  show();
  try {
    const ending = await work();
    if (ending === 'goesOn') return await continueAsNew<typeof runDmsTask>({ ...request, state: carried() });
    return await end(result(ending.outcome, ending.because));
  } catch (error) {
    if (isCancellation(error)) await CancellationScope.nonCancellable(cancelled);
    throw error;
  }

  /** The one run of a task has its identifier: an ARN is looked up, and whoever came by another id hands over. */
  async function elsewhere(): Promise<RunDmsTaskResult | { readonly handedTo: string }> {
    let task = request.task;
    if (isArn) {
      show();
      const seen = await parked.untilDone(item, describe);
      await condition(allHandlersFinished);
      shown.end();
      if (!seen) return result('aborted', 'decided');
      task = seen.identifier;
    }
    const check = async () => {
      const plan = planStart(await describeDmsTask({ task }), wishOf(request));
      if (plan.kind === 'refused') throw failure('MalformedInput', plan.reason);
    };
    const asked = { workflowId: workflowIds.runDmsTask(task), input: { ...request, task }, check };
    return handOverTo<RunDmsTaskResult>({ ...asked, wait: wait !== false });
  }

  async function work(): Promise<Pick<RunDmsTaskResult, 'outcome' | 'because'> | 'goesOn'> {
    look = await parked.untilDone(item, describe);
    while (look) {
      item = look.identifier;
      if (isDetached) return { outcome: 'detached', because: 'told to let it run on' };
      const decision = parked.take();
      if (decision?.action === 'abort') return { outcome: 'aborted', because: decision.reason };
      if (decision) {
        await act(decision, look);
        look = await parked.untilDone(item, describe);
        continue;
      }
      if (isLong() && allHandlersFinished()) return 'goesOn';
      const isBounded = request.cdcStopPosition !== undefined;
      const step = own.next(look, { until: request.until ?? 'stopped', isBounded });
      if (step.kind === 'finished') {
        own.finished();
        return { outcome: 'finished', because: step.because };
      }
      if (step.kind === 'start') await start(look, step);
      else if (step.kind === 'wait') await waitBy(look, step);
      else if (step.kind === 'refused' && own.state.took === 'nothing')
        throw failure('MalformedInput', step.reason);
      else own.adopt();
    }
    return { outcome: 'aborted', because: 'decided' };
  }

  async function start(seen: DmsLook, step: Extract<DmsStep, { kind: 'start' }>): Promise<void> {
    say(step.says, []);
    if (step.afterMs > 0) await condition(isAsked, step.afterMs);
    if (isAsked()) return;
    const had = own.starting();
    const position = step.type === 'start-replication' ? own.state.due?.cdcStartPosition : undefined;
    const before = markOf(seen);
    const asked = { arn: seen.arn, type: step.type, before, ...bounded };
    const started = await parked.untilDone(item, () =>
      startDmsTask(position === undefined ? asked : { ...asked, cdcStartPosition: position }),
    );
    if (started?.outcome === 'notNow') own.notStarted(had);
    else if (started) own.started(started.outcome, had, before, step.isResume);
    if (started) await renew(seen);
    else look = undefined;
  }

  /** Show what waits, and look again when the task or a person has news. */
  async function waitBy(seen: DmsLook, step: Extract<DmsStep, { kind: 'wait' }>): Promise<void> {
    if (step.isUnknown) log.warn('DMS uses a word that Tributary does not know', { because: step.says });
    say(step.says, step.findings);
    await renew(seen);
    if (!look || isAsked() || hasNews(seen, look)) return;
    own.quiet(look.status);
  }

  /** A new look, when the task has news, after some 10 minutes, or at once when a person decides something. */
  async function renew(seen: DmsLook): Promise<void> {
    watches += 1;
    const asked = { task: seen.arn, known: knownOf(seen), ...expected };
    const watched = await parked.untilDone(item, () => unlessAsked(isAsked, () => watchDmsTask(asked)));
    if (watched !== 'asked') look = watched;
    own.leftOver(look?.tables ?? {});
  }

  async function act({ items, action }: Decision, { arn }: DmsLook): Promise<void> {
    if (action === 'skip') own.leaveOut(items);
    if (action === 'retry') own.startAgain({});
    else if (action === 'reload' && items.includes(item)) own.startAgain({ startType: 'reload-target' });
    else if (action === 'reload') {
      const asked = { arn, tables: [...items] };
      const done = await parked.untilDone(item, () => reloadDmsTables(asked));
      if (done?.isAccepted) own.reloading(items, done.askedAt);
    }
  }

  function say(now: string, findings: readonly Parked[]): void {
    says = now;
    found.see(findings);
  }

  async function cancelled(): Promise<void> {
    const arn = own.state.took === 'nothing' ? undefined : look?.arn;
    let ended = result(arn === undefined ? 'aborted' : 'detached', 'the run was cancelled');
    while (arn !== undefined && request.onCancel !== 'detach' && ended.outcome !== 'stopped') {
      say('cancelled: the task is being stopped', []);
      const stopped = await parked.untilDone(item, () => stopDmsTask({ arn }));
      if (!stopped) break;
      const { status, checkpoint } = stopped;
      if (stopped.stands) ended = { ...ended, outcome: 'stopped', status, checkpoint };
    }
    await end(ended);
  }

  async function end(ended: RunDmsTaskResult): Promise<RunDmsTaskResult> {
    say(`${ended.outcome}: ${ended.because}`, []);
    await condition(allHandlersFinished);
    await answerRequests(requests, ended);
    shown.end();
    return ended;
  }

  function describe(): Promise<DmsLook> {
    return describeDmsTask({ task: request.task, ...expected });
  }

  function isLong(): boolean {
    return watches >= WATCHES_PER_RUN || workflowInfo().continueAsNewSuggested;
  }

  function isAsked(): boolean {
    return isDetached || parked.decided();
  }

  function carried(): DmsRunState {
    return { ...own.state, requests };
  }

  function result(outcome: RunDmsTaskResult['outcome'], because: string): RunDmsTaskResult {
    const { took, starts, skipped } = own.state;
    const tables = { total: look?.tables.total ?? 0, completed: look?.tables.completed ?? 0, skipped };
    const { arn = '', status = 'unknown', stopReason = null, checkpoint = null } = look ?? {};
    const rows = look?.tables.rows ?? 0;
    return { task: item, arn, outcome, because, took, starts, status, stopReason, tables, rows, checkpoint };
  }
}

function wishOf({ startType, cdcStartPosition, until }: DmsRequest): StartWish {
  return { startType, cdcStartPosition, until };
}
