import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { lakeJsonSchema } from '../../config/lake-json-schema.ts';
import { problemsOf, read } from './good-lake.ts';

/** A lake whose database has nothing wrong in it. */
const SHOP = `lake: { name: travel, bucket: travel-lake }
sources:
  shop:
    kind: database
    dms: { task: shop-cdc }
    tables:
      - public.customers
      - public.Bookings
  books: { kind: kinesis, stream: books, format: { json: {} }, columns: { id: string } }
datasets:
  customers:
    merge: latest
    key: [id]
    partition: { buckets: 4 }
    columns: { id: bigint, name: string }
    feeds: { shop.public.customers: { role: speed } }
  bookings:
    merge: latest
    key: [id]
    version: revision
    partition: { day: booked_at, fixed: true }
    columns: { id: bigint, booked_at: timestamp, revision: bigint }
    feeds: { shop.public.Bookings: { role: speed } }
`;

function specOf(text: string) {
  const reading = read(text);
  if (reading.kind === 'refused') throw new Error(JSON.stringify(reading.problems));
  return reading.spec;
}

/** The problems, once `from` is replaced in the good file. */
function problems(from: string, to: string): string[] {
  expect(SHOP).toContain(from);
  return problemsOf(SHOP.replace(from, () => to));
}

test('tables of a list take the columns of the datasets they feed, and every default is written in', () => {
  expect(specOf(SHOP).sources['shop']).toEqual({
    kind: 'database',
    dms: { task: 'shop-cdc' },
    tables: {
      'public.customers': {
        feed: 'shop.public.customers',
        columns: { id: 'bigint', name: 'string', _change: 'decimal(38,0)' },
      },
      'public.Bookings': {
        feed: 'shop.public.bookings-3e6fbef6',
        columns: { id: 'bigint', booked_at: 'timestamp', revision: 'bigint', _change: 'decimal(38,0)' },
      },
    },
    replicate: 'continuous',
    everyMs: 10_000,
  });
});

test('a dataset of one table that declares no version has the change as its version', () => {
  const { customers, bookings } = specOf(SHOP).datasets;
  expect(customers).toMatchObject({
    version: '_change',
    columns: { id: 'bigint', name: 'string', _change: 'decimal(38,0)' },
  });
  expect(bookings).toMatchObject({
    version: 'revision',
    columns: { id: 'bigint', booked_at: 'timestamp', revision: 'bigint' },
  });
  expect(bookings?.columns).not.toHaveProperty('_change');
});

test('a dataset names a table in its own case, or by the id of its feed', () => {
  const feed = 'shop.public.bookings-3e6fbef6';
  const use = { role: 'speed', visible: 'commit', map: {} };
  expect(specOf(SHOP).datasets['bookings']?.feeds).toEqual({ [feed]: use });
  const byId = SHOP.replace('{ shop.public.Bookings: ', `{ ${feed}: `);
  expect(specOf(byId).datasets['bookings']?.feeds).toEqual({ [feed]: use });
});

test('tables may be a map with columns of their own, which a dataset maps', () => {
  const text = SHOP.replace(
    '      - public.customers\n      - public.Bookings\n',
    `      public.customers: { columns: { id: bigint, full_name: string } }\n      public.Bookings: {}\n`,
  ).replace(
    'shop.public.customers: { role: speed }',
    'shop.public.customers: { role: speed, map: { name: full_name } }',
  );
  const { sources, datasets } = specOf(text);
  expect(sources['shop']).toMatchObject({
    tables: {
      'public.customers': { columns: { id: 'bigint', full_name: 'string', _change: 'decimal(38,0)' } },
    },
  });
  expect(datasets['customers']).toMatchObject({ version: '_change' });
});

test('loads and changes may have a schedule', () => {
  const text = SHOP.replace(
    '    tables:',
    '    replicate: load\n    schedule: { every: 1d }\n    every: 30s\n    tables:',
  );
  expect(specOf(text).sources['shop']).toMatchObject({
    replicate: 'load',
    everyMs: 30_000,
    schedule: { everyMs: 86_400_000 },
  });
});

const LIST = '      - public.customers\n      - public.Bookings\n';

test('what apply takes, fits the schema for editors, and what it refuses by shape does not', () => {
  const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(lakeJsonSchema());
  const map = SHOP.replace(
    LIST,
    '      public.customers: { columns: { id: bigint, name: string } }\n      public.Bookings: {}\n',
  );
  for (const text of [SHOP, map]) {
    expect(read(text).kind).toBe('lake');
    expect(validate(parse(text)), JSON.stringify(validate.errors)).toBe(true);
  }
  for (const [from, to] of [
    ['dms: { task: shop-cdc }', 'dms: {}'],
    ['- public.customers', '- customers'],
    ['    tables:', '    replicate: nightly\n    tables:'],
    ['    tables:', '    stream: shop\n    tables:'],
  ] as const)
    expect(validate(parse(SHOP.replace(from, to)))).toBe(false);
});

test.each([
  [
    'a table named twice',
    LIST,
    `${LIST}      - public.customers\n`,
    ['9:9: public.customers stands here a second time: give it once'],
  ],
  [
    'a table that nothing describes',
    LIST,
    `${LIST}      - public.refunds\n`,
    [
      '9:9: columns of public.refunds are missing: no dataset reads shop.public.refunds, so nothing says what they are: write the tables as a map, public.refunds: {columns: {…}}',
    ],
  ],
  [
    'a table without its schema',
    LIST,
    `${LIST}      - refunds\n`,
    ['9:9: tables[2] is "refunds": it must be a table such as public.customers: its schema, ".", its name'],
  ],
  [
    'no tables',
    `    tables:\n${LIST}`,
    '    tables: []\n',
    expect.arrayContaining(['6:5: tables is []: it must name at least one table']),
  ],
  [
    'tables that are neither list nor map',
    `    tables:\n${LIST}`,
    '    tables: public.customers\n',
    [
      '6:5: tables is "public.customers": it must be a list such as [public.customers], or a map such as {public.customers: {columns: {…}}}',
    ],
  ],
  [
    'a key misspelt at a table of a map',
    LIST,
    '      public.customers: { colums: { id: bigint } }\n      public.Bookings: {}\n',
    ['7:27: colums is no key here: did you mean columns?'],
  ],
  [
    'a type that is none, at a table of a map',
    LIST,
    '      public.customers: { columns: { id: int8 } }\n      public.Bookings: {}\n',
    [
      '7:38: id is "int8": it must be one of string, boolean, integer, bigint, double, date, timestamp, decimal(18,2)',
    ],
  ],
  [
    'a table that is no source by itself',
    '{ shop.public.customers: ',
    '{ shop.public.custmers: ',
    [
      '7:9: columns of public.customers are missing: no dataset reads shop.public.customers, so nothing says what they are: write the tables as a map, public.customers: {columns: {…}}',
      '16:14: shop.public.custmers is no table of shop; there are: books, shop.public.customers, shop.public.Bookings',
    ],
  ],
  [
    'a database for a feed',
    'feeds: { shop.public.Bookings: ',
    'feeds: { shop: ',
    expect.arrayContaining([
      '23:14: shop is no table of shop; there are: books, shop.public.customers, shop.public.Bookings',
    ]),
  ],
  [
    'a table as a batch',
    'shop.public.customers: { role: speed',
    'shop.public.customers: { role: batch',
    ['16:39: role is "batch": a table must be speed: it holds what is so now, not what was so over a time'],
  ],
  [
    'several tables under latest without a version',
    'feeds: { shop.public.customers: { role: speed } }',
    'feeds: { shop.public.customers: { role: speed }, shop.public.Clients: { role: speed } }',
    expect.arrayContaining([
      '11:3: version is missing: under latest, several feeds need a column whose greatest value wins',
    ]),
  ],
  [
    'a table of two datasets',
    'feeds: { shop.public.Bookings: { role: speed } }',
    'feeds: { shop.public.Bookings: { role: speed }, shop.public.customers: { role: speed } }',
    ['23:53: shop.public.customers feeds customers already: a feed serves at most one dataset'],
  ],
  [
    'a partition by what a change may move',
    '{ day: booked_at, fixed: true }',
    '{ day: booked_at }',
    [
      '21:5: a key must determine its partition: make booked_at part of the key, or say fixed: true where it never changes for a key',
    ],
  ],
  [
    'a schedule of what never ends',
    '    tables:',
    '    schedule: { every: 1d }\n    tables:',
    [
      '6:5: schedule has no meaning under replicate: continuous, which never ends: leave it out, or replicate load or changes',
    ],
  ],
  [
    'a way to replicate that is none',
    '    tables:',
    '    replicate: nightly\n    tables:',
    ['6:5: replicate is "nightly": it must be continuous, load or changes'],
  ],
  [
    'a look without a pause',
    '    tables:',
    '    every: 0s\n    tables:',
    ['6:5: every is 0: it must be at least 1s'],
  ],
  [
    'a database without a task',
    'dms: { task: shop-cdc }',
    'dms: {}',
    ['5:5: task is missing: it must be a text'],
  ],
  [
    'a key of another kind of source',
    '    tables:',
    '    stream: shop\n    tables:',
    [
      '6:5: stream is no key here: correct its spelling or leave it out; there are: kind, dms, tables, replicate, every, schedule',
    ],
  ],
  [
    'a source with the name of a table',
    '  books: {',
    '  shop.public.customers: {',
    expect.arrayContaining([
      '7:9: shop.public.customers is the name of another feed: rename one of the sources',
    ]),
  ],
  [
    'a column that a table does not have',
    LIST,
    '      public.customers: { columns: { id: bigint } }\n      public.Bookings: {}\n',
    ['16:14: shop.public.customers has no column name: map it, as in map: {name: <its column>}'],
  ],
  [
    'a column that every table has',
    'columns: { id: bigint, name: string }',
    'columns: { id: bigint, name: string, _change: bigint }',
    [
      '15:42: _change is no name for it: it must be a column name such as paid_at: a-z, 0-9, "_", beginning with a letter',
    ],
  ],
])('%s is refused with its place', (_what, from, to, expected) => {
  expect(problems(from, to)).toEqual(expected);
});

test('a task is of one source: two would start and stop it for each other', () => {
  const second = `  again: { kind: database, dms: { task: Shop-CDC }, tables: { public.more: { columns: { id: bigint } } } }
  books:`;
  expect(problems('  books:', second)).toEqual([
    expect.stringContaining('Shop-CDC is the task of shop already: declare all of its tables there'),
  ]);
});
