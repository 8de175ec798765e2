import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readEnv } from '../config/env.ts';
import { writeFlights } from '../sample/flights.ts';
import { startLocal } from '../scripts/local/start.ts';
import { openLake } from '../workers/wiring.ts';
import { median, cpuSeconds, peakRssMb } from './process.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../', import.meta.url));
const ROWS = 3_000_000;

interface Figure {
  readonly cpuSeconds: number;
  readonly seconds: number;
}

/** All flights from 182 files to a published view, beside DuckDB alone running the same two statements. */
export async function benchFlights(rounds: number, say: (text: string) => void): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
  try {
    const files = join(folder, 'sample-data', 'flights');
    await writeFlights({ dir: files, days: 'all' });
    const pairs: {
      ours: Figure & { readonly stackCpuSeconds: number; readonly peakRssMb: number };
      alone: Figure;
    }[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const alone = await duckDbAlone(files, join(folder, 'alone'));
      const ours = await tributary(join(folder, `lake-${round}`), join(folder, 'sample-data'));
      say(
        `${round === 0 ? 'warm-up' : `round ${round}`}: ${ours.cpuSeconds.toFixed(1)} s of CPU beside ${alone.cpuSeconds.toFixed(1)} s, stand-ins ${ours.stackCpuSeconds.toFixed(1)} s`,
      );
      if (round > 0) pairs.push({ ours, alone });
      await rm(join(folder, `lake-${round}`), { recursive: true, force: true });
    }
    return {
      rows: ROWS,
      rounds,
      cpuRatio: median(pairs.map(({ ours, alone }) => ours.cpuSeconds / alone.cpuSeconds)),
      secondsRatio: median(pairs.map(({ ours, alone }) => ours.seconds / alone.seconds)),
      workerCpuSeconds: median(pairs.map(({ ours }) => ours.cpuSeconds)),
      duckDbAloneCpuSeconds: median(pairs.map(({ alone }) => alone.cpuSeconds)),
      standInsCpuSeconds: median(pairs.map(({ ours }) => ours.stackCpuSeconds)),
      workerPeakRssMb: Math.max(...pairs.map(({ ours }) => ours.peakRssMb)),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function duckDbAlone(from: string, to: string): Promise<Figure> {
  const { stdout } = await run(
    process.execPath,
    ['--import', 'tsx', join(ROOT, 'bench/duckdb-alone.ts'), from, to],
    { cwd: ROOT },
  );
  return JSON.parse(stdout) as Figure;
}

async function tributary(data: string, sampleData: string) {
  const local = await startLocal({ data, bucket: 'bench-lake', say: () => undefined });
  try {
    const worker = await local.startWorker();
    const env = { ...process.env, ...local.exports, SAMPLE_DATA: sampleData, LAKE_BUCKET: 'bench-lake' };
    await run(process.execPath, [join(ROOT, 'cli/tributary.mjs'), 'apply'], { cwd: ROOT, env });
    const before = { worker: await cpuSeconds(worker.pid), stack: await cpuSeconds(local.stack().pid) };
    const startedAt = Date.now();
    await run(
      'temporal',
      [
        'workflow',
        'execute',
        '--type',
        'transferFiles',
        '--task-queue',
        'control',
        '--input',
        '{"source":"flights"}',
        '--address',
        local.temporalAddress,
      ],
      { env },
    );
    Object.assign(process.env, local.exports);
    const { store } = openLake({ env: readEnv(env), bucket: 'bench-lake' });
    while (!(await store.head('view/flights/000000000001.json', AbortSignal.timeout(10_000)))) {
      if (Date.now() - startedAt > 600_000) throw new Error('no version was published within 10 minutes');
      await new Promise((wake) => setTimeout(wake, 50));
    }
    const seconds = (Date.now() - startedAt) / 1000;
    return {
      seconds,
      cpuSeconds: (await cpuSeconds(worker.pid)) - before.worker,
      stackCpuSeconds: (await cpuSeconds(local.stack().pid)) - before.stack,
      peakRssMb: await peakRssMb(worker.pid),
    };
  } finally {
    await local.stop();
  }
}
