import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  CreateStreamCommand,
  KinesisClient,
  PutRecordCommand,
  waitUntilStreamExists,
} from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { readEnv } from '../config/env.ts';
import { query } from '../reading/query.ts';
import { startLocal } from '../scripts/local/start.ts';
import { openLake } from '../workers/wiring.ts';
import { quantile } from './process.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../', import.meta.url));
const NEVER = new AbortController().signal;

/** From the answer to a PutRecord to the live read that shows the event: seconds, at one commit interval. */
export async function benchFreshness(
  every: '1s' | '10s',
  events: number,
  say: (text: string) => void,
): Promise<object> {
  const data = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
  const local = await startLocal({ data, bucket: 'bench-lake', say: () => undefined });
  try {
    Object.assign(process.env, local.exports);
    for (const source of ['flights', 'settlements', 'airports'])
      await mkdir(join(data, 'sample-data', source), { recursive: true });
    const env = {
      ...process.env,
      SAMPLE_DATA: join(data, 'sample-data'),
      LAKE_BUCKET: 'bench-lake',
      COMMIT_EVERY: every,
    };
    const kinesis = new KinesisClient({
      endpoint: local.endpoint,
      region: 'eu-west-1',
      requestHandler: new NodeHttpHandler(),
    });
    await kinesis.send(new CreateStreamCommand({ StreamName: 'payment-events', ShardCount: 4 }));
    await waitUntilStreamExists(
      { client: kinesis, maxWaitTime: 30, minDelay: 1, maxDelay: 1 },
      { StreamName: 'payment-events' },
    );
    await local.startWorker();
    await run(process.execPath, [join(ROOT, 'cli/tributary.mjs'), 'apply'], { cwd: ROOT, env });
    const settings = readEnv(env);
    const lake = openLake({ env: settings, bucket: 'bench-lake' });
    const reading = { cache: join(data, 'cache'), scratch: join(data, 'reading') };
    await mkdir(reading.cache);
    await mkdir(reading.scratch);
    const sees = async (id: string): Promise<boolean> => {
      const ports = { ...lake, ...reading, spec: await lake.spec.read(NEVER), memoryMb: 512, threads: 1 };
      const { rows } = await query(
        ports,
        { sql: `SELECT 1 FROM payments WHERE payment_id = '${id}'`, mode: 'live' },
        NEVER,
      );
      return rows.length > 0;
    };
    const seconds: number[] = [];
    for (let no = 0; no < events; no += 1) {
      const id = `pay_${no}`;
      const event = {
        payment_id: id,
        paid_at: new Date().toISOString(),
        amount: '1.00',
        currency: 'EUR',
        status: 'captured',
        revision: 1,
      };
      await kinesis.send(
        new PutRecordCommand({
          StreamName: 'payment-events',
          PartitionKey: id,
          Data: Buffer.from(JSON.stringify(event)),
        }),
      );
      const sentAt = Date.now();
      while (!(await sees(id))) {
        if (Date.now() - sentAt > 120_000) throw new Error(`${id} was not seen within 2 minutes`);
      }
      seconds.push((Date.now() - sentAt) / 1000);
    }
    kinesis.destroy();
    const figure = {
      every,
      events,
      p50: quantile(seconds, 0.5),
      p99: quantile(seconds, 0.99),
      most: Math.max(...seconds),
    };
    say(JSON.stringify(figure));
    return figure;
  } finally {
    await local.stop();
    await rm(data, { recursive: true, force: true });
  }
}
