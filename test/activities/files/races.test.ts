import { appendFile, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, test } from 'vitest';
import { createFileActivities } from '../../../activities/files/activities.ts';
import { LocalFolder } from '../../../activities/files/local.ts';
import type { FileFolder } from '../../../activities/files/port.ts';
import { NOW, folderSource } from './folder-source.ts';

const HEADER = 'id,at,amount\n';
const GOOD = `${HEADER}n1,2026-11-20T10:00:00Z,1.00\n`;
const LARGE = HEADER + 'p1,2026-11-20T10:00:00Z,1.00\n'.repeat(8000);

/** The folder, with something that happens to `a.csv` as it is read. */
function whileReading(happen: (file: string) => Promise<void>): (files: FileFolder) => FileFolder {
  return (files) => ({
    listsInOrder: files.listsInOrder,
    list: (folder, signal) => files.list(folder, signal),
    stat: (folder, item, signal) => files.stat(folder, item, signal),
    path: (folder, item) => files.path(folder, item),
    async *read(folder, item, of, signal) {
      for await (const chunk of files.read(folder, item, of, signal)) {
        yield chunk;
        if (item === 'a.csv') await happen(files.path(folder, item) ?? '');
      }
    },
  });
}

test('of a file that changes while it is read nothing is visible, and the next run takes it', async () => {
  let isBusy = true;
  const source = await folderSource({
    wrap: whileReading((file) => (isBusy ? appendFile(file, 'x') : Promise.resolve())),
  });
  await source.write('a.csv', GOOD);
  await source.write('b.csv', GOOD);
  expect(await source.land()).toMatchObject({ collected: 1, rows: 1, changed: 1, parked: [] });
  const [entry] = await source.entries();
  expect(entry?.items?.map(({ item }) => item)).toEqual(['b.csv']);
  isBusy = false;
  await source.write('a.csv', GOOD, 1);
  expect(await source.land()).toMatchObject({ collected: 1, changed: 0 });
});

test('a file that is removed while it is read is left out', async () => {
  const source = await folderSource({ wrap: whileReading((file) => rm(file, { force: true })) });
  await source.write('a.csv', GOOD);
  await source.write('b.csv', GOOD);
  expect(await source.land()).toMatchObject({ collected: 1, changed: 1 });
});

test('a file that changes under DuckDB takes nothing with it', async () => {
  let stats = 0;
  const wrap = (files: FileFolder): FileFolder => ({
    listsInOrder: files.listsInOrder,
    list: (folder, signal) => files.list(folder, signal),
    read: (folder, item, of, signal) => files.read(folder, item, of, signal),
    path: (folder, item) => files.path(folder, item),
    async stat(folder, item, signal) {
      // The fourth look at it is the one after the refine.
      if (item === 'a.csv' && (stats += 1) === 4) await appendFile(files.path(folder, item) ?? '', 'p2');
      return files.stat(folder, item, signal);
    },
  });
  const source = await folderSource({ wrap });
  await source.write('a.csv', LARGE);
  await source.write('b.csv', GOOD);
  expect(await source.land()).toMatchObject({ collected: 1, rows: 1, rejected: 0, changed: 1 });
  const [entry] = await source.entries();
  expect(await source.rows(entry, 'id, _row')).toEqual([{ id: 'n1', _row: '1' }]);
  expect(entry?.raw).toHaveLength(1);
});

test('an attempt whose answer was lost is found done by the next, with the same result', async () => {
  const source = await folderSource();
  await source.write('a.csv', GOOD);
  await source.write('b.csv', '');
  const { manifest } = await source.list();
  const input = { manifest: manifest ?? '', from: 0, to: 2 };
  const first = await source.landFiles(input);
  expect(first).toMatchObject({ collected: 1, rows: 1, entries: 1, parked: [{ item: 'b.csv' }] });
  expect(await source.landFiles(input)).toEqual(first);
  expect(await source.entries()).toHaveLength(1);
  expect(source.store.keys('rows/')).toHaveLength(1);
});

test('what another attempt collects meanwhile is dropped, and the rest is refined again', async () => {
  let other: (() => Promise<unknown>) | undefined;
  const wrap = whileReading(async () => {
    const once = other;
    other = undefined;
    await once?.();
  });
  const source = await folderSource({ wrap });
  await source.write('a.csv', GOOD);
  await source.write('b.csv', GOOD);
  const { manifest } = await source.list();
  const rival = createFileActivities({
    ...source,
    ledger: source.newLedger(),
    files: new LocalFolder(),
    spec: { read: async () => ({ n: 3, spec: source.spec }) },
    clock: { now: () => Date.parse(NOW) },
  });
  other = () =>
    new MockActivityEnvironment().run(rival.landFiles, {
      source: 'payments',
      manifest: manifest ?? '',
      from: 1,
      to: 2,
    });
  expect(await source.landFiles({ manifest: manifest ?? '', from: 0, to: 2 })).toMatchObject({
    collected: 2,
    rows: 2,
    entries: 2,
  });
  const entries = await source.entries();
  expect(entries.map(({ items }) => items?.map(({ item }) => item))).toEqual([['b.csv'], ['a.csv']]);
});

test('a file is left alone until it has been quiet', async () => {
  const source = await folderSource({ source: { quietMs: 30 * 60_000 } });
  await source.write('old.csv', GOOD, 90);
  await source.write('new.csv', GOOD, 91);
  expect(await source.list()).toMatchObject({ files: 1, bytes: 42, notYet: 1, parked: [], more: false });
});

test('links and special names are passed over by name; excluded files are not looked at', async () => {
  const source = await folderSource({ source: { include: ['**/*.csv'], exclude: ['old/**'] } });
  await source.write('a.csv', GOOD);
  await source.write('deep/b.csv', GOOD);
  await source.write('old/c.csv', GOOD);
  await source.write('notes.txt', GOOD);
  await symlink(path.join(source.folder, 'a.csv'), path.join(source.folder, 'link.csv'));
  await writeFile(
    Buffer.concat([Buffer.from(`${source.folder}/caf`), Buffer.from([0xe9]), Buffer.from('.csv')]),
    GOOD,
  );
  const { files, ignored } = await source.list();
  expect(files).toBe(2);
  expect(ignored.toSorted((a, b) => (a.item < b.item ? -1 : 1))).toEqual([
    { item: 'caf\\xe9.csv', why: 'its name is not UTF-8; right would be UTF-8' },
    { item: 'link.csv', why: 'a symbolic link: links are not followed' },
  ]);
});

test('a missing folder is SourceMissing, an unknown source is UnknownSource', async () => {
  const source = await folderSource();
  await rm(source.folder, { recursive: true });
  await expect(source.list()).rejects.toMatchObject({
    type: 'SourceMissing',
    message: `${source.folder}: nothing is there; right would be a folder`,
  });
  await mkdir(source.folder);
  expect(await source.list()).toMatchObject({ manifest: null, files: 0, ignored: [] });
  const { listFiles } = source.activities;
  await expect(new MockActivityEnvironment().run(listFiles, { source: 'x' })).rejects.toMatchObject({
    type: 'UnknownSource',
    message: '"x" is no source of spec 3; sources of files: payments',
  });
});
