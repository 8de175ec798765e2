import { execFile } from 'node:child_process';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import {
  CreateStreamCommand,
  KinesisClient,
  PutRecordCommand,
  waitUntilStreamExists,
} from '@aws-sdk/client-kinesis';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REBUILD } from '../../lake/column-change.ts';
import { eventually, until } from '../support/eventually.ts';
import { makeTmpFolder, removeTmpFolder } from '../support/tmp.ts';
import { type StartedLocal, tributaryLocal, typed } from './run.ts';

// One story, in order: a lake with rows in it, and every class of change to its lake.yaml.

const LAKE = `lake: { name: travel, bucket: travel-lake }
sources:
  trips: { kind: files, from: 'file:./trips', quiet: 0s, format: { csv: {} }, window: { fromName: 'trips-{day}' } }
  notes: { kind: files, from: 'file:./notes', quiet: 0s, format: { csv: {} }, columns: { text: string } }
  clicks: { kind: kinesis, stream: clicks, format: { json: {} }, commit: { every: 1s } }
datasets:
  trips:
    merge: append
    key: [id, at]
    partition: { day: at, from: '2026-01-20' }
    columns: { at: timestamp, id: string, price: bigint }
    feeds: { trips: { role: batch, visible: commit } }
  clicks:
    merge: latest
    key: [id]
    partition: whole
    columns: { id: string, page: string }
    feeds: { clicks: { role: speed } }
`;
const PATIENCE_MS = 100_000;

let cwd: string;
let local: StartedLocal | undefined;
/** As it was applied last. */
let lake = LAKE;

beforeAll(async () => {
  cwd = await makeTmpFolder();
  for (const folder of ['trips', 'more', 'notes']) await mkdir(path.join(cwd, folder));
  local = await tributaryLocal(['--data', 'data'], { cwd });
  const client = new KinesisClient(standIns());
  await client.send(new CreateStreamCommand({ StreamName: 'clicks', ShardCount: 1 }));
  await waitUntilStreamExists({ client, maxWaitTime: 60, minDelay: 1 }, { StreamName: 'clicks' });
  client.destroy();
});
afterAll(async () => {
  await local?.end();
  await removeTmpFolder(cwd);
});

function run(...args: string[]) {
  return typed(args, { cwd, env: local?.exports ?? {} });
}

/** Where the stand-ins are, for the SDK's clients. */
function standIns() {
  const { AWS_ENDPOINT_URL: endpoint = '', AWS_REGION: region = '', ...keys } = local?.exports ?? {};
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = keys;
  return { endpoint, region, credentials: { accessKeyId, secretAccessKey } };
}

/** Every object under a prefix, with what it holds. */
async function objects(Prefix = ''): Promise<string[]> {
  const client = new S3Client({ ...standIns(), forcePathStyle: true });
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'travel-lake', Prefix }));
  client.destroy();
  return Contents.map(({ Key, ETag }) => `${Key} ${ETag}`);
}

async function click(id: string, page: string, more: object = {}): Promise<void> {
  const client = new KinesisClient(standIns());
  const Data = Buffer.from(JSON.stringify({ id, page, ...more }));
  await client.send(new PutRecordCommand({ StreamName: 'clicks', PartitionKey: id, Data }));
  client.destroy();
}

async function deliver(name: string, ...lines: string[]) {
  const file = path.join(cwd, name);
  await writeFile(file, `${lines.join('\n')}\n`);
  const longAgo = new Date(Date.now() - 60_000);
  await utimes(file, longAgo, longAgo);
}

function temporal(...args: string[]) {
  return promisify(execFile)('temporal', args, { env: { ...local?.exports } });
}

async function transfer(source: string): Promise<void> {
  const input = JSON.stringify({ source, wait: false });
  await temporal('workflow', 'start', '--type', 'transferFiles', '--task-queue', 'control', '--input', input);
}

/** The lake as `from` replaced by `to` would have it. */
async function written(...replaced: readonly (readonly [string, string])[]): Promise<string> {
  let next = lake;
  for (const [from, to] of replaced) {
    expect(next).toContain(from);
    next = next.replace(from, () => to);
  }
  await writeFile(path.join(cwd, 'lake.yaml'), next);
  return next;
}

async function plan() {
  const { code, stdout } = await run('apply', '--plan', '--json');
  return { code, plan: JSON.parse(stdout) as { changes: { path: string; class: string; what: string }[] } };
}

async function applied(...replaced: readonly (readonly [string, string])[]) {
  const next = await written(...replaced);
  const ran = await run('apply');
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  lake = next;
  return ran.stdout.trimEnd().split('\n');
}

async function rows(sql: string): Promise<unknown> {
  const { code, stdout, stderr } = await run('query', sql, '--json');
  return code === 0 ? (JSON.parse(stdout) as { rows: unknown }).rows : stderr;
}

async function openRuns(): Promise<string[]> {
  const { runs } = JSON.parse((await run('status', '--json')).stdout) as { runs: { workflow: string }[] };
  return runs.map(({ workflow }) => workflow);
}

const TRIPS = 'SELECT id, price FROM trips ORDER BY id';
const CLICKS = 'SELECT id, page FROM clicks ORDER BY id';

test(
  'before the first spec, a plan says that all is new, and changes nothing',
  async () => {
    await written();
    expect(await plan()).toEqual({
      code: 0,
      plan: {
        bucket: 'travel-lake',
        applied: 0,
        refused: false,
        changes: [
          {
            path: 'lake',
            class: 'compatible',
            what: 'the first spec of this lake',
            effect: 'everything in it is new',
          },
        ],
      },
    });
    // The worker has probed the store.
    expect(await objects()).toEqual([expect.stringMatching(/^probe\//)]);
    expect(await applied()).toEqual(['spec 1 applied', '  lake: the first spec of this lake']);
  },
  PATIENCE_MS,
);

test(
  'the lake is filled',
  async () => {
    await deliver('trips/trips-2026-01-20.csv', 'at,id,price', '2026-01-20T08:00:00Z,a,5');
    await deliver('notes/1.csv', 'text', 'hello');
    await deliver('notes/2.csv', 'text', '"broken');
    await transfer('trips');
    await transfer('notes');
    await click('x', 'home');
    await eventually(() => rows(TRIPS), [{ id: 'a', price: '5' }], PATIENCE_MS);
    await eventually(() => rows(CLICKS), [{ id: 'x', page: 'home' }], PATIENCE_MS);
    for (const dataset of ['trips', 'clicks'])
      await temporal('workflow', 'signal', '--workflow-id', `reconcile/${dataset}`, '--name', 'nudge');
    await until(
      () => objects('view/'),
      (found) =>
        found.some((key) => key.includes('view/trips/')) && found.some((key) => key.includes('view/clicks/')),
      PATIENCE_MS,
    );
    await eventually(async () => (await objects('ledger/notes/')).length, 1, PATIENCE_MS);
    expect(await openRuns()).toContain('transfer/notes');
  },
  PATIENCE_MS,
);

test(
  'the same again changes nothing, and its plan says so',
  async () => {
    expect(await run('apply', '--plan')).toEqual({
      code: 0,
      stdout: 'lake.yaml says what spec 1 says: nothing would change\n',
      stderr: '',
    });
    expect(await applied()).toEqual(['spec 1 says the same already: nothing changed']);
  },
  PATIENCE_MS,
);

const REBUILDS: readonly (readonly [string, string, string])[] = [
  ['datasets.trips.key', 'key: [id, at]', 'key: [at]'],
  ['datasets.clicks.merge', 'merge: latest', 'merge: append'],
  ['datasets.trips.partition', '{ day: at,', '{ day: at, fixed: true,'],
  ['datasets.trips.feeds.trips.visible', 'visible: commit', 'visible: publish'],
  ['datasets.trips.feeds.trips.role', 'role: batch, visible: commit', 'role: speed, visible: commit'],
];
const REFUSALS: readonly (readonly [string, string, string])[] = [
  // A source that declares no columns has its dataset's.
  ['sources.clicks.columns.page', 'page: string }', 'page: bigint }'],
  ['sources.trips.columns.price', 'price: bigint', "price: 'decimal(18,2)'"],
  ['sources.notes.columns.text', 'columns: { text: string }', 'columns: { text: bigint }'],
  [
    'sources.notes.format.csv.delimiter',
    'format: { csv: {} }, columns',
    "format: { csv: { delimiter: ';' } }, columns",
  ],
  ['lake.name', 'name: travel', 'name: trips'],
  ['lake.bucket', 'bucket: travel-lake', 'bucket: other-lake'],
  ['sources.clicks.stream', 'stream: clicks', 'stream: others'],
  ['sources.clicks.start', 'stream: clicks', "stream: clicks, start: { at: '2026-01-01T00:00:00Z' }"],
  [
    'sources.notes.kind',
    "notes: { kind: files, from: 'file:./notes', quiet: 0s, format: { csv: {} }",
    'notes: { kind: kinesis, stream: notes, format: { json: {} }',
  ],
];

test.each(REBUILDS)(
  '%s would build its dataset anew: planned, it says so, and everything stays as it is',
  async (changed, from, to) => {
    await written([from, to]);
    const before = await objects();
    const planned = await plan();
    expect(planned.code).toBe(0);
    expect(planned.plan.changes).toContainEqual(expect.objectContaining({ path: changed, class: 'rebuild' }));
    expect(planned.plan).toMatchObject({
      refused: false,
      rebuilds: [{ dataset: changed.split('.')[1], barred: [] }],
    });
    expect(await objects()).toEqual(before);
  },
  PATIENCE_MS,
);

test.each(REFUSALS)(
  '%s can neither be planned nor applied, and everything stays as it is',
  async (changed, from, to) => {
    await written([from, to]);
    const before = await objects('spec/');
    const planned = await plan();
    expect(planned.code).toBe(1);
    expect(planned.plan.changes).toContainEqual(
      expect.objectContaining({
        path: changed,
        class: 'refused',
        effect: expect.stringMatching(/^refused: /),
      }),
    );
    expect(await run('apply')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(
        new RegExp(`^not applied: .*${changed.replaceAll('.', String.raw`\.`)}: `),
      ),
    });
    expect(await objects('spec/')).toEqual(before);
    expect(await rows(TRIPS)).toEqual([{ id: 'a', price: '5' }]);
    expect(await rows(CLICKS)).toEqual([{ id: 'x', page: 'home' }]);
  },
  PATIENCE_MS,
);

test(
  'a plan of what is refused names each change in lines, and leaves every object as it is',
  async () => {
    await written(
      ['key: [id, at]', 'key: [at]'],
      ['kind: kinesis, stream: clicks', 'kind: kinesis, stream: others'],
      ['quiet: 0s', 'quiet: 90s'],
    );
    const before = await objects();
    expect(await run('apply', '--plan')).toEqual({
      code: 1,
      stdout: [
        'refused  sources.clicks.stream: "clicks" becomes "others"',
        '  refused: give what is new a name of its own',
        'compatible  sources.trips.quiet: 0ms becomes 90s',
        '  from the next entry on; what was collected stays as it is',
        'rebuild  datasets.trips.key: ["id","at"] becomes ["at"]',
        `  ${REBUILD}`,
        'apply would refuse it and change nothing: 1 of 3 changes cannot be made',
        '',
      ].join('\n'),
      stderr: '',
    });
    expect(await objects()).toEqual(before);
  },
  PATIENCE_MS,
);

test(
  'a compatible change of a source works from the next entry on; what was collected stays',
  async () => {
    const before = await objects('view/trips/');
    await written(["from: 'file:./trips'", "from: 'file:./trips', exclude: ['*.tmp']"]);
    expect(await plan()).toMatchObject({
      code: 0,
      plan: { refused: false, changes: [{ path: 'sources.trips.exclude', class: 'compatible' }] },
    });
    expect(await applied(["from: 'file:./trips'", "from: 'file:./trips', exclude: ['*.tmp']"])).toEqual([
      'spec 2 applied',
      '  sources.trips.exclude: [] becomes ["*.tmp"]',
    ]);
    expect(await objects('view/trips/')).toEqual(before);
    await deliver('trips/trips-2026-01-21.csv.tmp', 'at,id,price', '2026-01-21T08:00:00Z,never,1');
    await deliver('trips/trips-2026-01-21.csv', 'at,id,price', '2026-01-21T08:00:00Z,b,6');
    await transfer('trips');
    await eventually(
      () => rows(TRIPS),
      [
        { id: 'a', price: '5' },
        { id: 'b', price: '6' },
      ],
      PATIENCE_MS,
    );
    await until(
      () => objects('build/trips/2026-01-21/'),
      (found) => found.some((key) => key.includes('_build.json')),
      PATIENCE_MS,
    );
  },
  PATIENCE_MS,
);

test(
  'a schedule is set by applying, and removed by applying',
  async () => {
    const schedule = async () => (await temporal('schedule', 'list', '-o', 'json')).stdout;
    await applied(["from: 'file:./trips',", "from: 'file:./trips', schedule: { every: 1d },"]);
    await until(schedule, (found) => found.includes('schedule/trips'), PATIENCE_MS);
    expect(await applied([' schedule: { every: 1d },', ''])).toEqual([
      'spec 4 applied',
      '  sources.trips.schedule: no longer declared; it was {every: 1d}',
    ]);
    await until(schedule, (found) => !found.includes('schedule/trips'), PATIENCE_MS);
  },
  PATIENCE_MS,
);

test(
  'a compatible change of a dataset rebuilds nothing',
  async () => {
    const before = await objects('build/');
    const versions = await objects('view/');
    expect(
      await applied([
        '    partition: whole',
        '    rebuild: { late: 50%, after: 6h }\n    gate: { checks: [{ rows: { min: 0 } }] }\n    partition: whole',
      ]),
    ).toEqual([
      'spec 5 applied',
      '  datasets.clicks.gate.checks: [] becomes [{"kind":"rows","min":0}]',
      '  datasets.clicks.rebuild.after: 1h becomes 6h',
      '  datasets.clicks.rebuild.late: 1% becomes 50%',
    ]);
    await click('y', 'offers');
    await eventually(
      () => rows(CLICKS),
      [
        { id: 'x', page: 'home' },
        { id: 'y', page: 'offers' },
      ],
      PATIENCE_MS,
    );
    expect(await objects('build/trips/')).toEqual(before.filter((key) => key.startsWith('build/trips/')));
    expect(await objects('view/trips/')).toEqual(versions.filter((key) => key.startsWith('view/trips/')));
  },
  PATIENCE_MS,
);

test(
  'a feed more of a role that is there brings its rows; what the other brought is not built again',
  async () => {
    const before = await objects('build/trips/');
    expect(
      await applied(
        [
          '  notes:',
          "  more: { kind: files, from: 'file:./more', quiet: 0s, format: { csv: {} } }\n  notes:",
        ],
        ['feeds: { trips:', 'feeds: { more: { role: batch, visible: commit }, trips:'],
        ['    key: [id, at]', '    close: { needs: [trips] }\n    key: [id, at]'],
      ),
    ).toEqual([
      'spec 6 applied',
      '  sources.more: new',
      expect.stringContaining('  datasets.trips.feeds.more: new: '),
    ]);
    await deliver('more/c.csv', 'at,id,price', '2026-01-21T09:00:00Z,c,7');
    await transfer('more');
    await eventually(
      () => rows(TRIPS),
      [
        { id: 'a', price: '5' },
        { id: 'b', price: '6' },
        { id: 'c', price: '7' },
      ],
      PATIENCE_MS,
    );
    expect(await objects('build/trips/2026-01-20/')).toEqual(
      before.filter((key) => key.startsWith('build/trips/2026-01-20/')),
    );
    expect(await run('verify', 'trips')).toMatchObject({ code: 0 });
  },
  PATIENCE_MS,
);

test(
  'taking a feed away takes its rows away: its dataset would be built anew',
  async () => {
    await written(
      [' more: { role: batch, visible: commit },', ''],
      [
        "more: { kind: files, from: 'file:./more', quiet: 0s, format: { csv: {} } }",
        "more: { kind: files, from: 'file:./more', quiet: 0s, format: { csv: {} }, columns: { at: timestamp, id: string, price: bigint } }",
      ],
    );
    expect(await plan()).toMatchObject({
      code: 0,
      plan: { changes: [{ path: 'datasets.trips.feeds.more', class: 'rebuild' }] },
    });
  },
  PATIENCE_MS,
);

const NOTES = `  notes:
    merge: append
    key: [text]
    partition: whole
    columns: { text: string }
    feeds: { notes: { role: batch } }
`;

test(
  'a dataset of what was collected without one would be counted first; a source of another name collects it for one',
  async () => {
    await written(['  clicks:\n    merge', `${NOTES}  clicks:\n    merge`]);
    expect(await plan()).toMatchObject({
      code: 0,
      plan: {
        rebuilds: [{ dataset: 'notes', barred: [] }],
        changes: [
          { path: 'datasets.notes', class: 'compatible' },
          {
            path: 'datasets.notes.feeds.notes',
            class: 'rebuild',
            what: 'notes has rows that were collected for no dataset, or for another one',
          },
        ],
      },
    });
    await applied(
      ['  clicks:\n    merge', `${NOTES.replace('notes: { role', 'memos: { role')}  clicks:\n    merge`],
      [
        '  notes: {',
        "  memos: { kind: files, from: 'file:./notes', include: ['1.csv'], quiet: 0s, format: { csv: {} } }\n  notes: {",
      ],
    );
    await transfer('memos');
    await eventually(() => rows('SELECT text FROM notes'), [{ text: 'hello' }], PATIENCE_MS);
  },
  PATIENCE_MS,
);

test(
  'what is taken out keeps what it collected; its runs end by themselves, or are named with the command that ends them',
  async () => {
    const kept = async () =>
      (await objects()).filter((key) =>
        /^((ledger|rows|raw)\/(clicks|notes)|(view|build)\/clicks)\//.test(key),
      );
    const before = await kept();
    const clicks = lake.slice(lake.indexOf('  clicks:\n    merge'));
    const said = await applied(
      [lake.slice(lake.indexOf('  notes: { kind'), lake.indexOf('datasets:')), ''],
      [clicks, ''],
    );
    expect(said.slice(1)).toEqual([
      '  sources.clicks: no longer declared; what was collected stays',
      '  sources.notes: no longer declared; what was collected stays',
      '  datasets.clicks: no longer declared; what was collected stays',
      expect.stringMatching(/^ingest\/clicks: .* it ends by itself$/),
      expect.stringMatching(
        /^transfer\/notes: .* end it: temporal workflow cancel --workflow-id transfer\/notes$/,
      ),
      expect.stringMatching(/^reconcile\/clicks: .* it ends by itself$/),
    ]);
    await until(
      openRuns,
      (runs) => !runs.includes('ingest/clicks') && !runs.includes('reconcile/clicks'),
      PATIENCE_MS,
    );
    expect(await openRuns()).toContain('transfer/notes');
    const [, ...command] = (said.find((line) => line.startsWith('transfer/notes')) ?? '').split('temporal ');
    await temporal(...command.join('').split(' '));
    await until(openRuns, (runs) => !runs.includes('transfer/notes'), PATIENCE_MS);
    for (const workflow of ['ingest/clicks', 'reconcile/clicks']) {
      const { stdout } = await temporal('workflow', 'describe', '--workflow-id', workflow, '-o', 'json');
      expect(stdout).toContain('WORKFLOW_EXECUTION_STATUS_COMPLETED');
    }
    expect(await kept()).toEqual(before);
    expect(await rows(CLICKS)).toBe('the query names none of notes, trips\n');
  },
  PATIENCE_MS,
);

test(
  'what is declared again goes on where it stood, and otherwise than it was it is refused',
  async () => {
    const source =
      '  clicks: { kind: kinesis, stream: clicks, format: { json: {} }, commit: { every: 1s } }\n';
    const dataset = LAKE.slice(LAKE.indexOf('  clicks:\n    merge'));
    const before = lake;
    lake = `${before}${dataset.replace('key: [id]', 'key: [page]')}`;
    await written(['datasets:\n', `${source.replace('stream: clicks', 'stream: others')}datasets:\n`]);
    expect(await plan()).toMatchObject({
      code: 1,
      plan: {
        changes: [
          { path: 'sources.clicks', class: 'compatible', what: 'declared again' },
          { path: 'sources.clicks.stream', class: 'refused' },
          { path: 'datasets.clicks', class: 'compatible', what: 'declared again' },
          { path: 'datasets.clicks.feeds.clicks', class: 'rebuild' },
          { path: 'datasets.clicks.gate.checks' },
          { path: 'datasets.clicks.key', class: 'rebuild' },
          { path: 'datasets.clicks.rebuild.after' },
          { path: 'datasets.clicks.rebuild.late' },
        ],
      },
    });
    lake = `${before}${dataset}`;
    await applied(['datasets:\n', `${source}datasets:\n`]);
    await click('z', 'cart');
    await eventually(
      () => rows(CLICKS),
      [
        { id: 'x', page: 'home' },
        { id: 'y', page: 'offers' },
        { id: 'z', page: 'cart' },
      ],
      PATIENCE_MS,
    );
    expect(await run('verify')).toMatchObject({ code: 0 });
  },
  PATIENCE_MS,
);

test(
  'a column that comes to a dataset and its stream is planned as compatible, and published for all as one version',
  async () => {
    await click('u', 'early', { url: '/early' });
    await eventually(async () => ((await rows(CLICKS)) as unknown[]).length, 4, PATIENCE_MS);
    await written(['page: string }', 'page: string, url: string }']);
    const { stdout } = await run('apply', '--plan');
    expect(stdout.split('\n').slice(0, 4)).toEqual([
      'compatible  sources.clicks.columns.url: new: "string"',
      expect.stringContaining(
        '  from the next entry on; of rows collected before, what came of it stays in _extra',
      ),
      'compatible  datasets.clicks.columns.url: new: "string"',
      expect.stringContaining('  all partitions are built again and published as one version'),
    ]);
    expect((await applied(['page: string }', 'page: string, url: string }'])).slice(1)).toEqual([
      '  sources.clicks.columns.url: new: "string"',
      '  datasets.clicks.columns.url: new: "string"',
    ]);
    // What is read before the stream takes the new spec is collected under the old one: more comes until it has.
    let clicks = 0;
    const seen = await until(
      async () => {
        clicks += 1;
        await click(`v${clicks}`, 'late', { url: '/late' });
        return (await rows('SELECT id, url FROM clicks ORDER BY id')) as { id: string; url: string | null }[];
      },
      (answer) => Array.isArray(answer) && answer.some(({ url }) => url === '/late'),
      PATIENCE_MS,
    );
    const before = seen.filter(({ id }) => !id.startsWith('v'));
    expect(before).toEqual(['u', 'x', 'y', 'z'].map((id) => ({ id, url: null })));
    const kept = `SELECT _extra FROM "clicks$rows" WHERE id = 'u'`;
    expect(JSON.stringify(await rows(kept))).toContain('/early');
    expect(await run('verify')).toMatchObject({ code: 0 });
  },
  PATIENCE_MS,
);
