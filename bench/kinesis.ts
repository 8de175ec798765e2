import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { createS3Client } from '../activities/objects/clients.ts';
import { startLocal } from '../scripts/local/start.ts';
import { actionsOfStretches } from './kinesis/actions.ts';
import { fillStream } from './kinesis/fill.ts';
import { RECORD_BYTES, SHARDS } from './kinesis/records.ts';
import { median } from './process.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../', import.meta.url));

interface Figure {
  readonly cpuSeconds: number;
  readonly seconds: number;
  readonly peakRssMb: number;
  readonly rows: number;
}

interface Round {
  /** Fetch, decode and refine to Parquet files. */
  readonly ours: Figure;
  readonly peer: Figure;
  /** That, and raw objects, uploads, statistics and commits. */
  readonly collector: Figure;
  readonly load: number;
}

/**
 * A stream of 1 KB records to Parquet: fetch, decode and refine by the collector's own parts, beside the SDK's client
 * with JSON.parse and DuckDB's appender; then the whole collector, which also keeps the records as they came, uploads
 * and commits; then what that costs in Temporal's actions.
 */
export async function benchKinesis(
  records: number,
  rounds: number,
  say: (text: string) => void,
): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
  const local = await startLocal({ data: folder, bucket: 'bench-lake', say: () => undefined });
  try {
    Object.assign(process.env, local.exports);
    const kinesis = new KinesisClient({
      endpoint: local.endpoint,
      region: 'eu-west-1',
      requestHandler: new NodeHttpHandler(),
    });
    await fillStream(kinesis, records);
    kinesis.destroy();
    say(`${records} records of ${RECORD_BYTES} bytes in ${SHARDS} shards`);
    const gigabytes = (records * RECORD_BYTES) / 1e9;
    const measured: Round[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const peer = await ofReader('peer.ts', local.endpoint, join(folder, `peer-${round}`));
      const ours = await ofReader('ours.ts', local.endpoint, join(folder, `ours-${round}`));
      const scratch = join(folder, `collector-${round}`);
      const collector = await ofCollector(local.endpoint, `bench-${round}`, scratch);
      const [load = 0] = loadavg();
      for (const { rows } of [peer, ours, collector])
        if (rows !== records) throw new Error(`${rows} rows came of ${records} records`);
      say(
        `${round === 0 ? 'warm-up' : `round ${round}`}: ${told(ours)} beside ${told(peer)}, the collector ${told(collector)}; load ${load.toFixed(1)}`,
      );
      if (round > 0) measured.push({ ours, peer, collector, load });
    }
    const perSecond = median(measured.map(({ collector }) => records / collector.seconds));
    const ratios = measured.map(({ ours, peer }) => ours.cpuSeconds / peer.cpuSeconds);
    return {
      records,
      rounds,
      cpuRatio: median(ratios),
      cpuRatios: { least: Math.min(...ratios), most: Math.max(...ratios) },
      cpuSecondsPerGb: median(measured.map(({ ours }) => ours.cpuSeconds / gigabytes)),
      peerCpuSecondsPerGb: median(measured.map(({ peer }) => peer.cpuSeconds / gigabytes)),
      collectorCpuRatio: median(
        measured.map(({ collector, peer }) => collector.cpuSeconds / peer.cpuSeconds),
      ),
      collectorCpuSecondsPerGb: median(measured.map(({ collector }) => collector.cpuSeconds / gigabytes)),
      collectorRecordsPerSecond: perSecond,
      recordsPerSecond: median(measured.map(({ ours }) => records / ours.seconds)),
      peerRecordsPerSecond: median(measured.map(({ peer }) => records / peer.seconds)),
      // Of the whole machine, in the last minute of a round: this bench makes some two of it.
      load: median(measured.map(({ load }) => load)),
      peakRssMb: Math.max(...measured.map(({ ours }) => ours.peakRssMb)),
      collectorPeakRssMb: Math.max(...measured.map(({ collector }) => collector.peakRssMb)),
      peerPeakRssMb: Math.max(...measured.map(({ peer }) => peer.peakRssMb)),
      temporal: await actionsOfStretches(local, folder, perSecond),
    };
  } finally {
    await local.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function told({ cpuSeconds, seconds }: Figure): string {
  return `${cpuSeconds.toFixed(1)} s of CPU in ${seconds.toFixed(1)} s`;
}

async function ofReader(script: string, endpoint: string, folder: string): Promise<Figure> {
  await mkdir(folder);
  const figure = await ofProcess(script, endpoint, folder);
  await rm(folder, { recursive: true });
  return figure;
}

/** Into a bucket of its own, so that each round begins at the stream's beginning. */
async function ofCollector(endpoint: string, bucket: string, scratch: string): Promise<Figure> {
  await mkdir(scratch);
  const s3 = createS3Client({ endpoint, region: 'eu-west-1', maxAttempts: 3 });
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  s3.destroy();
  return ofProcess('collector.ts', endpoint, bucket, scratch);
}

async function ofProcess(script: string, ...args: string[]): Promise<Figure> {
  const { stdout } = await run(
    process.execPath,
    ['--import', 'tsx', join(ROOT, 'bench/kinesis', script), ...args],
    { cwd: ROOT },
  );
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Figure;
}
