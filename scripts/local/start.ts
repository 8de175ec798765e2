import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { startTemporal } from '../temporal/server.mjs';
import { Child } from './child.ts';

export interface LocalOptions {
  /** Everything is kept here, so that a later start goes on where this one ended. */
  readonly data: string;
  readonly bucket: string;
  /** Of the stand-ins; a free one unless given. */
  readonly port?: number;
  readonly temporalPort?: number;
  readonly say: (text: string) => void;
  /** Settings on top, for workers. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Temporal and the stand-ins on this machine. The caller owes a `stop`. */
export interface Local {
  readonly temporalAddress: string;
  readonly uiUrl: string;
  readonly endpoint: string;
  /** What makes `aws`, `temporal` and `tributary` speak to it. */
  readonly exports: Readonly<Record<string, string>>;
  readonly logs: string;
  /** A worker process on all queues, ready. */
  startWorker(): Promise<Child>;
  /** The stand-ins' process, for those who kill it. */
  stack(): Child;
  restartStack(): Promise<void>;
  /** As a crash would: its process is gone, and what it stored is not. */
  killTemporal(): Promise<void>;
  /** After `killTemporal`, at the same address. */
  restartTemporal(): Promise<void>;
  stop(): Promise<void>;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
// Found from here: a lake's owner stands in another folder.
const TSX = import.meta.resolve('tsx');
const READY_WITHIN_MS = 120_000;

/** Start Temporal and the stand-ins, both on 127.0.0.1 with their data under `data`, and make the lake's bucket. */
export async function startLocal({
  data,
  bucket,
  port,
  temporalPort,
  say,
  env = {},
}: LocalOptions): Promise<Local> {
  const logs = join(data, 'logs');
  await mkdir(logs, { recursive: true });
  const startServer = (at?: number) =>
    startTemporal({
      dbFile: join(data, 'temporal.db'),
      logDir: logs,
      ...(at !== undefined && { port: at }),
    });
  let temporal = await startServer(temporalPort);
  say(`Temporal at ${temporal.address}, Web UI at ${temporal.uiUrl}`);
  let stack: Child | undefined;
  const workers: Promise<Child>[] = [];
  const stop = async (): Promise<void> => {
    // One that is still starting is waited for: nobody else would end it.
    const started = await Promise.allSettled(workers);
    const running = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    await Promise.all(running.map((worker) => worker.stop()));
    await stack?.stop();
    await temporal.stop();
  };
  try {
    stack = await startStack(join(data, 'stack'), port ?? 0, logs);
    const aws = exportsOf(stack.greeting);
    const endpoint = aws['AWS_ENDPOINT_URL'] ?? '';
    say(`S3, Kinesis, DMS and STS stand-ins at ${endpoint}`);
    await makeBucket(aws, bucket);
    const exports = {
      ...aws,
      TEMPORAL_ADDRESS: temporal.address,
      TRIBUTARY_BUCKET: bucket,
      TRIBUTARY_SCRATCH: join(data, 'scratch'),
    };
    return {
      temporalAddress: temporal.address,
      uiUrl: temporal.uiUrl,
      endpoint,
      exports: { ...exports, PATH: `${dirname(temporal.binary)}:${process.env['PATH'] ?? ''}` },
      logs,
      startWorker() {
        const worker = Child.start({
          args: [join(ROOT, 'cli/tributary.mjs'), 'worker'],
          env: { ...withoutAmbient(), ...exports, ...env },
          logFile: join(logs, `worker-${workers.length + 1}.log`),
          ready: /^working on /,
          readyWithinMs: READY_WITHIN_MS,
        });
        workers.push(worker);
        return worker;
      },
      stack: () => stack as Child,
      async killTemporal() {
        process.kill(temporal.pid, 'SIGKILL');
        await temporal.stop();
      },
      async restartTemporal() {
        temporal = await startServer(Number(temporal.address.split(':')[1]));
      },
      async restartStack() {
        stack = await startStack(join(data, 'stack'), Number(new URL(endpoint).port), logs);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startStack(data: string, port: number, logs: string): Promise<Child> {
  return Child.start({
    args: ['--import', TSX, join(ROOT, 'stack/main.ts'), '--port', String(port), '--data', data],
    env: withoutAmbient(),
    logFile: join(logs, 'stack.log'),
    ready: /^ready$/,
    readyWithinMs: READY_WITHIN_MS,
  });
}

/** `export NAME=value` lines as a record. */
export function exportsOf(lines: readonly string[]): Record<string, string> {
  const found = lines.map((line) => /^export ([A-Z_]+)=(.*)$/.exec(line)).filter((match) => match !== null);
  return Object.fromEntries(
    found.map(([, name, value]) => [name ?? '', (value ?? '').replaceAll(/^['"]|['"]$/g, '')]),
  );
}

async function makeBucket(aws: Record<string, string>, bucket: string): Promise<void> {
  const s3 = new S3Client({
    endpoint: aws['AWS_ENDPOINT_URL'] ?? '',
    region: aws['AWS_REGION'] ?? 'eu-west-1',
    forcePathStyle: true,
    credentials: {
      accessKeyId: aws['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: aws['AWS_SECRET_ACCESS_KEY'] ?? '',
    },
  });
  try {
    await s3.send(new CreateBucketCommand({ Bucket: bucket })).catch((error: unknown) => {
      const isThere = ['BucketAlreadyOwnedByYou', 'BucketAlreadyExists'];
      if (!(error instanceof Error) || !isThere.includes(error.name)) throw error;
    });
    const versioning = { Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } } as const;
    await s3.send(new PutBucketVersioningCommand(versioning));
  } finally {
    s3.destroy();
  }
}

/** This process's environment without what would lead elsewhere: AWS and Temporal are what was started here. */
function withoutAmbient(): Record<string, string | undefined> {
  const elsewhere = /^(AWS|TEMPORAL)_|^TRIBUTARY_(BUCKET|SCRATCH|QUEUES|HEALTH_PORT)$/;
  const led = Object.entries(process.env).filter(([name]) => !elsewhere.test(name));
  return { ...Object.fromEntries(led), AWS_EC2_METADATA_DISABLED: 'true' };
}
