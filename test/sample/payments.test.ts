import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { writeSettlements, writeTruth } from '../../sample/payments-files.ts';
import { generatePayments } from '../../sample/payments.ts';

const SAMPLE = generatePayments({ seed: 7, lastDay: '2026-03-01', perDay: 500 });

interface Told {
  readonly payment_id: string;
  readonly paid_at: string;
  readonly amount: string;
  readonly revision: number;
  readonly status: string;
}

/** The stream's readable events, in their order, by a reading that shares nothing with the generator. */
function readable(
  events = SAMPLE.events,
): readonly (Told & { readonly late: boolean; readonly data: string })[] {
  return events.flatMap(({ data, late }) => {
    try {
      const told: unknown = JSON.parse(data);
      return isTold(told) ? [{ ...told, late, data }] : [];
    } catch {
      return [];
    }
  });
}

function isTold(value: unknown): value is Told {
  return (
    typeof value === 'object' &&
    value !== null &&
    'payment_id' in value &&
    typeof value.payment_id === 'string'
  );
}

function settled(): readonly Told[] {
  return SAMPLE.settlements.flatMap(({ csv }) =>
    csv
      .split('\n')
      .slice(1, -1)
      .map((line) => {
        const [payment_id = '', paid_at = '', amount = '', , status = '', revision = ''] = line.split(',');
        return { payment_id, paid_at, amount, status, revision: Number(revision) };
      }),
  );
}

/** The greatest revision of each payment. */
function winners(told: readonly Told[]): ReadonlyMap<string, Told> {
  const best = new Map<string, Told>();
  for (const one of told) {
    if (one.revision >= (best.get(one.payment_id)?.revision ?? 0)) best.set(one.payment_id, one);
  }
  return best;
}

/** The ids that one has and the other lacks. */
function only(one: ReadonlyMap<string, Told>, other: ReadonlyMap<string, Told>): readonly string[] {
  return [...one.keys()].filter((id) => !other.has(id)).toSorted();
}

function cents(told: Iterable<Told>): bigint {
  return [...told].reduce((sum, { amount }) => sum + BigInt(amount.replace('.', '')), 0n);
}

test('the same seed makes the same sample and another seed another one', () => {
  expect(generatePayments({ seed: 7, lastDay: '2026-03-01', perDay: 500 })).toEqual(SAMPLE);
  expect(generatePayments({ seed: 8, lastDay: '2026-03-01', perDay: 500 }).events).not.toEqual(SAMPLE.events);
  expect(SAMPLE.days).toEqual(['2026-02-27', '2026-02-28', '2026-03-01']);
});

test('the planted payments are as many as asked for and none is planted twice', () => {
  const { duplicates, late, onlyInStream, onlyInBatch, amountDiffers, malformed } = SAMPLE.truth;
  const lists = [duplicates, late, onlyInStream, onlyInBatch, amountDiffers];
  expect([...lists, malformed].map((list) => list.length)).toEqual([25, 20, 7, 9, 6, 3]);
  expect(new Set(lists.flat()).size).toBe(25 + 20 + 7 + 9 + 6);
});

test('the duplicates are the payments of which an event comes twice, byte for byte', () => {
  const times = new Map<string, number>();
  for (const { data } of readable()) times.set(data, (times.get(data) ?? 0) + 1);
  const twice = readable().filter(({ data }) => times.get(data) === 2);
  expect([...new Set(twice.map(({ payment_id }) => payment_id))].toSorted()).toEqual(SAMPLE.truth.duplicates);
  expect(Math.max(...times.values())).toBe(2);
  const revisions = new Set(readable().map(({ payment_id, revision }) => `${payment_id} ${revision}`));
  expect(times.size).toBe(revisions.size);
});

test('the late payments are those whose events all stand after every other event', () => {
  const lateAt = SAMPLE.events.findIndex(({ late }) => late);
  expect(SAMPLE.events.slice(lateAt).every(({ late }) => late)).toBe(true);
  const late = new Set(readable(SAMPLE.events.slice(lateAt)).map(({ payment_id }) => payment_id));
  expect([...late].toSorted()).toEqual(SAMPLE.truth.late);
  expect(readable(SAMPLE.events.slice(0, lateAt)).some(({ payment_id }) => late.has(payment_id))).toBe(false);
});

test('comparing batch with stream finds the planted differences and no others', () => {
  const stream = winners(readable());
  const batch = winners(settled());
  expect(settled().length).toBe(batch.size);
  expect(only(stream, batch)).toEqual(SAMPLE.truth.onlyInStream);
  expect(only(batch, stream)).toEqual(SAMPLE.truth.onlyInBatch);
  const differ = [...batch.values()].filter((row) => {
    const other = stream.get(row.payment_id);
    return other && (other.amount !== row.amount || other.status !== row.status);
  });
  expect(differ.map(({ payment_id }) => payment_id).toSorted()).toEqual(SAMPLE.truth.amountDiffers);
  const moved = [...batch.values()].filter((row) => {
    const other = stream.get(row.payment_id);
    return (
      other && (Date.parse(other.paid_at) !== Date.parse(row.paid_at) || other.revision !== row.revision)
    );
  });
  expect(moved).toEqual([]);
});

test('the malformed records are those that have no key to be read', () => {
  const read = new Set(readable().map(({ data }) => data));
  const rest = SAMPLE.events.map(({ data }) => data).filter((data) => !read.has(data));
  expect(rest.toSorted()).toEqual(SAMPLE.truth.malformed.map(({ data }) => data).toSorted());
});

test('the events of a payment come in the order of its revisions and agree on amount and time', () => {
  const wrong = new Set<string>();
  const before = new Map<string, Told>();
  for (const one of readable()) {
    const { revision, paid_at, amount } = before.get(one.payment_id) ?? { ...one, revision: 0 };
    const isTwice = one.revision === revision && SAMPLE.truth.duplicates.includes(one.payment_id);
    if (one.revision !== revision + 1 && !isTwice) wrong.add(one.payment_id);
    if (one.paid_at !== paid_at || one.amount !== amount) wrong.add(one.payment_id);
    before.set(one.payment_id, one);
  }
  expect([...wrong]).toEqual([]);
});

test('no regular event is sent once one is that was paid more than six minutes later', () => {
  let greatest = 0;
  let oldest = 0;
  for (const { paid_at } of readable().filter(({ late }) => !late)) {
    const paid = Date.parse(paid_at);
    oldest = Math.max(oldest, greatest - paid);
    greatest = Math.max(greatest, paid);
  }
  expect(oldest).toBeLessThan(6 * 60_000);
});

test("every day has its first and its last microsecond, and a settlement has its own day's payments", () => {
  for (const { day, csv } of SAMPLE.settlements) {
    const days = csv.split('\n').slice(1, -1);
    expect(days.every((line) => line.split(',')[1]?.startsWith(day))).toBe(true);
  }
  const paid = SAMPLE.truth.rows.map(({ paid_at }) => paid_at);
  expect(paid[0]).toBe('2026-02-27T00:00:00.000000Z');
  expect(paid.at(-1)).toBe('2026-03-01T23:59:59.999999Z');
});

test('the expected rows and sums are those of a merge done by hand', () => {
  const stream = winners(readable());
  const merged = new Map([...stream, ...winners(settled())]);
  const expected = SAMPLE.truth.rows.map(({ payment_id, amount, status, revision }) => ({
    payment_id,
    amount,
    status,
    revision,
  }));
  const found = [...merged.values()].map(({ payment_id, amount, status, revision }) => ({
    payment_id,
    amount,
    status,
    revision,
  }));
  expect(found.toSorted((a, b) => (a.payment_id < b.payment_id ? -1 : 1))).toEqual(expected);
  const regular = winners(readable().filter(({ late }) => !late));
  for (const { day, settled: whole, live, liveWithLate, batch } of SAMPLE.truth.days) {
    const sums = [merged, regular, stream, winners(settled())].map((rows) => {
      const ofDay = [...rows.values()].filter(({ paid_at }) => paid_at.startsWith(day));
      return { payments: ofDay.length, amount: cents(ofDay) };
    });
    const told = [whole, live, liveWithLate, batch].map(({ payments, amount }) => ({
      payments,
      amount: BigInt(amount.replace('.', '')),
    }));
    expect(told).toEqual(sums);
  }
  expect(SAMPLE.truth.days.map(({ settled: { payments } }) => payments)).toEqual([500, 500, 500]);
});

test('flaws are spread evenly over the days', () => {
  expect(SAMPLE.truth.days.map(({ planted }) => planted)).toEqual([
    { duplicates: 9, late: 7, onlyInStream: 3, onlyInBatch: 3, amountDiffers: 2 },
    { duplicates: 8, late: 7, onlyInStream: 2, onlyInBatch: 3, amountDiffers: 2 },
    { duplicates: 8, late: 6, onlyInStream: 2, onlyInBatch: 3, amountDiffers: 2 },
  ]);
});

test('options that leave no room for what is planted are refused', () => {
  expect(() => generatePayments({ seed: 1, lastDay: '2026-03-01', perDay: 23 })).toThrow('from 24');
  expect(() => generatePayments({ seed: 1, lastDay: '2026-02-30' })).toThrow('lastDay is 2026-02-30');
  expect(() => generatePayments({ seed: 1, lastDay: '2026-03-01', plant: { late: -1 } })).toThrow(
    'late is -1',
  );
  expect(() => generatePayments({ seed: 0.5, lastDay: '2026-03-01' })).toThrow('seed is 0.5');
});

test('settlements are whole gzips of the same bytes each time, and the truth is JSON', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'sample payments '));
  try {
    const files = await writeSettlements({ dir, sample: SAMPLE });
    const first = await readFile(files[0] ?? '');
    expect(gunzipSync(first).toString()).toBe(SAMPLE.settlements[0]?.csv);
    expect([...first.subarray(4, 8), first[9]]).toEqual([0, 0, 0, 0, 255]);
    await writeSettlements({ dir, sample: SAMPLE, days: ['2026-02-27'] });
    expect(await readFile(files[0] ?? '')).toEqual(first);
    expect((await stat(files[0] ?? '')).mtime.toISOString()).toBe('2026-02-28T00:00:00.000Z');
    await writeTruth(join(dir, 'truth.json'), SAMPLE);
    expect(JSON.parse(await readFile(join(dir, 'truth.json'), 'utf8'))).toEqual({
      seed: 7,
      lastDay: '2026-03-01',
      truth: SAMPLE.truth,
    });
    expect((await readdir(dir)).toSorted()).toEqual([
      'settled-2026-02-27.csv.gz',
      'settled-2026-02-28.csv.gz',
      'settled-2026-03-01.csv.gz',
      'truth.json',
    ]);
    await expect(writeSettlements({ dir, sample: SAMPLE, days: ['2026-03-02'] })).rejects.toThrow(
      'no settlement of 2026-03-02',
    );
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
