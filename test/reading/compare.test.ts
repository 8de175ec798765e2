import { double, integer, sample } from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Postgres, startPostgres } from '../../scripts/postgres/server.ts';
import { verdictOf } from '../../lake/compare-tables.ts';
import { CompareLake, shopSpec } from './compare-lake.ts';

let postgres: Postgres;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

const NOTES = { columns: { id: 'bigint', note: 'string', tag: 'string' }, key: ['id'] } as const;

async function notesLake(): Promise<CompareLake> {
  const own = await CompareLake.open(postgres.url, shopSpec({ notes: NOTES }));
  await own.sql(`CREATE TABLE notes (id bigint PRIMARY KEY, note text, tag text);
    INSERT INTO notes SELECT n, 'note ' || n, CASE WHEN n % 3 = 0 THEN NULL ELSE 'tag' END FROM generate_series(1, 5) n`);
  const row = (id: number) => ({ id, note: `note ${id}`, tag: id % 3 === 0 ? null : 'tag' });
  await own.land('notes', [1, 2, 3, 4, 5].map(row));
  return own;
}

test('a table that the lake has as it is, is equal at once, whatever its types hold', async () => {
  const columns = {
    a: 'integer',
    b: 'timestamp',
    amount: 'decimal(38,10)',
    share: 'decimal(5,5)',
    whole: 'decimal(20,0)',
    real: 'double',
    many: 'double',
    flag: 'boolean',
    day: 'date',
    local: 'timestamp',
    bytes: 'string',
    doc: 'string',
    list: 'string',
    mood: 'string',
    id: 'string',
    at: 'string',
    fixed: 'string',
    text: 'string',
  } as const;
  const own = await CompareLake.open(postgres.url, shopSpec({ types: { columns, key: ['a', 'b'] } }));
  await own.sql(`CREATE TYPE mood AS ENUM ('glad', 'so so');
    CREATE DOMAIN cents AS numeric(20,0);
    CREATE TABLE types (a int, b timestamptz, amount numeric(38,10), share numeric(5,5), whole cents, "Real" real,
      many float8, flag boolean, day date, local timestamp, bytes bytea, doc jsonb, list text[], mood mood, id uuid,
      at time, fixed char(6), text text, PRIMARY KEY (a, b));
    INSERT INTO types VALUES
      (1, '2026-03-29 03:30:00.123456+02', 1234567890123456789012345678.0123456789, -0.5, -7, 0.1, 1e15, true,
        '1969-12-31', '1969-12-31 23:59:59.999999', '\\x00ff', '{"b": 1, "a": [null]}', '{"x y",NULL,"\\""}', 'so so',
        'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '23:59:59.5', 'ab', E'quote '' and " and \\\\ and\\n\\r\\tend, Ünï 😀'),
      (-1, '0001-01-01 00:00:00+00', -0.0000000001, 0.00001, 0, -1.5e-7, -123456789012345680, false, '0001-01-01',
        '2500-01-01', '', 'null', '{}', 'glad', NULL, '00:00', '', ''),
      (0, '2026-10-25 02:30:00+05:45', ${'NULL, '.repeat(15)}NULL)`);
  const nulls = Object.fromEntries(Object.keys(columns).map((name) => [name, null]));
  await own.land('types', [
    {
      a: 1,
      b: '2026-03-29 01:30:00.123456+00',
      amount: '1234567890123456789012345678.0123456789',
      share: '-0.5',
      whole: '-7',
      real: '0.1',
      many: '1000000000000000',
      flag: 'true',
      day: '1969-12-31',
      local: '1969-12-31 23:59:59.999999',
      bytes: '00ff',
      doc: '{"a": [null], "b": 1}',
      list: '{"x y",NULL,"\\""}',
      mood: 'so so',
      id: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
      at: '23:59:59.5',
      fixed: 'ab    ',
      text: 'quote \' and " and \\ and\n\r\tend, Ünï 😀',
    },
    {
      a: -1,
      b: '0001-01-01 00:00:00+00',
      amount: '-0.0000000001',
      share: '0.00001',
      whole: '0',
      real: '-1.5e-7',
      many: '-123456789012345680',
      flag: 'false',
      day: '0001-01-01',
      local: '2500-01-01',
      bytes: '',
      doc: 'null',
      list: '{}',
      mood: 'glad',
      id: null,
      at: '00:00:00',
      fixed: '',
      text: '',
    },
    { ...nulls, a: 0, b: '2026-10-24 20:45:00+00' },
  ]);
  const report = await own.compare();
  expect(report.tables).toMatchObject([
    { table: 'public.types', rows: { database: 3, lake: 3 }, chunks: { differing: 0 }, named: [] },
  ]);
  expect(report.looks).toHaveLength(1);
  expect(verdictOf(report)).toBe('equal');
});

test('rows that are missing, extra or different are named, with the columns that differ', async () => {
  const own = await notesLake();
  await own.sql(`INSERT INTO notes VALUES (6, 'new', 'tag'); DELETE FROM notes WHERE id = 2;
    UPDATE notes SET note = NULL, tag = 'other' WHERE id = 4; UPDATE notes SET tag = '' WHERE id = 3`);
  const report = await own.compare();
  expect(report.tables).toMatchObject([
    {
      rows: { database: 5, lake: 5 },
      missing: 1,
      extra: 1,
      differing: 2,
      pending: 0,
      named: [
        { kind: 'missing', key: { id: '6' } },
        { kind: 'extra', key: { id: '2' } },
        { kind: 'differs', key: { id: '3' }, columns: ['tag'] },
        { kind: 'differs', key: { id: '4' }, columns: ['note', 'tag'] },
      ],
    },
  ]);
  expect(verdictOf(report)).toBe('differs');
});

test('a change that arrives while one looks is no difference', async () => {
  const own = await notesLake();
  await own.sql(`UPDATE notes SET note = 'changed' WHERE id = 4; DELETE FROM notes WHERE id = 5`);
  own.whileWaiting = async (round) => {
    if (round === 2)
      await own.land('notes', [
        { id: 4, note: 'changed', tag: 'tag', _op: 'U' },
        { id: 5, note: null, tag: null, _op: 'D' },
      ]);
  };
  const report = await own.compare();
  expect(report.looks).toHaveLength(3);
  expect(verdictOf(report)).toBe('equal');
});

test('a row that changes at every look is equal where the lake follows it, and pending where it does not', async () => {
  const own = await notesLake();
  const change = (id: number, round: number) =>
    own.sql(`UPDATE notes SET note = '${round}' WHERE id = ${id}`);
  await change(4, 0);
  await change(5, 0);
  own.whileWaiting = async (round) => {
    await own.land('notes', [{ id: 4, note: String(round - 1), tag: 'tag', _op: 'U' }]);
    await change(4, round);
    await change(5, round);
  };
  const report = await own.compare();
  expect(report.tables).toMatchObject([
    { missing: 0, extra: 0, differing: 0, pending: 1, named: [{ kind: 'pending', key: { id: '5' } }] },
  ]);
  expect(verdictOf(report)).toBe('unsure');
});

test('a table whose load is under way is compared once the lake shows it', async () => {
  const own = await notesLake();
  await own.sql(`UPDATE notes SET note = 'before the load' WHERE id = 1`);
  await own.beginLoad('notes');
  const under = await own.compare();
  expect(under.tables).toMatchObject([
    {
      kind: 'not compared',
      reason:
        'a load of it is not whole or not published yet: the lake shows nothing of it, or what was before',
    },
  ]);
  expect(verdictOf(under)).toBe('unsure');
});

test('rows that a key of all columns does not tell apart are named with their count', async () => {
  const columns = { kind: 'string', size: 'integer' } as const;
  const own = await CompareLake.open(postgres.url, shopSpec({ events: { columns, key: ['kind', 'size'] } }));
  await own.sql(`CREATE TABLE events (kind text, size int);
    INSERT INTO events VALUES ('a', 1), ('a', 1), ('a', 1), ('b', NULL), ('c', 3)`);
  await own.land('events', [
    { kind: 'a', size: 1 },
    { kind: 'b', size: null },
  ]);
  expect(await own.report('events')).toMatchObject({
    rows: { database: 5, lake: 2 },
    missing: 1,
    extra: 0,
    indistinct: { keys: 1, rows: 3 },
    named: [
      { kind: 'missing', key: { kind: 'c', size: '3' } },
      { kind: 'indistinct', key: { kind: 'a', size: '1' }, rows: 3 },
    ],
  });
});

test('only rows of chunks that differ are fetched, of a table in many', async () => {
  const own = await CompareLake.open(postgres.url, shopSpec({ notes: NOTES }));
  await own.sql(`CREATE TABLE notes (id bigint PRIMARY KEY, note text, tag text);
    INSERT INTO notes SELECT n, 'n' || n, '' FROM generate_series(1, 600) n`);
  const row = (id: number) => ({ id, note: `n${id}`, tag: '' });
  await own.land(
    'notes',
    Array.from({ length: 599 }, (_, n) => row(n + 2)),
  );
  expect(await own.report('notes')).toMatchObject({
    chunks: { all: 4, differing: 1 },
    missing: 1,
    named: [{ kind: 'missing', key: { id: '1' } }],
  });
});

test('a settled comparison is about what was published', async () => {
  const own = await notesLake();
  expect(await own.report('notes', { mode: 'settled' })).toMatchObject({ missing: 5, rows: { lake: 0 } });
});

test('a column that is in no version yet is not compared, and is from its version on', async () => {
  const own = await notesLake();
  const publish = async () => {
    const planId = await own.lake.plan('notes', ['b0000', 'b0001']);
    await own.lake.build('notes', planId);
    await own.lake.publish('notes', planId);
  };
  await publish();
  await own.sql("ALTER TABLE notes ADD COLUMN city text; UPDATE notes SET city = 'Bern' WHERE id = 2");
  own.lake.apply(shopSpec({ notes: { ...NOTES, columns: { ...NOTES.columns, city: 'string' } } }));
  expect(await own.report('notes')).toMatchObject({
    missing: 0,
    differing: 0,
    notes: ['column city is in no version of notes yet: not compared'],
  });
  await publish();
  const { notes, ...found } = await own.report('notes');
  expect(notes).toEqual([]);
  expect(found).toMatchObject({ missing: 0, extra: 0, differing: 1 });
  expect(JSON.stringify(found.named)).toContain('city');
});

test('a table whose column was renamed in the database is not called equal', async () => {
  const own = await notesLake();
  await own.sql('ALTER TABLE notes RENAME COLUMN tag TO label');
  const report = await own.compare();
  expect(report.tables).toMatchObject([
    { missing: 0, differing: 0, notes: ['column tag is not in the database: not compared'] },
  ]);
  expect(verdictOf(report)).toBe('unsure');
});

test('a column that the lake cannot hold as it is, and a table that is not there, are not compared', async () => {
  const spec = shopSpec({ notes: NOTES, gone: NOTES });
  const own = await CompareLake.open(postgres.url, spec);
  await own.sql('CREATE TABLE notes (id bigint PRIMARY KEY, note timestamptz, tag text)');
  const report = await own.compare();
  expect(report.tables).toEqual([
    { kind: 'not compared', table: 'public.gone', reason: 'the database has no such table' },
    {
      kind: 'not compared',
      table: 'public.notes',
      reason: 'column note is timestamp with time zone, which string cannot hold as it is',
    },
  ]);
  expect(verdictOf(report)).toBe('unsure');
});

test('a source that is no database, and a table that it does not declare, are refused by name', async () => {
  const own = await CompareLake.open(postgres.url, shopSpec({ notes: NOTES }));
  await expect(own.compare({ source: 'flights' })).rejects.toThrow(
    'flights is no database of the lake; there are: shop',
  );
  await expect(own.compare({ tables: ['public.orders'] })).rejects.toThrow(
    'shop declares no table public.orders; it declares public.notes',
  );
});

test('both sides write every number and instant alike', async () => {
  const columns = { n: 'integer', many: 'double', real: 'double', at: 'timestamp', day: 'date' } as const;
  const own = await CompareLake.open(postgres.url, shopSpec({ values: { columns, key: ['n'] } }));
  await own.sql(
    `CREATE TABLE "values" (n int PRIMARY KEY, many float8, real real, at timestamptz, day date)`,
  );
  const doubles = sample(double({ noDefaultInfinity: true, noNaN: true }), { numRuns: 150, seed: 4 });
  const powers = Array.from({ length: 60 }, (_, n) => 10 ** (n - 30) * (n % 2 ? -1.5 : 1));
  const edges = [2 ** 53 - 1, 2 ** 53 + 2, 1e15 + 0.125, 999999999999999.9, 9999999999999998, 123456789.5];
  const days = sample(integer({ min: -719_000, max: 2_900_000 }), { numRuns: 250, seed: 4 });
  const rows = [...doubles, ...powers, ...edges].map((many, n) => {
    const ms = (days[n % days.length] ?? 0) * 86_400_000;
    const day = new Date(ms).toISOString().slice(0, 10);
    const at = `${day} 13:14:${String(n % 60).padStart(2, '0')}.${String((n * 7919) % 1_000_000).padStart(6, '0')}+00`;
    return { n, many, real: Math.fround((n - 300) * 1.1e-3 * 10 ** (n % 17)), at, day };
  });
  const texts = rows.map(({ n, many, real, at, day }) => `(${n}, '${many}', '${real}', '${at}', '${day}')`);
  await own.sql(`INSERT INTO "values" VALUES ${texts.join(', ')}`);
  await own.land('values', rows);
  expect(await own.report('values')).toMatchObject({ rows: { lake: rows.length }, named: [] });
});
