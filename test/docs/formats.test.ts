import { readFile, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withDuckDb } from '../../activities/duckdb.ts';
import { hash63 } from '../../activities/refine/hash.ts';
import { canonical } from '../../lake/canonical.ts';
import { canonicalText, framed, framedHash, literal } from '../../lake/sql/text.ts';
import { aggregate } from '../support/aggregate.ts';
import { makeTmpFolder, removeTmpFolder } from '../support/tmp.ts';
import { WholeLake } from './whole-lake.ts';
import { filledRebuild } from './whole-rebuild.ts';
import { filledTable } from './whole-table.ts';

const FOLDER = new URL('../../docs/formats/', import.meta.url);

/** Which schema an object with such a key follows; of `ndjson` each line does. */
const BY_KEY: readonly (readonly [RegExp, string])[] = [
  [/^spec\/\d{12}\.json$/, 'spec'],
  [/^ledger\/[^/]+\/\d+\/\d{12}\.json$/, 'entry'],
  [/^rejected\/.+\.ndjson$/, 'rejected-record'],
  [/^manifest\/.+\.json$/, 'manifest'],
  [/^plan\/[^/]+\/[0-9a-f]{32}\.json$/, 'plan'],
  [/^outcome\/[^/]+\/[0-9a-f]{32}\.json$/, 'outcome'],
  [/^gate\/[^/]+\/[0-9a-f]{32}\.json$/, 'gate'],
  [/^gate\/.+\.ndjson$/, 'gate-key'],
  [/^hold\/[^/]+\/[^/]+\/\d{12}\.json$/, 'hold'],
  [/^build\/[^/]+\/[^/]+\/[0-9a-f]{40}\/_build\.json$/, 'build'],
  [/^view\/[^/]+\/\d{12}\.json$/, 'view'],
  [/^part\/[^/]+\/[0-9a-f]{64}\.json$/, 'part-chunk'],
  [/^coverage\/[^/]+\/[0-9a-f]{64}\.json$/, 'coverage'],
  [/^stamp\/[0-9a-f]{64}\.json$/, 'stamp'],
  [/^audit\/\d{4}-\d{2}-\d{2}\/.+\.json$/, 'audit'],
  [/^hint\/[^/]+\.json$/, 'hint'],
  [/^projection\/[^/]+\/latest\.json$/, 'projection'],
];
/** Bytes of sources, and Parquet. */
const NO_JSON = /^(raw\/|rows\/.+\.parquet$|build\/.+\.parquet$)/;

let home = '';
const ajv = new Ajv2020({ strict: true, strictRequired: false, allErrors: true });
const found: { readonly key: string; readonly schema: string; readonly text: string }[] = [];

beforeAll(async () => {
  for (const file of await readdir(FOLDER)) {
    ajv.addSchema(JSON.parse(await readFile(new URL(file, FOLDER), 'utf8')) as object);
  }
  home = await makeTmpFolder();
  const lake = await filledLake(home);
  const table = await filledTable(home);
  const rebuilt = await filledRebuild(home);
  const objects = [lake.store, table, rebuilt].flatMap((store) =>
    store.keys().map((key) => ({ store, key })),
  );
  for (const { store, key } of objects) {
    if (NO_JSON.test(key)) continue;
    const schema = BY_KEY.find(([pattern]) => pattern.test(key))?.[1] ?? `none for ${key}`;
    const text = store.text(key) ?? '';
    const texts = key.endsWith('.ndjson') ? text.trimEnd().split('\n') : [text];
    for (const one of texts) found.push({ key, schema, text: one });
  }
});
afterAll(() => removeTmpFolder(home));

test('every object of a lake follows its schema', () => {
  const wrong = found.flatMap(({ key, schema, text }) => {
    const validate = ajv.getSchema(`${schema}.schema.json`);
    if (!validate) return [`${key}: no schema ${schema}`];
    return validate(JSON.parse(text)) ? [] : [`${key}: ${ajv.errorsText(validate.errors)}`];
  });
  expect(wrong).toEqual([]);
});

test('every schema has met an object', async () => {
  const schemas = (await readdir(FOLDER)).map((file) => file.replace('.schema.json', ''));
  const met = new Set(found.map(({ schema }) => schema));
  expect(schemas.filter((schema) => schema !== 'common' && !met.has(schema))).toEqual([]);
});

test('the lake that is held against schemas has the rare parts too', () => {
  const all = found.map(({ text }) => text).join('\n');
  const rare = [
    '"retracts":[{',
    '"belowGeneration":2',
    '/cdc/',
    '-lost-0.json"',
    '"whole":true',
    '"unfit":{',
    '"under":',
    '"closed":{"children":',
    '"itemsIn":{',
    '"partitionsIn":{',
    '"mapping":null',
    '"state":"parked"',
    '"state":"skipped"',
    '"kind":"retracted"',
    '"keysIn":{',
    '"kind":"rollback"',
    '"kind":"release"',
    '"verdict":"flagged"',
    '"action":"approve"',
    '"winners":{"batch"',
    '"late":[{',
    '/1","reason":"NotJson"',
  ];
  expect(rare.filter((part) => !all.includes(part))).toEqual([]);
});

test('a field that no schema knows is refused', () => {
  const entry = found.find(({ schema }) => schema === 'entry');
  const value = { ...(JSON.parse(entry?.text ?? '{}') as object), unknown: 1 };
  expect(ajv.validate('entry.schema.json', value)).toBe(false);
});

test('every stored object is canonical JSON', () => {
  const other = found.filter(({ key, text }) =>
    !key.startsWith('gate/') || key.endsWith('.json') ? canonical(JSON.parse(text)) !== text : false,
  );
  expect(other.map(({ key }) => key)).toEqual([]);
});

test('docs/formats.md names every kind of key that a lake has', async () => {
  const page = await formatsPage();
  const unnamed = BY_KEY.filter(([, schema]) => !page.includes(`formats/${schema}.schema.json`));
  expect(unnamed).toEqual([]);
});

test('canonical JSON is as docs/formats.md shows it', async () => {
  const text = canonical({ lanes: { 'b/0': 2, 'a/0': 1 }, format: 1, none: undefined });
  expect(text).toBe('{"format":1,"lanes":{"a/0":1,"b/0":2}}');
  expect(await formatsPage()).toContain(text);
});

test('_hash and _match are framed as docs/formats.md shows it', async () => {
  const row = `'pay_1'::VARCHAR AS payment_id, '2026-11-21T07:00:00Z' AS paid_at, '12.5' AS gross, NULL::VARCHAR AS memo`;
  const texts = ['payment_id', 'paid_at', 'gross', 'memo'];
  const match = [
    canonicalText('payment_id', 'string'),
    canonicalText('paid_at::TIMESTAMPTZ', 'timestamp'),
    canonicalText('gross::DECIMAL(18,2)', 'decimal(18,2)'),
  ];
  const [seen] = await withDuckDb({ memoryMb: 128, threads: 1, scratch: home }, (db) =>
    db.rows(`SELECT ${framed(texts)} AS framed, ${framedHash(texts)}::VARCHAR AS hash,
      ${framed(match)} AS framed_match, ${framedHash(match)}::VARCHAR AS match,
      (md5_number_lower(${literal('{"payment_id":"pay_1"}')}) >> 1)::BIGINT::VARCHAR AS of_json FROM (SELECT ${row})`),
  );
  expect(seen).toEqual({
    framed: '5:pay_120:2026-11-21T07:00:00Z4:12.5-1:',
    hash: '1141871449101289590',
    framed_match: '5:pay_116:17952444000000005:12.50',
    match: '5135940605028256839',
    of_json: '5433713445118293928',
  });
  expect(String(hash63(Buffer.from('5:pay_120:2026-11-21T07:00:00Z4:12.5-1:')))).toBe('1141871449101289590');
  const page = await formatsPage();
  for (const text of Object.values(seen ?? {})) expect(page).toContain(`\`${String(text)}\``);
});

function formatsPage(): Promise<string> {
  return readFile(fileURLToPath(new URL('../formats.md', FOLDER)), 'utf8');
}

/** Two days of books and events that differ, restated orders, many notes: one of everything that is stored. */
async function filledLake(folder: string): Promise<WholeLake> {
  const lake = new WholeLake(folder);
  await lake.apply();
  const [shard = ''] = lake.stream.openShards;
  const event = (id: string, day: number, amount: string) =>
    lake.stream.put(
      lake.stream.openShards[0] ?? shard,
      JSON.stringify({ id, at: `2026-11-${day}T10:00:00Z`, amount }),
    );
  for (const [id, day] of [
    ['p1', 20],
    ['p2', 20],
    ['p3', 21],
  ] as const)
    event(id, day, '1.00');
  lake.stream.put(shard, 'not json');
  const carried = [JSON.stringify({ id: 'p8', at: '2026-11-20T10:00:00Z', amount: '1.00' }), 'nor this'];
  lake.stream.put(shard, aggregate(carried.map((one) => ({ partitionKey: 'a', data: Buffer.from(one) }))));
  await lake.collect();
  lake.stream.split(shard);
  await lake.collect();
  await lake.write(
    'books',
    'books-2026-11-20.csv',
    'id,at,gross\np1,2026-11-20T10:00:00Z,1.00\np2,2026-11-20T10:00:00Z,2.00\n',
  );
  await lake.write(
    'books',
    'books-2026-11-21.csv',
    'id,at,gross\np3,2026-11-21T10:00:00Z,1.00\np4,2026-11-21T10:00:00Z,1.00\np5,yesterday,1\n',
  );
  await lake.write('books', 'books-broken.csv', 'id,at,gross\n"p6,');
  await lake.land('books');
  await lake.skip('books', 'books-broken.csv');
  const { plan, held } = await lake.reconcile('payments');
  if (plan !== null) await lake.approve('payments', plan, held);
  await lake.rollback('payments', 1, ['2026-11-20']);
  event('p7', 21, '1.00');
  await lake.collect();

  await lake.write('orders', 'a.csv', 'number,day\n1,2026-11-20T00:00:00Z\n2,2026-11-20T00:00:00Z\n');
  await lake.land('orders');
  await lake.reconcile('orders');
  const days = Array.from({ length: 501 }, (_, n) => new Date(Date.UTC(2024, 0, 1 + n)).toISOString());
  await lake.write('orders', 'a.csv', `number,day\n${days.map((day, n) => `${n},${day}\n`).join('')}`);
  await lake.land('orders');
  await lake.reconcile('orders');

  for (let n = 0; n < 101; n += 1) await lake.write('notes', `${n}.csv`, `text\nnote ${n}\n`);
  await lake.land('notes');
  await lake.stamp('live');
  await lake.stamp('settled');
  return lake;
}
