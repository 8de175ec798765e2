import { ListObjectVersionsCommand, PutBucketVersioningCommand, type S3Client } from '@aws-sdk/client-s3';
import { KinesisClient, ListStreamsCommand } from '@aws-sdk/client-kinesis';
import { expect, onTestFinished, test } from 'vitest';
import { STACK_CREDENTIALS, STACK_REGION, openStack } from '../support/stack.ts';
import { openVersitygw, versitygwBinary } from '../support/versitygw.ts';
import { conformance } from './conformance-run.ts';
import { VERSITYGW_CANNOT } from './versitygw-cannot.ts';

const SLOW_MS = 240_000;

test(
  'on the stand-ins, with versions, nothing differs from the stand-ins, and nothing is left behind',
  async () => {
    const stack = await openStack();
    onTestFinished(() => stack.close());
    // Longer than a busy machine takes from one call to the next: a case asks a stream that is not yet active.
    await fetch(`${stack.url}/_stack/kinesis`, { method: 'POST', body: '{"settleMs":400}' });
    const versioned = { Bucket: stack.bucket, VersioningConfiguration: { Status: 'Enabled' } } as const;
    await stack.s3Client.send(new PutBucketVersioningCommand(versioned));
    const { code, said } = await conformance(stack.url, '--bucket', stack.bucket, '--stream', 'lake');
    expect(said).toMatch(/^\d+ as on the stand-ins, 0 different, \d+ not asked$/m);
    expect(said).not.toContain('differs:');
    expect(code).toBe(0);
    expect(said).toContain('not asked, GetBucketPolicy is about more than its objects:');
    expect(Number(/^(\d+) as on/m.exec(said)?.[1])).toBeGreaterThan(130);
    expect(await leftOver(stack.s3Client, stack.bucket)).toEqual([]);
    const kinesis = new KinesisClient({
      endpoint: stack.url,
      region: STACK_REGION,
      credentials: STACK_CREDENTIALS,
    });
    onTestFinished(() => kinesis.destroy());
    await expect.poll(async () => (await kinesis.send(new ListStreamsCommand({}))).StreamNames).toEqual([]);
  },
  SLOW_MS,
);

const binary = versitygwBinary();

test.skipIf(binary === undefined)(
  'of a server that does some things its own way, without versions, it names just those and ends with 1',
  async () => {
    const gateway = await openVersitygw(binary ?? '');
    onTestFinished(() => gateway.close());
    const bucket = await gateway.makeBucket();
    const { code, said } = await conformance(gateway.url, '--bucket', bucket);
    const different = [...said.matchAll(/^differs: S3 > (.*)$/gm)].map(([, name]) => name ?? '');
    expect(code).toBe(1);
    expect(different).not.toEqual([]);
    expect(different.filter((name) => VERSITYGW_CANNOT[name] === undefined)).toEqual([]);
    expect(said).toContain('Kinesis: not asked, for there is no --stream');
    expect(await leftOver(gateway.s3Client, bucket)).toEqual([]);
  },
  SLOW_MS,
);

test('a bucket that is not there ends it before anything is asked', async () => {
  const stack = await openStack();
  onTestFinished(() => stack.close());
  const { code, said } = await conformance(stack.url, '--bucket', 'nowhere');
  expect(code).toBe(2);
  expect(said).toMatch(
    /^conformance: the bucket nowhere cannot be reached at http:\/\/127\.0\.0\.1:\d+: NotFound/,
  );
});

test('without anything to ask it says what it needs', async () => {
  const { code, said } = await conformance('http://127.0.0.1:1');
  expect(code).toBe(2);
  expect(said).toContain(
    '--bucket, --stream or --task must be given\nusage: npm run conformance -- [--bucket BUCKET] [--stream PREFIX]',
  );
});

async function leftOver(client: S3Client, Bucket: string): Promise<(string | undefined)[]> {
  const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket }));
  return [...Versions, ...DeleteMarkers].map(({ Key }) => Key);
}
