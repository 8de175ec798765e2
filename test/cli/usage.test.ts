import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { tmpFolder } from '../support/tmp.ts';
import { tributary, typed } from './run.ts';

const NOWHERE = {
  AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
  AWS_ACCESS_KEY_ID: 'tributary',
  AWS_SECRET_ACCESS_KEY: 'tributary-local',
  TEMPORAL_ADDRESS: '127.0.0.1:9',
  TRIBUTARY_BUCKET: 'travel-lake',
};
const STAMP = 'f'.repeat(64);

test.each([
  [[], /Usage: tributary/],
  [['frobnicate'], /unknown command 'frobnicate'/],
  [['query'], /missing required argument 'sql'/],
  [['query', 'SELECT 1', '--at', 'yesterday'], /--at is yesterday: it must be a stamp, 64 hex digits/],
  [['status', '--yaml'], /unknown option '--yaml'/],
  [['decide'], /give a workflow id and an action/],
  [['decide', 'transfer/flights'], /give a workflow id and an action/],
  [
    ['decide', 'transfer/flights', 'forget', '--reason', 'x', '--all'],
    /action is forget: it must be one of retry, /,
  ],
  [['decide', 'transfer/flights', 'skip', '--all'], /give --reason/],
  [['decide', 'transfer/flights', 'skip', '--reason', 'x'], /give one of --items, --failure and --all/],
  [['decide', 'transfer/flights', 'skip', '--reason', 'x', '--all', '--failure', 'BadFile'], /give one of/],
  [['rollback', 'payments', '--reason', 'x'], /required option '--to <version>'/],
  [['rollback', 'payments', '--to', '0', '--reason', 'x'], /--to is 0: it must be a version, 1 or more/],
  [
    ['rollback', 'payments', '--to', '3', '--reason', 'x', '--exclude', 'books'],
    /books is no entry: write <feed>/,
  ],
  [['local', '--port', '99999'], /--port is 99999: it must be a port, 1 to 65535/],
  [['local', '--temporal-port', 'seven'], /--temporal-port is seven: it must be a port/],
  [['worker', '--queues', 'control,fast'], /fast is no queue: there are control, transfer, stream, compute/],
  [['apply', 'nowhere.yaml'], /nowhere.yaml is not there/],
  [['verify', '--deep'], /unknown option '--deep'/],
])('%j is refused with status 2, saying why', async (args, why) => {
  const ran = await typed(args, { cwd: await tmpFolder(), env: NOWHERE });
  expect(ran).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(why) });
});

test('without a lake.yaml and without a bucket there is no lake to look at', async () => {
  const ran = await typed(['status'], { cwd: await tmpFolder() });
  expect(ran).toEqual({
    code: 2,
    stdout: '',
    stderr: 'no lake: set TRIBUTARY_BUCKET, or run this beside a lake.yaml\n',
  });
});

test.each(['apply', 'decide', 'local', 'query', 'release', 'rollback', 'status', 'verify', 'worker'])(
  '%s --help says what it takes, with status 0',
  async (command) => {
    const { code, stdout } = await typed([command, '--help'], { cwd: await tmpFolder() });
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: tributary ${command}`);
  },
);

test('what cannot be reached is a failure that names it, with no stack', async () => {
  const surroundings = { cwd: await tmpFolder(), env: NOWHERE };
  expect(await typed(['query', 'SELECT 1', '--at', STAMP], surroundings)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^Unreachable: .*ECONNREFUSED 127\.0\.0\.1:9\n$/),
  });
  expect(
    await typed(['decide', 'transfer/flights', 'skip', '--reason', 'x', '--all'], surroundings),
  ).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^no Temporal server answers at 127\.0\.0\.1:9 /),
  });
});

test('apply prints every problem of a lake with its place, and says nothing else', async () => {
  const cwd = await tmpFolder();
  const lake = 'lake: { name: travel, bucket: Travel }\nsources:\n  a: { kind: kafka }\n';
  await writeFile(path.join(cwd, 'my lake.yaml'), lake);
  expect(await tributary(['apply', 'my lake.yaml'], { cwd, env: NOWHERE })).toEqual({
    code: 1,
    stdout: '',
    stderr: [
      'my lake.yaml:1:23: bucket is "Travel": it must be an S3 bucket name',
      'my lake.yaml:3:8: kind kafka is not built yet (docs/status.md lists what is)',
      '',
    ].join('\n'),
  });
});

test('the binary itself ends with the status of its command', async () => {
  const cwd = await tmpFolder();
  expect(await tributary(['frobnicate'], { cwd, env: NOWHERE })).toMatchObject({ code: 2, stdout: '' });
  expect(await tributary(['release', '--help'], { cwd, env: NOWHERE })).toMatchObject({
    code: 0,
    stderr: '',
  });
});

test('a folder is no lake, and what is no text is refused with its place', async () => {
  const cwd = await tmpFolder();
  expect(await typed(['apply', '.'], { cwd, env: NOWHERE })).toEqual({
    code: 2,
    stdout: '',
    stderr: ". is no file: name the lake's file\n",
  });
  await writeFile(path.join(cwd, 'lake.yaml'), Buffer.from('lake:\n  name: Z\u00fcrich\n', 'latin1'));
  expect(await typed(['apply', '--check'], { cwd, env: NOWHERE })).toEqual({
    code: 1,
    stdout: '',
    stderr: 'lake.yaml:2:10: byte 0xfc is not UTF-8: save the file as UTF-8\n',
  });
});

test('a plan of a lake that cannot be reached is a failure that names it', async () => {
  const cwd = await tmpFolder();
  const lake =
    "lake: { name: travel, bucket: travel-lake }\nsources:\n  a: { kind: files, from: 'file:./a', format: { csv: {} }, columns: { note: string } }\n";
  await writeFile(path.join(cwd, 'lake.yaml'), lake);
  expect(await typed(['apply', '--plan'], { cwd, env: NOWHERE })).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^Unreachable: /),
  });
});

test('apply --check needs no server', async () => {
  const cwd = await tmpFolder();
  const columns = '{ note: string }';
  await writeFile(
    path.join(cwd, 'lake.yaml'),
    `lake: { name: travel, bucket: travel-lake }\nsources:\n  a: { kind: files, from: 'file:./a', format: { csv: {} }, columns: ${columns} }\n`,
  );
  expect(await tributary(['apply', '--check'], { cwd, env: NOWHERE })).toEqual({
    code: 0,
    stdout: '',
    stderr: 'lake.yaml: 1 sources, 0 datasets, nothing wrong\n',
  });
});
