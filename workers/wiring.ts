import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { getClient } from '@temporalio/activity';
import { createBuildActivities } from '../activities/builds/activities.ts';
import { createDmsActivities } from '../activities/dms/activities.ts';
import { createConnectionActivities } from '../activities/dms/connections.ts';
import { DmsConnections } from '../activities/dms/dms-connections.ts';
import { createDmsClient } from '../activities/dms/clients.ts';
import { DmsTasks } from '../activities/dms/dms.ts';
import { type DmsReview, reviewTask } from '../activities/dms/review.ts';
import { createFileActivities } from '../activities/files/activities.ts';
import { LocalFolder } from '../activities/files/local.ts';
import { S3Prefix } from '../activities/files/prefix.ts';
import { createKinesisClient } from '../activities/streams/clients.ts';
import { KinesisStream } from '../activities/streams/kinesis.ts';
import { createStreamActivities } from '../activities/streams/activities.ts';
import { createBuilds } from '../activities/objects/builds.ts';
import { createS3Client } from '../activities/objects/clients.ts';
import { createLedger } from '../activities/objects/ledger.ts';
import { S3ObjectStore } from '../activities/objects/s3.ts';
import type { ObjectStore } from '../activities/objects/port.ts';
import { PostgresDatabase } from '../activities/postgres/database.ts';
import { createRunActivities } from '../activities/runs/activities.ts';
import { TemporalRuns } from '../activities/runs/temporal.ts';
import { createSpecActivities } from '../activities/spec/activities.ts';
import { createSpecReader } from '../activities/spec/store.ts';
import { createTableActivities } from '../activities/tables/activities.ts';
import { createRepairActivities } from '../activities/tables/repairs.ts';
import { createViewActivities } from '../activities/views/activities.ts';
import { type Env, databaseUrl } from '../config/env.ts';
import { createRepairSource } from '../reading/compare/repair-source.ts';

/** What reads and writes the lake in `bucket`: the ports of activities and of `reading/`. Nothing is read or made yet. */
export function openLake({ env, bucket }: { readonly env: Env; readonly bucket: string }) {
  const where = { ...endpoint(env), region: env.awsRegion };
  // What creates goes out once: a resend after a lost answer would be refused as somebody else's object.
  const once = createS3Client({ ...where, maxAttempts: 1 });
  const store: ObjectStore = new S3ObjectStore(createS3Client({ ...where, maxAttempts: 3 }), bucket, once);
  const ledger = createLedger({ store });
  return { store, ledger, spec: createSpecReader({ store }) };
}

/** Looks at the settings of a DMS task of the account that the environment has credentials of. */
export function openDmsReview(env: Env): (task: string, signal: AbortSignal) => Promise<DmsReview> {
  const client = createDmsClient({ ...endpoint(env), region: env.awsRegion, maxAttempts: 3 });
  return (task, signal) => reviewTask(client, task, signal);
}

/** Reads a source's database, for comparing; nothing is opened yet. `url` holds a password. */
export function openDatabase(url: string): PostgresDatabase {
  return new PostgresDatabase(url);
}

/** A folder of this process for what DuckDB spills and what is downloaded; made when it is not there. */
export async function scratchFolder(env: Env): Promise<string> {
  const folder = env.scratchDir ?? join(tmpdir(), `tributary-${process.pid}`);
  await mkdir(folder, { recursive: true });
  return folder;
}

/** Every activity of the lake, by its registered name. */
export async function wireActivities({ env, bucket }: { readonly env: Env; readonly bucket: string }) {
  const { store, ledger, spec } = openLake({ env, bucket });
  const builds = createBuilds({ store });
  const clock = { now: () => Date.now() };
  const duck = { memoryMb: env.memoryMb, threads: 2, scratch: await scratchFolder(env) };
  const stream = new KinesisStream(createKinesisClient({ ...endpoint(env), region: env.awsRegion }));
  const dms = { ...endpoint(env), region: env.awsRegion };
  const clients = {
    client: createDmsClient({ ...dms, maxAttempts: 3 }),
    // What starts or stops a task goes out once: a resend after a lost answer would be a second start.
    once: createDmsClient({ ...dms, maxAttempts: 1 }),
  };
  const tasks = new DmsTasks(clients);
  const prefixes = prefixesOf(env);
  return {
    ...createRunActivities({ runs: new TemporalRuns(getClient, 'control') }),
    ...createSpecActivities({ store, runs: new TemporalRuns(getClient, 'control'), clock }),
    ...createFileActivities({
      store,
      ledger,
      spec,
      files: new LocalFolder(),
      prefixes,
      duck,
      clock,
    }),
    ...createStreamActivities({ store, ledger, spec, stream, duck, clock }),
    ...createDmsActivities({ tasks, clock }),
    ...createConnectionActivities({ connections: new DmsConnections(clients), clock }),
    ...createTableActivities({ store, ledger, spec, tasks, landings: prefixes(undefined), duck, clock }),
    ...createRepairActivities({
      store,
      ledger,
      spec,
      tasks,
      landings: prefixes(undefined),
      duck,
      clock,
      repairs: (source, signal) => openRepairs({ env, bucket }, source, signal),
    }),
    ...createBuildActivities({ store, ledger, spec, builds, duck, clock }),
    ...createViewActivities({ store, ledger, builds, spec, clock }),
  };
}

const LEAST_SETTLE_MS = 120_000;
const COMMITS_WHILE_SETTLING = 3;

/** How long neither side of a row changes before it counts as differing: longer than changes are under way. */
export function settleMs({ everyMs }: { readonly everyMs: number }): number {
  return Math.max(LEAST_SETTLE_MS, everyMs * COMMITS_WHILE_SETTLING);
}

async function openRepairs(
  { env, bucket }: { readonly env: Env; readonly bucket: string },
  source: string,
  signal: AbortSignal,
) {
  const url = databaseUrl(source);
  if (url === undefined) return undefined;
  const { store, ledger, spec: specs } = openLake({ env, bucket });
  const spec = await specs.read(signal);
  const scratch = await scratchFolder(env);
  const declared = spec.spec.sources[source];
  const ports = {
    store,
    ledger,
    spec,
    scratch,
    cache: join(scratch, 'cache'),
    memoryMb: env.memoryMb,
    threads: 2,
    database: openDatabase(url),
    clock: CLOCK,
  };
  const settling = settleMs({ everyMs: declared?.kind === 'database' ? declared.everyMs : 0 });
  return createRepairSource(ports, { source, settleMs: settling, withinMs: 5 * settling });
}

/** Real time, for comparing. */
export const CLOCK = {
  now: () => Date.now(),
  wait: (ms: number, signal: AbortSignal) => wait(ms, undefined, { signal }),
};

/** Objects below prefixes, by the region of their bucket; one client a region. */
function prefixesOf(env: Env): (region: string | undefined) => S3Prefix {
  const opened = new Map<string, S3Prefix>();
  return (region = env.awsRegion) => {
    const found =
      opened.get(region) ?? new S3Prefix(createS3Client({ ...endpoint(env), region, maxAttempts: 3 }));
    opened.set(region, found);
    return found;
  };
}

function endpoint(env: Env): { readonly endpoint?: string } {
  return env.awsEndpointUrl === undefined ? {} : { endpoint: env.awsEndpointUrl };
}
