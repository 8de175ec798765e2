import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { PAYMENTS, folderSource } from './folder-source.ts';

const HEADER = 'id,at,amount\n';

test('the hash of a known line never changes', async () => {
  const source = await folderSource();
  await source.write('a.csv', `${HEADER}p1,2026-11-20T10:00:00Z,12.50\n"p,2",2026-11-20T10:00:00Z,\n`);
  await source.land();
  const [entry] = await source.entries();
  expect(await source.rows(entry, '_hash')).toEqual([
    { _hash: '3922052950347477718' },
    { _hash: '6398476258744114728' },
  ]);
  expect(entry?.rows[0]).toMatchObject({
    rows: 2,
    hash: '10320529209091592446',
    schema: 'eff3a0f59bb11a79a77f9f572b6bb8fe70a61a217fc8a8acf10c3e6d66eccd7d',
  });
});

test('plain and gzipped files, LF and CRLF, with and without a last line end bring the same rows', async () => {
  const source = await folderSource();
  const text = `\ufeff${HEADER}p1,2026-11-20T10:00:00Z,1\n\np2,2026-11-20T10:00:00Z,2\n`;
  await source.write('a.csv', text);
  await source.write('b.csv', text.replaceAll('\n', '\r\n'));
  await source.write('c.csv', text.trimEnd());
  await source.write('d.csv.gz', gzipSync(text));
  await source.write('e.csv.gz', Buffer.concat([gzipSync(text.slice(0, 20)), gzipSync(text.slice(20))]));
  expect(await source.land()).toMatchObject({ collected: 5, rows: 10, rejected: 0 });
  const [entry] = await source.entries();
  const rows = await source.rows(entry, 'id, "at", amount, _hash');
  expect(new Set(rows.map((row) => JSON.stringify(row))).size).toBe(2);
  expect(entry?.items?.map(({ item, rows: count }) => `${item}: ${count}`)).toEqual([
    'a.csv: 2',
    'b.csv: 2',
    'c.csv: 2',
    'd.csv.gz: 2',
    'e.csv.gz: 2',
  ]);
});

test('a quoted text is never null, and an unquoted one only where it is declared', async () => {
  const csv = { header: true, delimiter: ';', quote: '"', nulls: ['NA'] } as const;
  const source = await folderSource({
    source: { format: { csv }, columns: { id: 'string', memo: 'string' } },
    dataset: null,
  });
  await source.write('a.csv', 'id;memo\n1;NA\n2;"NA"\n3;\n4;""\n5;"a;""b""\nc"\n');
  await source.land();
  const [entry] = await source.entries();
  expect(await source.rows(entry, 'id, memo')).toEqual([
    { id: '1', memo: null },
    { id: '2', memo: 'NA' },
    { id: '3', memo: '' },
    { id: '4', memo: '' },
    { id: '5', memo: 'a;"b"\nc' },
  ]);
  expect(entry?.rows[0]).toMatchObject({ mapping: null, partitions: {} });
});

test('columns come in any order, and unknown ones are kept as _extra', async () => {
  const source = await folderSource();
  await source.write('a.csv', 'amount,Memo,at,id,x y\n1,hello,2026-11-20T10:00:00Z,p1,\n');
  await source.write('b.csv', `${HEADER}p2,2026-11-20T10:00:00Z,2\n`);
  await source.land();
  const [entry] = await source.entries();
  expect(entry?.rows).toHaveLength(2);
  expect(await source.rows(entry, 'id, amount, _extra')).toEqual([
    { id: 'p1', amount: '1.00', _extra: '{"Memo":"hello","x y":null}' },
    { id: 'p2', amount: '2.00', _extra: null },
  ]);
  expect(entry?.items?.map(({ spans }) => spans?.[0]?.object)).toEqual([0, 1]);
});

test('with both roles a row carries _match, over key and compared columns after mapping', async () => {
  const source = await folderSource({
    source: { columns: { ref: 'string', at: 'timestamp', gross: 'decimal(18,2)' } },
    dataset: {
      feeds: {
        payments: { role: 'batch', visible: 'publish', map: { id: 'ref', amount: 'gross' } },
        events: { role: 'speed', visible: 'commit', map: {} },
      },
      gate: { ...PAYMENTS.gate, compare: ['amount', 'at'] },
    },
  });
  await source.write(
    'a.csv',
    'ref,at,gross\np1,2026-11-20T10:00:00Z,12.5\np1,2026-11-20 10:00:00+00,12.50\n',
  );
  await source.land();
  const [entry] = await source.entries();
  const rows = await source.rows(entry, '_match');
  expect(rows).toEqual([{ _match: '6393394952830678729' }, { _match: '6393394952830678729' }]);
});

test('a delivery speaks for the windows that its names say, an empty one too', async () => {
  const source = await folderSource({
    source: { window: { fromName: 'settled-{day}', coversMs: 86_400_000 } },
  });
  await source.write('settled-2026-11-21.csv', HEADER);
  await source.write('settled-2026-11-20.csv.gz', gzipSync(`${HEADER}p1,2026-11-20T10:00:00Z,1\n`));
  await source.write('settled.csv', HEADER);
  expect(await source.land()).toMatchObject({ collected: 2, rows: 1, parked: [{ item: 'settled.csv' }] });
  const [entry] = await source.entries();
  expect(entry).toMatchObject({
    windows: [
      { from: '2026-11-20T00:00:00.000Z', to: '2026-11-21T00:00:00.000Z' },
      { from: '2026-11-21T00:00:00.000Z', to: '2026-11-22T00:00:00.000Z' },
    ],
    asOf: '2026-11-22T00:00:00.000Z',
  });
  expect(entry?.items?.[1]).toMatchObject({ item: 'settled-2026-11-21.csv', rows: 0, rejected: 0 });
  expect(entry?.items?.[1]?.spans).toBeUndefined();
});

test('a file larger than what stays in memory, with broken records, keeps every place', async () => {
  const source = await folderSource();
  const lines = Array.from(
    { length: 9000 },
    (_, n) => `p${n + 1},2026-11-20T10:00:00Z,${n === 4998 ? 'x' : '1'}${n === 7000 ? ',2' : ''}\n`,
  );
  for (const name of ['a.csv', 'b.csv.gz', 'c [1].csv']) {
    const text = HEADER + lines.join('');
    await source.write(name, name.endsWith('.gz') ? gzipSync(text) : text);
  }
  expect(await source.land()).toMatchObject({ collected: 3, rows: 26_994, rejected: 6, parked: [] });
  const [entry] = await source.entries();
  expect(entry?.rows).toHaveLength(1);
  const rejected = await source.rejected(entry);
  expect(rejected.map(({ item, record, line, reason }) => [item, record, line, reason])).toEqual([
    ['a.csv', 7001, 7002, 'TooManyColumns'],
    ['b.csv.gz', 7001, 7002, 'TooManyColumns'],
    ['c [1].csv', 7001, 7002, 'TooManyColumns'],
    ['a.csv', 4999, 5000, 'NotADecimal(18,2)'],
    ['b.csv.gz', 4999, 5000, 'NotADecimal(18,2)'],
    ['c [1].csv', 4999, 5000, 'NotADecimal(18,2)'],
  ]);
  expect(await source.rows(entry, 'id').then((rows) => [rows[4997], rows[4998], rows.at(-1)])).toEqual([
    { id: 'p4998' },
    { id: 'p5000' },
    { id: 'p9000' },
  ]);
  expect(entry?.items?.map(({ spans }) => spans?.[0]?.firstRow)).toEqual([1, 9001, 18_001]);
});

test('ten thousand tiny files are ten entries', async () => {
  const source = await folderSource();
  for (let n = 0; n < 10_000; n += 1)
    await source.write(`${n}.csv`, `${HEADER}p${n},2026-11-20T10:00:00Z,1\n`);
  expect(await source.land()).toMatchObject({ collected: 10_000, rows: 10_000, entries: 10 });
  expect((await source.entries()).map(({ rows }) => rows.length)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
}, 240_000);
