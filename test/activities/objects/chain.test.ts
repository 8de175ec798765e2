import { expect, test } from 'vitest';
import { createChain } from '../../../activities/objects/chain.ts';
import { encode, sha256Hex } from '../../../activities/objects/json.ts';
import { ordinalText } from '../../../lake/keys.ts';
import { MemoryObjectStore } from '../../fakes/memory-object-store.ts';

interface Numbered {
  readonly format: 1;
  readonly n: number;
  readonly prev: string | null;
}

const { signal } = new AbortController();
const key = (n: number) => `view/flights/${ordinalText(n)}.json`;

test('an empty chain has no head', async () => {
  expect(await open(new MemoryObjectStore()).head(signal)).toBeUndefined();
});

test('the head of a chain that another process lengthened is found', async () => {
  const store = holding(3);
  const chain = open(store);
  expect((await chain.head(signal))?.n).toBe(3);
  extend(store, 4, 2_500);
  expect((await chain.head(signal))?.n).toBe(2_500);
});

test.each([1, 999, 1000, 1001, 1002, 2000, 2999, 3000, 3001, 3002, 4096, 7001, 10_000])(
  'a chain of %i objects has its last as head, found cold',
  async (length) => {
    expect((await open(holding(length)).head(signal))?.n).toBe(length);
  },
);

test('a cold head of 30,000 objects takes at most 12 requests', async () => {
  let requests = 0;
  const store = holding(30_000, async () => (requests += 1));
  expect((await open(store).head(signal))?.n).toBe(30_000);
  expect(requests).toBeLessThanOrEqual(12);
});

test('a warm head takes one request', async () => {
  let requests = 0;
  const chain = open(holding(5, async () => (requests += 1)));
  await chain.head(signal);
  requests = 0;
  expect((await chain.head(signal))?.n).toBe(5);
  expect(requests).toBe(1);
});

test('a range is read in order, both ends included', async () => {
  const links = await open(holding(40)).range(2, 39, signal);
  expect(links.map(({ n }) => n)).toEqual(Array.from({ length: 38 }, (_, i) => i + 2));
});

test('a missing object breaks its range, by name', async () => {
  const store = holding(4);
  store.delete(key(2));
  await expect(open(store).range(1, 4, signal)).rejects.toMatchObject({
    type: 'ChainBroken',
    message:
      'view/flights/000000000002.json is missing: 000000000004 is the greatest seen; right would be no gap',
  });
});

test('a missing object is found while the head is looked for', async () => {
  const store = holding(4);
  store.delete(key(2));
  await expect(open(store).head(signal)).rejects.toMatchObject({ type: 'ChainBroken' });
});

test('an object that was altered breaks the one after', async () => {
  const store = holding(4);
  store.put(key(2), store.text(key(2))?.replace('"n":2', '"n":2,"by":"eve"') ?? '');
  await expect(open(store).range(3, 4, signal)).rejects.toMatchObject({
    type: 'ChainBroken',
    message: expect.stringMatching(
      /^view\/flights\/000000000003\.json: prev is .{64}; the object before has/,
    ),
  });
});

test('an object under another number breaks the chain', async () => {
  const store = holding(4);
  store.put(key(4), store.text(key(3)) ?? '');
  await expect(open(store).read(4, signal)).rejects.toMatchObject({
    type: 'ChainBroken',
    message: 'view/flights/000000000004.json: calls itself number 3; right would be 4',
  });
});

test('an object of another format is refused', async () => {
  const store = holding(1);
  store.put(key(1), '{"format":2,"n":1,"prev":null}');
  await expect(open(store).read(1, signal)).rejects.toMatchObject({
    type: 'ChainBroken',
    message: 'view/flights/000000000001.json: format 2; this worker reads 1',
  });
});

test('of two who append the same number one commits, and the other reads what it lost to', async () => {
  const store = holding(1);
  const prev = (await open(store).head(signal))?.sha256 ?? null;
  const appended = await Promise.all(
    ['ann', 'bob'].map((by) => open(store).append({ format: 1, n: 2, prev, by } as Numbered, signal)),
  );
  expect(appended.map(({ kind }) => kind)).toEqual(['committed', 'taken']);
  expect(appended[1]?.link).toEqual(appended[0]?.link);
});

test('what would leave a gap, or names another before it, is not written', async () => {
  const store = holding(1);
  const chain = open(store);
  const stray = { format: 1, n: 2, prev: sha256Hex('another') } as const;
  await expect(chain.append(stray, signal)).rejects.toMatchObject({ type: 'ChainBroken' });
  await expect(chain.append({ ...stray, n: 3 }, signal)).rejects.toMatchObject({ type: 'ChainBroken' });
  expect(store.keys()).toEqual([key(1)]);
});

function open(store: MemoryObjectStore) {
  return createChain<Numbered>({ store, key, prefix: 'view/flights/', numberOf: ({ n }) => n });
}

function holding(length: number, turn?: () => Promise<unknown>): MemoryObjectStore {
  const store = new MemoryObjectStore(turn);
  extend(store, 1, length);
  return store;
}

function extend(store: MemoryObjectStore, from: number, to: number): void {
  let prev = from > 1 ? sha256Hex(store.text(key(from - 1)) ?? '') : null;
  for (let n = from; n <= to; n += 1) {
    const body = encode({ format: 1, n, prev });
    store.put(key(n), body);
    prev = sha256Hex(body);
  }
}
