import { expect, test } from 'vitest';
import type {
  ListedShard,
  Page,
  RecordStream,
  ShardStart,
  StreamRecord,
} from '../../activities/streams/port.ts';

/** A stream of its own for one fact, and what a producer and an operator do to it. */
export interface OpenedRecordStream {
  readonly stream: RecordStream;
  /** Its name in the port. */
  readonly name: string;
  /** Puts records into a shard, in order; resolves their sequence numbers. */
  readonly put: (shard: string, ...data: readonly string[]) => Promise<readonly string[]>;
  /** Resolves once the children are listed. */
  readonly split: (shard: string) => Promise<void>;
  readonly merge: (shard: string, adjacent: string) => Promise<void>;
  readonly remove: () => Promise<void>;
  /** Every second read of a shard brings an empty page from now on. */
  readonly emptyPages: () => void;
  /** The next read of the shard is refused. */
  readonly throttle: (shard: string) => void;
  /** Time passes for the service: iterators age and records are forgotten. */
  readonly pass: (ms: number) => void;
}

const signal = new AbortController().signal;
const HORIZON: ShardStart = { kind: 'horizon' };
const RETENTION_MS = 86_400_000;

/** What every RecordStream does, as far as collecting relies on it. `open`: a stream of `shards` shards. */
export function keepsTheRecordStreamContract(open: (shards: number) => Promise<OpenedRecordStream>): void {
  test('a stream says when it was created, what it keeps and which shards it has', async () => {
    const { stream, name } = await open(2);
    const facts = await stream.describe(name, signal);
    expect(facts?.retentionMs).toBe(RETENTION_MS);
    expect(Number.isInteger(facts?.createdAtS)).toBe(true);
    expect(await stream.shards(name, signal)).toEqual([
      { shard: 'shardId-000000000000', parents: [], isOpen: true },
      { shard: 'shardId-000000000001', parents: [], isOpen: true },
    ]);
  });

  test('a stream that is not there is undefined, and its iterators say so', async () => {
    const { stream, name, remove } = await open(1);
    const [shard] = await shardsOf(stream, name);
    const iterator = await opened(stream, name, shard, HORIZON);
    await remove();
    expect(await stream.describe(name, signal)).toBeUndefined();
    expect(await stream.shards(name, signal)).toBeUndefined();
    expect(await stream.read(iterator, signal)).toEqual({ kind: 'gone' });
    expect(await stream.open(name, shard, HORIZON, signal)).toMatchObject({ kind: 'refused' });
  });

  test('records come in order, byte for byte, and a page that nothing follows says so', async () => {
    const { stream, name, put } = await open(1);
    const [shard] = await shardsOf(stream, name);
    const positions = await put(shard, 'a', 'ключ\n"', 'c');
    const { records, last } = await drain(stream, await opened(stream, name, shard, HORIZON));
    expect(records.map(({ data }) => Buffer.from(data).toString())).toEqual(['a', 'ключ\n"', 'c']);
    expect(records.map(({ sequence }) => sequence)).toEqual(positions);
    expect(last).toMatchObject({ caughtUp: true, next: { iterator: expect.any(String) } });
    for (const { sequence } of records) expect(sequence).toMatch(/^\d+$/);
  });

  test('reading begins at the very record that is asked for', async () => {
    const { stream, name, put } = await open(1);
    const [shard] = await shardsOf(stream, name);
    const [, second = ''] = await put(shard, 'a', 'b', 'c');
    const start = { kind: 'record', sequence: second } as const;
    expect(texts(await drain(stream, await opened(stream, name, shard, start)))).toEqual(['b', 'c']);
  });

  test('reading begins at a time, and a time of long ago is the beginning', async () => {
    const { stream, name, put } = await open(1);
    const [shard] = await shardsOf(stream, name);
    await put(shard, 'a', 'b');
    const old = { kind: 'since', time: '2020-01-01T00:00:00.000Z' } as const;
    expect(texts(await drain(stream, await opened(stream, name, shard, old)))).toEqual(['a', 'b']);
  });

  test('a record that is forgotten is not what reading from it begins with', async () => {
    const { stream, name, put, pass } = await open(1);
    const [shard] = await shardsOf(stream, name);
    const [first = ''] = await put(shard, 'a', 'b');
    pass(RETENTION_MS + 1000);
    const [third] = await put(shard, 'c');
    const answer = await stream.open(name, shard, { kind: 'record', sequence: first }, signal);
    // Either is allowed: a refusal, or a silent start at what is still held.
    const found = answer.kind === 'opened' ? (await drain(stream, answer.iterator)).records : answer.kind;
    const firsts = typeof found === 'string' ? found : found.map(({ sequence }) => sequence);
    expect([['refused'], [third]]).toContainEqual([firsts].flat());
  });

  test('a split shard ends with its last records and its two children', async () => {
    const { stream, name, put, split } = await open(1);
    const [shard] = await shardsOf(stream, name);
    await put(shard, 'a', 'b');
    await split(shard);
    const { records, last } = await drain(stream, await opened(stream, name, shard, HORIZON));
    expect(texts({ records })).toEqual(['a', 'b']);
    expect(last.next).toEqual({
      children: [
        { shard: 'shardId-000000000001', parents: [shard] },
        { shard: 'shardId-000000000002', parents: [shard] },
      ],
    });
    expect(await stream.shards(name, signal)).toEqual<ListedShard[]>([
      { shard, parents: [], isOpen: false },
      { shard: 'shardId-000000000001', parents: [shard], isOpen: true },
      { shard: 'shardId-000000000002', parents: [shard], isOpen: true },
    ]);
  });

  test('merged shards have one child, which names both', async () => {
    const { stream, name, merge } = await open(2);
    const [one, other = ''] = await shardsOf(stream, name);
    await merge(one, other);
    for (const parent of [one, other]) {
      const { last } = await drain(stream, await opened(stream, name, parent, HORIZON));
      expect(last.next).toEqual({ children: [{ shard: 'shardId-000000000002', parents: [one, other] }] });
    }
    const child = (await stream.shards(name, signal))?.[2];
    expect(child).toEqual({ shard: 'shardId-000000000002', parents: [one, other], isOpen: true });
  });

  test('an empty page among others is followed to the records', async () => {
    const { stream, name, put, emptyPages } = await open(1);
    const [shard] = await shardsOf(stream, name);
    await put(shard, 'a');
    emptyPages();
    let iterator = await opened(stream, name, shard, HORIZON);
    const seen: string[] = [];
    for (let n = 0; n < 4; n += 1) {
      const answer = await page(stream, iterator);
      seen.push(...texts(answer));
      if ('iterator' in answer.next) iterator = answer.next.iterator;
    }
    expect(seen).toEqual(['a']);
  });

  test('an iterator that is too old says so', async () => {
    const { stream, name, put, pass } = await open(1);
    const [shard] = await shardsOf(stream, name);
    await put(shard, 'a');
    const iterator = await opened(stream, name, shard, HORIZON);
    pass(301_000);
    expect(await stream.read(iterator, signal)).toEqual({ kind: 'expired' });
  });

  test('a shard that is read too fast is throttled, and the same iterator does later', async () => {
    const { stream, name, put, throttle, pass } = await open(1);
    const [shard] = await shardsOf(stream, name);
    await put(shard, 'a');
    const iterator = await opened(stream, name, shard, HORIZON);
    throttle(shard);
    expect(await stream.read(iterator, signal)).toEqual({ kind: 'throttled' });
    pass(10_000);
    expect(texts(await page(stream, iterator))).toEqual(['a']);
  });

  test('a call cut short rejects with the reason it was cut for', async () => {
    const { stream, name } = await open(1);
    const reason = new Error('the worker shuts down');
    await expect(stream.describe(name, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
}

async function shardsOf(stream: RecordStream, name: string): Promise<[string, ...string[]]> {
  const [first = '', ...more] = ((await stream.shards(name, signal)) ?? []).map(({ shard }) => shard);
  return [first, ...more];
}

async function opened(stream: RecordStream, name: string, shard: string, start: ShardStart): Promise<string> {
  const answer = await stream.open(name, shard, start, signal);
  if (answer.kind !== 'opened') throw new Error(`${shard} was not opened: ${answer.kind}`);
  return answer.iterator;
}

async function page(stream: RecordStream, iterator: string): Promise<Page> {
  const answer = await stream.read(iterator, signal);
  if (answer.kind !== 'page') throw new Error(`no page, but ${answer.kind}`);
  return answer;
}

async function drain(
  stream: RecordStream,
  iterator: string,
): Promise<{ records: StreamRecord[]; last: Page }> {
  const records: StreamRecord[] = [];
  for (let at = iterator; ;) {
    const answer = await page(stream, at);
    records.push(...answer.records);
    if (answer.caughtUp || 'children' in answer.next) return { records, last: answer };
    at = answer.next.iterator;
  }
}

function texts({ records }: { readonly records: readonly StreamRecord[] }): string[] {
  return records.map(({ data }) => Buffer.from(data).toString());
}
