import { createBuildActivities } from '../../activities/builds/activities.ts';
import { createFileActivities } from '../../activities/files/activities.ts';
import { LocalFolder } from '../../activities/files/local.ts';
import { createS3Client } from '../../activities/objects/clients.ts';
import { createLedger } from '../../activities/objects/ledger.ts';
import type { ObjectStore } from '../../activities/objects/port.ts';
import { S3ObjectStore } from '../../activities/objects/s3.ts';
import { createSpecActivities } from '../../activities/spec/activities.ts';
import { createSpecReader } from '../../activities/spec/store.ts';
import { S3Prefix } from '../../activities/files/prefix.ts';
import { createStreamActivities } from '../../activities/streams/activities.ts';
import { createKinesisClient } from '../../activities/streams/clients.ts';
import { KinesisStream } from '../../activities/streams/kinesis.ts';
import { createTableActivities } from '../../activities/tables/activities.ts';
import { createViewActivities } from '../../activities/views/activities.ts';
import { STACK_REGION } from '../support/stack.ts';
import { StandingTasks } from './database.ts';

export interface Place {
  /** Of the stand-ins. */
  readonly url: string;
  readonly bucket: string;
  /** An existing folder. */
  readonly scratch: string;
  /** How far its clock is ahead of the machine's. */
  readonly aheadMs: number;
}

/** Clients of the stand-ins: for most requests, and for a create, which is one request. */
export function openClients(url: string) {
  const client = (maxAttempts: number) =>
    createS3Client({ endpoint: url, region: STACK_REGION, maxAttempts });
  return { s3: client(3), once: client(1) };
}

export function openStore(bucket: string, { s3, once }: ReturnType<typeof openClients>): ObjectStore {
  return new S3ObjectStore(s3, bucket, once);
}

/** Every activity that commits, by its name, in a process that knows nothing yet. */
export function wire({ url, scratch, aheadMs }: Place, store: ObjectStore) {
  const ledger = createLedger({ store });
  const spec = createSpecReader({ store });
  const clock = { now: () => Date.now() + aheadMs };
  const duck = { memoryMb: 256, threads: 1, scratch };
  const stream = new KinesisStream(createKinesisClient({ endpoint: url, region: STACK_REGION }));
  const pacing = { readEveryMs: 20 };
  const { writeSpec } = createSpecActivities({ store, runs: NO_RUNS, clock });
  return {
    writeSpec,
    ...createFileActivities({ store, ledger, spec, files: new LocalFolder(), duck, clock }),
    ...createStreamActivities({ store, ledger, spec, stream, duck, clock, pacing }),
    ...createTableActivities({
      store,
      ledger,
      spec,
      tasks: new StandingTasks(),
      landings: new S3Prefix(openClients(url).s3),
      duck,
      clock,
      pacing: { doubts: 1 },
    }),
    ...createBuildActivities({ store, ledger, spec, duck, clock }),
    ...createViewActivities({ store, ledger, spec, clock }),
  };
}

export type Activities = ReturnType<typeof wire>;
export type ActivityName = keyof Activities;
export type InputOf<Name extends ActivityName> = Parameters<Activities[Name]>[0];
export type ResultOf<Name extends ActivityName> = Awaited<ReturnType<Activities[Name]>>;

const noRuns = () => Promise.reject(new Error('nothing here starts a run'));
const NO_RUNS = {
  signalWithStart: noRuns,
  start: noRuns,
  signal: noRuns,
  isOpen: noRuns,
  setSchedule: noRuns,
  removeSchedule: noRuns,
};
