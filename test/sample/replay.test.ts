import { expect, test } from 'vitest';
import { generatePayments } from '../../sample/payments.ts';
import { replay, type Sendable } from '../../sample/replay.ts';

/** Takes what it does not refuse, in the order it was offered. `refuse` sees how many records were offered before. */
class Stream {
  readonly taken: Sendable[] = [];
  puts = 0;
  private offered = 0;
  private readonly refuse: (offered: number) => boolean;

  constructor(refuse: (offered: number) => boolean) {
    this.refuse = refuse;
  }

  readonly put = (records: readonly Sendable[]): Promise<readonly number[]> => {
    this.puts += 1;
    const refused: number[] = [];
    for (const [index, record] of records.entries()) {
      if (this.refuse(this.offered)) refused.push(index);
      else this.taken.push(record);
      this.offered += 1;
    }
    return Promise.resolve(refused);
  };
}

const record = (partitionKey: string, data: string): Sendable => ({ partitionKey, data });

function byKey(records: readonly Sendable[]): ReadonlyMap<string, readonly string[]> {
  const lists = new Map<string, string[]>();
  for (const { partitionKey, data } of records)
    lists.set(partitionKey, [...(lists.get(partitionKey) ?? []), data]);
  return lists;
}

test('a stream that refuses a third of the records still has each once, every key in its order', async () => {
  const { events } = generatePayments({ seed: 3, lastDay: '2026-03-01', perDay: 300 });
  const stream = new Stream((offered) => (offered * 7919) % 3 === 1);
  const done = await replay({ put: stream.put, events });
  expect(done).toMatchObject({ sent: events.length, total: events.length });
  expect(done.refused).toBeGreaterThan(300);
  expect(stream.taken.length).toBe(events.length);
  expect(byKey(stream.taken)).toEqual(byKey(events));
});

test('a refused record holds back the later ones of its key and no others', async () => {
  const events = [record('a', '1'), record('a', '2'), record('b', '1'), record('a', '3'), record('c', '1')];
  const stream = new Stream((offered) => offered === 0);
  await replay({ put: stream.put, events, batch: 3 });
  expect(stream.taken.map(({ partitionKey, data }) => partitionKey + data)).toEqual([
    'b1',
    'a1',
    'c1',
    'a2',
    'a3',
  ]);
});

test('nothing refused goes out in as few puts as the batch allows', async () => {
  const events = Array.from({ length: 1_001 }, (_, no) => record(`key ${no}`, 'x'));
  const stream = new Stream(() => false);
  const seen: number[] = [];
  await replay({ put: stream.put, events, onProgress: ({ sent }) => seen.push(sent) });
  expect(seen).toEqual([500, 1_000, 1_001]);
  expect(stream.taken).toEqual(events);
});

test('a put that names a record it was not given ends the replay', async () => {
  await expect(replay({ put: () => Promise.resolve([1]), events: [record('a', '1')] })).rejects.toThrow(
    'index 1 of 1',
  );
});

test('an aborted replay puts nothing more', async () => {
  const stop = new AbortController();
  const stream = new Stream(() => false);
  const events = [record('a', '1'), record('b', '1')];
  const running = replay({
    put: stream.put,
    events,
    batch: 1,
    signal: stop.signal,
    onProgress: () => stop.abort(new Error('enough')),
  });
  await expect(running).rejects.toThrow('enough');
  expect(stream.taken).toEqual([record('a', '1')]);
});
