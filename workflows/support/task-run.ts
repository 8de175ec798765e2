import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  CancellationScope,
  ChildWorkflowCancellationType,
  type ChildWorkflowHandle,
  ChildWorkflowFailure,
  ParentClosePolicy,
  condition,
  executeChild,
  getExternalWorkflowHandle,
  proxyActivities,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { DmsActivities } from '../../activities/dms/activities.ts';
import type { ConnectionActivities } from '../../activities/dms/connections.ts';
import type { RunActivities } from '../../activities/runs/activities.ts';
import type { DmsRequest } from '../../lake/dms-request.ts';
import { type DmsLook, isStanding } from '../../lake/dms.ts';
import { workflowIds } from '../../lake/ids.ts';
import { type Replicate, isUnderWay, loadStart, stopPosition, unfitTask } from '../../lake/replicate.ts';
import { DMS_CONNECT, DMS_LOOK, DMS_STOP, LOOK } from '../policies.ts';
import { type RunDmsTaskResult, runDmsTask } from '../run-dms-task.ts';
import { failure } from './failure.ts';
import type { Parking } from './parking.ts';
import { queueFor } from './queues.ts';

const { isRunOpen } = proxyActivities<RunActivities>(LOOK);

/** Before a run of the task that is somebody else's is asked for again. */
const JOIN_AGAIN = '1 minute';

export interface TaskRunOptions {
  /** Identifier or ARN. */
  readonly task: string;
  readonly replicate: Replicate;
  /** Whether it was brought to run before. */
  readonly isBegun: boolean;
  readonly parked: Parking;
  readonly changed: () => void;
}

/**
 * The DMS task of a source, which the run `dms/<task>` starts and watches. That run outlives this one, and what it
 * parks waits there. What this one waits for waits under the name of the task.
 */
export class TaskRun {
  readonly #options: TaskRunOptions;
  readonly #runId = workflowInfo().runId;
  #look: DmsLook | undefined;
  #isBegun: boolean;
  #isLookDue = false;
  #isOver = false;
  #isStarting = false;
  #joins = 0;

  constructor(options: TaskRunOptions) {
    this.#options = options;
    this.#isBegun = options.isBegun;
  }

  get arn(): string | undefined {
    return this.#look?.arn;
  }

  get isBegun(): boolean {
    return this.#isBegun;
  }

  /** Id of the run that watches the task; before the first look, of the task as it is declared. */
  get workflowId(): string {
    return workflowIds.runDmsTask(this.#look?.identifier ?? this.#options.task);
  }

  /** Is a run of the task being started? It must be, before this one ends. */
  get isStarting(): boolean {
    return this.#isStarting;
  }

  /** Start nothing more. */
  end(): void {
    this.#isOver = true;
  }

  /** Look again whether the task is watched. */
  lookAgain(): void {
    this.#isLookDue = true;
  }

  /** Let the task run, and see to it that it is watched, until `end` or a person gives it up. */
  async keep(): Promise<void> {
    const { task, parked } = this.#options;
    while (!this.#isOver) {
      if (!(await parked.untilDone(task, () => this.#ensure()))) return;
      this.#isLookDue = false;
      await condition(() => this.#isLookDue || this.#isOver);
    }
  }

  /** Run the task once, to its end: a load, or the changes up to `at`. `undefined`: a person gave it up. */
  async once(at: string): Promise<RunDmsTaskResult['outcome'] | undefined> {
    const { task, parked } = this.#options;
    return parked.untilDone(task, async () => {
      for (;;) {
        if (this.#isOver) return 'stopped';
        const look = await this.#describe();
        if (isStanding(look)) await this.#test(look);
        const ended = await this.#runOnce(look, at);
        if (ended) return ended;
      }
    });
  }

  /** Has it nothing to load any more, and runs on? */
  async isLoaded(): Promise<boolean> {
    const look = await this.#options.parked.untilDone(this.#options.task, () => this.#seen());
    if (look?.status !== 'running') return false;
    return look.tables.total > 0 && look.tables.completed === look.tables.total;
  }

  /** Stop the task and the run that watches it. Resolves once it stands, or a person gives it up. */
  async stop(): Promise<void> {
    const { task, parked } = this.#options;
    this.#isOver = true;
    const { stopDmsTask } = proxyActivities<DmsActivities>({ ...DMS_STOP, taskQueue: queueFor('watch') });
    const { arn } = (await parked.untilDone(task, () => this.#seen())) ?? {};
    try {
      await getExternalWorkflowHandle(this.workflowId).cancel();
    } catch {
      // Nobody watches it.
    }
    for (let stands = arn === undefined; !stands && arn !== undefined;) {
      const stopped = await parked.untilDone(task, () => stopDmsTask({ arn }));
      stands = stopped?.stands ?? true;
    }
    this.#isBegun = false;
  }

  async #ensure(): Promise<true> {
    if (this.#isBegun && this.#look && (await isRunOpen({ workflowId: this.workflowId }))) return true;
    const look = await this.#describe();
    if (this.#isBegun && (await isRunOpen({ workflowId: this.workflowId }))) return true;
    if (this.#isBegun && !isUnderWay(look)) {
      // A retry begins anew.
      this.#isBegun = false;
      const reason = look.stopReason === null ? '' : ` (${look.stopReason})`;
      throw failure(
        'DmsTaskUnwatched',
        `${look.identifier} is ${look.status}${reason}, and the run ${this.workflowId} has ended`,
      );
    }
    if (isStanding(look)) await this.#test(look);
    await this.#start({ task: look.identifier });
    this.#isBegun = true;
    this.#options.changed();
    return true;
  }

  /** `undefined`: it was not ours, and the next look says what is to be done. */
  async #runOnce(look: DmsLook, at: string): Promise<RunDmsTaskResult['outcome'] | undefined> {
    const { replicate } = this.#options;
    const isLoad = replicate === 'load';
    const { startType } = isLoad ? loadStart(look) : {};
    const wish = isLoad ? { ...(startType && { startType }) } : { cdcStopPosition: stopPosition(at) };
    const child = await this.#start({ task: look.identifier, ...wish });
    this.#isBegun = true;
    this.#options.changed();
    if (!child) {
      await this.#join(look.identifier);
      return undefined;
    }
    const ended = await this.#endOf(child);
    this.#isBegun = false;
    // A load that ran already began before this one was asked for.
    return isLoad && startType === undefined ? undefined : ended;
  }

  async #endOf(child: ChildWorkflowHandle<typeof runDmsTask>): Promise<RunDmsTaskResult['outcome']> {
    try {
      const ended = await child.result();
      // It has the id of its task, and hands nothing over.
      return 'outcome' in ended ? ended.outcome : 'finished';
    } catch (error) {
      if (isOurs(error)) throw error;
      if (this.#isOver) return 'stopped';
      throw failure('DmsTaskUnwatched', `the run ${child.workflowId} has ended: ${wordsOf(error)}`);
    }
  }

  /** Wait for the end of the run that the task has. */
  async #join(task: string): Promise<void> {
    this.#joins += 1;
    const workflowId = `${workflowIds.runDmsTask(task)}/${this.#runId}-${this.#joins}`;
    try {
      await executeChild(runDmsTask, { workflowId, args: [{ task }] });
    } catch (error) {
      if (isOurs(error)) throw error;
      await condition(() => this.#isOver, JOIN_AGAIN);
    }
  }

  /** `undefined`: the task has a run already. */
  async #start(request: DmsRequest): Promise<ChildWorkflowHandle<typeof runDmsTask> | undefined> {
    this.#isStarting = true;
    try {
      return await startChild(runDmsTask, {
        workflowId: workflowIds.runDmsTask(request.task),
        args: [request],
        parentClosePolicy: ParentClosePolicy.ABANDON,
        cancellationType: ChildWorkflowCancellationType.ABANDON,
      });
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return undefined;
      throw error;
    } finally {
      this.#isStarting = false;
    }
  }

  async #describe(): Promise<DmsLook> {
    const look = await this.#seen();
    const unfit = unfitTask(look, this.#options.replicate);
    if (unfit !== undefined) throw failure('DmsTaskUnfit', unfit);
    return look;
  }

  async #seen(): Promise<DmsLook> {
    const { describeDmsTask } = proxyActivities<DmsActivities>({ ...DMS_LOOK, taskQueue: queueFor('watch') });
    this.#look = await describeDmsTask({ task: this.#options.task });
    this.#options.changed();
    return this.#look;
  }

  async #test({ identifier }: DmsLook): Promise<void> {
    const taskQueue = queueFor('watch');
    const { testConnections } = proxyActivities<ConnectionActivities>({ ...DMS_CONNECT, taskQueue });
    await testConnections({ task: identifier, fresh: true });
  }
}

/** Not a child's: this run is cancelled, or what failed is no child. */
function isOurs(error: unknown): boolean {
  return CancellationScope.current().consideredCancelled || !(error instanceof ChildWorkflowFailure);
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? wordsOf(error.cause) : error.message;
}
