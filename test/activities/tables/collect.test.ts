import { describe, expect, test } from 'vitest';
import { ITEMS, SEQUENCE, type Shop, openShop, sequence } from './table-shop.ts';

const HEAD = 'Op,id,name,seq\n';
const TABLE = 'public.items';
const two = { 'public.items': ITEMS, 'public.others': ITEMS };

const change = (n: number, op: string, id: number, name = `name ${n}`) =>
  `${HEAD}${op},${id},${op === 'D' ? 'NULL' : name},${sequence(n)}\n`;

/** Loaded, collected and ready: one row, and one change. */
async function loadedShop(options: Parameters<typeof openShop>[0] = {}): Promise<Shop> {
  const shop = await openShop(options);
  shop.loading();
  shop.land('LOAD00000001.csv', `${HEAD}I,1,one,\n`);
  shop.loaded(1);
  shop.land('20261124-201500123.csv', change(1, 'I', 2));
  await shop.lake.collectAll();
  return shop;
}

const NAMES = 'id::VARCHAR AS id, name';

describe('a load that is made again', () => {
  test('is a generation of its own, takes back what was before, and has what its changes left', async () => {
    const shop = await loadedShop();
    shop.land('20261124-201600123.csv', change(2, 'U', 1));
    shop.loading();
    shop.land('LOAD00000001.csv', `${HEAD}I,1,again,\n`);
    shop.loaded(1);
    shop.land('20261124-201800123.csv', change(3, 'I', 4));
    await shop.lake.collectAll();
    expect(await shop.lake.story(TABLE)).toEqual([
      '1 earliest',
      '1 begin/',
      '1 load/LOAD00000001.csv | 1/LOAD00000001.csv 1 rows',
      '1 cdc/20261124-201500123.csv | 20261124-201500123.csv 1 rows',
      '1 ready/ | ready',
      '1 cdc/20261124-201600123.csv | 20261124-201600123.csv 1 rows',
      '2 begin/',
      '2 load/LOAD00000001.csv | 2/LOAD00000001.csv 1 rows',
      '2 cdc/20261124-201800123.csv | 20261124-201800123.csv 1 rows',
      '2 ready/ | ready',
    ]);
    const ready = (await shop.lake.entries(TABLE)).at(-1);
    const [retracted] = ready?.retracts ?? [];
    const lost = Object.values(retracted?.partitions ?? {}).reduce((sum, { rows }) => sum + rows, 0);
    expect(retracted).toMatchObject({ feed: 'shop.public.items', lane: 0, belowGeneration: 2 });
    expect(lost).toBe(3);
    expect(await shop.lake.current(TABLE, NAMES)).toEqual([
      { id: '1', name: 'again' },
      { id: '4', name: 'name 3' },
    ]);
    expect((await shop.lake.verify()).findings).toEqual([]);
  });

  test('is collected again though it lands the same bytes', async () => {
    const shop = await loadedShop();
    shop.loading();
    shop.land('LOAD00000001.csv', `${HEAD}I,1,one,\n`);
    shop.loaded(1);
    await shop.lake.collectAll();
    expect(await shop.lake.current(TABLE, NAMES)).toEqual([{ id: '1', name: 'one' }]);
    const raw = (await shop.lake.entries(TABLE)).flatMap((entry) => entry.raw.map(({ uri }) => uri));
    expect(new Set(raw).size).toBe(3);
  });

  test('leaves alone what an earlier one left behind', async () => {
    const shop = await openShop();
    shop.loading();
    shop.land('LOAD00000001.csv', `${HEAD}I,1,one,\n`);
    shop.land('LOAD00000002.csv', `${HEAD}I,2,two,\n`);
    shop.loaded(2);
    await shop.lake.collectAll();
    shop.loading();
    shop.land('LOAD00000001.csv', `${HEAD}I,1,again,\n`);
    shop.loaded(1);
    await shop.lake.collectAll();
    expect(await shop.lake.current(TABLE, NAMES)).toEqual([{ id: '1', name: 'again' }]);
  });

  test('of a table that is empty by then leaves nothing', async () => {
    const shop = await loadedShop();
    shop.loading();
    shop.loaded(0);
    await shop.lake.collectAll();
    expect(await shop.lake.current(TABLE, NAMES)).toEqual([]);
  });
});

test('a live read has what the first generation came to, and deletes are gone', async () => {
  const shop = await loadedShop();
  shop.land(
    '20261124-201600123.csv',
    `${HEAD}U,1,uno,${sequence(2)}\nD,2,NULL,${sequence(3)}\nI,3,tres,${sequence(4)}\n`,
  );
  await shop.lake.collectAll();
  expect(await shop.lake.live('SELECT id::VARCHAR AS id, name FROM items ORDER BY items.id')).toEqual([
    { id: '1', name: 'uno' },
    { id: '3', name: 'tres' },
  ]);
});

test('changes that land again under another name, with old or new numbers, leave the rows as they were', async () => {
  const shop = await loadedShop();
  const lines = [`U,1,first,${sequence(2)}`, `U,1,second,${sequence(3)}`, `D,2,NULL,${sequence(4)}`];
  shop.land('20261124-201600123.csv', `${HEAD}${lines.join('\n')}\n`);
  await shop.lake.collectAll();
  const right = [{ id: '1', name: 'second' }];
  expect(await shop.lake.current(TABLE, NAMES)).toEqual(right);
  shop.land('20261124-201700123.csv', `${HEAD}${lines.join('\n')}\n`);
  await shop.lake.collectAll();
  expect(await shop.lake.current(TABLE, NAMES)).toEqual(right);
  const anew = [`U,1,first,${sequence(12)}`, `U,1,second,${sequence(13)}`, `D,2,NULL,${sequence(14)}`];
  shop.land('20261124-201800123.csv', `${HEAD}${anew.join('\n')}\n`);
  await shop.lake.collectAll();
  expect(await shop.lake.current(TABLE, NAMES)).toEqual(right);
});

test('changes around midnight, and where a clock goes back, are taken in the order in which they landed', async () => {
  const shop = await openShop({ type: 'cdc', s3: { DatePartitionEnabled: true }, rules: [] });
  shop.clock.at = Date.parse('2026-10-24T23:59:55.000Z');
  const head = 'Op,id,name\n';
  shop.land('2026/10/24/20261025-015956000.csv', `${head}I,1,a\n`);
  await shop.lake.collectAll();
  shop.land('2026/10/25/20261025-025958000.csv', `${head}U,1,b\n`);
  shop.land('2026/10/24/20261025-015957500.csv', `${head}U,1,c\n`);
  await shop.lake.collectAll();
  shop.land('2026/10/25/20261025-020001000.csv', `${head}U,1,d\n`);
  shop.land('2026/10/25/20261025-015900000.csv', `${head}U,1,e\n`);
  await shop.lake.collectAll();
  expect(await shop.lake.rows(TABLE, 'SELECT name FROM r ORDER BY filename, _row')).toEqual(
    ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name })),
  );
});

test('a worker that starts again goes on where the chain ends', async () => {
  const shop = await loadedShop();
  shop.lake.restart();
  shop.land('20261124-201600123.csv', change(2, 'U', 1));
  expect(await shop.lake.collect()).toMatchObject({ landings: 1, rows: 1, entries: 1 });
  shop.lake.restart();
  expect(await shop.lake.collect()).toMatchObject({ landings: 0, entries: 0, outcome: 'time' });
});

test('two attempts at once take every landing once', async () => {
  const shop = await openShop();
  shop.loading();
  for (let n = 1; n <= 9; n += 1) shop.land(`LOAD0000000${n}.csv`, `${HEAD}I,${n},name ${n},\n`);
  shop.loaded(9);
  const [one, other] = [shop.lake.wire(), shop.lake.wire()];
  const input = { source: 'shop', waiting: [], absent: {}, drain: false };
  await Promise.all([shop.lake.run(one.collectTables, input), shop.lake.run(other.collectTables, input)]);
  await shop.lake.collectAll();
  expect(
    await shop.lake.rows(
      TABLE,
      'SELECT count(*)::INTEGER AS rows, count(DISTINCT id)::INTEGER AS ids FROM r',
    ),
  ).toEqual([{ rows: 9, ids: 9 }]);
});

test('a landing that DMS writes again while it is read is read as it is then, and never mixed', async () => {
  const shop = await openShop();
  shop.loading();
  shop.land('LOAD00000001.csv', `${HEAD}I,1,one,\nI,2,two,\n`);
  shop.loaded(2);
  shop.landings.beforeRead(() =>
    shop.landings.put(
      shop.nameOf('LOAD00000001.csv'),
      `${HEAD}I,8,eight,\nI,9,nine,\n`,
      new Date(shop.clock.at).toISOString(),
    ),
  );
  await shop.lake.collectAll();
  expect(await shop.lake.current(TABLE, 'id::VARCHAR AS id')).toEqual([{ id: '8' }, { id: '9' }]);
});

test('only what may be new is listed, and nothing that lands late is missed', async () => {
  const shop = await openShop({ type: 'cdc' });
  const at = Date.parse('2026-11-24T00:00:00.000Z');
  const name = (hour: number) => new Date(at + hour * 3_600_000).toISOString().replaceAll(/\D/g, '');
  const landingOf = (hour: number) => `${name(hour).slice(0, 8)}-${name(hour).slice(8)}.csv`;
  for (let hour = 0; hour < 100; hour += 1) shop.land(landingOf(hour), change(hour, 'I', hour));
  await shop.lake.collectAll();
  const before = shop.landings.listed;
  shop.land(landingOf(74.2), change(200, 'I', 200));
  shop.land(landingOf(100), change(201, 'I', 201));
  shop.counts({ inserts: 201 });
  expect(await shop.lake.collect()).toMatchObject({ outcome: 'time' });
  shop.land(landingOf(74.5), change(202, 'I', 202));
  shop.counts({ inserts: 202 });
  await shop.lake.collectAll();
  expect(shop.landings.listed - before).toBeLessThan(150);
  expect(await shop.lake.rows(TABLE, 'SELECT count(*)::INTEGER AS n FROM r')).toEqual([{ n: 103 }]);
});

describe('a table that cannot go on waits alone', () => {
  test('at a landing that nobody can read, with those before it taken, until it is skipped', async () => {
    const shop = await openShop({ tables: two });
    for (const table of ['items', 'others']) {
      shop.loading(undefined, table);
      shop.land('LOAD00000001.csv', `${HEAD}I,1,one,\n`, table);
      shop.loaded(1, table);
    }
    shop.land('20261124-201500123.csv', change(1, 'U', 1, 'first'));
    shop.land(
      '20261124-201600123.parquet',
      (
        await shop.parquet(`SELECT 'U' AS "Op", 1::BIGINT AS id, 'x' AS name, '${sequence(2)}' AS seq`)
      ).subarray(0, 200),
    );
    shop.land('20261124-201700123.csv', change(3, 'U', 1, 'last'));
    shop.land('20261124-201700123.csv', change(3, 'U', 1, 'other'), 'others');
    const found = await shop.lake.collect();
    expect(found.parked).toMatchObject([
      { item: TABLE, failure: 'LandingUnreadable', allowed: ['retry', 'skip', 'reload', 'abort'] },
    ]);
    expect(found.parked[0]?.message).toMatch(/^public.items 20261124-201600123.parquet: DuckDB says/);
    expect(await shop.lake.current('public.others', NAMES)).toEqual([{ id: '1', name: 'other' }]);
    expect((await shop.lake.story(TABLE)).at(-1)).toContain('20261124-201500123.csv');

    expect(await shop.lake.collect({ waiting: [TABLE] })).toMatchObject({ parked: [], entries: 0 });
    expect(await shop.lake.decide({ tables: [TABLE], action: 'skip' })).toEqual({ entries: 1 });
    expect(await shop.lake.decide({ tables: [TABLE], action: 'skip' })).toEqual({ entries: 0 });
    await shop.lake.collectAll();
    expect(await shop.lake.current(TABLE, NAMES)).toEqual([{ id: '1', name: 'last' }]);
    const skipped = (await shop.lake.entries(TABLE))
      .flatMap(({ items = [] }) => items)
      .find(({ state }) => state === 'skipped');
    expect(skipped?.reason).toMatch(/^ana: a test \(DuckDB says/);
  });

  test('with a page of Parquet that is broken, though its footer is whole', async () => {
    const shop = await loadedShop();
    const body = Buffer.from(
      await shop.parquet(
        `SELECT 'U' AS "Op", i::BIGINT AS id, md5(i::VARCHAR) AS name, '${sequence(2)}' AS seq FROM range(10000) t(i)`,
      ),
    );
    body.fill(0xff, 2000, 60_000);
    shop.land('20261124-201600123.csv', change(2, 'U', 1, 'before'));
    shop.land('20261124-201700123.parquet', body);
    const found = await shop.lake.collect();
    expect(found.parked).toMatchObject([{ item: TABLE, failure: 'LandingUnreadable' }]);
    expect(await shop.lake.current(TABLE, NAMES)).toContainEqual({ id: '1', name: 'before' });
  });

  test('whose columns have changed, until a person takes it that one is gone', async () => {
    const shop = await loadedShop();
    shop.land('20261124-201600123.csv', `Op,id,label,seq\nU,1,new,${sequence(2)}\n`);
    const found = await shop.lake.collect();
    expect(found.parked).toMatchObject([
      { item: TABLE, failure: 'ColumnsChanged', allowed: ['retry', 'approve', 'reload', 'abort'] },
    ]);
    expect(found.parked[0]?.message).toBe(
      'public.items 20261124-201600123.csv: it has no column name: its columns are Op, id, label, seq; right would be seq, id, name',
    );
    await shop.lake.collectAll({ absent: { [TABLE]: ['name'] } });
    expect(await shop.lake.current(TABLE, NAMES)).toContainEqual({ id: '1', name: null });
  });

  test('whose changes have lost their numbers, which nobody can do without', async () => {
    const shop = await loadedShop();
    shop.land('20261124-201600123.csv', 'Op,id,name\nU,1,new\n');
    const { parked } = await shop.lake.collect();
    expect(parked).toMatchObject([
      { item: TABLE, failure: 'ColumnsChanged', allowed: ['retry', 'reload', 'abort'] },
    ]);
    expect(parked[0]?.message).toContain('it has no column seq');
  });

  test('and where more wait than a result may hold, the next stretch tells of the others', async () => {
    const shop = await openShop({ tables: two, type: 'cdc' });
    const header = `Op,id,${'x'.repeat(500_000)},seq\n`;
    for (const table of ['items', 'others']) shop.land('20261124-201600123.csv', header, table);
    const first = (await shop.lake.collect()).parked.map(({ item }) => item);
    expect(first).toHaveLength(1);
    const second = (await shop.lake.collect({ waiting: first })).parked.map(({ item }) => item);
    expect([...first, ...second].toSorted()).toEqual(Object.keys(two));
  });

  test('whose types cannot be the declared ones', async () => {
    const shop = await loadedShop();
    shop.land(
      '20261124-201600123.parquet',
      await shop.parquet(
        `SELECT 'U' AS "Op", TIMESTAMP '2026-01-01' AS id, 'x' AS name, '${sequence(2)}' AS seq`,
      ),
    );
    const { parked } = await shop.lake.collect();
    expect(parked).toMatchObject([
      { item: TABLE, failure: 'ColumnsChanged', allowed: ['retry', 'reload', 'abort'] },
    ]);
    expect(parked[0]?.message).toContain('column id is TIMESTAMP; right would be BIGINT');
  });

  test('whose landings its source took away, until they are loaded again or missed no more', async () => {
    const shop = await loadedShop();
    for (const name of ['LOAD00000001.csv', '20261124-201500123.csv'])
      shop.landings.remove(shop.nameOf(name));
    shop.land('20261124-201550123.csv', change(5, 'I', 7));
    shop.counts({ inserts: 1 });
    await shop.lake.collectAll();
    shop.counts({ ddls: 1 });
    const found = await shop.lake.collect();
    expect(found.parked).toMatchObject([
      { item: TABLE, failure: 'LandingsGone', allowed: ['reload', 'skip', 'abort'] },
    ]);
    expect(await shop.lake.decide({ tables: [TABLE], action: 'skip' })).toEqual({ entries: 1 });
    expect(await shop.lake.collectAll()).toMatchObject({ parked: [] });
    shop.land('20261124-201600123.csv', change(2, 'I', 3));
    shop.counts({ inserts: 2 });
    shop.lake.restart();
    expect(await shop.lake.collectAll()).toMatchObject({ parked: [] });
    expect(await shop.lake.rows(TABLE, 'SELECT count(*)::INTEGER AS n FROM r')).toEqual([{ n: 4 }]);
    const { signal } = new AbortController();
    for (const { uri } of (await shop.lake.entries(TABLE)).flatMap(({ raw }) => raw))
      expect(await shop.lake.store.head(uri.replace('s3://lake/', ''), signal)).toBeDefined();
  });

  test('whose source took it away, though DMS said so after more had landed', async () => {
    const shop = await openShop({ type: 'cdc' });
    shop.land('20261124-201500123.csv', change(1, 'I', 2));
    await shop.lake.collectAll();
    shop.landings.remove(shop.nameOf('20261124-201500123.csv'));
    shop.land('20261124-201600123.csv', change(2, 'I', 3));
    shop.counts({ inserts: 2 });
    await shop.lake.collectAll();
    shop.counts({ ddls: 1 });
    const { parked } = await shop.lake.collect();
    expect(parked).toMatchObject([{ item: TABLE, failure: 'LandingsGone' }]);
    expect(parked[0]?.message).toContain('20261124-201500123.csv was collected in generation 1 and is gone');
    expect(await shop.lake.decide({ tables: [TABLE], action: 'skip' })).toEqual({ entries: 1 });
    expect(await shop.lake.collectAll()).toMatchObject({ parked: [] });
    shop.land('20261124-201700123.csv', change(3, 'I', 4));
    shop.lake.restart();
    expect(await shop.lake.collectAll()).toMatchObject({ parked: [] });
  });

  test('whose landing cannot be read where it is, and one that was taken may be anywhere', async () => {
    const shop = await openShop({ tables: two, type: 'cdc' });
    for (const table of ['items', 'others']) shop.land('20261124-201500123.csv', change(1, 'I', 2), table);
    await shop.lake.collectAll();
    shop.landings.archive(shop.nameOf('20261124-201500123.csv'));
    for (const table of ['items', 'others']) shop.land('20261124-201600123.csv', change(2, 'I', 3), table);
    shop.lake.restart();
    expect(await shop.lake.collectAll()).toMatchObject({ parked: [] });
    for (const table of ['items', 'others']) shop.land('20261124-201700123.csv', change(3, 'I', 4), table);
    shop.landings.archive(shop.nameOf('20261124-201700123.csv'));
    const found = await shop.lake.collect();
    expect(found.parked).toMatchObject([
      { item: TABLE, failure: 'SourceChanged', allowed: ['retry', 'abort'] },
    ]);
    expect(found.parked[0]?.message).toContain('20261124-201700123.csv: it is archived');
    expect(await shop.lake.current('public.others', NAMES)).toHaveLength(3);
  });

  test('whose load lacks rows, until a person takes it so', async () => {
    const shop = await openShop({ pacing: { doubts: 3 } });
    shop.loading();
    shop.land('LOAD00000001.csv', `${HEAD}I,1,one,\n`);
    shop.loaded(2);
    expect(await shop.lake.collect()).toMatchObject({ parked: [] });
    expect(await shop.lake.collect()).toMatchObject({ parked: [] });
    const { parked } = await shop.lake.collect();
    expect(parked).toEqual([
      {
        item: TABLE,
        failure: 'LoadIncomplete',
        message: 'DMS loaded 2 rows of public.items; the 1 landings of generation 1 have 1',
        allowed: ['retry', 'reload', 'approve', 'abort'],
      },
    ]);
    expect(await shop.lake.current(TABLE, NAMES)).toEqual([]);
    expect(await shop.lake.decide({ tables: [TABLE], action: 'approve' })).toEqual({ entries: 1 });
    expect(await shop.lake.current(TABLE, NAMES)).toEqual([{ id: '1', name: 'one' }]);
  });

  test('that its task does not have, or has in error', async () => {
    const shop = await openShop({ tables: two });
    shop.counts({ state: 'Table error' }, 'items');
    shop.dms.setTable('shop-cdc', 'public.others', 'Table error');
    const { parked } = await shop.lake.collect();
    expect(parked.map(({ item, failure }) => `${item} ${failure}`).toSorted()).toEqual([
      'public.items TableNotCaptured',
      'public.others TableNotCaptured',
    ]);
  });

  test('whose changes DMS wrote over', async () => {
    const shop = await loadedShop();
    shop.land('20261124-201500123.csv', change(2, 'U', 1));
    const { parked } = await shop.lake.collect();
    expect(parked).toMatchObject([
      { item: TABLE, failure: 'LandingUnreadable', allowed: ['retry', 'reload', 'abort'] },
    ]);
    expect(parked[0]?.message).toContain('with other bytes');
    shop.land('20261124-201500123.csv', change(1, 'I', 2));
    shop.lake.restart();
    expect(await shop.lake.collect()).toMatchObject({ parked: [], entries: 0 });
  });
});

test('a task that stands is drained once all that it landed is taken and its load is ready', async () => {
  const shop = await openShop({ type: 'full-load' });
  shop.loading();
  shop.land('LOAD00000001.csv', `${HEAD}I,1,one,\n`);
  shop.loaded(1);
  expect(await shop.lake.collect({ drain: true })).toMatchObject({ outcome: 'time' });
  shop.dms.becomes('shop-cdc', { status: 'stopped', stopReason: 'Stop Reason FULL_LOAD_ONLY_FINISHED' });
  const drained = await shop.lake.collect({ drain: true });
  expect(drained).toMatchObject({ outcome: 'drained', entries: 0, total: 1 });
  expect(drained.tables).toMatchObject([
    {
      table: TABLE,
      feed: 'shop.public.items',
      generation: 1,
      ready: true,
      phase: 'ready',
      ordinal: 4,
      state: 'Table completed',
    },
  ]);
});

test('a task that stands is not drained while DMS shows the load before the one that landed', async () => {
  const shop = await openShop({ type: 'full-load', pacing: { doubts: 3, stretchMs: 50 } });
  shop.loading();
  shop.land('LOAD00000001.csv', `${HEAD}I,1,one,\n`);
  shop.loaded(1);
  shop.dms.becomes('shop-cdc', { status: 'stopped' });
  expect(await shop.lake.collectAll({ drain: true })).toMatchObject({ outcome: 'drained' });
  const began = new Date(shop.clock.at).toISOString();
  shop.land('LOAD00000001.csv', `${HEAD}I,2,two,\n`);
  const { parked } = await shop.lake.collect({ drain: true });
  expect(parked).toMatchObject([
    { item: TABLE, failure: 'LoadIncomplete', allowed: ['retry', 'reload', 'abort'] },
  ]);
  shop.loading(began);
  shop.loaded(1);
  expect(await shop.lake.collectAll({ drain: true })).toMatchObject({ outcome: 'drained', parked: [] });
  expect(await shop.lake.current(TABLE, NAMES)).toEqual([{ id: '2', name: 'two' }]);
});

test('names that DMS does not write are told and left alone', async () => {
  const shop = await loadedShop();
  shop.land('notes.txt', 'mine');
  shop.lake.restart();
  const { tables, parked } = await shop.lake.collect();
  expect(parked).toEqual([]);
  expect(tables[0]?.notes).toEqual(['no landings, by their names, and left alone: notes.txt']);
});

test('tables that rules land under other names are found there', async () => {
  const rename = {
    'rule-type': 'transformation',
    'rule-id': '9',
    'rule-target': 'table',
    'object-locator': { 'schema-name': 'public', 'table-name': 'i%' },
    'rule-action': 'add-suffix',
    value: '_v2',
  };
  const shop = await openShop({ type: 'cdc', rules: [SEQUENCE, rename] });
  shop.land('20261124-201500123.csv', change(1, 'I', 2), 'items_v2');
  await shop.lake.collectAll();
  expect(await shop.lake.current(TABLE, NAMES)).toEqual([{ id: '2', name: 'name 1' }]);
});

test('changes without a load are whole from the beginning', async () => {
  const shop = await openShop({ type: 'cdc' });
  shop.land('20261124-201500123.csv', change(1, 'I', 2));
  await shop.lake.collectAll();
  expect(await shop.lake.story(TABLE)).toEqual([
    '1 earliest',
    '1 begin/',
    '1 cdc/20261124-201500123.csv | 20261124-201500123.csv 1 rows',
    '1 ready/ | ready',
  ]);
});

describe('a database is checked', () => {
  test('for settings that lose data or break order, each with the JSON that mends it', async () => {
    const shop = await openShop({ s3: { CdcInsertsOnly: true } });
    const { task, migrationType, tables, findings } = await shop.lake.check();
    expect({ task, migrationType, tables }).toEqual({
      task: shop.arn,
      migrationType: 'full-load-and-cdc',
      tables: [TABLE],
    });
    const s3 = findings.find(
      ({ item }) =>
        item === 'shop-cdc s3 CdcInsertsOnly+TimestampColumnName+UseTaskStartTimeForFullLoadTimestamp',
    );
    expect(s3?.message).toContain('CdcInsertsOnly is true, which loses data');
    expect(s3?.message).toContain('"CdcInsertsOnly":false');
  });

  test('for another task that writes to its endpoint', async () => {
    const shop = await openShop();
    const other = shop.dms.create('shop-too', 'cdc');
    const { findings } = await shop.lake.check();
    expect(findings.some(({ message }) => message.startsWith(`${other} write to `))).toBe(true);
  });

  test('each thing by itself: who lets one pass lets no other pass', async () => {
    const folded = {
      ...SEQUENCE,
      'rule-id': '9',
      'rule-target': 'table',
      'rule-action': 'rename',
      value: 'one',
    };
    const shop = await openShop({ tables: two, type: 'full-load', rules: [SEQUENCE, folded] });
    shop.dms.create('shop-too', 'full-load');
    const { findings } = await shop.lake.check();
    const others = findings.filter(({ item }) => !/^shop-cdc (s3|task|mappings) /.test(item));
    expect(others.map(({ item, allowed }) => `${item}: ${allowed.join(', ')}`)).toEqual([
      'shop-cdc writers: retry, approve',
      'shop-cdc s3://landing/in/public/one: retry',
      'shop-cdc type: retry',
    ]);
  });

  test('for a table that lands among the files of another', async () => {
    const shop = await openShop({ tables: { 'public.items': ITEMS, 'public.items/2026': ITEMS } });
    const { findings } = await shop.lake.check();
    const found = findings.find(({ item }) => item === 'shop-cdc s3://landing/in/public/items/2026');
    expect(found?.message).toContain('among the files of public.items in s3://landing/in/public/items;');
    expect(found?.allowed).toEqual(['retry']);
  });

  test('for tables whose changes no rule numbers, where it numbers others', async () => {
    const locator = { 'schema-name': 'public', 'table-name': 'items' };
    const shop = await openShop({ tables: two, rules: [{ ...SEQUENCE, 'object-locator': locator }] });
    const { findings } = await shop.lake.check();
    const found = findings.find(({ item }) => item === 'shop-cdc unnumbered');
    expect(found?.message).toContain('adds AR_H_CHANGE_SEQ to public.others, as');
    expect(found?.allowed).toEqual(['retry', 'approve']);
  });
});
