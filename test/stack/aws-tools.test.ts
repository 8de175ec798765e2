import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { patterned } from '../contracts/s3-wire-story.ts';
import { awsTools, runPython } from '../support/aws-tools.ts';
import { eventually } from '../support/eventually.ts';
import { type OpenedStack, openStack } from '../support/stack.ts';
import { makeTmpFolder, removeTmpFolder } from '../support/tmp.ts';

const tools = await awsTools();
const missing = tools.kind === 'missing' ? ` [${tools.reason}]` : '';
/** For a busy machine: each command of the CLI is a Python that starts. */
const SLOW_MS = 300_000;
const STORY = fileURLToPath(new URL('fixtures/boto3-story.py', import.meta.url));
/** Parts of 5 MiB, so that 12 MiB are an upload of parts. */
const CONFIG =
  '[default]\ns3 =\n  addressing_style = path\n  multipart_threshold = 5MB\n  multipart_chunksize = 5MB\n';

describe.skipIf(tools.kind === 'missing')(
  `the AWS CLI and boto3 on the stand-ins${missing}`,
  { timeout: SLOW_MS },
  () => {
    let stack: OpenedStack;
    let home: string;
    beforeAll(async () => {
      [stack, home] = await Promise.all([openStack(), makeTmpFolder()]);
      await writeFile(path.join(home, 'config'), CONFIG);
    });
    afterAll(async () => {
      await stack.close();
      await removeTmpFolder(home);
    });

    const python = (...args: string[]): Promise<string> =>
      runPython(tools.kind === 'here' ? tools.python : '', args, {
        ...stack.env,
        AWS_DEFAULT_REGION: stack.env['AWS_REGION'] ?? '',
        AWS_CONFIG_FILE: path.join(home, 'config'),
        AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_PAGER: '',
        HOME: home,
        LC_ALL: 'C.UTF-8',
      });
    const aws = (...args: string[]): Promise<string> => python('-m', 'awscli', ...args);
    const json = async (...args: string[]): Promise<unknown> => {
      const said = await aws(...args, '--output', 'json');
      return said.trim() === '' ? undefined : JSON.parse(said);
    };

    test('the CLI brings a large file in by parts, copies it in the bucket and gets it back', async () => {
      const [file, back] = [path.join(home, 'large file'), path.join(home, 'back')];
      const body = patterned(12 << 20, 1);
      await writeFile(file, body);
      const lake = `s3://${stack.bucket}`;
      await aws('s3', 'cp', file, `${lake}/raw/large file`, '--no-progress', '--metadata', 'a=1');
      await aws('s3', 'cp', `${lake}/raw/large file`, `${lake}/copy/ü`, '--no-progress');
      await aws('s3', 'cp', `${lake}/copy/ü`, back, '--no-progress');
      expect((await readFile(back)).equals(body)).toBe(true);
      expect(await aws('s3', 'ls', lake, '--recursive')).toMatch(
        / 12582912 copy\/ü\n.* 12582912 raw\/large file\n$/s,
      );
      await aws('s3', 'rm', lake, '--recursive', '--quiet');
      expect(await json('s3api', 'list-object-versions', '--bucket', stack.bucket)).not.toHaveProperty(
        'Versions',
      );
    });

    test('the CLI tags and restores', async () => {
      const object = ['--bucket', await stack.makeBucket(), '--key', 'a'];
      const body = path.join(home, 'config');
      await json(
        's3api',
        'put-object',
        ...object,
        '--body',
        body,
        '--tagging',
        'a=1',
        '--storage-class',
        'GLACIER',
      );
      expect(await json('s3api', 'get-object-tagging', ...object)).toEqual({
        TagSet: [{ Key: 'a', Value: '1' }],
      });
      await json('s3api', 'restore-object', ...object, '--restore-request', 'Days=1');
      expect(await json('s3api', 'head-object', ...object)).toMatchObject({
        StorageClass: 'GLACIER',
        Restore: 'ongoing-request="true"',
      });
    });

    test('the CLI makes a stream, puts a record and reads it', async () => {
      const stream = ['--stream-name', 'cli'];
      await aws('kinesis', 'create-stream', ...stream, '--shard-count', '1');
      // Its waiter looks every ten seconds.
      await eventually(
        () => json('kinesis', 'describe-stream-summary', ...stream),
        expect.objectContaining({
          StreamDescriptionSummary: expect.objectContaining({ StreamStatus: 'ACTIVE' }) as unknown,
        }),
        SLOW_MS,
      );
      await aws('kinesis', 'put-record', ...stream, '--partition-key', 'k', '--data', 'from the CLI');
      const shard = ['--shard-id', 'shardId-000000000000', '--shard-iterator-type', 'TRIM_HORIZON'];
      const found = (await json('kinesis', 'get-shard-iterator', ...stream, ...shard)) as {
        ShardIterator: string;
      };
      expect(await json('kinesis', 'get-records', '--shard-iterator', found.ShardIterator)).toMatchObject({
        Records: [{ Data: 'ZnJvbSB0aGUgQ0xJ', PartitionKey: 'k' }],
      });
    });

    test('what a refusal says arrives in the CLI', async () => {
      const head = aws(
        's3api',
        'get-object',
        '--bucket',
        stack.bucket,
        '--key',
        'nowhere',
        path.join(home, 'x'),
      );
      await expect(head).rejects.toThrow(
        'An error occurred (NoSuchKey) when calling the GetObject operation',
      );
    });

    test('boto3 sees in S3 and Kinesis what it would on AWS', async () => {
      expect(JSON.parse(await python(STORY, 'boto3-lake'))).toEqual({
        creates: ['done', 'PreconditionFailed'],
        'wrong checksum': 'BadDigest',
        crc32: 'y/Q5Jg==',
        large: [true, true],
        pages: [['page/0 ä', 'page/1 ä', 'page/2 ä'], ['page/3 ä', 'page/4 ä', 'page/5 ä'], ['page/6 ä']],
        'older pages': [['copy', 'crc'], ['large', 'ledger/'], ['page/']],
        presigned: 'first',
        deleted: 7,
        tags: [{ Key: 'source', Value: 'flights' }],
        rules: true,
        size: 12_582_912,
        cold: ['InvalidObjectState', 'ongoing-request="true"'],
        failed: 0,
        records: ['record 0 ä', 'record 1 ä', 'record 2 ä', 'record 3 ä', 'record 4 ä'],
        recent: true,
        missing: 'ResourceNotFoundException',
      });
    });
  },
);
