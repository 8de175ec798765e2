import { createReadStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ensureFile } from '../../activities/objects/commit.ts';
import { createLedger } from '../../activities/objects/ledger.ts';
import { sha256Hex } from '../../activities/objects/json.ts';
import { probeConditionalCreate } from '../../activities/objects/probe.ts';
import type { LocalFile, ObjectStore } from '../../activities/objects/port.ts';
import { filesDraft } from '../fakes/entries.ts';
import { tmpFolder } from '../support/tmp.ts';

/** More than the adapter sends in one request. */
const LARGE = 20 * 1024 * 1024 + 7;
/** Of `123456789`: the check value that every CRC-32 table is published with, CBF43926. */
const CRC_OF_DIGITS = 'y/Q5Jg==';

/** What every object store must do, on an empty bucket for each test. A fake that passes may stand for a real one. */
export function keepsTheObjectStoreContract(open: () => Promise<ObjectStore>): void {
  test('a key that holds nothing has no head and no bytes', async () => {
    const store = await open();
    expect(await store.head('ledger/a', signal)).toBeUndefined();
    expect(await store.get('ledger/a', signal)).toBeUndefined();
    const file = path.join(await tmpFolder(), 'a');
    expect(await store.getToFile('ledger/a', file, watch)).toBeUndefined();
  });

  test('a created object is there, whole, with its length and CRC32', async () => {
    const store = await open();
    expect(await store.create('ledger/a', bytes('123456789'), signal)).toBe('created');
    expect(text(await store.get('ledger/a', signal))).toBe('123456789');
    expect(await store.head('ledger/a', signal)).toMatchObject({ bytes: 9, crc32: CRC_OF_DIGITS });
  });

  test('an empty object is an object', async () => {
    const store = await open();
    expect(await store.create('raw/empty', bytes(''), signal)).toBe('created');
    expect(await store.create('raw/empty', bytes(''), signal)).toBe('exists');
    expect(text(await store.get('raw/empty', signal))).toBe('');
    expect(await store.head('raw/empty', signal)).toMatchObject({ bytes: 0 });
  });

  test('a key is created once, and keeps its first bytes', async () => {
    const store = await open();
    await store.create('ledger/a', bytes('first'), signal);
    expect(await store.create('ledger/a', bytes('second'), signal)).toBe('exists');
    expect(text(await store.get('ledger/a', signal))).toBe('first');
  });

  test('of creates that race for a key one wins', async () => {
    const store = await open();
    const bodies = ['0', '1', '2', '3', '4', '5', '6', '7'];
    const answers = await Promise.all(bodies.map((body) => store.create('ledger/a', bytes(body), signal)));
    expect(answers.filter((answer) => answer === 'created')).toHaveLength(1);
    expect(answers.filter((answer) => answer === 'unclear')).toEqual([]);
    expect(text(await store.get('ledger/a', signal))).toBe(String(answers.indexOf('created')));
  });

  test('a store that honours conditions passes the probe, again and again', async () => {
    const store = await open();
    await probeConditionalCreate(store, signal);
    await probeConditionalCreate(store, signal);
    expect(await listed(store, 'probe/')).toEqual(['probe/conditional-create']);
  });

  test('what is overwritten holds the last bytes, and still exists for a create', async () => {
    const store = await open();
    await store.overwrite('hint/a.json', bytes('one'), signal);
    await store.overwrite('hint/a.json', bytes('two'), signal);
    expect(text(await store.get('hint/a.json', signal))).toBe('two');
    expect(await store.create('hint/a.json', bytes('three'), signal)).toBe('exists');
  });

  test.each([
    ['a small', 9],
    ['a large', LARGE],
    ['an empty', 0],
  ])('%s file becomes one object, and comes back the same', async (_, size) => {
    const store = await open();
    const file = await localFile(size);
    expect(await store.createFromFile('raw/a', file, watch)).toBe('created');
    expect(await store.head('raw/a', signal)).toMatchObject({ bytes: size });
    const back = path.join(await tmpFolder(), 'back');
    expect(await store.getToFile('raw/a', back, watch)).toEqual(file.expect);
    expect(sha256Hex(await readFile(back))).toBe(file.expect.sha256);
  });

  test.each([
    ['a small', 9],
    ['a large', LARGE],
    ['an empty', 0],
  ])(
    'what comes as %s stream of chunks becomes one object, and is checked again by its bytes',
    async (_, size) => {
      const store = await open();
      const { path: file, expect: promised } = await localFile(size);
      const read = () => createReadStream(file, { highWaterMark: 100_000 });
      const streamed = { path: 'elsewhere/a', expect: promised, read };
      await ensureFile(store, 'raw/a', streamed, watch);
      await ensureFile(store, 'raw/a', streamed, watch);
      const back = path.join(await tmpFolder(), 'back');
      expect(await store.getToFile('raw/a', back, watch)).toEqual(promised);
      const changed = { ...streamed, expect: { ...promised, sha256: sha256Hex('before it changed') } };
      await expect(ensureFile(store, 'raw/b', changed, watch)).rejects.toMatchObject({
        type: 'SourceChanged',
      });
    },
  );

  test('the CRC32 of a large object is that of its bytes, whatever its parts', async () => {
    const store = await open();
    await store.createFromFile('raw/a', await localFile(LARGE), watch);
    expect((await store.head('raw/a', signal))?.crc32).toBe('SxI2gQ==');
  });

  test.each([
    ['small', 9],
    ['large', LARGE],
  ])('a %s file does not replace an object', async (_, size) => {
    const store = await open();
    await store.create('raw/a', bytes('first'), signal);
    expect(await store.createFromFile('raw/a', await localFile(size), watch)).toBe('exists');
    expect(text(await store.get('raw/a', signal))).toBe('first');
  });

  test.each([
    ['small', 9],
    ['large', LARGE],
  ])('a %s file that changed makes no object', async (_, size) => {
    const store = await open();
    const { path: file, expect: promised } = await localFile(size);
    const changed = { path: file, expect: { ...promised, sha256: sha256Hex('before it changed') } };
    await expect(store.createFromFile('raw/a', changed, watch)).rejects.toMatchObject({
      type: 'SourceChanged',
    });
    expect(await store.head('raw/a', signal)).toBeUndefined();
  });

  test('keys under a prefix are listed in order, after a key, up to a limit', async () => {
    const store = await open();
    for (const key of ['view/b/2', 'view/a/3', 'view/a/1', 'view/a/2', 'viewer/1']) {
      await store.create(key, bytes(key), signal);
    }
    expect(await listed(store, 'view/')).toEqual(['view/a/1', 'view/a/2', 'view/a/3', 'view/b/2']);
    expect(await listed(store, 'view/a/', { after: 'view/a/1' })).toEqual(['view/a/2', 'view/a/3']);
    expect(await listed(store, 'view/a/', { after: 'view/a/0', limit: 2 })).toEqual(['view/a/1', 'view/a/2']);
    expect(await listed(store, 'view/c/')).toEqual([]);
  });

  test('a listing goes on past one page', async () => {
    const store = await open();
    const keys = Array.from({ length: 1_003 }, (_, n) => `part/d/${String(n).padStart(4, '0')}`);
    for (let at = 0; at < keys.length; at += 50) {
      await Promise.all(keys.slice(at, at + 50).map((key) => store.create(key, bytes('x'), signal)));
    }
    expect(await listed(store, 'part/d/')).toEqual(keys);
    expect(await listed(store, 'part/d/', { after: 'part/d/0000', limit: 1_001 })).toEqual(
      keys.slice(1, 1_002),
    );
  });

  test('four who append to one lane at once leave one chain, with every file once', async () => {
    const store = await open();
    const append = async (writer: number) => {
      // A ledger of its own, as in another process.
      const ledger = createLedger({ store });
      for (let round = 0; round < 5; round += 1) {
        const name = `${writer}-${round}`;
        expect(await ledger.appendSet(filesDraft(name, [name]), undefined, signal)).toMatchObject({
          kind: 'committed',
        });
      }
    };
    await Promise.all([0, 1, 2, 3].map(append));
    const ledger = createLedger({ store });
    expect((await ledger.head('flights', 0, signal))?.n).toBe(20);
    expect((await ledger.range('flights', 0, 1, 20, signal)).map(({ n }) => n)).toHaveLength(20);
    expect((await ledger.knownItems('flights', 0, signal)).size).toBe(20);
  });

  test('a key may hold what a URL may not', async () => {
    const store = await open();
    await store.create('raw/eu west/orders+ä=1.csv', bytes('x'), signal);
    expect(text(await store.get('raw/eu west/orders+ä=1.csv', signal))).toBe('x');
    expect(await listed(store, 'raw/eu west/')).toEqual(['raw/eu west/orders+ä=1.csv']);
  });

  test('a call that is cut short rejects with the reason it was cut short', async () => {
    const store = await open();
    const reason = new Error('paused');
    const cut = AbortSignal.abort(reason);
    await expect(store.create('ledger/a', bytes('x'), cut)).rejects.toBe(reason);
    await expect(store.get('ledger/a', cut)).rejects.toBe(reason);
    await expect(store.head('ledger/a', cut)).rejects.toBe(reason);
    await expect(store.overwrite('ledger/a', bytes('x'), cut)).rejects.toBe(reason);
    await expect(listed(store, 'ledger/', { signal: cut })).rejects.toBe(reason);
    const cutWatch = { signal: cut, onProgress: () => undefined };
    await expect(store.getToFile('ledger/a', 'nowhere', cutWatch)).rejects.toBe(reason);
    for (const size of [9, LARGE]) {
      await expect(store.createFromFile('ledger/a', await localFile(size), cutWatch)).rejects.toBe(reason);
    }
    expect(await store.head('ledger/a', signal)).toBeUndefined();
  });
}

const { signal } = new AbortController();
const watch = { signal, onProgress: () => undefined };

function bytes(content: string): Uint8Array {
  return Buffer.from(content);
}

function text(content: Uint8Array | undefined): string | undefined {
  return content && Buffer.from(content).toString('utf8');
}

async function listed(
  store: ObjectStore,
  prefix: string,
  options: { after?: string; limit?: number; signal?: AbortSignal } = {},
): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix, { signal, ...options })) keys.push(key);
  return keys;
}

/** A file of digits: `123456789012…`. */
async function localFile(size: number): Promise<LocalFile> {
  const file = path.join(await tmpFolder(), 'file');
  const content = Buffer.alloc(size, '1234567890');
  await writeFile(file, content);
  return { path: file, expect: { bytes: size, sha256: sha256Hex(content) } };
}
