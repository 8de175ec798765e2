import { execFile } from 'node:child_process';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../support/eventually.ts';
import { makeTmpFolder, removeTmpFolder } from '../support/tmp.ts';
import { type StartedLocal, processesNaming, tributary, tributaryLocal } from './run.ts';

// One story, in order: a person takes a folder with a lake.yaml from nothing to a lake, and comes back to it.

const LAKE = `lake: { name: travel, bucket: travel-lake }
sources:
  flights:
    kind: files
    from: 'file:./in coming'
    quiet: 0s
    format: { csv: {} }
    window: { fromName: 'flights-{day}' }
datasets:
  flights:
    merge: append
    key: [time, origin]
    partition: { day: time, from: '2026-01-20' }
    columns: { time: timestamp, delay: bigint, origin: string }
    feeds: { flights: { role: batch } }
`;
const PATIENCE_MS = 100_000;

let cwd: string;
let local: StartedLocal | undefined;

beforeAll(async () => {
  cwd = await makeTmpFolder();
  await mkdir(path.join(cwd, 'in coming'));
  await writeFile(path.join(cwd, 'lake.yaml'), LAKE);
  local = await tributaryLocal(['--data', 'data dir'], { cwd });
});
afterAll(async () => {
  await local?.end();
  await removeTmpFolder(cwd);
});

function run(...args: string[]) {
  return tributary(args, { cwd, env: local?.exports ?? {} });
}

async function deliver(name: string, ...lines: string[]) {
  const file = path.join(cwd, 'in coming', name);
  await writeFile(file, `${['time,delay,origin', ...lines].join('\n')}\n`);
  const longAgo = new Date(Date.now() - 60_000);
  await utimes(file, longAgo, longAgo);
}

/** What an operator types: the `temporal` that `local` found. */
async function transfer(): Promise<void> {
  const start = ['workflow', 'start', '--type', 'transferFiles', '--task-queue', 'control'];
  await promisify(execFile)('temporal', [...start, '--input', '{"source":"flights","wait":false}'], {
    env: { ...local?.exports },
  });
}

test('local prints what aws and temporal understand, then ready', () => {
  expect(local?.lines.at(-1)).toBe('ready');
  expect(local?.exports).toMatchObject({
    AWS_ENDPOINT_URL: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    AWS_ACCESS_KEY_ID: 'tributary',
    AWS_REGION: 'eu-west-1',
    TEMPORAL_ADDRESS: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    TRIBUTARY_BUCKET: 'travel-lake',
    PATH: expect.stringContaining('temporal'),
  });
});

test('before anything is applied there is nothing to look at, and it says what to do', async () => {
  expect(await run('status')).toEqual({
    code: 1,
    stdout: '',
    stderr: 'NoSpec: spec/ holds nothing: run `tributary apply`\n',
  });
  expect(await run('verify')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('nothing can be proved'),
  });
});

test(
  'a lake is applied once; the same again changes nothing',
  async () => {
    expect(await run('apply')).toMatchObject({
      code: 0,
      stdout: 'spec 1 applied\n  lake: the first spec of this lake\n',
    });
    expect(await run('apply')).toMatchObject({
      code: 0,
      stdout: 'spec 1 says the same already: nothing changed\n',
    });
    expect(await run('apply', '--json')).toMatchObject({
      code: 0,
      stdout: '{"n":1,"written":false,"changes":[],"left":[]}\n',
    });
  },
  PATIENCE_MS,
);

test(
  'a change of how rows are made is not applied, and is named',
  async () => {
    await writeFile(
      path.join(cwd, 'other.yaml'),
      LAKE.replace(
        'columns: { time: timestamp, delay: bigint,',
        'columns: { time: timestamp, delay: string,',
      ),
    );
    expect(await run('apply', 'other.yaml')).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'not applied: sources.flights.columns.delay: "bigint" becomes "string"; refused: rows that are collected would have to be made again from the files or records as they came, which Tributary does not do (docs/status.md); declare a source of another name\n',
    });
  },
  PATIENCE_MS,
);

test(
  'a bad file waits: status ends with 3 and says which command decides',
  async () => {
    await deliver('flights-2026-01-20.csv', '2026-01-20T08:00:00Z,5,LAX', '2026-01-20T09:00:00Z,7,"SFO"');
    await deliver('flights-2026-01-21.csv', '2026-01-21T08:00:00Z,5,"LAX');
    await transfer();
    const waits = await until(
      () => run('status'),
      ({ code }) => code === 3,
      PATIENCE_MS,
    );
    expect(waits.stdout).toContain('1 waiting for a person');
    expect(waits.stdout).toContain('transfer/flights  flights-2026-01-21.csv  BadFile: ');
    expect(waits.stdout).toContain(
      "tributary decide transfer/flights retry --items flights-2026-01-21.csv --reason '…'",
    );
    const { code, stdout } = await run('status', '--json');
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({
      lake: 'travel',
      spec: 1,
      waiting: [{ workflow: 'transfer/flights', item: 'flights-2026-01-21.csv', failure: 'BadFile' }],
    });
  },
  PATIENCE_MS,
);

test(
  'a decision that is not allowed is refused in words; one that is ends the wait',
  async () => {
    const which = ['--items', 'flights-2026-01-21.csv', '--reason', 'withdrawn', '--by', 'ana'];
    expect(await run('decide', 'transfer/flights', 'approve', ...which)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/flights-2026-01-21\.csv" \(BadFile\) allows retry, skip, not approve/),
    });
    expect(await run('decide', 'transfer/flights', 'skip', ...which)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^skip: flights-2026-01-21\.csv \(kept as audit\/.*\.json\)\n$/),
    });
    const rests = await until(
      () => run('status'),
      ({ code }) => code === 0,
      PATIENCE_MS,
    );
    expect(rests.stdout).toContain('nothing waits for a person');
  },
  PATIENCE_MS,
);

test(
  'a query prints a table and its stamp; the stamp answers again as it did',
  async () => {
    const sql = 'SELECT origin, delay FROM flights ORDER BY delay';
    await until(
      () => run('query', 'SELECT count(*) AS n FROM flights', '--settled', '--json'),
      ({ stdout }) => stdout.includes('"n":"2"'),
      PATIENCE_MS,
    );
    const asked = await run('query', sql);
    expect(asked).toMatchObject({
      code: 0,
      stdout: ['origin  delay', '──────  ─────', 'LAX         5', 'SFO         7', ''].join('\n'),
      stderr: expect.stringMatching(/^2 rows, live: flights version 1\nstamp [0-9a-f]{64}\n$/),
    });
    const stamp = /stamp (\w+)/.exec(asked.stderr)?.[1] ?? '';
    const again = await run('query', sql, '--at', stamp, '--json');
    expect(JSON.parse(again.stdout)).toEqual({
      columns: [
        { name: 'origin', type: 'VARCHAR' },
        { name: 'delay', type: 'BIGINT' },
      ],
      rows: [
        { origin: 'LAX', delay: '5' },
        { origin: 'SFO', delay: '7' },
      ],
      stamp: expect.objectContaining({ sha256: stamp, mode: 'live', versions: { flights: 1 } }),
    });
    expect(await run('query', sql, '--at', stamp, '--settled')).toMatchObject({ code: 2, stdout: '' });
    expect(await run('query', 'SELECT nothing FROM flights')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^Binder Error: .*"nothing"/),
    });
  },
  PATIENCE_MS,
);

test(
  'verify finds nothing, and reads one dataset alone',
  async () => {
    expect(await run('verify')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /flights version 1, 1 partitions: in 2, out 2, .* residue 0\nnothing lost, nothing twice\n$/,
      ),
    });
    expect(JSON.parse((await run('verify', 'flights', '--json')).stdout)).toMatchObject({ findings: [] });
    expect(await run('verify', 'fligths')).toMatchObject({ code: 2, stdout: '' });
  },
  PATIENCE_MS,
);

test(
  'a version that is not there cannot be gone back to; one that is serves again',
  async () => {
    expect(await run('rollback', 'flights', '--to', '9', '--reason', 'x')).toMatchObject({
      code: 1,
      stdout: '',
    });
    const reason = ['--reason', 'bad code', '--by', 'ana'];
    expect(await run('rollback', 'flights', '--to', '1', ...reason)).toMatchObject({
      code: 0,
      stdout: 'flights serves what version 1 served: version 2\n',
    });
    expect(await run('release', 'flights', '--partitions', '2026-01-20', ...reason)).toMatchObject({
      code: 0,
      stdout: '2026-01-20 released: version 3\n',
    });
  },
  PATIENCE_MS,
);

test('without Temporal, status shows the lake alone and ends with 1', async () => {
  const env = { ...local?.exports, TEMPORAL_ADDRESS: '127.0.0.1:9' };
  const { code, stdout, stderr } = await tributary(['status'], { cwd, env });
  expect(code).toBe(1);
  expect(stdout).toContain('lake travel, spec 1');
  expect(stderr).toMatch(/^no Temporal server answers at 127\.0\.0\.1:9 .*this is the lake alone\n$/);
});

test(
  'local ends cleanly, leaves no process behind, and goes on with the same lake',
  async () => {
    expect(await local?.end()).toBe(0);
    expect(await processesNaming(path.join(cwd, 'data dir'))).toEqual([]);
    local = await tributaryLocal(['--data', 'data dir'], { cwd });
    const { code, stdout } = await run('status', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      datasets: { flights: { version: 3 } },
      runs: expect.arrayContaining([expect.objectContaining({ workflow: 'reconcile/flights' })]),
    });
  },
  PATIENCE_MS,
);

test(
  'a second local on the same data is refused while the first one runs',
  async () => {
    const again = tributaryLocal(['--data', 'data dir'], { cwd });
    await expect(again).rejects.toThrow(/ended before it was ready|was not ready|ended with/);
  },
  PATIENCE_MS,
);
