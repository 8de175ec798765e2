import { cancellationSignal, heartbeat } from '@temporalio/activity';
import { type StartMark, type StartType, startedSince } from '../../lake/dms-start.ts';
import { type DmsTable, isLoading, isTroubled, summariseTables, tableName } from '../../lake/dms-tables.ts';
import { type DmsLook, type DmsTask, type KnownTask, hasNews, isStanding } from '../../lake/dms.ts';
import { failure } from '../failure.ts';
import { Lookout } from './lookout.ts';
import { DMS_PACING, type DmsPacing } from './pacing.ts';
import type { ReplicationTasks, TableRef } from './port.ts';

export interface DescribeDmsTaskInput {
  /** Identifier or ARN. */
  readonly task: string;
  /** Tables (`schema.table`) that it must capture. */
  readonly tables?: readonly string[];
}

export interface StartDmsTaskInput {
  readonly arn: string;
  readonly type: StartType;
  /** The task as it was when the start was decided: what is later is this start, or somebody else's. */
  readonly before: StartMark;
  readonly cdcStartPosition?: string;
  readonly cdcStopPosition?: string;
}

export interface StartDmsTaskResult {
  /** `adopted`: it had been started since, by a request without an answer or by others. `notNow`: look again. */
  readonly outcome: 'started' | 'adopted' | 'notNow';
}

export interface WatchDmsTaskInput extends DescribeDmsTaskInput {
  /** The task as it was known: the watch ends when it is different. */
  readonly known: KnownTask;
}

export interface StopDmsTaskResult {
  /** False: it has not stopped yet; ask again. */
  readonly stands: boolean;
  readonly status: string;
  readonly checkpoint: string | null;
}

export interface ReloadDmsTablesInput {
  readonly arn: string;
  /** `schema.table` */
  readonly tables: readonly string[];
  /** True: those that are well are loaded again, too. */
  readonly always?: boolean;
}

export interface ReloadDmsTablesResult {
  /** Statistics that were refreshed before say nothing about the reload. */
  readonly askedAt: string;
  /** False: the task is in no state to reload tables; look again. */
  readonly isAccepted: boolean;
}

export type DmsActivities = ReturnType<typeof createDmsActivities>;

const BEAT_MS = 20_000;
/** DMS takes no more in one request. */
const RELOADED_AT_ONCE = 10;

export function createDmsActivities({
  tasks,
  clock,
  pacing: own,
}: {
  readonly tasks: ReplicationTasks;
  readonly clock: { now(): number };
  readonly pacing?: Partial<DmsPacing>;
}) {
  const pacing: DmsPacing = { ...DMS_PACING, ...own };
  const lookout = new Lookout(tasks, pacing);

  /** A task and its tables as they are now. Safe to run twice: it only looks. Fails with `DmsTaskMissing`. */
  async function describeDmsTask({ task, tables }: DescribeDmsTaskInput): Promise<DmsLook> {
    return withTables(await beating(taskNamed(task)), tables);
  }

  /**
   * Start a task that stands. Safe to run twice: whatever DMS shows as later than `before` is taken for this start,
   * and DMS itself refuses to start what starts or runs. The commit point is DMS's acceptance.
   */
  async function startDmsTask({ before, ...request }: StartDmsTaskInput): Promise<StartDmsTaskResult> {
    const signal = cancellationSignal();
    if (startedSince(before, await taskNamed(request.arn))) return { outcome: 'adopted' };
    await lookout.turnToChange(signal);
    if ((await tasks.start(request, signal)) === 'accepted') return { outcome: 'started' };
    return { outcome: startedSince(before, await taskNamed(request.arn)) ? 'adopted' : 'notNow' };
  }

  /**
   * Wait until a task is different from what was known, at most some 10 minutes, and tell how it stands then. Safe to
   * run twice: it only looks. All watches of a worker share their requests.
   */
  async function watchDmsTask({ task, tables, known }: WatchDmsTaskInput): Promise<DmsLook> {
    const signal = cancellationSignal();
    const end = clock.now() + pacing.watchMs;
    for (;;) {
      heartbeat();
      const seen = await taskNamed(task);
      if (hasNews(known, seen) || clock.now() >= end) return withTables(seen, tables);
      await pacing.wait(untilNextLook(), signal);
    }
  }

  /**
   * Stop a task and wait, at most some 10 minutes, until it stands. Safe to run twice: DMS refuses to stop what does
   * not run, and only its refusal, not a describe that may be late, says that nothing runs. What starts or stops is
   * not asked: DMS would refuse, and counts the call.
   */
  async function stopDmsTask({ arn }: { readonly arn: string }): Promise<StopDmsTaskResult> {
    const signal = cancellationSignal();
    const end = clock.now() + pacing.watchMs;
    for (;;) {
      heartbeat();
      const seen = await lookout.task(arn, signal);
      if (!seen) return { stands: true, status: 'deleted', checkpoint: null };
      const { status, checkpoint } = seen;
      const isMoving = status === 'starting' || status === 'stopping';
      if (!isMoving) {
        await beating(lookout.turnToChange(signal));
        const isRefused = (await tasks.stop(arn, signal)) === 'wrongState';
        if (isRefused && isStanding(seen)) return { stands: true, status, checkpoint };
      }
      if (clock.now() >= end) return { stands: false, status, checkpoint };
      await pacing.wait(untilNextLook(), signal);
    }
  }

  /**
   * Load tables of a running task again. Safe to run twice: only those that are still in trouble are reloaded, or
   * (`always`) are not being loaded already; ten at a time, as DMS takes them.
   */
  async function reloadDmsTables({
    arn,
    tables,
    always = false,
  }: ReloadDmsTablesInput): Promise<ReloadDmsTablesResult> {
    const signal = cancellationSignal();
    const chosen = new Set(tables);
    const known = await lookout.tables(arn, signal, () => heartbeat());
    const isDue = (one: DmsTable) => (always ? !isLoading(one) : isTroubled(one));
    const due: readonly TableRef[] = known.filter((one) => chosen.has(tableName(one)) && isDue(one));
    const askedAt = new Date(clock.now()).toISOString();
    for (let from = 0; from < due.length; from += RELOADED_AT_ONCE) {
      await lookout.turnToChange(signal);
      const answer = await tasks.reload(arn, due.slice(from, from + RELOADED_AT_ONCE), signal);
      if (answer === 'wrongState') return { askedAt, isAccepted: false };
      heartbeat();
    }
    return { askedAt, isAccepted: true };
  }

  async function taskNamed(name: string): Promise<DmsTask> {
    const found = await lookout.task(name, cancellationSignal());
    if (!found) throw failure('DmsTaskMissing', `DMS has no replication task ${name}`);
    return found;
  }

  async function withTables(task: DmsTask, expected: readonly string[] = []): Promise<DmsLook> {
    const found = await beating(lookout.tables(task.arn, cancellationSignal(), () => heartbeat()));
    return {
      ...task,
      tables: summariseTables(found, expected),
      lookedAt: new Date(clock.now()).toISOString(),
    };
  }

  /** All who wait look at the same moments, so that one describe answers them together. */
  function untilNextLook(): number {
    return pacing.lookEveryMs - (clock.now() % pacing.lookEveryMs);
  }

  return { describeDmsTask, startDmsTask, watchDmsTask, stopDmsTask, reloadDmsTables };
}

/** Heartbeats meanwhile: its turn may be far off while hundreds of tasks are looked at. */
async function beating<Result>(work: Promise<Result>): Promise<Result> {
  const beat = setInterval(() => heartbeat(), BEAT_MS);
  return work.finally(() => clearInterval(beat));
}
