import { expect, test } from 'vitest';
import { folderSource } from './folder-source.ts';

const HEADER = 'id,at,amount\n';
const OLD = `${HEADER}p1,2026-11-20T10:00:00Z,1.00\np2,2026-11-21T10:00:00Z,2.00\n`;
const NEW = `${HEADER}p1,2026-11-20T10:00:00Z,1.00\np3,2026-11-20T11:00:00Z,3.00\n`;
const OTHER = `${HEADER}n1,2026-11-20T10:00:00Z,9.00\n`;

/** `a.csv` was collected together with another file, and comes again with other content. */
async function restated(options: Parameters<typeof folderSource>[0] = {}) {
  const source = await folderSource(options);
  await source.write('0.csv', OTHER);
  await source.write('a.csv', OLD);
  await source.land();
  await source.write('a.csv', NEW, 5);
  return source;
}

test('under append a collected name with new content parks as FileRestated, once', async () => {
  const source = await restated();
  const landed = await source.land();
  expect(landed).toMatchObject({
    collected: 0,
    entries: 1,
    parked: [{ item: 'a.csv', failure: 'FileRestated', allowed: ['skip', 'retract'] }],
  });
  expect(landed?.parked[0]?.message).toBe(
    'entry 1 collected 71 bytes with sha256:0cd4c724b687a5baea909a24963bc724b8aa2fe73ba3826fce976d10c67a7109 of 2026-11-22T10:00:00.000Z; now it has 71 bytes with sha256:461dfb7b022ea07f0df77b4d36fb1a78d0850100b6f41f89dc65af819688f409 of 2026-11-22T10:05:00.000Z',
  );
  expect(await source.list()).toMatchObject({
    manifest: null,
    parked: [{ item: 'a.csv', failure: 'FileRestated' }],
  });
});

test('a restated file that is retracted takes the old rows back as the new ones come', async () => {
  const source = await restated();
  await source.land();
  expect(await source.decide('retract', 'a.csv')).toMatchObject({
    collected: 1,
    rows: 2,
    entries: 1,
    parked: [],
  });
  const [first, , third] = await source.entries();
  const old = first?.items?.find(({ item }) => item === 'a.csv');
  const [twentieth, twentyFirst] = await source
    .rows(first, '_row, id, _hash')
    .then((rows) => rows.filter(({ id }) => id !== 'n1'));
  expect(third?.retracts).toEqual([
    {
      feed: 'payments',
      lane: 0,
      item: 'a.csv',
      version: old?.version,
      ordinal: 1,
      spans: [{ object: 0, firstRow: 2, records: 2, firstRecord: 1 }],
      partitions: {
        '2026-11-20': { rows: 1, hash: twentieth?.['_hash'] },
        '2026-11-21': { rows: 1, hash: twentyFirst?.['_hash'] },
      },
    },
  ]);
  expect(await source.rows(third, 'id')).toEqual([{ id: 'p1' }, { id: 'p3' }]);
  expect(await source.list()).toMatchObject({ manifest: null, parked: [] });
});

test('a decision that is carried out twice adds one entry', async () => {
  const source = await restated();
  await source.land();
  await source.decide('retract', 'a.csv');
  expect(await source.decide('retract', 'a.csv')).toMatchObject({ collected: 0, entries: 0, parked: [] });
  expect(await source.entries()).toHaveLength(3);
});

test('a restated file that is skipped stays skipped, with who and why', async () => {
  const source = await restated();
  await source.land();
  expect(await source.decide('skip', 'a.csv')).toMatchObject({ skipped: 1, entries: 1 });
  expect((await source.items()).at(-1)).toMatchObject({
    item: 'a.csv',
    state: 'skipped',
    reason: 'asked the vendor (ana, audit/2026-11-22/1.json)',
  });
  expect(await source.list()).toMatchObject({ manifest: null, parked: [] });
});

test('a source that declares restated: retract does so without asking', async () => {
  const source = await restated({ source: { restated: 'retract' } });
  expect(await source.land()).toMatchObject({ collected: 1, rows: 2, parked: [] });
  expect((await source.entries()).at(-1)?.retracts).toMatchObject([{ item: 'a.csv', ordinal: 1 }]);
});

test('a source that declares restated: skip keeps the old rows', async () => {
  const source = await restated({ source: { restated: 'skip' } });
  expect(await source.land()).toMatchObject({ collected: 0, skipped: 1, entries: 1, parked: [] });
  expect((await source.items()).at(-1)?.reason).toBe(
    'restated: entry 1 has rows of this name, and they stay',
  );
});

test('under latest the rows of a restated file compete', async () => {
  const source = await restated({ dataset: { merge: 'latest' } });
  expect(await source.land()).toMatchObject({ collected: 1, rows: 2, parked: [] });
  expect((await source.entries()).at(-1)?.retracts).toBeUndefined();
});

test('a version older than the collected one is skipped', async () => {
  const source = await restated({ dataset: { merge: 'latest' } });
  await source.write('a.csv', `${HEADER}p0,2026-11-20T10:00:00Z,1.00\n`, -60);
  expect(await source.land()).toMatchObject({ collected: 0, skipped: 1, entries: 1 });
  expect((await source.items()).at(-1)).toMatchObject({
    state: 'skipped',
    reason: 'older: entry 1 has a version of 2026-11-22T10:00:00.000Z',
  });
});

test('a file that was only touched brings nothing', async () => {
  const source = await restated();
  await source.write('a.csv', OLD, 5);
  expect(await source.land()).toMatchObject({ collected: 0, skipped: 1, entries: 0, parked: [] });
  expect(await source.entries()).toHaveLength(1);
});

test('a bad file that comes again under its name is taken, and no longer waits', async () => {
  const source = await folderSource();
  await source.write('a.csv', '');
  await source.land();
  await source.write('a.csv', OLD, 5);
  expect(await source.decide('retry', 'a.csv')).toMatchObject({ collected: 1, rows: 2, parked: [] });
  expect(await source.list()).toMatchObject({ manifest: null, parked: [] });
});

test('a retry of a file that is still bad parks it again without an entry', async () => {
  const source = await folderSource();
  await source.write('a.csv', '');
  await source.land();
  expect(await source.decide('retry', 'a.csv')).toMatchObject({
    collected: 0,
    entries: 0,
    parked: [{ item: 'a.csv', failure: 'BadFile' }],
  });
  expect(await source.entries()).toHaveLength(1);
});
