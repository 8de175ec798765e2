import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { type Point, StruckStore } from './points.ts';
import { runActivity } from './run.ts';
import { type ActivityName, type InputOf, type Place, openStore, wire } from './wire.ts';

/** One activity in a lake of its own, and the point that it comes to. */
export interface Errand extends Place {
  readonly activity: ActivityName;
  readonly input: InputOf<ActivityName>;
  /** Absent: at the end, when the activity is done and nobody knows. */
  readonly point?: Point;
}

/** What befalls the process when all errands are at their points: SIGKILL, or it says `held` and waits for a line. */
export type Fate = 'kill' | 'hold';

const { fate, errands } = JSON.parse(process.argv[2] ?? '') as { fate: Fate; errands: Errand[] };
// Whoever started it is gone: nobody is left behind.
process.stdin.once('end', () => process.exit(3));

const letGo = once(process.stdin, 'data');
let arrived = 0;
await Promise.all(errands.map(run));
process.exit(0);

async function run(errand: Errand): Promise<void> {
  const { activity, input, point } = errand;
  let isStruck = false;
  const strike = () => {
    isStruck = true;
    return arrive();
  };
  const store = openStore(errand);
  const struck = point ? new StruckStore(store, point, strike) : store;
  const said = await runActivity(wire(errand, struck), activity, input).then(
    () => 'done',
    (error: unknown) => `failed: ${String(error)}`,
  );
  if (!point && said === 'done') await arrive();
  else if (!isStruck) writeSync(1, `never came to ${JSON.stringify(point)}: `);
  writeSync(1, `${activity} ${said}\n`);
  if (!isStruck && point) process.exit(4);
}

async function arrive(): Promise<void> {
  arrived += 1;
  if (arrived === errands.length) {
    if (fate === 'kill') process.kill(process.pid, 'SIGKILL');
    else writeSync(1, 'held\n');
  }
  await letGo;
}
