import {
  GetBucketAclCommand,
  GetObjectCommand,
  GetObjectAclCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { EnableEnhancedMonitoringCommand, KinesisClient, ListStreamsCommand } from '@aws-sdk/client-kinesis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Rule } from '../../stack/faults.ts';
import { outcome } from '../contracts/s3-wire-story.ts';
import { type OpenedStack, STACK_CREDENTIALS, STACK_REGION, openStack } from '../support/stack.ts';

let stack: OpenedStack;
beforeAll(async () => {
  stack = await openStack();
});
afterAll(() => stack.close());
afterEach(() => fetch(`${stack.url}/_stack/faults`, { method: 'DELETE' }));

test('who is asking is told by STS', async () => {
  const sts = new STSClient(common());
  expect(await sts.send(new GetCallerIdentityCommand({}))).toMatchObject({
    Account: '123456789012',
    Arn: 'arn:aws:iam::123456789012:user/tributary',
  });
  const other = sts.send(
    new AssumeRoleCommand({ RoleArn: 'arn:aws:iam::123456789012:role/a', RoleSessionName: 'b' }),
  );
  await expect(other).rejects.toMatchObject({ name: 'NotImplemented' });
});

test('what is not there is refused by name, never answered with an empty success', async () => {
  const Bucket = stack.bucket;
  const s3 = stack.s3Client;
  expect(await outcome(s3.send(new GetBucketAclCommand({ Bucket })))).toBe('501 NotImplemented');
  expect(await outcome(s3.send(new GetObjectAclCommand({ Bucket, Key: 'a' })))).toBe('501 NotImplemented');
  const retained = { Bucket, Key: 'a', Body: 'x', ObjectLockLegalHoldStatus: 'ON' } as const;
  expect(await outcome(s3.send(new PutObjectCommand(retained)))).toBe('501 NotImplemented');
  const kinesis = new KinesisClient(common());
  await expect(
    kinesis.send(new EnableEnhancedMonitoringCommand({ StreamName: 's', ShardLevelMetrics: ['ALL'] })),
  ).rejects.toMatchObject({
    name: 'UnknownOperationException',
  });
});

test("a region that is not the stack's is refused", async () => {
  const elsewhere = new S3Client({ ...common(), region: 'us-west-2', forcePathStyle: true, maxAttempts: 1 });
  const put = new PutObjectCommand({ Bucket: stack.bucket, Key: 'a', Body: 'x' });
  expect(await outcome(elsewhere.send(put))).toBe('400 AuthorizationHeaderMalformed');
});

test('a commit whose answer is lost is repeated by the SDK, which then sees that the key is taken', async () => {
  await faults({
    match: { operation: 'PutObject', key: '/ledger/1$' },
    action: { kind: 'apply-then-lose' },
    times: 1,
  });
  const put = new PutObjectCommand({ Bucket: stack.bucket, Key: 'ledger/1', Body: 'mine', IfNoneMatch: '*' });
  await expect(stack.s3Client.send(put)).rejects.toMatchObject({
    name: 'PreconditionFailed',
    $metadata: { attempts: 2 },
  });
  const { Body } = await get('ledger/1');
  expect(await Body?.transformToString()).toBe('mine');
});

test('a commit that is reset before or while it is read is repeated, and done once', async () => {
  for (const kind of ['reset-before', 'reset-during', 'reset-after'] as const) {
    await faults({ match: { operation: 'PutObject' }, action: { kind }, times: 1 });
    const put = new PutObjectCommand({
      Bucket: stack.bucket,
      Key: kind,
      Body: 'x'.repeat(100_000),
      IfNoneMatch: '*',
    });
    expect(await stack.s3Client.send(put)).toMatchObject({ $metadata: { attempts: 2 } });
  }
});

test("an injected 503 is retried, a 409 is the caller's", async () => {
  const put = () => once().send(new PutObjectCommand({ Bucket: stack.bucket, Key: 'b', Body: 'x' }));
  await faults({ match: { operation: 'PutObject' }, action: { kind: 'error' }, times: 1 });
  expect(await outcome(put())).toBe('503 SlowDown');
  const conflict = { kind: 'error', status: 409, code: 'ConditionalRequestConflict' } as const;
  await faults({ match: { operation: 'PutObject' }, action: conflict, times: 1 });
  expect(await outcome(put())).toBe('409 ConditionalRequestConflict');
  expect(await outcome(put())).toBe('done');
});

test('a read whose body is cut is not taken for a whole one', async () => {
  await stack.s3Client.send(
    new PutObjectCommand({ Bucket: stack.bucket, Key: 'c', Body: 'x'.repeat(100_000) }),
  );
  await faults({ match: { operation: 'GetObject' }, action: { kind: 'cut-response' }, times: 1 });
  const { Body } = await get('c');
  await expect(Body?.transformToByteArray()).rejects.toThrow(/aborted/);
});

test('a call that is done twice is answered for the second time', async () => {
  await faults({ match: { operation: 'PutObject' }, action: { kind: 'apply-twice' }, times: 1 });
  const put = new PutObjectCommand({ Bucket: stack.bucket, Key: 'd', Body: 'x', IfNoneMatch: '*' });
  expect(await outcome(stack.s3Client.send(put))).toBe('412 PreconditionFailed');
});

test('a call that hangs ends when the client gives up, and was not done', async () => {
  await faults({ match: { operation: 'PutObject' }, action: { kind: 'hang' }, times: 1 });
  const put = new PutObjectCommand({ Bucket: stack.bucket, Key: 'e', Body: 'x' });
  await expect(once().send(put, { abortSignal: AbortSignal.timeout(200) })).rejects.toMatchObject({
    name: 'AbortError',
  });
  await expect(get('e')).rejects.toMatchObject({ name: 'NoSuchKey' });
});

test('rules strike the nth call or by a seeded chance, and say how often they did', async () => {
  const put = (key: string) =>
    outcome(once().send(new PutObjectCommand({ Bucket: stack.bucket, Key: key, Body: 'x' })));
  await faults({
    match: { key: '/n', nth: 2 },
    action: { kind: 'error', status: 500, code: 'InternalError' },
  });
  expect([await put('n'), await put('other'), await put('n'), await put('n')]).toEqual([
    'done',
    'done',
    '500 InternalError',
    'done',
  ]);
  const answer = await fetch(`${stack.url}/_stack/faults`);
  expect(await answer.json()).toMatchObject([{ seen: 3, hits: 1 }]);
  const drawn = async () => {
    await fetch(`${stack.url}/_stack/faults`, { method: 'DELETE' });
    await faults({ match: { probability: 0.5, seed: 7 }, action: { kind: 'error' } });
    const outcomes: string[] = [];
    for (let i = 0; i < 20; i += 1) outcomes.push(await put('p'));
    return outcomes;
  };
  const first = await drawn();
  expect(new Set(first)).toEqual(new Set(['done', '503 SlowDown']));
  expect(await drawn()).toEqual(first);
});

test('a rule that cannot be meant is refused with what would be right', async () => {
  const answer = await fetch(`${stack.url}/_stack/faults`, {
    method: 'POST',
    body: '{"action":{"kind":"explode"}}',
  });
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain('action.kind is \\"explode\\"; it must be one of error, delay');
});

test('faults reach a Kinesis call over HTTP/2', async () => {
  const kinesis = new KinesisClient({ ...common(), maxAttempts: 1 });
  const limited = { kind: 'error', status: 400, code: 'ProvisionedThroughputExceededException' } as const;
  await faults({ match: { service: 'kinesis', operation: 'ListStreams' }, action: limited, times: 1 });
  await expect(kinesis.send(new ListStreamsCommand({}))).rejects.toMatchObject({
    name: 'ProvisionedThroughputExceededException',
  });
  await faults({ match: { service: 'kinesis' }, action: { kind: 'apply-then-lose' }, times: 1 });
  await expect(kinesis.send(new ListStreamsCommand({}))).rejects.toThrow(/NGHTTP2_INTERNAL_ERROR/);
  expect(await kinesis.send(new ListStreamsCommand({}))).toMatchObject({ StreamNames: [] });
});

test('the clock of the stack jumps when it is told to', async () => {
  const now = async () =>
    ((await (await fetch(`${stack.url}/_stack/clock`)).json()) as { nowMs: number }).nowMs;
  const before = await now();
  await fetch(`${stack.url}/_stack/clock`, { method: 'POST', body: '{"jumpMs": 3600000}' });
  expect((await now()) - before).toBeGreaterThanOrEqual(3_600_000);
  await fetch(`${stack.url}/_stack/clock`, { method: 'POST', body: '{"jumpMs": -3600000}' });
});

async function faults(...rules: Rule[]): Promise<void> {
  const answer = await fetch(`${stack.url}/_stack/faults`, { method: 'POST', body: JSON.stringify(rules) });
  expect(answer.status).toBe(200);
}

function common() {
  return { endpoint: stack.url, region: STACK_REGION, credentials: STACK_CREDENTIALS };
}

/** A client that does not try again. */
function once(): S3Client {
  return new S3Client({ ...common(), forcePathStyle: true, maxAttempts: 1 });
}

function get(key: string) {
  return stack.s3Client.send(new GetObjectCommand({ Bucket: stack.bucket, Key: key }));
}
