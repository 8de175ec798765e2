import { gzipSync } from 'node:zlib';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { S3Prefix } from '../../../activities/files/prefix.ts';
import type { FileFolder, Listing } from '../../../activities/files/port.ts';
import type { FilesSource } from '../../../lake/spec.ts';
import { MemoryObjectStore } from '../../fakes/memory-object-store.ts';
import { type OpenedStack, openStack } from '../../support/stack.ts';
import { folderSource } from './folder-source.ts';

const HEADER = 'id,at,amount\n';
const GOOD = `${HEADER}n1,2026-11-20T10:00:00Z,1.00\n`;
/** Smaller than the files below, so that they are read in many. */
const RANGE = 64 * 1024;

let stack: OpenedStack;
beforeAll(async () => {
  stack = await openStack();
});
afterAll(() => stack.close());

async function prefixSource(
  source: Partial<FilesSource> = {},
  wrap: (files: FileFolder) => FileFolder = (files) => files,
) {
  const bucket = await stack.makeBucket();
  const put = async (item: string, Body: string | Uint8Array) => {
    await stack.s3Client.send(
      new PutObjectCommand({ Bucket: bucket, Key: `in/${item}`, Body: Buffer.from(Body) }),
    );
  };
  const opened = await folderSource({
    source: { from: `s3://${bucket}/in`, ...source },
    wrap,
    prefix: new S3Prefix(stack.s3Client, RANGE),
    // Objects have the time of this machine, which must have passed.
    nowMs: Date.now() + 3_600_000,
  });
  return { ...opened, put };
}

test('objects below a prefix are landed as files of a folder are', async () => {
  const source = await prefixSource();
  const lines = Array.from(
    { length: 9000 },
    (_, n) => `p${n},2026-11-20T10:00:00Z,${n === 8998 ? 'x' : 1}\n`,
  );
  await source.put('2026/a.csv', HEADER + lines.join(''));
  await source.put('b.csv.gz', gzipSync(GOOD));
  await source.put('c.csv', 'no header at all');
  await source.put('folder/', '');
  const landed = await source.land();
  expect(landed).toMatchObject({ collected: 2, rows: 9000, rejected: 1, parked: [{ item: 'c.csv' }] });
  const [entry] = await source.entries();
  expect(entry?.items?.map(({ item }) => item)).toEqual(['2026/a.csv', 'b.csv.gz', 'c.csv']);
  expect(await source.rejected(entry)).toMatchObject([{ item: '2026/a.csv', record: 8999, line: 9000 }]);
  const [large, small] = entry?.raw ?? [];
  expect(source.store.text(large?.uri.split('/').slice(3).join('/') ?? '')).toBe(HEADER + lines.join(''));
  expect(small?.bytes).toBe(gzipSync(GOOD).length);
  expect(await source.list()).toMatchObject({ manifest: null, files: 0 });
});

test('of an object that is replaced while it is read nothing is visible, and the next run takes it', async () => {
  let isBusy = true;
  let replace = async (): Promise<void> => undefined;
  const source = await prefixSource({}, (files) => ({
    listsInOrder: files.listsInOrder,
    list: (folder, signal) => files.list(folder, signal),
    stat: (folder, item, signal) => files.stat(folder, item, signal),
    path: (folder, item) => files.path(folder, item),
    async *read(folder, item, of, signal) {
      for await (const chunk of files.read(folder, item, of, signal)) {
        yield chunk;
        if (isBusy && item === 'a.csv') await replace();
        isBusy = false;
      }
    },
  }));
  const text = (id: string) => HEADER + `${id},2026-11-20T10:00:00Z,1.00\n`.repeat(9000);
  await source.put('a.csv', text('p1'));
  replace = () => source.put('a.csv', text('p2'));
  expect(await source.land()).toMatchObject({ collected: 0, rows: 0, changed: 1 });
  expect(await source.entries()).toEqual([]);
  expect(await source.land()).toMatchObject({ collected: 1, rows: 9000, changed: 0 });
  const [entry] = await source.entries();
  expect(await source.rows(entry, 'DISTINCT ON (id) id, _row')).toEqual([{ id: 'p2', _row: '1' }]);
});

test('an object that is replaced between two ranges is never a mix of both', async () => {
  const { put, spec } = await prefixSource();
  await put('a.csv', 'a'.repeat(RANGE * 3));
  const files = new S3Prefix(stack.s3Client, RANGE);
  const folder = spec.sources['payments']?.kind === 'files' ? spec.sources['payments'].from : '';
  const { signal } = new AbortController();
  const stat = await files.stat(folder, 'a.csv', signal);
  const seen: number[] = [];
  const read = async () => {
    if (!stat) return;
    for await (const chunk of files.read(folder, 'a.csv', stat, signal)) {
      seen.push(chunk.length);
      await put('a.csv', 'b'.repeat(RANGE * 3));
    }
  };
  await expect(read()).rejects.toMatchObject({ type: 'SourceChanged' });
  expect(seen).toEqual([RANGE]);
});

test('JSON lines below a prefix are landed, in pieces where they are large', async () => {
  const source = await prefixSource({ format: { json: {} } });
  const line = (n: number) => `{"id":"p${n}","at":"2026-11-20T10:00:00Z"}\n`;
  await source.put('a.json', Array.from({ length: 9000 }, (_, n) => line(n)).join(''));
  await source.put('b.json', line(9000));
  expect(await source.land()).toMatchObject({ collected: 2, rows: 9001, rejected: 0 });
});

test('a listing of 25,000 objects is written in slices as it comes', async () => {
  const slicesAt: number[] = [];
  let listed = 0;
  const store = new (class extends MemoryObjectStore {
    override async create(...[key, body, signal]: Parameters<MemoryObjectStore['create']>) {
      if (key.includes('-list-')) slicesAt.push(listed);
      return super.create(key, body, signal);
    }
  })();
  async function* listing(): AsyncIterable<Listing> {
    for (let n = 0; n < 25_000; n += 1) {
      listed += 1;
      const stat = { bytes: 2, modifiedAt: '2026-11-20T10:00:00.000Z', tag: '"a"' };
      yield { kind: 'file', item: `${String(n).padStart(6, '0')}.csv`, stat };
    }
  }
  const prefix: FileFolder = {
    listsInOrder: true,
    list: listing,
    stat: async () => undefined,
    path: () => undefined,
    async *read() {
      yield Buffer.alloc(0);
    },
  };
  const source = await folderSource({ source: { from: 's3://elsewhere/in' }, prefix, store });
  const { manifest, files, bytes } = await source.list();
  expect({ files, bytes, slicesAt }).toEqual({
    files: 25_000,
    bytes: 50_000,
    slicesAt: [10_000, 20_000, 25_000],
  });
  expect(JSON.parse(store.text(manifest ?? '') ?? '')).toMatchObject({ files: 25_000, perSlice: 10_000 });
});
