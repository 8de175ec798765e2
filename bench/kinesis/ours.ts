import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createKinesisClient } from '../../activities/streams/clients.ts';
import { Frames } from '../../activities/streams/frames.ts';
import { KinesisStream } from '../../activities/streams/kinesis.ts';
import { refineFrames } from '../../activities/streams/refine.ts';
import { benchLake, benchMapping } from './lake.ts';
import { STREAM } from './records.ts';

// What the peer does, by the collector's own parts: fetch, decode, and refine to a Parquet file for every 250,000
// rows, with lineage, hashes and quarantine. In a process of its own, which prints its CPU seconds.
const [endpoint = '', folder = ''] = process.argv.slice(2);
const ROWS_PER_FILE = 250_000;
const READ_EVERY_MS = 220;

const { signal } = new AbortController();
const stream = new KinesisStream(createKinesisClient({ endpoint, region: 'eu-west-1' }));
const mapping = benchMapping(benchLake('bench-lake'));
let files = 0;
let rows = 0;
let refining: Promise<void> = Promise.resolve();
let frames = await newFrames();

const before = process.cpuUsage();
const startedAt = Date.now();
const shards = (await stream.shards(STREAM, signal)) ?? [];
await Promise.all(shards.map(({ shard }) => readShard(shard)));
await refine();
const { user, system } = process.cpuUsage(before);
const figure = {
  cpuSeconds: (user + system) / 1e6,
  seconds: (Date.now() - startedAt) / 1000,
  peakRssMb: process.resourceUsage().maxRSS / 1024,
  rows,
};
process.stdout.write(`${JSON.stringify(figure)}\n`);
process.exit(0);

async function readShard(shard: string): Promise<void> {
  const opened = await stream.open(STREAM, shard, { kind: 'horizon' }, signal);
  if (opened.kind !== 'opened') throw new Error(`${shard} cannot be opened: ${opened.kind}`);
  let { iterator } = opened;
  for (;;) {
    const page = await stream.read(iterator, signal);
    if (page.kind !== 'page') throw new Error(`${shard} cannot be read: ${page.kind}`);
    await refining;
    await frames.add(shard, page.records);
    if (frames.records >= ROWS_PER_FILE) refining = refine();
    await refining;
    if (page.caughtUp || !('iterator' in page.next)) return;
    ({ iterator } = page.next);
    await setTimeout(READ_EVERY_MS);
  }
}

async function refine(): Promise<void> {
  if (frames.records === 0) return;
  const framed = await frames.finish();
  const { parquet } = await refineFrames(framed, {
    columns: mapping.columns,
    mapping,
    nowMs: Date.now(),
    duck: { memoryMb: 1024, threads: 2, scratch: folder },
    folder: join(folder, String(files)),
    signal,
  });
  rows += parquet?.statistics.rows ?? 0;
  frames = await newFrames();
}

async function newFrames(): Promise<Frames> {
  files += 1;
  await mkdir(join(folder, String(files)));
  return new Frames(join(folder, String(files), 'framed'));
}
