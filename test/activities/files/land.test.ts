import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { folderSource } from './folder-source.ts';

const HEADER = 'id,at,amount\n';

test('a file lands as raw bytes, typed rows and one entry that names both', async () => {
  const source = await folderSource();
  await source.write('a.csv', `${HEADER}p1,2026-11-20T10:00:00Z,12.50\np2,2026-11-21 23:59:59.5,-3\n`);
  expect(await source.land()).toEqual({
    collected: 1,
    skipped: 0,
    rows: 2,
    rejected: 0,
    bytes: 71,
    entries: 1,
    parked: [],
    changed: 0,
  });
  const [entry] = await source.entries();
  expect(entry).toMatchObject({
    feed: 'payments',
    lane: 0,
    ordinal: 1,
    prev: null,
    spec: 3,
    items: [
      {
        no: 1,
        item: 'a.csv',
        bytes: 71,
        modifiedAt: '2026-11-22T10:00:00.000Z',
        state: 'collected',
        rows: 2,
        rejected: 0,
        spans: [{ object: 0, firstRow: 1, records: 2, firstRecord: 1 }],
      },
    ],
    rows: [
      {
        rows: 2,
        partitions: {
          '2026-11-20': { rows: 1, minTime: '2026-11-20T10:00:00.000Z', maxTime: '2026-11-20T10:00:00.000Z' },
          '2026-11-21': { rows: 1, minTime: '2026-11-21T23:59:59.500Z', maxTime: '2026-11-21T23:59:59.500Z' },
        },
      },
    ],
    rejected: [],
  });
  expect(await source.rows(entry)).toEqual([
    { id: 'p1', at: '2026-11-20 10:00:00+00', amount: '12.50', _row: '1', _extra: null },
    { id: 'p2', at: '2026-11-21 23:59:59.5+00', amount: '-3.00', _row: '2', _extra: null },
  ]);
  const raw = entry?.raw[0]?.uri.replace('s3://test-lake/', '') ?? '';
  expect(Buffer.from((await source.store.get(raw, new AbortController().signal)) ?? '')).toEqual(
    await source.read('a.csv'),
  );
  expect(await readdir(source.scratch)).toEqual([]);
});

test('running again moves nothing', async () => {
  const source = await folderSource();
  await source.write('a.csv', `${HEADER}p1,2026-11-20T10:00:00Z,12.50\n`);
  await source.land();
  expect(await source.list()).toMatchObject({ manifest: null, files: 0, parked: [] });
  expect(await source.entries()).toHaveLength(1);
});
