import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createS3Client } from '../../activities/objects/clients.ts';
import { createLedger } from '../../activities/objects/ledger.ts';
import { S3ObjectStore } from '../../activities/objects/s3.ts';
import { type CollectLaneResult, createStreamActivities } from '../../activities/streams/activities.ts';
import { createKinesisClient } from '../../activities/streams/clients.ts';
import { KinesisStream } from '../../activities/streams/kinesis.ts';
import { benchLake } from './lake.ts';

// The collector in a process of its own: one lane, from the stream's beginning to its end, everything stored and
// committed as always. Prints its CPU seconds.
const [endpoint = '', bucket = '', scratch = ''] = process.argv.slice(2);
const where = { endpoint, region: 'eu-west-1' };
const store = new S3ObjectStore(
  createS3Client({ ...where, maxAttempts: 3 }),
  bucket,
  createS3Client({ ...where, maxAttempts: 1 }),
);
const spec = benchLake(bucket);
const { openLanes, collectLane } = createStreamActivities({
  store,
  ledger: createLedger({ store }),
  spec: { read: async () => ({ n: 1, spec }) },
  stream: new KinesisStream(createKinesisClient(where)),
  duck: { memoryMb: 1024, threads: 2, scratch },
  clock: { now: () => Date.now() },
});
const environment = () => new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
await environment().run(openLanes, { source: 'events' });
const before = process.cpuUsage();
const startedAt = Date.now();
const { rows, entries }: CollectLaneResult = await environment().run(collectLane, {
  source: 'events',
  lane: 0,
  drain: true,
});
const { user, system } = process.cpuUsage(before);
const figure = {
  cpuSeconds: (user + system) / 1e6,
  seconds: (Date.now() - startedAt) / 1000,
  peakRssMb: process.resourceUsage().maxRSS / 1024,
  rows,
  entries,
};
process.stdout.write(`${JSON.stringify(figure)}\n`);
process.exit(0);
