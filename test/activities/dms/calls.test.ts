import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { expect, test } from 'vitest';
import { createDmsActivities } from '../../../activities/dms/activities.ts';
import type { ReplicationTasks } from '../../../activities/dms/port.ts';
import { markOf } from '../../../lake/dms-start.ts';
import { type DmsLook, knownOf } from '../../../lake/dms.ts';
import { MemoryDms } from '../../fakes/memory-dms.ts';

const TASKS = 200;
const MINUTE_MS = 60_000;
/** What DMS allows an account: so many calls at once, and so many more each second. */
const BUCKET = { size: 200, refillPerSecond: 8 };

/** Time that passes when all who run wait for it. */
class Time {
  #ms = 0;
  readonly #waiting: { readonly at: number; readonly resolve: () => void }[] = [];

  now = (): number => this.#ms;

  wait = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const stop = () => reject(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      const go = () => {
        signal.removeEventListener('abort', stop);
        resolve();
      };
      this.#waiting.push({ at: this.#ms + ms, resolve: go });
    });

  /** Lets so much time pass. */
  async pass(ms: number): Promise<void> {
    const end = this.#ms + ms;
    for (;;) {
      // Everything that needs no time is done first.
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      this.#waiting.sort((a, b) => a.at - b.at);
      if ((this.#waiting[0]?.at ?? Number.POSITIVE_INFINITY) > end) break;
      const next = this.#waiting.shift();
      this.#ms = next?.at ?? end;
      next?.resolve();
    }
    this.#ms = end;
  }
}

/** One worker's activities over tasks in memory, at their real pace, and when it called DMS for what. */
function countedWorker() {
  const dms = new MemoryDms();
  const time = new Time();
  const calls: { readonly name: keyof ReplicationTasks; readonly ms: number }[] = [];
  const count = (name: keyof ReplicationTasks) => calls.push({ name, ms: time.now() });
  const tasks: ReplicationTasks = {
    describe: (names) => (count('describe'), dms.describe(names)),
    tables: (arn, marker) => (count('tables'), dms.tables(arn, marker)),
    start: (request) => (count('start'), dms.start(request)),
    stop: (arn) => (count('stop'), dms.stop(arn)),
    reload: (arn, tables) => (count('reload'), dms.reload(arn, tables)),
    settings: (task) => (count('settings'), dms.settings(task)),
    writers: (endpointArn) => (count('writers'), dms.writers(endpointArn)),
  };
  const activities = createDmsActivities({ tasks, clock: time, pacing: { wait: time.wait } });
  const run = <Input, Result>(activity: (input: Input) => Promise<Result>, input: Input): Promise<Result> =>
    new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run<
      [Input],
      Result,
      typeof activity
    >(activity, input);
  return {
    dms,
    time,
    activities,
    run,
    ofMinute(minute: number) {
      const within = calls.filter(({ ms }) => Math.floor(ms / MINUTE_MS) === minute);
      const of = (name: keyof ReplicationTasks) => within.filter((call) => call.name === name).length;
      return { describe: of('describe'), tables: of('tables'), start: of('start'), stop: of('stop') };
    },
    /** How many calls DMS would still have taken at the moment when it would have taken the fewest. */
    leastLeft(): number {
      let [left, lastMs, least] = [BUCKET.size, 0, BUCKET.size];
      for (const { ms } of calls) {
        left = Math.min(BUCKET.size, left + ((ms - lastMs) / 1000) * BUCKET.refillPerSecond) - 1;
        lastMs = ms;
        least = Math.min(least, left);
      }
      return least;
    },
  };
}

test('200 tasks cost 18 describes a minute, and with their starts and tables never more than DMS allows', async () => {
  const worker = countedWorker();
  const { dms, activities, run } = worker;
  const follow = async (arn: string): Promise<never> => {
    let look: DmsLook = await run(activities.describeDmsTask, { task: arn });
    const before = markOf(look);
    await run(activities.startDmsTask, { arn, type: 'start-replication', before } as const);
    for (;;) look = await run(activities.watchDmsTask, { task: arn, known: knownOf(look) });
  };
  for (let n = 0; n < TASKS; n += 1) void follow(dms.create(`task-${n}`, 'full-load-and-cdc'));

  await worker.time.pass(20 * MINUTE_MS);

  // Three every ten seconds: for whoever asks first, and for 100 tasks and 99.
  expect(worker.ofMinute(6)).toEqual({ describe: 18, tables: 0, start: 0, stop: 0 });
  // A watch of nine minutes ends with a look at the tables: at most two calls a second.
  const minutes = Array.from({ length: 20 }, (_, minute) => worker.ofMinute(minute));
  expect(minutes.slice(3).every(({ tables }) => tables <= 120)).toBe(true);
  expect(worker.leastLeft()).toBeGreaterThan(0);
});

test('200 tasks that are stopped at once are asked twice each, and never more than DMS allows', async () => {
  const worker = countedWorker();
  const { dms, activities, run } = worker;
  const stopped = Array.from({ length: TASKS }, (_, n) => {
    const arn = dms.create(`task-${n}`, 'cdc');
    dms.becomes(`task-${n}`, { status: 'running' });
    return run(activities.stopDmsTask, { arn });
  });

  await worker.time.pass(5 * MINUTE_MS);

  expect((await Promise.all(stopped)).every(({ stands }) => stands)).toBe(true);
  const stops = Array.from({ length: 5 }, (_, minute) => worker.ofMinute(minute).stop);
  expect(stops.reduce((sum, count) => sum + count)).toBe(2 * TASKS);
  expect(worker.leastLeft()).toBeGreaterThan(0);
});
