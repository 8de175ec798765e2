import { expect, test } from 'vitest';
import type { FileFolder, FileStat, Listing } from '../../activities/files/port.ts';

/** A folder with nothing in it, and how others write to it. */
export interface OpenedFolder {
  readonly files: FileFolder;
  readonly folder: string;
  /** One that is not there. */
  readonly missing: string;
  write(item: string, content: string | Uint8Array): Promise<void>;
  remove(item: string): Promise<void>;
  /** Write beside the folder, under its name with `-2` behind it. */
  writeBeside(item: string, content: string): Promise<void>;
}

/** More than an adapter reads in one piece. */
const LARGE = 20 * 1024 * 1024 + 7;

/** What every place of files must do, on an empty folder for each test. */
export function keepsTheFileFolderContract(
  open: () => Promise<OpenedFolder>,
  { hasControlCharacters = true }: { readonly hasControlCharacters?: boolean } = {},
): void {
  test('every file below the folder is listed once, with its size, and nothing beside it', async () => {
    const opened = await open();
    await opened.write('b.csv', 'b');
    await opened.write('a/b/c.csv', 'abc');
    await opened.write('a.csv', '');
    await opened.writeBeside('d.csv', 'd');
    const listed = await all(opened);
    expect(listed.map(describe).toSorted()).toEqual(['file a.csv 0', 'file a/b/c.csv 3', 'file b.csv 1']);
  });

  test('a list in order is in the order of the names', async () => {
    const opened = await open();
    const names = ['b', 'a/z', 'a.b', 'a0', 'Z', 'é'];
    for (const name of names) await opened.write(name, name);
    const listed = (await all(opened)).map(({ item }) => item);
    const inOrder = opened.files.listsInOrder ? listed : listed.toSorted();
    expect(inOrder).toEqual(['Z', 'a.b', 'a/z', 'a0', 'b', 'é']);
  });

  test('names with blanks, signs, line ends and letters of every kind come back as they are', async () => {
    const opened = await open();
    const names = ['a b.csv', 'a+b%20&<c>.csv', 'a\nb.csv', 'ü/日本 🚢.csv', "it's [1]*?.csv", '..x'];
    if (hasControlCharacters) names.push('a\u0001b.csv');
    for (const name of names) await opened.write(name, name);
    const listed = await all(opened);
    expect(listed.map(({ item }) => item).toSorted()).toEqual(names.toSorted());
    for (const name of names) {
      const stat = await opened.files.stat(opened.folder, name, signal);
      expect(stat && (await text(opened, name, stat))).toBe(name);
    }
  });

  test('a look at a file says what the list says', async () => {
    const opened = await open();
    await opened.write('a/b.csv', 'abc');
    const [listing] = await all(opened);
    const stat = await opened.files.stat(opened.folder, 'a/b.csv', signal);
    expect(listing).toEqual({ kind: 'file', item: 'a/b.csv', stat });
    expect(stat).toMatchObject({ bytes: 3 });
    expect(stat?.modifiedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test('where no file is, nothing is seen', async () => {
    const opened = await open();
    await opened.write('a/b.csv', 'abc');
    expect(await opened.files.stat(opened.folder, 'a', signal)).toBeUndefined();
    expect(await opened.files.stat(opened.folder, 'c.csv', signal)).toBeUndefined();
  });

  test('a folder that is not there has a name', async () => {
    const { files, missing } = await open();
    await expect(all({ files, folder: missing })).rejects.toMatchObject({ type: 'SourceMissing' });
  });

  test.each([
    ['an empty', 0],
    ['a small', 9],
    ['a large', LARGE],
  ])('%s file is read from its first byte to its last', async (_, size) => {
    const opened = await open();
    const content = Buffer.alloc(size, 'abcdefg');
    await opened.write('a.bin', content);
    const stat = await statOf(opened, 'a.bin');
    const chunks: Buffer[] = [];
    for await (const chunk of opened.files.read(opened.folder, 'a.bin', stat, signal)) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(content)).toBe(true);
  });

  test('a file that is replaced has another tag, though its size is the same', async () => {
    const opened = await open();
    await opened.write('a.csv', 'first');
    const before = await statOf(opened, 'a.csv');
    expect((await statOf(opened, 'a.csv')).tag).toBe(before.tag);
    await opened.write('a.csv', 'other');
    expect((await statOf(opened, 'a.csv')).tag).not.toBe(before.tag);
  });

  test('a file that is gone has changed', async () => {
    const opened = await open();
    await opened.write('a.csv', 'first');
    const stat = await statOf(opened, 'a.csv');
    await opened.remove('a.csv');
    await expect(text(opened, 'a.csv', stat)).rejects.toMatchObject({ type: 'SourceChanged' });
  });

  test('a list and a read that are cut short reject with the reason', async () => {
    const opened = await open();
    await opened.write('a.csv', 'first');
    const stat = await statOf(opened, 'a.csv');
    const reason = new Error('paused');
    const cut = AbortSignal.abort(reason);
    await expect(all(opened, cut)).rejects.toBe(reason);
    await expect(text(opened, 'a.csv', stat, cut)).rejects.toBe(reason);
  });
}

const { signal } = new AbortController();

async function all(
  { files, folder }: Pick<OpenedFolder, 'files' | 'folder'>,
  until: AbortSignal = signal,
): Promise<Listing[]> {
  const found: Listing[] = [];
  for await (const listing of files.list(folder, until)) found.push(listing);
  return found;
}

async function statOf({ files, folder }: OpenedFolder, item: string): Promise<FileStat> {
  const stat = await files.stat(folder, item, signal);
  if (!stat) throw new Error(`${item}: nothing is there`);
  return stat;
}

async function text(
  { files, folder }: OpenedFolder,
  item: string,
  stat: FileStat,
  until: AbortSignal = signal,
): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of files.read(folder, item, stat, until)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function describe(listing: Listing): string {
  return listing.kind === 'file'
    ? `file ${listing.item} ${listing.stat.bytes}`
    : `ignored ${listing.item}: ${listing.why}`;
}
