import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { folderSource } from './folder-source.ts';

test('files of any other format are kept as they came, each under its checksum, without rows', async () => {
  const source = await folderSource({ source: { format: { raw: {} }, columns: {} }, dataset: null });
  const contents = new Map<string, Buffer>([
    ['a.xml', Buffer.from('<a/>')],
    ['b.bin', Buffer.alloc(3 * 1024 * 1024, 'abc')],
    ['c.gz', gzipSync('text').subarray(0, -4)],
    ['empty', Buffer.alloc(0)],
  ]);
  for (const [item, content] of contents) await source.write(item, content);
  expect(await source.land()).toMatchObject({ collected: 4, rows: 0, rejected: 0, parked: [], entries: 1 });
  const [entry] = await source.entries();
  expect(entry).toMatchObject({ rows: [], rejected: [] });
  for (const [index, [item, content]] of [...contents].entries()) {
    const raw = entry?.raw[index];
    expect(entry?.items?.[index]).toMatchObject({ item, state: 'collected', rows: 0, rejected: 0 });
    expect(raw).toMatchObject({ bytes: content.length, checksum: entry?.items?.[index]?.checksum });
    const key = raw?.uri.replace('s3://test-lake/', '') ?? '';
    const stored = await source.store.get(key, new AbortController().signal);
    expect(content.equals(stored ?? Buffer.from('nothing'))).toBe(true);
  }
  expect(await source.list()).toMatchObject({ manifest: null });
});

test('a raw file that is delivered again with other bytes waits for a person', async () => {
  const source = await folderSource({ source: { format: { raw: {} }, columns: {} }, dataset: null });
  await source.write('a.xml', '<a/>');
  await source.land();
  await source.write('a.xml', '<b/>', 1);
  expect(await source.land()).toMatchObject({
    collected: 0,
    parked: [{ item: 'a.xml', failure: 'FileRestated' }],
  });
  expect(await source.decide('retract', 'a.xml')).toMatchObject({ collected: 1 });
});
