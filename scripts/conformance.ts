import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { TestCase, TestModule } from 'vitest/node';
import { createDmsClient } from '../activities/dms/clients.ts';
import { DmsTasks } from '../activities/dms/dms.ts';
import { readEnv } from '../config/env.ts';
import { type DmsTask, isStanding } from '../lake/dms.ts';

const USAGE =
  'usage: npm run conformance -- [--bucket BUCKET] [--stream PREFIX] [--task ARN [--start]]\n' +
  '  --bucket  a bucket of yours; everything is written below conformance/ in it, and removed again\n' +
  '  --stream  how the names of the streams begin that are made and deleted again\n' +
  '  --task    a DMS task of yours; it is only looked at\n' +
  '  --start   the task is started, stopped and resumed, and left as it was found';
const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** A stream takes about half a minute to become active on AWS. */
const PATIENCE = { boundMs: 180_000, everyMs: 1_000 };
/** A task that is started, stopped and resumed may take minutes each time. */
const LONGEST_CASE_MS = 3_600_000;

/**
 * Runs the cases of the contract suites that are safe on somebody's account, with the credentials that the
 * environment has, and says what is not as it is on the stand-ins. Exits 1 when something differs or cannot be
 * removed, 2 when it could not begin.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      bucket: { type: 'string' },
      stream: { type: 'string' },
      task: { type: 'string' },
      start: { type: 'boolean', default: false },
    },
  });
  const { bucket, stream, task, start: mayStart } = values;
  if (bucket === undefined && stream === undefined && task === undefined)
    throw new Error(`--bucket, --stream or --task must be given\n${USAGE}`);
  if (mayStart && task === undefined) throw new Error(`--start needs --task\n${USAGE}`);
  if (stream !== undefined && !/^[a-zA-Z0-9_.-]{1,64}$/.test(stream)) {
    throw new Error(`--stream is "${stream}"; it must be 1 to 64 letters, digits or "_.-"\n${USAGE}`);
  }
  const { awsRegion: region, awsEndpointUrl: endpoint } = readEnv();
  const place = { region, ...(endpoint !== undefined && { endpoint }) };
  const run = randomBytes(4).toString('hex');
  const where = endpoint ?? `AWS in ${region}`;
  const folder = `conformance/${run}/`;
  const streams = stream === undefined ? undefined : `${stream}-${run}-`;
  if (bucket !== undefined) await reachBucket(bucket, place);
  const found = task === undefined ? undefined : await reachTask(task, mayStart, place);
  console.log(
    bucket === undefined
      ? 'S3: not asked, for there is no --bucket'
      : `S3: ${bucket} at ${where}, below ${folder}`,
  );
  console.log(
    streams === undefined ? 'Kinesis: not asked, for there is no --stream' : `Kinesis: streams ${streams}*`,
  );
  console.log(
    found === undefined
      ? 'DMS: not asked, for there is no --task'
      : `DMS: ${found.identifier} (${found.migrationType}), which is ${found.status}; it is ${mayStart ? 'started, stopped and resumed' : 'only looked at'}`,
  );

  const results = new Results();
  // Not before it is needed: it takes a second.
  const { startVitest } = await import('vitest/node');
  const vitest = await startVitest('test', [], {
    config: false,
    root: ROOT,
    include: [
      ...(bucket === undefined ? [] : ['test/conformance/s3.test.ts']),
      ...(streams === undefined ? [] : ['test/conformance/kinesis.test.ts']),
      ...(found === undefined ? [] : ['test/conformance/dms.test.ts']),
    ],
    watch: false,
    pool: 'forks',
    // Two services at once, each case by case: an account has limits.
    maxWorkers: 2,
    testTimeout: LONGEST_CASE_MS,
    hookTimeout: LONGEST_CASE_MS,
    reporters: [results],
    provide: {
      conformance: {
        ...place,
        ...(bucket !== undefined && { s3: { bucket, folder } }),
        ...(streams !== undefined && { streams }),
        ...(found !== undefined && { task: { arn: found.arn, mayStart } }),
      },
      ...(endpoint === undefined && { patience: PATIENCE }),
    },
  });
  await vitest.close();
  return results.summarize();
}

interface Place {
  readonly region: string;
  readonly endpoint?: string;
}

async function reachBucket(bucket: string, { region, endpoint }: Place): Promise<void> {
  const client = new S3Client({ region, ...(endpoint !== undefined && { endpoint, forcePathStyle: true }) });
  try {
    await client.send(new HeadBucketCommand({ Bucket: bucket }));
  } catch (error) {
    throw new Error(
      `the bucket ${bucket} cannot be reached at ${endpoint ?? `AWS in ${region}`}: ${String(error)}. ` +
        'It must exist, in the region of AWS_REGION, and the credentials must be allowed to use it.',
      { cause: error },
    );
  } finally {
    client.destroy();
  }
}

async function reachTask(name: string, mayStart: boolean, place: Place): Promise<DmsTask> {
  const client = createDmsClient({ ...place, maxAttempts: 3 });
  const tasks = new DmsTasks({ client, once: client });
  try {
    const by = name.startsWith('arn:') ? 'arn' : 'id';
    const [found] = await tasks.describe({ by, names: [name] }, AbortSignal.timeout(60_000));
    if (!found) throw new Error('there is none of this name');
    if (mayStart && found.status !== 'running' && !isStanding(found))
      throw new Error(`it is ${found.status}; with --start it must run, or stand`);
    return found;
  } catch (error) {
    const { region, endpoint } = place;
    throw new Error(
      `the task ${name} cannot be asked at ${endpoint ?? `AWS in ${region}`}: ${String(error)}`,
      {
        cause: error,
      },
    );
  } finally {
    client.destroy();
  }
}

/** Says what differs when it is found, and counts. */
class Results {
  readonly #counts = { passed: 0, failed: 0, skipped: 0 };
  readonly #skipped = new Map<string, string[]>();
  #broken = 0;

  onTestCaseResult(testCase: TestCase): void {
    const result = testCase.result();
    if (result.state === 'pending') return;
    this.#counts[result.state] += 1;
    if (result.state === 'failed') this.#tell(testCase.fullName, result.errors);
    if (result.state === 'skipped') {
      const [name = '', inName] = testCase.name.split(' [cannot: ');
      const reason = result.note ?? inName?.replace(/\]$/, '') ?? 'it says not why';
      this.#skipped.set(reason, [...(this.#skipped.get(reason) ?? []), name]);
    }
  }

  onTestModuleEnd(module: TestModule): void {
    const errors = module.errors();
    this.#broken += errors.length;
    if (errors.length > 0) this.#tell(module.relativeModuleId, errors);
  }

  onTestRunEnd(_modules: readonly TestModule[], unhandled: readonly { message: string }[]): void {
    this.#broken += unhandled.length;
    if (unhandled.length > 0) this.#tell('the run itself', unhandled);
  }

  /** The exit code. */
  summarize(): number {
    for (const [reason, names] of this.#skipped) {
      console.log(`not asked, ${reason}:`);
      for (const name of names) console.log(`  ${name}`);
    }
    const { passed, failed, skipped } = this.#counts;
    console.log(`${passed} as on the stand-ins, ${failed} different, ${skipped} not asked`);
    if (this.#broken > 0)
      console.log(`${this.#broken} failures beside the cases: what was made may still be there`);
    return failed + this.#broken > 0 || passed === 0 ? 1 : 0;
  }

  #tell(name: string, errors: readonly { message: string }[]): void {
    console.log(`differs: ${name}`);
    for (const { message } of errors) console.log(message.replace(/^/gm, '    '));
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(`conformance: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(2);
  },
);
