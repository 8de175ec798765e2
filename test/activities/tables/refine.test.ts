import { describe, expect, test } from 'vitest';
import { IMAGES, ITEMS, SEQUENCE, openShop, sequence } from './table-shop.ts';

const HEAD = 'Op,id,name,seq\n';

/** Of the lines of all quarantine. */
async function rejectedOf({ lake }: Awaited<ReturnType<typeof openShop>>, table = 'public.items') {
  const { signal } = new AbortController();
  const lines: { readonly bytes: string }[] = [];
  for (const { rejected } of await lake.entries(table)) {
    for (const { key } of rejected) {
      const body = Buffer.from((await lake.store.get(key, signal)) ?? []).toString();
      for (const line of body.split('\n').filter((one) => one !== '')) lines.push(JSON.parse(line));
    }
  }
  return lines.map(({ bytes, ...rest }) => ({ ...rest, bytes: Buffer.from(bytes, 'base64').toString() }));
}

const KEPT =
  'id::VARCHAR AS id, name, _op, _change::VARCHAR AS change, _row::INTEGER AS row, _extra AS extra';

test('rows of a load are inserts of the moment it began, those of changes are what they say', async () => {
  const shop = await openShop({ s3: { IncludeOpForFullLoad: false } });
  shop.loading('2026-11-24T20:00:01.567Z');
  shop.land('LOAD00000001.csv', `id,name,seq\n1,one,\n2,"t,w""o\n",\n`);
  shop.loaded(2);
  shop.land(
    '20261124-201500123.csv',
    `${HEAD}U,1,ONE,${sequence(1)}\nD,2,NULL,${sequence(2)}\nI,3,,${sequence(3)}\n`,
  );
  await shop.lake.collectAll();
  const load = `2026112420000156${'0'.repeat(19)}`;
  expect(await shop.lake.rows('public.items', `SELECT ${KEPT} FROM r ORDER BY filename, _row`)).toEqual([
    { id: '1', name: 'one', _op: 'I', change: load, row: 2, extra: null },
    { id: '2', name: 't,w"o\n', _op: 'I', change: load, row: 4, extra: null },
    { id: '1', name: 'ONE', _op: 'U', change: sequence(1), row: 2, extra: null },
    { id: '2', name: null, _op: 'D', change: sequence(2), row: 4, extra: null },
    { id: '3', name: '', _op: 'I', change: sequence(3), row: 6, extra: null },
  ]);
  expect(await shop.lake.story('public.items')).toEqual([
    '1 earliest',
    '1 begin/',
    '1 load/LOAD00000001.csv | 1/LOAD00000001.csv 2 rows',
    '1 cdc/20261124-201500123.csv | 20261124-201500123.csv 3 rows',
    '1 ready/ | ready',
  ]);
});

test('where the task numbers no changes, no row has a number and none is missed', async () => {
  const shop = await openShop({ rules: [] });
  shop.loading();
  shop.land('LOAD00000001.csv', 'Op,id,name\nI,1,one\n');
  shop.loaded(1);
  shop.land('20261124-201500123.csv', 'Op,id,name\nU,1,ONE\n');
  const { rejected } = await shop.lake.collect();
  expect(rejected).toBe(0);
  const rows = await shop.lake.rows(
    'public.items',
    'SELECT name, _change AS change FROM r ORDER BY filename',
  );
  expect(rows).toEqual([
    { name: 'one', change: null },
    { name: 'ONE', change: null },
  ]);
});

test('what is wrong with a record is told with its place and its bytes, and the others are rows', async () => {
  const shop = await openShop();
  shop.loading();
  shop.land(
    'LOAD00000001.csv',
    `${HEAD}I,1,one,\nX,2,two,\nI,three,"a ""text""\nof two lines",\nI,NULL,nobody,\nI,5,too,many,\nI,6,six,\n`,
  );
  shop.loaded(6);
  const { rows, rejected } = await shop.lake
    .collectAll()
    .then(() => shop.lake.entries('public.items'))
    .then((entries) => ({
      rows: entries.flatMap((entry) => entry.rows).reduce((sum, one) => sum + one.rows, 0),
      rejected: entries.flatMap((entry) => entry.rejected).reduce((sum, one) => sum + one.rows, 0),
    }));
  expect([rows, rejected]).toEqual([2, 4]);
  expect((await shop.lake.verify()).findings).toEqual([]);
  const lines = await rejectedOf(shop);
  expect(lines).toMatchObject([
    { record: 5, line: 7, reason: 'TooManyColumns', bytes: 'I,5,too,many,' },
    {
      item: '1/LOAD00000001.csv',
      record: 2,
      line: 3,
      reason: 'NotAnOperation',
      column: 'Op',
      bytes: 'X,2,two,',
    },
    { record: 3, line: 4, reason: 'NotABigint', column: 'id', bytes: 'I,three,"a ""text""\nof two lines",' },
    { record: 4, line: 6, reason: 'Missing', column: 'id', bytes: 'I,NULL,nobody,' },
  ]);
  expect(await shop.lake.story('public.items')).toContain(
    '1 load/LOAD00000001.csv | 1/LOAD00000001.csv 2 rows, 4 rejected',
  );
});

test('columns that nobody declared are kept beside, and what DMS adds is not', async () => {
  const shop = await openShop({
    s3: { TimestampColumnName: 'at_commit' },
    rules: [
      SEQUENCE,
      IMAGES,
      { ...SEQUENCE, 'rule-id': '4', value: 'where', expression: '$AR_H_STREAM_POSITION' },
    ],
  });
  shop.loading();
  shop.land(
    'LOAD00000001.csv',
    'Op,at_commit,id,BI_id,NAME,Colour,note,where,seq\nI,2026-11-24 20:00:00.000000,1,NULL,one,red,NULL,,\n',
  );
  shop.loaded(1);
  const { tables } = await shop.lake.collect();
  expect(await shop.lake.rows('public.items', 'SELECT name, _extra AS extra FROM r')).toEqual([
    { name: 'one', extra: '{"Colour":"red","note":null}' },
  ]);
  expect(tables[0]?.notes).toEqual(['undeclared columns kept in _extra: Colour, note']);
});

const CHANGED = [
  ['U', '1', 'still 1', '1', 1],
  ['U', '20', 'was 2', '2', 2],
  ['I', '3', 'new', null, 3],
  ['D', '4', null, null, 4],
] as const;

for (const format of ['csv', 'parquet'] as const) {
  test(`an update that changes the key deletes the old one: ${format}`, async () => {
    const shop = await openShop({ rules: [SEQUENCE, IMAGES] });
    shop.loading();
    shop.loaded(0);
    const csv = CHANGED.map((row) =>
      [...row.slice(0, 4).map((value) => value ?? 'NULL'), sequence(row[4])].join(','),
    );
    const values = CHANGED.map(
      ([op, id, name, old, n]) =>
        `('${op}', ${id}::BIGINT, ${name === null ? 'NULL' : `'${name}'`}, ${old ?? 'NULL'}::BIGINT, '${sequence(n)}')`,
    );
    const body =
      format === 'csv'
        ? `Op,id,name,BI_id,seq\n${csv.join('\n')}\n`
        : await shop.parquet(`SELECT * FROM (VALUES ${values.join(', ')}) t("Op", id, name, "BI_id", seq)`);
    shop.land(`20261124-201500123.${format}`, body);
    shop.land(`20261124-201501123.csv`, `Op,id,name,BI_id,seq\nU,30,was 3,3,${sequence(5)}\n`);
    await shop.lake.collectAll();
    expect(
      await shop.lake.rows(
        'public.items',
        `SELECT id::VARCHAR AS id, name, _op, _row::INTEGER AS row, _change::VARCHAR AS change FROM r ORDER BY filename, _row`,
      ),
    ).toEqual([
      { id: '1', name: 'still 1', _op: 'U', row: 2, change: sequence(1) },
      { id: '2', name: 'was 2', _op: 'D', row: 3, change: sequence(2) },
      { id: '20', name: 'was 2', _op: 'U', row: 4, change: sequence(2) },
      { id: '3', name: 'new', _op: 'I', row: 6, change: sequence(3) },
      { id: '4', name: null, _op: 'D', row: 8, change: sequence(4) },
      { id: '3', name: 'was 3', _op: 'D', row: format === 'csv' ? 9 : 1, change: sequence(5) },
      { id: '30', name: 'was 3', _op: 'U', row: format === 'csv' ? 10 : 2, change: sequence(5) },
    ]);
    const { items = [] } =
      (await shop.lake.entries('public.items')).find(({ rows }) => rows.length > 0) ?? {};
    expect(items.map(({ rows, rejected, spans }) => ({ rows, rejected, spans }))).toEqual([
      { rows: 5, rejected: 0, spans: [{ object: 0, firstRow: 1, records: 8, firstRecord: 1 }] },
      {
        rows: 2,
        rejected: 0,
        spans: [
          format === 'csv'
            ? { object: 0, firstRow: 9, records: 2, firstRecord: 1 }
            : { object: 1, firstRow: 1, records: 2, firstRecord: 1 },
        ],
      },
    ]);
  });
}

const HARD = {
  'public.items': {
    columns: {
      id: 'bigint',
      price: 'decimal(38,10)',
      at: 'timestamp',
      day: 'date',
      bytes: 'string',
      doc: 'string',
      tags: 'string',
      clock: 'string',
      ok: 'boolean',
      ratio: 'double',
      small: 'integer',
      text: 'string',
    },
    key: ['id'],
  },
} as const;

describe('types that hurt', () => {
  const SELECT = `SELECT 'I' AS "Op", 1::BIGINT AS id, '1234567890123456789012345678.0123456789'::DECIMAL(38,10) AS price,
    TIMESTAMP '2026-03-29 01:59:59.123456' AS at, DATE '2026-11-24' AS day, '\\x00\\xFF\\x0A'::BLOB AS bytes,
    '{"a": "x, \\"y\\""}' AS doc, '{1,NULL,"a b"}' AS tags, TIME '23:59:59.5' AS clock, true AS ok, 0.1::DOUBLE AS ratio,
    3::SMALLINT AS small, 'quote " comma , line' || chr(10) || 'cr' || chr(13) || chr(10) || 'nul' || chr(0) || 'é' AS text, '${sequence(1)}' AS seq`;
  const READ = `SELECT id::VARCHAR AS id, price::VARCHAR AS price, "at"::VARCHAR AS "at", day::VARCHAR AS day, bytes, doc, tags,
    clock, ok, ratio, small, text FROM r`;
  const RIGHT = {
    id: '1',
    price: '1234567890123456789012345678.0123456789',
    at: '2026-03-29 01:59:59.123456+00',
    day: '2026-11-24',
    bytes: '00ff0a',
    doc: '{"a": "x, \\"y\\""}',
    tags: '{1,NULL,"a b"}',
    clock: '23:59:59.5',
    ok: true,
    ratio: 0.1,
    small: 3,
    text: 'quote " comma , line\ncr\r\nnul\0é',
  };

  test('are what they were, from Parquet', async () => {
    const shop = await openShop({ tables: HARD });
    shop.loading();
    shop.loaded(0);
    shop.land('20261124-201500123.parquet', await shop.parquet(SELECT));
    await shop.lake.collectAll();
    expect(await shop.lake.rows('public.items', READ)).toEqual([RIGHT]);
  });

  test('and from CSV, gzipped', async () => {
    const shop = await openShop({ tables: HARD });
    shop.loading();
    shop.loaded(0);
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    const { price, day, bytes, doc, tags, clock, text } = RIGHT;
    const fields = [
      'I',
      '1',
      price,
      '2026-03-29 01:59:59.123456',
      day,
      bytes,
      quoted(doc),
      quoted(tags),
      clock,
      'true',
      '0.1',
      '3',
      quoted(text),
      sequence(1),
    ];
    shop.land(
      '20261124-201500123.csv.gz',
      `Op,id,price,at,day,bytes,doc,tags,clock,ok,ratio,small,text,seq\n${fields.join(',')}\n`,
    );
    await shop.lake.collectAll();
    expect(await shop.lake.rows('public.items', READ)).toEqual([RIGHT]);
  });

  test('have one hash, whatever file they came in', async () => {
    const hashes = [];
    for (const format of ['csv', 'parquet'] as const) {
      const shop = await openShop({ tables: { 'public.items': ITEMS } });
      shop.loading();
      shop.loaded(0);
      const body =
        format === 'csv'
          ? `Op,id,name,seq\nI,1,NULL,${sequence(1)}\nU,2,"a,b",${sequence(2)}\n`
          : await shop.parquet(
              `SELECT * FROM (VALUES ('I', 1::BIGINT, NULL, '${sequence(1)}'), ('U', 2, 'a,b', '${sequence(2)}')) t("Op", id, name, seq)`,
            );
      shop.land(`20261124-201500123.${format}`, body);
      await shop.lake.collectAll();
      hashes.push(await shop.lake.rows('public.items', 'SELECT _hash::VARCHAR AS hash FROM r ORDER BY _row'));
    }
    expect(hashes[0]).toEqual(hashes[1]);
  });
});

test('a value that its declared type cannot hold is in quarantine, and never another value', async () => {
  const shop = await openShop({
    tables: { 'public.items': { columns: { id: 'bigint', n: 'decimal(10,2)' }, key: ['id'] } },
  });
  shop.loading();
  shop.loaded(0);
  shop.land(
    '20261124-201500123.parquet',
    await shop.parquet(
      `SELECT 'I' AS "Op", i::BIGINT AS id, (i + 0.125 * (i % 2))::DECIMAL(18,3) AS n, '${sequence(1)}' AS seq FROM range(1, 4) t(i)`,
    ),
  );
  await shop.lake.collectAll();
  expect(await shop.lake.rows('public.items', 'SELECT id::VARCHAR AS id, n::VARCHAR AS n FROM r')).toEqual([
    { id: '2', n: '2.00' },
  ]);
  expect(await rejectedOf(shop)).toMatchObject([
    {
      record: 1,
      reason: 'NotADecimal(10,2)',
      column: 'n',
      bytes: `{"Op":"I","id":1,"n":1.125,"seq":"${sequence(1)}"}`,
    },
    { record: 3, reason: 'NotADecimal(10,2)' },
  ]);
});

test('a large landing becomes several objects, whose spans say which records are where', async () => {
  const shop = await openShop();
  shop.loading();
  const records = 250_000;
  const lines = Array.from({ length: records }, (_, i) => `I,${i === 249_990 ? 'bad' : i + 1},name ${i},`);
  shop.land('LOAD00000001.csv', `${HEAD}${lines.join('\n')}\n`);
  shop.loaded(records);
  await shop.lake.collectAll();
  const entry = (await shop.lake.entries('public.items')).find(({ rows }) => rows.length > 0);
  expect(entry?.rows.map(({ rows }) => rows)).toEqual([245_760, 4239]);
  expect(entry?.items).toMatchObject([
    {
      rows: 249_999,
      rejected: 1,
      spans: [
        { object: 0, firstRow: 1, records: 491_520, firstRecord: 1 },
        { object: 1, firstRow: 491_521, records: 8480, firstRecord: 245_761 },
      ],
    },
  ]);
});

test('a key of all columns may hold nulls; of another key they are missing', async () => {
  for (const [key, rejected] of [
    [['id', 'name'], 0],
    [['id'], 1],
  ] as const) {
    const shop = await openShop({ tables: { 'public.items': { ...ITEMS, key } } });
    shop.loading();
    shop.land('LOAD00000001.csv', 'Op,id,name,seq\nI,1,NULL,\nI,NULL,two,\n');
    shop.loaded(2);
    expect(await shop.lake.collect()).toMatchObject({ rejected, rows: 2 - rejected });
  }
});
