import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createOnce, ensureFile, ensureObject } from '../../../activities/objects/commit.ts';
import { sha256Hex } from '../../../activities/objects/json.ts';
import { MemoryObjectStore } from '../../fakes/memory-object-store.ts';
import { tmpFolder } from '../../support/tmp.ts';

const mine = Buffer.from('mine');
const { signal } = new AbortController();
const watch = { signal, onProgress: () => undefined };

test('a free key is created', async () => {
  const store = new MemoryObjectStore();
  expect(await createOnce(store, 'a', mine, signal)).toEqual({ kind: 'created' });
  expect(store.text('a')).toBe('mine');
});

test('a key that another holds is taken, and its bytes say by whom', async () => {
  const store = new MemoryObjectStore();
  store.put('a', 'theirs');
  expect(await createOnce(store, 'a', mine, signal)).toEqual({ kind: 'taken', body: Buffer.from('theirs') });
});

test('a create whose answer was lost is found to be mine', async () => {
  const store = new MemoryObjectStore();
  store.faultCreates('answer lost');
  expect(await createOnce(store, 'a', mine, signal)).toEqual({ kind: 'created' });
});

test('a create that was sent again by the transport, and met itself, is mine', async () => {
  const store = new MemoryObjectStore();
  store.put('a', 'mine');
  expect(await createOnce(store, 'a', mine, signal)).toEqual({ kind: 'created' });
});

test('a create that never arrived is sent again', async () => {
  const store = new MemoryObjectStore();
  store.faultCreates('lost', 'conflict', 'lost');
  expect(await createOnce(store, 'a', mine, signal)).toEqual({ kind: 'created' });
  expect(store.text('a')).toBe('mine');
});

test('a request that arrives after its sender went on changes nothing', async () => {
  const store = new MemoryObjectStore();
  store.faultCreates('late');
  await createOnce(store, 'a', mine, signal);
  store.deliverLate();
  expect(store.text('a')).toBe('mine');
});

test('a store that never decides is unreachable, after five rounds', async () => {
  const store = new MemoryObjectStore();
  store.faultCreates('conflict', 'conflict', 'lost', 'conflict', 'conflict');
  await expect(createOnce(store, 'a', mine, signal)).rejects.toMatchObject({
    type: 'Unreachable',
    message: 'a: 5 conditional creates and no decision; the last was "conflict"',
  });
});

test('an object named by its content is made once, and other bytes under its name are told', async () => {
  const store = new MemoryObjectStore();
  await ensureObject(store, 'part/a', mine, signal);
  await ensureObject(store, 'part/a', mine, signal);
  await expect(ensureObject(store, 'part/a', Buffer.from('other'), signal)).rejects.toMatchObject({
    type: 'ChecksumMismatch',
  });
  expect(store.text('part/a')).toBe('mine');
});

test('a file that is there with the same bytes is not sent again', async () => {
  const store = new MemoryObjectStore();
  const file = await fileOf('id,total\n1,42\n');
  store.put('raw/a', 'id,total\n1,42\n');
  await ensureFile(store, 'raw/a', file, watch);
  store.faultCreates('answer lost');
  await ensureFile(store, 'raw/b', file, watch);
  expect(store.text('raw/b')).toBe('id,total\n1,42\n');
});

test('a file whose key holds as many other bytes is a mismatch', async () => {
  const store = new MemoryObjectStore();
  store.put('raw/a', 'id,total\n1,43\n');
  await expect(ensureFile(store, 'raw/a', await fileOf('id,total\n1,42\n'), watch)).rejects.toMatchObject({
    type: 'ChecksumMismatch',
  });
});

test('a file that changed is not stored', async () => {
  const store = new MemoryObjectStore();
  const file = await fileOf('id,total\n1,42\n');
  await writeFile(file.path, 'id,total\n1,43\n');
  await expect(ensureFile(store, 'raw/a', file, watch)).rejects.toMatchObject({ type: 'SourceChanged' });
  expect(store.keys()).toEqual([]);
});

async function fileOf(text: string) {
  const file = path.join(await tmpFolder(), 'orders.csv');
  await writeFile(file, text);
  return { path: file, expect: { bytes: Buffer.byteLength(text), sha256: sha256Hex(text) } };
}
