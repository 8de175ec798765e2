import { expect, test } from 'vitest';
import type { ReplicationTasks } from '../../activities/dms/port.ts';
import { planStart, startedSince } from '../../lake/dms-start.ts';
import type { DmsTable } from '../../lake/dms-tables.ts';
import { type DmsTask, hasRun, isStanding } from '../../lake/dms.ts';
import { until } from '../support/eventually.ts';

/** A task that stands or runs, whoever made it. */
export interface OpenedReplicationTask {
  readonly tasks: ReplicationTasks;
  readonly arn: string;
  /** An ARN like this one, of no task. */
  readonly nowhere: string;
  /** How long it may take to start or to stop; of a stand-in absent. */
  readonly patienceMs?: number;
}

const { signal } = new AbortController();

const STATUSES = [
  'creating',
  'ready',
  'starting',
  'running',
  'stopping',
  'stopped',
  'failed',
  'modifying',
  'moving',
  'failed-move',
  'deleting',
  'testing',
];
const TABLE_STATES = [
  'Table does not exist',
  'Before load',
  'Full load',
  'Table completed',
  'Table cancelled',
  'Table error',
  'Table is being reloaded',
];
const VALIDATION_STATES = [
  'Not enabled',
  'Pending records',
  'Mismatched records',
  'Suspended records',
  'No primary key',
  'Table error',
  'Validated',
  'Error',
  'Pending validation',
  'Preparing table',
  'Pending revalidation',
];

/**
 * What running a task relies on, of one that is there already. The last three cases ask for starts and stops: the
 * last one starts the task and stops it, and leaves it as it was found, except that one that never ran has run.
 */
export function keepsTheReplicationTaskContract(
  open: (does: 'look' | 'start') => Promise<OpenedReplicationTask>,
): void {
  test('the task is found by its ARN and by its identifier, and what is not there beside it is left out', async () => {
    const { tasks, arn } = await open('look');
    const { identifier } = await seen(tasks, arn);
    const names = [identifier, 'no-task-is-called-so'];
    expect((await tasks.describe({ by: 'id', names }, signal)).map((task) => task.arn)).toEqual([arn]);
    expect(await tasks.describe({ by: 'id', names: ['no-task-is-called-so'] }, signal)).toEqual([]);
  });

  test('an ARN of no task finds nothing', async () => {
    const { tasks, nowhere } = await open('look');
    expect(await tasks.describe({ by: 'arn', names: [nowhere] }, signal)).toEqual([]);
  });

  test('the task says how it stands in words that are known', async () => {
    const { tasks, arn } = await open('look');
    const task = await seen(tasks, arn);
    expect(STATUSES).toContain(task.status);
    expect(['full-load', 'cdc', 'full-load-and-cdc']).toContain(task.migrationType);
    expect(task.stopReason ?? 'Stop Reason NORMAL').toMatch(/^Stop Reason [A-Z_]+/);
    expect([task.status === 'ready', task.startedAt]).not.toEqual([false, null]);
    expect(task.progressPercent).toBeGreaterThanOrEqual(0);
    expect(task.progressPercent).toBeLessThanOrEqual(100);
  });

  test('its tables come once each, in states that are known', async () => {
    const { tasks, arn } = await open('look');
    const tables = await allTables(tasks, arn);
    const names = tables.map(({ schema, table }) => `${schema}.${table}`);
    expect(new Set(names).size).toBe(names.length);
    expect(tables.map(({ state }) => state).filter((state) => !TABLE_STATES.includes(state))).toEqual([]);
    const validations = tables.flatMap(({ validation }) => validation ?? []);
    expect(validations.filter((state) => !VALIDATION_STATES.includes(state))).toEqual([]);
  });

  test('tables of a task that is not there are missing', async () => {
    const { tasks, nowhere } = await open('look');
    await expect(tasks.tables(nowhere, undefined, signal)).rejects.toMatchObject({ type: 'DmsTaskMissing' });
  });

  test('a task that is not there can neither be started nor stopped', async () => {
    const { tasks, nowhere } = await open('start');
    const missing = { type: 'DmsTaskMissing' };
    const start = { arn: nowhere, type: 'start-replication' } as const;
    await expect(tasks.start(start, signal)).rejects.toMatchObject(missing);
    await expect(tasks.stop(nowhere, signal)).rejects.toMatchObject(missing);
  });

  test('a task that runs is not started again, and one that stands is not stopped', async () => {
    const { tasks, arn } = await open('start');
    const { status } = await seen(tasks, arn);
    const answer =
      status === 'running'
        ? // Of a task that ran, this is refused in every state.
          await tasks.start({ arn, type: 'start-replication' }, signal)
        : await tasks.stop(arn, signal);
    expect(answer).toBe('wrongState');
  });

  test('a task is stopped once it runs, goes on where it stopped, and is left as it was found', async () => {
    const opened = await open('start');
    const { tasks, arn } = opened;
    const found = await seen(tasks, arn);
    const running = found.status === 'running' ? found : await begin(opened, found);
    const stopped = await end(opened, running);
    expect(hasRun(stopped)).toBe(true);
    expect(stopped.stoppedAt).not.toBeNull();
    const goesOn = await begin(opened, stopped);
    expect(Date.parse(goesOn.startedAt ?? '')).toBeGreaterThan(Date.parse(running.startedAt ?? ''));
    if (found.status !== 'running') await end(opened, goesOn);
  });
}

/** Start or resume it; resolves once it runs, or has come to its end already. */
async function begin({ tasks, arn, patienceMs }: OpenedReplicationTask, from: DmsTask): Promise<DmsTask> {
  const plan = planStart(from, {});
  if (plan.kind !== 'start') throw new Error(`${from.identifier} is ${from.status}; it must stand or run`);
  expect(await tasks.start({ arn, type: plan.type }, signal)).toBe('accepted');
  return until(
    () => seen(tasks, arn),
    (task) => startedSince(from, task) && (task.status === 'running' || isStanding(task)),
    patienceMs,
  );
}

/** Stop it; resolves once it stands. */
async function end({ tasks, arn, patienceMs }: OpenedReplicationTask, from: DmsTask): Promise<DmsTask> {
  const answer = isStanding(from) ? 'wrongState' : await tasks.stop(arn, signal);
  const stands = await until(
    () => seen(tasks, arn),
    (task) => isStanding(task),
    patienceMs,
  );
  // A load alone comes to its end by itself.
  const mayEnd = stands.migrationType === 'full-load';
  expect(mayEnd ? ['accepted', 'wrongState'] : ['accepted']).toContain(answer);
  return stands;
}

async function seen(tasks: ReplicationTasks, arn: string): Promise<DmsTask> {
  const [task] = await tasks.describe({ by: 'arn', names: [arn] }, signal);
  if (!task) throw new Error(`no task ${arn}`);
  return task;
}

async function allTables(tasks: ReplicationTasks, arn: string): Promise<readonly DmsTable[]> {
  const all: DmsTable[] = [];
  let next: string | undefined;
  do {
    const page = await tasks.tables(arn, next, signal);
    all.push(...page.tables);
    ({ next } = page);
  } while (next !== undefined);
  return all;
}
