import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
import { createRunActivities } from '../activities/runs/activities.ts';
import { TemporalRuns } from '../activities/runs/temporal.ts';
import { createSpecActivities } from '../activities/spec/activities.ts';
import { createSpecReader } from '../activities/spec/store.ts';
import { createTableActivities } from '../activities/tables/activities.ts';
import { createViewActivities } from '../activities/views/activities.ts';
import type { Env } from '../config/env.ts';

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
    ...createBuildActivities({ store, ledger, builds, duck, clock }),
    ...createViewActivities({ store, ledger, builds, spec, clock }),
  };
}

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
