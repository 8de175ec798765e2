import { once } from 'node:events';
import { writeSync } from 'node:fs';
import type { ObjectStore } from '../../activities/objects/port.ts';
import { type Point, Trap, TrappedStore } from './points.ts';
import { trapRequests } from './requests.ts';
import { runActivity } from './run.ts';
import { type ActivityName, type InputOf, type Place, openClients, openStore, wire } from './wire.ts';

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
  const store = point
    ? trappedStore(errand, point, strike)
    : openStore(errand.bucket, openClients(errand.url));
  const said = await runActivity(wire(errand, store), activity, input).then(
    () => 'done',
    (error: unknown) => `failed: ${String(error)}`,
  );
  if (!point && said === 'done') await arrive();
  else if (!isStruck) writeSync(1, `never came to ${JSON.stringify(point)}: `);
  writeSync(1, `${activity} ${said}\n`);
  if (!isStruck && point) process.exit(4);
}

function trappedStore({ url, bucket }: Place, point: Point, strike: () => Promise<void>): ObjectStore {
  const trap = new Trap(point, strike);
  const look = openStore(bucket, openClients(url));
  if (point.request === undefined) return new TrappedStore(look, trap);
  const clients = openClients(url);
  for (const client of Object.values(clients)) trapRequests(client, trap, look);
  return openStore(bucket, clients);
}

async function arrive(): Promise<void> {
  arrived += 1;
  if (arrived === errands.length) {
    if (fate === 'kill') process.kill(process.pid, 'SIGKILL');
    else writeSync(1, 'held\n');
  }
  await letGo;
}
